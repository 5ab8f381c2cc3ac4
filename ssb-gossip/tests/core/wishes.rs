//! What the owner wants of connections, and what can be followed of it.

use std::time::Duration;

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Ticket;
use ssb_gossip::explain::Reason;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::scheduler::Dialing;
use ssb_gossip::wish::Habit;
use ssb_gossip::wish::Kind;
use ssb_gossip::wish::Switched;
use ssb_gossip::wish::Wish;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

const TICKET: Ticket = Ticket(9);

fn place(peer: u8) -> Whereabouts {
    Whereabouts::in_parts(address(peer))
}

fn address(peer: u8) -> Address {
    Address::net("h.example", 8008, feed(peer)).expect("it is an address")
}

const fn said(yes: bool) -> Output {
    Output::Said { ticket: TICKET, yes }
}

impl Node {
    fn wish(&mut self, wish: Wish) -> Vec<Output> {
        self.handle(Input::Wish { ticket: TICKET, wish })
    }

    /// Who is dialed within a minute.
    fn dialed(&mut self) -> Vec<Address> {
        let outputs = self.later(Duration::from_secs(60));
        let address = |output| match output {
            Output::Dial { address, .. } => Some(address),
            _ => None,
        };
        outputs.into_iter().filter_map(address).collect()
    }
}

/// Dials others, nobody else, and knows one of them.
fn dialing() -> Node {
    let dialing = Dialing { global: true, ..Dialing::NOBODY };
    let mut node = Node::start(Start { dialing: Some(dialing), ..fresh() });
    node.handle(Input::AddPeer { ticket: TICKET, place: place(1), source: None });
    node
}

#[test]
fn what_is_switched_off_dials_nobody_until_it_is_switched_on() {
    let mut node = dialing();
    let global = Habit::Dial(Kind::Global);
    assert_eq!(node.wish(Wish::Switch(global, Switched::Off)), [said(false)]);
    assert_eq!(node.dialed(), []);

    node.wish(Wish::Switch(global, Switched::On));

    assert_eq!(node.dialed(), [address(1)]);
}

#[test]
fn who_is_switched_on_is_dialed_even_by_who_dialed_nobody() {
    let mut node = Node::start(Start { seeds: vec![address(1)], ..fresh() });
    assert_eq!(node.dialed(), []);

    node.wish(Wish::Switch(Habit::Dial(Kind::Seed), Switched::On));

    assert_eq!(node.dialed(), [address(1)]);
}

#[test]
fn habits_have_javascript_s_words() {
    for (word, habit) in [
        ("seed", Some(Habit::Dial(Kind::Seed))),
        ("local", Some(Habit::Dial(Kind::Local))),
        ("friends", Some(Habit::Dial(Kind::Friend))),
        ("global", Some(Habit::Dial(Kind::Global))),
        ("pub", Some(Habit::Learn)),
        ("autoPopulate", Some(Habit::Learn)),
        ("Global", None),
        ("", None),
    ] {
        assert_eq!(Habit::parse(word), habit, "{word}");
    }
}

#[test]
fn who_stops_parts_with_everybody_and_dials_nobody_until_it_starts() {
    let mut node = dialing();
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(2), side: Side::Accepted });

    assert_eq!(node.wish(Wish::Stop), [Letter::Close.to(ConnectionId(1)), said(false)]);
    node.close(1);
    assert_eq!(node.dialed(), []);
    node.wish(Wish::Start);

    assert_eq!(node.dialed(), [address(1)]);
}

#[test]
fn who_is_not_to_be_dialed_unasked_is_not() {
    let mut node = dialing();
    let keep = |autoconnect| Wish::Remember { place: place(1), source: None, autoconnect };
    assert_eq!(node.wish(keep(Some(false))), [said(false)]);
    assert_eq!(node.dialed(), []);
    node.wish(keep(None));
    assert_eq!(node.dialed(), [], "it stays as it is");

    node.wish(keep(Some(true)));

    assert_eq!(node.dialed(), [address(1)]);
}

#[test]
fn who_is_staged_is_dialed_and_not_dialed_when_it_is_unstaged() {
    let mut node = dialing();
    let stage = || Wish::Stage { place: place(2), source: None };
    assert_eq!(node.wish(stage()).last(), Some(&said(true)));
    assert_eq!(node.wish(stage()).last(), Some(&said(false)));
    assert_eq!(node.wish(Wish::Unstage(address(2))).last(), Some(&said(true)));
    assert_eq!(node.wish(Wish::Unstage(address(2))).last(), Some(&said(false)));
    assert_eq!(node.dialed(), [address(1)]);

    node.wish(stage());

    assert!(node.dialed().contains(&address(2)));
}

#[test]
fn who_is_parted_with_is_told_of_when_it_is_gone_known_or_not() {
    let mut node = Node::new();
    assert_eq!(node.wish(Wish::Part(feed(1))), [said(false)]);
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(1), side: Side::Accepted });

    assert_eq!(node.wish(Wish::Part(feed(1))), [Letter::Close.to(ConnectionId(1))]);

    assert_eq!(node.close(1), [said(true)]);
}

#[test]
fn what_is_withheld_is_neither_served_nor_noted_until_it_is_not() {
    let (one, me) = (ConnectionId(1), feed(ME));
    let contacts = vec![says(ME, Relation::Follow, 1)];
    let mut node = Node::start(Start { contacts, held: vec![(feed(1), 3)], ..fresh() });
    node.handle(Input::Opened { connection: one, peer: feed(100), side: Side::Dialed });
    node.handle(Input::EbtNotes {
        connection: one,
        notes: vec![(me, Note::Has { sequence: 0, send: true })],
    });
    let withhold = |withheld| Wish::Withhold { author: feed(1), peer: feed(100), withheld };

    let outputs = node.wish(withhold(true));
    assert!(outputs.contains(&Letter::EbtNotes(vec![(feed(1), Note::Refused)]).to(one)), "{outputs:?}");
    let outputs = node.wish(withhold(false));

    let has = Note::Has { sequence: 3, send: false };
    assert!(outputs.contains(&Letter::EbtNotes(vec![(feed(1), has)]).to(one)), "{outputs:?}");
}

#[test]
fn whom_the_own_feed_is_withheld_from_is_parted_with_and_not_replicated() {
    let mut node = Node::following(&[1]);
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(1), side: Side::Dialed });

    let outputs = node.wish(Wish::Withhold { author: feed(ME), peer: feed(1), withheld: true });

    assert!(outputs.contains(&Letter::Close.to(ConnectionId(1))), "{outputs:?}");
    assert!(!node.core.wants(&feed(1)));
    assert_eq!(node.core.explain(&feed(1)).reason, Reason::Blocked);
    let guest = Input::Guest { connection: ConnectionId(2), peer: feed(1) };
    assert_eq!(node.handle(guest), [Letter::Refuse.to(ConnectionId(2))]);
}

#[test]
fn what_changes_has_another_revision_and_what_does_not_has_not() {
    let mut node = Node::new();
    let topics = [Topic::Hops, Topic::Graph, Topic::Scope, Topic::Peers];
    let mut before = topics.map(|topic| node.core.revision(topic));
    let mut changed = |node: &Node| {
        let now = topics.map(|topic| node.core.revision(topic));
        let changed: Vec<Topic> = std::iter::zip(topics, std::iter::zip(before, now))
            .filter(|(_, (before, now))| before != now)
            .map(|(topic, _)| topic)
            .collect();
        before = now;
        changed
    };

    node.set(Relation::Follow, 1);
    assert_eq!(changed(&node), [Topic::Hops, Topic::Graph, Topic::Scope]);
    node.set(Relation::Follow, 1);
    assert_eq!(changed(&node), []);
    node.handle(Input::Request { ticket: TICKET, feed: feed(5), wanted: true });
    assert_eq!(changed(&node), [Topic::Scope]);
    node.handle(Input::AddPeer { ticket: TICKET, place: place(1), source: None });
    assert_eq!(changed(&node), [Topic::Peers]);
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(2), side: Side::Accepted });
    assert_eq!(changed(&node), [Topic::Peers]);
}
