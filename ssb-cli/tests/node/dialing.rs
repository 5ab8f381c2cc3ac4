//! Nodes that find each other without a word of their owners.

use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use ssb_keys::Keypair;

use super::home::Home;
use super::home::Node;
use super::home::PATIENCE;

/// What the node's programs would dial.
fn address(home: &Home, node: &Node) -> String {
    let key = home.id();
    let key = key.trim_start_matches('@').trim_end_matches(".ed25519");
    format!("net:127.0.0.1:{}~shs:{key}", node.port)
}

fn follow(home: &Home, node: &Node, other: &Home) {
    home.answer(node, &["publish", "--type", "contact", "--contact", &other.id(), "--following"]);
}

/// Waits until a node has so many messages of a feed.
fn wait_for(home: &Home, node: &Node, feed: &str, count: usize) {
    let begun = Instant::now();
    loop {
        let messages = home.answer(node, &["createHistoryStream", "--id", feed, "--no-keys"]);
        if messages.matches("\"signature\"").count() >= count {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{messages}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_seed_is_dialed_and_feeds_travel_both_ways() {
    let [alice, bob] = [Home::new(), Home::new()];
    let bobs = bob.start();
    let alices = alice.start_with(&["--seeds", &address(&bob, &bobs)]);

    follow(&alice, &alices, &bob);
    follow(&bob, &bobs, &alice);

    wait_for(&alice, &alices, &bob.id(), 1);
    wait_for(&bob, &bobs, &alice.id(), 1);
    let bob = bob.id();
    assert_eq!(
        alice.answer(&alices, &["why", &bob]),
        format!(
            "{bob}\n  here: 1 message\n  replicated: you follow it\n  {bob} has 1 message\n  no connected peer has more\n"
        )
    );
}

#[test]
fn who_is_announced_is_dialed_and_still_known_after_a_restart() {
    let [alice, bob] = [Home::new(), Home::new()];
    let bobs = bob.start();
    let alices = alice.start();
    follow(&alice, &alices, &bob);
    follow(&bob, &bobs, &alice);
    alice.answer(&alices, &["publish", "--type", "pub", "--address", &address(&bob, &bobs)]);

    wait_for(&alice, &alices, &bob.id(), 1);
    wait_for(&bob, &bobs, &alice.id(), 2);

    alices.stop();
    let peers = fs::read_to_string(alice.file("peers.json")).unwrap();
    assert!(peers.contains(&bob.id()) && peers.contains("\"source\":\"pub\""), "{peers}");
    let again = alice.start_with(&["--gossip.pub", "false"]);
    bob.answer(&bobs, &["publish", "--type", "post", "--text", "meanwhile"]);
    wait_for(&alice, &again, &bob.id(), 2);
}

#[test]
fn a_damaged_table_of_peers_is_kept_aside_and_the_peers_stay_known() {
    let home = Home::new();
    let peer = |n: u8| {
        let id = Keypair::from_seed(&[n; 32]).id().to_string();
        let key = id.trim_start_matches('@').trim_end_matches(".ed25519");
        format!("net:127.0.0.1:9~shs:{key}")
    };
    // Every start that learns something keeps the table, and the one before it.
    for n in [1, 2] {
        let node = home.start_with(&["--offline"]);
        home.answer(&node, &["gossip.add", &peer(n)]);
        node.stop();
    }
    let whole = fs::read_to_string(home.file("peers.json")).unwrap();
    let torn = whole.get(..whole.len() / 2).unwrap();
    fs::write(home.file("peers.json"), torn).unwrap();

    let node = home.start_with(&["--offline"]);

    let known = home.answer(&node, &["gossip.peers"]);
    assert!(known.contains(&peer(1)), "{known}");
    assert_eq!(fs::read_to_string(home.file("peers.json.damaged")).unwrap(), torn);
    let said = node.stop_and_tell();
    assert!(said.contains("peers.json is damaged"), "{said}");
}

#[test]
fn nobody_is_dialed_by_a_node_that_is_offline() {
    let [alice, bob] = [Home::new(), Home::new()];
    let bobs = bob.start();
    let alices = alice.start_with(&["--offline", "--seeds", &address(&bob, &bobs)]);

    thread::sleep(Duration::from_secs(2));

    let status = alice.answer(&alices, &["status"]);
    assert!(status.contains("\"connections\": 0"), "{status}");
}
