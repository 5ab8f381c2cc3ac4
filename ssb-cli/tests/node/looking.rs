//! What a person sees of peers and of replication.

use std::net::Ipv4Addr;
use std::net::TcpListener;

use super::home::Home;
use super::home::Node;
use super::home::text;

fn address(home: &Home, node: &Node) -> String {
    let id = home.id();
    format!("net:127.0.0.1:{}~shs:{}", node.port, id.trim_start_matches('@').trim_end_matches(".ed25519"))
}

fn follow(home: &Home, node: &Node, other: &Home) {
    home.answer(node, &["friends.follow", &other.id()]);
}

#[test]
fn sync_waits_until_all_is_here_and_heads_and_peers_tell_of_it() {
    let [alice, bob] = [Home::new(), Home::new()];
    let bobs = bob.start();
    for n in 0..40 {
        bob.answer(&bobs, &["publish", "--type", "post", "--text", &format!("no {n}")]);
    }
    let alices = alice.start_with(&["--seeds", &address(&bob, &bobs)]);
    follow(&alice, &alices, &bob);

    let synced = alice.call(&alices, &["sync", "--until-idle", "--within", "20"]);

    assert_eq!(synced.status.code(), Some(0), "{}", text(&synced.stderr));
    let told = text(&synced.stdout);
    assert!(told.starts_with("all is here: 2 feeds; "), "{told}");
    let bob_id = bob.id();
    assert_eq!(
        alice.answer(&alices, &["heads", &bob_id]),
        format!("{bob_id}\n{:53}  40\n{bob_id:53}  40\n", "here")
    );
    let heads = alice.answer(&alices, &["heads", "--json", &bob_id]);
    assert!(heads.contains("\"seq\": 40"), "{heads}");
    let peers = alice.answer(&alices, &["peers"]);
    let row = format!("{bob_id}  seed  connected, we dialed  ");
    assert!(peers.lines().any(|line| line.starts_with(&row)), "{peers}");
    let peers = bob.answer(&bobs, &["peers"]);
    assert!(peers.contains("  stranger  connected, they dialed  "), "{peers}");
    let progress = alice.answer(&alices, &["progress"]);
    assert!(progress.contains("\"current\": 41,\n    \"target\": 41\n"), "{progress}");
}

#[test]
fn who_has_no_peer_is_told_why() {
    let [alice, bob] = [Home::new(), Home::with_secret()];
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let id = bob.id();
    let seed =
        format!("net:127.0.0.1:{closed}~shs:{}", id.trim_start_matches('@').trim_end_matches(".ed25519"));
    let alices = alice.start_with(&["--seeds", &seed]);
    follow(&alice, &alices, &bob);

    let late = alice.call(&alices, &["sync", "--until-idle", "--within", "1"]);
    assert_eq!(late.status.code(), Some(75));
    let said = text(&late.stderr);
    let over = "Error: the time is over: 2 of 2 feeds, 0 of 0 messages, 0 B, no peer is connected\n";
    assert!(said.contains(over), "{said}");
    let alone = alice.call(&alices, &["sync", "--until-idle"]);
    assert_eq!(alone.status.code(), Some(69));
    let said = text(&alone.stderr);
    assert!(said.contains("Error: no peer is connected\nnet:127.0.0.1:"), "{said}");
    assert!(said.contains("connect ECONNREFUSED"), "{said}");

    let why = alice.answer(&alices, &["why", &id]);
    let peers = alice.answer(&alices, &["peers"]);
    assert!(why.contains("  no peer is connected: ") && why.contains("connect ECONNREFUSED"), "{why}");
    assert!(peers.contains("  seed  ") && peers.contains("connect ECONNREFUSED"), "{peers}");
}

#[test]
fn who_says_what_means_nothing_is_told_so() {
    let alice = Home::new();
    let node = alice.start();

    for (words, what) in [
        (&["heads", "x"][..], "Error: x is no id of a feed"),
        (&["sync", "--within", "soon"], "Error: --within has to be a number of seconds"),
    ] {
        let output = alice.call(&node, words);
        assert_eq!(output.status.code(), Some(64), "{words:?}");
        assert!(text(&output.stderr).starts_with(what), "{words:?}: {}", text(&output.stderr));
    }
}

#[test]
fn peers_come_and_go_by_the_owner_s_word() {
    let [alice, bob] = [Home::new(), Home::new()];
    let (alices, bobs) = (alice.start(), bob.start());
    let address = address(&bob, &bobs);
    assert_eq!(
        alice.answer(&alices, &["peers"]),
        "no peer is known: ssb-cli gossip.add ADDRESS, or gossip.connect ADDRESS\n"
    );

    alice.answer(&alices, &["conn.remember", &address, "--no-autoconnect"]);
    assert!(alice.answer(&alices, &["conn.dbPeers"]).contains("\"autoconnect\": false"));
    assert!(alice.answer(&alices, &["conn.connect", &address]).contains("\"address\": \"net:"));
    assert!(bob.answer(&bobs, &["status"]).contains("\"connections\": 1"));
    assert_eq!(alice.answer(&alices, &["conn.disconnect", &address]), "true\n");
    assert_eq!(alice.answer(&alices, &["conn.disconnect", &address]), "false\n");
    assert_eq!(alice.answer(&alices, &["gossip.disable", "global"]), "\"disabled gossip type global\"\n");
    alices.stop();

    let again = alice.start();
    assert!(alice.answer(&again, &["conn.dbPeers"]).contains("\"autoconnect\": false"));
    alice.answer(&again, &["conn.forget", &address]);
    assert_eq!(alice.answer(&again, &["conn.dbPeers"]), "[]\n");
}
