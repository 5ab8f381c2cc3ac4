//! Who is heard in the local network, and what of that anybody can make the node do.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;
use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::KEEP_AFTER;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Output;
use ssb_gossip::event::Ticket;
use ssb_gossip::lan::Lan;
use ssb_gossip::lan::beacon;
use ssb_gossip::lan::beacon::Beacon;
use ssb_gossip::lan::beacon::Dialect;
use ssb_gossip::lan::neighbours::BEACON_PERIOD;
use ssb_gossip::lan::neighbours::LOOK_AGAIN_AFTER;
use ssb_gossip::lan::neighbours::NEIGHBOURS_MAX;
use ssb_gossip::lan::neighbours::PER_HOST_MAX;
use ssb_gossip::lan::neighbours::PLACES_MAX;
use ssb_gossip::lan::neighbours::SILENCE_MAX;
use ssb_gossip::lan::neighbours::STRANGERS_MAX;
use ssb_gossip::peers::ChangeKind;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::scheduler::Dialing;
use ssb_gossip::scheduler::FIRST_WITHIN;
use ssb_gossip::scheduler::QUOTAS;
use ssb_gossip::wish::Habit;
use ssb_gossip::wish::Kind;
use ssb_gossip::wish::Switched;
use ssb_gossip::wish::Wish;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;
use super::says;

const ALL: Dialing = Dialing { seeds: true, local: true, friends: true, global: true, pubs: true, chance: 7 };

/// A moment, and what is due in it.
const SOON: Duration = FIRST_WITHIN;

fn near(start: Start) -> Node {
    Node::start(Start { lan: Lan::On, dialing: Some(ALL), ..start })
}

fn host(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, n)
}

/// What somebody at some host says of a peer: that it is wherever this comes from.
fn hearsay(peer: FeedId) -> Beacon {
    let packet = beacon::classic(&Address::net("203.0.113.9", 8008, peer).expect("it is an address"));
    Beacon::read(&packet, Dialect::Classic, &NetworkKey::MAIN).expect("it is one")
}

/// What a node says of itself, with its signature.
fn signed(node: &Keypair, host: Ipv4Addr) -> Beacon {
    let address = Address::net(&host.to_string(), 8008, node.id()).expect("it is an address");
    let packet = beacon::keyed(&address, node, &NetworkKey::MAIN);
    Beacon::read(&packet, Dialect::Keyed, &NetworkKey::MAIN).expect("it is one")
}

impl Node {
    fn told(&mut self, source: Ipv4Addr, beacon: &Beacon) -> Vec<Output> {
        self.handle(Input::Beacon { source, beacon: beacon.clone() })
    }

    fn miss(&mut self, peer: FeedId) -> Vec<Output> {
        self.handle(Input::DialFailed { peer, error: "no".to_owned() })
    }

    /// So much later, when every dial on the way has failed.
    fn later_failing(&mut self, later: Duration) -> Vec<Output> {
        let (end, mut all) = (self.now.after(later), Vec::new());
        while self.now < end {
            let outputs = self.later(end.since(self.now).min(Duration::from_millis(100)));
            for (peer, _) in dialed(&outputs) {
                all.extend(self.miss(peer));
            }
            all.extend(outputs);
        }
        all
    }

    /// Who is in the table because of the local network.
    fn local(&self) -> usize {
        let local = |known: &&ssb_gossip::peers::Known| known.source.as_deref() == Some("local");
        self.core.peers().all().iter().filter(local).count()
    }
}

/// Whom, and on which host.
fn dialed(outputs: &[Output]) -> Vec<(FeedId, String)> {
    let dial = |output: &Output| match output {
        Output::Dial { ticket: None, address } => Some((address.key(), address.host().to_owned())),
        _ => None,
    };
    outputs.iter().filter_map(dial).collect()
}

fn changes(outputs: &[Output]) -> Vec<ChangeKind> {
    let kind = |output: &Output| match output {
        Output::Changed(change) => Some(change.kind),
        _ => None,
    };
    outputs.iter().filter_map(kind).collect()
}

fn beacons(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| **output == Output::Beacon).count()
}

#[test]
fn a_node_says_where_it_is_every_two_seconds_from_the_start() {
    let mut node = near(fresh());

    assert_eq!(beacons(&node.handle(Input::Tick)), 1);
    assert_eq!(beacons(&node.later(BEACON_PERIOD * 5)), 5);
}

#[test]
fn a_node_that_finds_nobody_is_silent_and_deaf() {
    let mut node = Node::start(Start { dialing: Some(ALL), ..fresh() });

    assert_eq!(node.told(host(1), &hearsay(feed(1))), []);
    assert_eq!(node.later(Duration::from_secs(60)), []);
}

#[test]
fn a_node_that_is_told_so_is_silent_and_deaf_until_it_is_told_otherwise() {
    let mut node = near(fresh());
    let local = |switched| Wish::Switch(Habit::Dial(Kind::Local), switched);
    for (off, on) in [(local(Switched::Off), local(Switched::On)), (Wish::Stop, Wish::Start)] {
        node.handle(Input::Wish { ticket: Ticket(1), wish: off });
        assert_eq!(node.told(host(1), &hearsay(feed(1))), []);
        assert_eq!(beacons(&node.later(BEACON_PERIOD * 2)), 0);

        node.handle(Input::Wish { ticket: Ticket(1), wish: on });
        assert_eq!(beacons(&node.later(BEACON_PERIOD * 2)), 2);
    }
}

#[test]
fn whom_the_owner_keeps_is_not_forgotten_when_it_is_silent() {
    let mut node = near(fresh());
    node.told(host(1), &hearsay(feed(1)));
    let place = Whereabouts::in_parts(Address::net("h.example", 8008, feed(1)).unwrap());
    let wish = Wish::Remember { place, source: None, autoconnect: None };
    node.handle(Input::Wish { ticket: Ticket(1), wish });

    node.later_failing(SILENCE_MAX * 2);

    assert_eq!(node.core.peers().get(&feed(1)).unwrap().place.address().host(), "h.example");
}

#[test]
fn who_is_heard_is_known_and_dialed_where_the_packet_came_from() {
    let mut node = near(fresh());

    let heard = node.told(host(1), &hearsay(feed(1)));

    assert_eq!(changes(&heard), [ChangeKind::Discover]);
    assert_eq!(node.core.peers().get(&feed(1)).unwrap().source.as_deref(), Some("local"));
    assert_eq!(dialed(&node.later(SOON)), [(feed(1), "192.168.1.1".to_owned())]);
}

#[test]
fn ourselves_and_whom_we_block_are_not_heard() {
    let mut node = near(Start { contacts: vec![says(ME, Relation::Block, 1)], ..fresh() });

    for peer in [ME, 1] {
        assert_eq!(node.told(host(1), &hearsay(feed(peer))), []);
    }
    assert_eq!(dialed(&node.later(SOON)), []);
}

#[test]
fn who_is_silent_is_forgotten_unless_connected() {
    let mut node = near(fresh());
    for peer in [1, 2] {
        node.told(host(peer), &hearsay(feed(peer)));
    }
    node.later(SOON);
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(1), side: Side::Dialed });
    node.miss(feed(2));
    node.told(host(1), &hearsay(feed(1)));
    node.told(host(2), &hearsay(feed(2)));

    node.later_failing(SILENCE_MAX - Duration::from_millis(1));
    assert_eq!(node.local(), 2);
    let gone = node.later_failing(Duration::from_secs(20));

    assert!(changes(&gone).contains(&ChangeKind::Remove));
    assert!(node.core.peers().get(&feed(1)).is_some(), "there is a connection");
    assert!(node.core.peers().get(&feed(2)).is_none());
    node.close(1);
    node.later_failing(SILENCE_MAX * 2);
    assert_eq!(node.local(), 0);
}

#[test]
fn who_comes_and_goes_is_not_worth_to_be_kept() {
    let mut node = near(fresh());
    node.told(host(1), &hearsay(feed(1)));

    let all = node.later_failing(SILENCE_MAX + KEEP_AFTER * 2);

    assert_eq!(changes(&all).last(), Some(&ChangeKind::Remove));
    assert!(!all.contains(&Output::SavePeers));
}

#[test]
fn a_peer_is_tried_where_it_signed_that_it_is_before_anywhere_else() {
    let mut node = near(fresh());
    let bob = Keypair::from_seed(&[1; 32]);
    node.told(host(66), &hearsay(bob.id()));
    node.told(host(66), &signed(&bob, host(1)));
    node.told(host(1), &signed(&bob, host(1)));

    assert_eq!(dialed(&node.later(SOON)), [(bob.id(), host(1).to_string())]);
    let known = node.core.peers().get(&bob.id()).unwrap();
    assert_eq!(known.place.address().host(), host(1).to_string(), "the table says where it is dialed");
}

#[test]
fn a_peer_is_tried_in_every_place_before_it_rests() {
    let mut node = near(fresh());
    for n in 1..=3 {
        node.told(host(n), &hearsay(feed(1)));
    }

    let mut tried = BTreeSet::new();
    for _ in 1..=3 {
        tried.extend(dialed(&node.later(SOON)));
        node.miss(feed(1));
    }

    assert_eq!(tried, (1..=3).map(|n| (feed(1), host(n).to_string())).collect());
    assert_eq!(dialed(&node.later(SOON)), [], "now it rests");
}

#[test]
fn a_peer_may_be_in_so_many_places_and_a_better_one_takes_the_room_of_the_worst() {
    let mut node = near(fresh());
    let bob = Keypair::from_seed(&[1; 32]);
    for n in 0..=u8::try_from(PLACES_MAX).unwrap() {
        node.told(host(n), &hearsay(bob.id()));
    }
    node.told(host(200), &signed(&bob, host(200)));

    let mut tried = Vec::new();
    for _ in 0..=PLACES_MAX {
        tried.extend(dialed(&node.later(SOON)).into_iter().map(|(_, host)| host));
        node.miss(bob.id());
    }
    tried.truncate(PLACES_MAX);

    assert_eq!(tried[0], host(200).to_string());
    assert!(!tried.contains(&host(u8::try_from(PLACES_MAX).unwrap()).to_string()), "{tried:?}");
}

#[test]
fn what_is_known_from_elsewhere_no_packet_changes() {
    let home = Address::net("h.example", 8008, feed(1)).unwrap();
    let mut node = near(Start { seeds: vec![home], ..fresh() });
    node.later(SOON);
    node.miss(feed(1));
    let rests = node.now;
    let before = node.core.peers().get(&feed(1)).unwrap().clone();

    // It is dialed where it is said to be, once, however much it rests.
    let heard = node.told(host(66), &hearsay(feed(1)));
    assert_eq!(changes(&heard), []);
    assert_eq!(dialed(&node.later(SOON)), [(feed(1), host(66).to_string())]);
    node.miss(feed(1));
    let after = node.core.peers().get(&feed(1)).unwrap();
    assert_eq!((&after.place, &after.source), (&before.place, &before.source));
    assert_eq!((after.failure, &after.error, after.state), (before.failure, &before.error, None));

    // It is dialed at home when it has rested, and is still known when nobody speaks of it any more.
    let mut all = Vec::new();
    while node.now.since(rests) < Duration::from_secs(20) {
        node.told(host(66), &hearsay(feed(1)));
        all.extend(dialed(&node.later(Duration::from_secs(1))));
    }
    assert_eq!(all, [(feed(1), "h.example".to_owned())]);
    node.miss(feed(1));
    let silence = node.later(SILENCE_MAX * 2);
    assert!(!changes(&silence).contains(&ChangeKind::Remove));
}

#[test]
fn a_place_where_a_dial_failed_is_tried_again_after_a_while() {
    let home = Address::net("h.example", 8008, feed(1)).unwrap();
    let mut node = near(Start { seeds: vec![home], ..fresh() });
    node.told(host(1), &hearsay(feed(1)));
    assert_eq!(dialed(&node.later(SOON)), [(feed(1), host(1).to_string())]);
    node.miss(feed(1));

    let (mut all, from) = (Vec::new(), node.now);
    while node.now.since(from) < LOOK_AGAIN_AFTER + Duration::from_secs(2) {
        node.told(host(1), &hearsay(feed(1)));
        let dials = dialed(&node.later(Duration::from_secs(1)));
        if !dials.is_empty() {
            node.miss(feed(1));
        }
        all.extend(dials.into_iter().map(|(_, host)| host));
    }

    assert_eq!(all.iter().filter(|dialed| **dialed == host(1).to_string()).count(), 1, "{all:?}");
}

/// Hosts enough to say something of so many peers.
fn of_many(count: usize) -> impl Iterator<Item = (Ipv4Addr, FeedId)> {
    (0..count).map(|n| {
        (Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n / PER_HOST_MAX).expect("few")), numbered(n))
    })
}

#[test]
fn so_many_strangers_are_known_and_wanted_peers_beside_them() {
    let wanted = says(ME, Relation::Follow, 1);
    let mut node = near(Start { contacts: vec![wanted], ..fresh() });
    for (source, peer) in of_many(STRANGERS_MAX + 1) {
        node.told(source, &hearsay(peer));
    }
    assert_eq!(node.local(), STRANGERS_MAX);

    node.told(host(1), &hearsay(feed(1)));

    assert_eq!(node.local(), STRANGERS_MAX + 1);
    let all = dialed(&node.later(SOON * 2));
    assert!(all.contains(&(feed(1), host(1).to_string())));
    assert_eq!(all.len(), QUOTAS[1] + 1, "strangers have a quota of their own");
}

#[test]
fn a_stranger_who_signs_takes_the_room_of_one_of_hearsay() {
    let mut node = near(fresh());
    for (source, peer) in of_many(STRANGERS_MAX) {
        node.told(source, &hearsay(peer));
    }

    let bob = Keypair::from_seed(&[1; 32]);
    let heard = node.told(host(1), &signed(&bob, host(1)));

    assert_eq!(changes(&heard), [ChangeKind::Remove, ChangeKind::Discover]);
    assert_eq!(node.local(), STRANGERS_MAX);
}

#[test]
fn so_many_nodes_are_known_of_one_host() {
    let mut node = near(fresh());
    for n in 0..=PER_HOST_MAX {
        node.told(host(66), &hearsay(numbered(n)));
    }

    assert_eq!(node.local(), PER_HOST_MAX);
}

#[test]
fn so_many_nodes_are_known_even_if_all_are_wanted() {
    let mut node = near(fresh());
    for n in 0..=NEIGHBOURS_MAX {
        node.handle(Input::Request { ticket: Ticket(1), feed: numbered(n), wanted: true });
    }

    for (source, peer) in of_many(NEIGHBOURS_MAX + 1) {
        node.told(source, &hearsay(peer));
    }

    assert_eq!(node.local(), NEIGHBOURS_MAX);
}

/// What may happen in a local network. Numbers choose hosts and peers; those below 3 are known from elsewhere.
#[derive(Clone, Debug)]
enum Step {
    Hear { host: u8, peer: u8, is_signed: bool },
    Fail(u8),
    Open { peer: u8, side: Side },
    Close(u64),
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Dialed), Just(Side::Accepted)];
    prop_oneof![
        6 => (0..20_u8, 0..60_u8, any::<bool>())
            .prop_map(|(host, peer, is_signed)| Step::Hear { host, peer, is_signed }),
        3 => (0..60_u8).prop_map(Step::Fail),
        1 => (0..60_u8, side).prop_map(|(peer, side)| Step::Open { peer, side }),
        1 => (0..20_u64).prop_map(Step::Close),
        2 => (0..5000_u64).prop_map(Step::Later),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_said_only_who_spoke_is_dialed_and_limits_hold(
        steps in proptest::collection::vec(step(), 0..120)
    ) {
        let keys: Vec<Keypair> = (0..60).map(|n| Keypair::from_seed(&[n; 32])).collect();
        let seeds: Vec<Address> =
            keys[..3].iter().map(|key| Address::net("h.example", 1, key.id()).unwrap()).collect();
        let mut node = near(Start { seeds: seeds.clone(), ..fresh() });
        let (mut spoke, mut connections, mut opened) = (BTreeSet::new(), BTreeSet::new(), 0);
        for step in steps {
            let outputs = match step {
                Step::Hear { host: n, peer, is_signed } => {
                    let key = &keys[usize::from(peer)];
                    spoke.insert((key.id(), host(n).to_string()));
                    let beacon = if is_signed { signed(key, host(n)) } else { hearsay(key.id()) };
                    node.told(host(n), &beacon)
                }
                Step::Fail(peer) => node.miss(keys[usize::from(peer)].id()),
                Step::Open { peer, side } => {
                    opened += 1;
                    connections.insert(opened);
                    let peer = keys[usize::from(peer)].id();
                    node.handle(Input::Opened { connection: ConnectionId(opened), peer, side })
                }
                Step::Close(connection) if connections.remove(&connection) => node.close(connection),
                Step::Close(_) => Vec::new(),
                Step::Later(millis) => node.later(Duration::from_millis(millis)),
            };

            for (peer, host) in dialed(&outputs) {
                let is_home = host == "h.example" && seeds.iter().any(|seed| seed.key() == peer);
                prop_assert!(is_home || spoke.contains(&(peer, host)));
            }
            prop_assert!(node.local() <= STRANGERS_MAX + connections.len());
            for seed in &seeds {
                let known = node.core.peers().get(&seed.key());
                prop_assert_eq!(known.map(|known| known.place.address()), Some(seed));
            }
        }

        for connection in connections {
            node.close(connection);
        }
        for key in &keys {
            node.miss(key.id());
        }
        node.later_failing(SILENCE_MAX * 3);
        prop_assert_eq!(node.local(), 0, "who is silent is forgotten");
    }
}
