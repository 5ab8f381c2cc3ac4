//! Peers that say more than anybody can mean: what they say leaves nothing behind, and holds nobody up.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::ebt::DOUBTS_MAX;
use ssb_gossip::ebt::FEED_STALL_AFTER;
use ssb_gossip::ebt::FETCHES_MAX;
use ssb_gossip::ebt::SETTLE_AFTER;
use ssb_gossip::ebt::STALL_AFTER;
use ssb_gossip::ebt::WISHED_MAX;
use ssb_gossip::ebt::note::NOTES_MAX;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::note::SEQUENCE_MAX;
use ssb_gossip::event::Draft;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_keys::FeedId;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;

use super::LEN;
use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;

/// A feed that is wanted.
const AUTHOR: u8 = 5;

/// How many notes are too many.
const MILLION: usize = 1_000_000;

const fn has(sequence: u64, send: bool) -> Note {
    Note::Has { sequence, send }
}

impl Node {
    /// A peer says how far it has feeds.
    fn clock(&mut self, connection: u64, notes: Vec<(FeedId, Note)>) -> Vec<Output> {
        self.handle(Input::EbtNotes { connection: ConnectionId(connection), notes })
    }

    /// The same of a peer that we just dialed.
    fn greets(&mut self, connection: u64, notes: Vec<(FeedId, Note)>) -> Vec<Output> {
        let peer = feed(100 + u8::try_from(connection).expect("few connections"));
        self.handle(Input::Opened { connection: ConnectionId(connection), peer, side: Side::Dialed });
        self.clock(connection, notes)
    }

    /// A peer sends a message of a feed. Returns whether it was handed on.
    fn takes(&mut self, connection: u64, author: FeedId) -> bool {
        let messages = vec![(author, vec![b' '; LEN])];
        let outputs = self.handle(Input::EbtMessages { connection: ConnectionId(connection), messages });
        outputs.iter().any(|output| matches!(output, Output::Ingest(_)))
    }

    /// How much the core knows: all of it, written down without numbers.
    fn knowledge(&self) -> usize {
        format!("{:?}", self.core).bytes().filter(|byte| !byte.is_ascii_digit()).count()
    }
}

/// What is noted on a connection.
fn noted(outputs: &[Output], to: u64) -> Vec<(FeedId, Note)> {
    let notes = |output: &Output| match output {
        Output::Tell { connection, letter: Letter::EbtNotes(notes) } if connection.0 == to => notes.clone(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(notes).collect()
}

#[test]
fn a_million_notes_of_feeds_that_nobody_wants_are_refused_and_forgotten() {
    let mut node = Node::following(&[AUTHOR]);
    node.greets(1, vec![(feed(ME), has(0, false)), (feed(AUTHOR), has(0, false))]);
    node.later(SETTLE_AFTER);
    // Some that it wishes for are remembered.
    node.clock(1, (MILLION..MILLION + WISHED_MAX).map(|n| (numbered(n), has(7, true))).collect());
    let before = node.knowledge();

    let mut refused = 0;
    for from in (0..MILLION).step_by(NOTES_MAX) {
        let all = from..MILLION.min(from + NOTES_MAX);
        let notes = all.map(|n| (numbered(n), has(7, n % 2 == 0))).collect();
        for output in node.clock(1, notes) {
            let Output::Tell { letter: Letter::EbtNotes(notes), .. } = output else { panic!("{output:?}") };
            assert!(notes.iter().all(|(_, note)| *note == Note::Refused));
            refused += notes.len();
        }
    }

    assert_eq!(refused, MILLION);
    assert_eq!(node.knowledge(), before);
    assert_eq!(noted(&node.clock(1, vec![(feed(AUTHOR), has(1, false))]), 1), []);
    assert!(node.takes(1, feed(AUTHOR)), "what is wanted comes as ever");
}

#[test]
fn notes_that_alternate_leave_nothing_behind_and_the_feed_comes_from_another_peer() {
    let turns = [
        has(9, false),
        Note::Refused,
        has(0, true),
        has(SEQUENCE_MAX, true),
        has(0, false),
        has(SEQUENCE_MAX, false),
        has(3, true),
    ];
    let mut node = Node::following(&[AUTHOR]);
    node.greets(1, vec![(feed(ME), has(0, false))]);
    node.later(SETTLE_AFTER);

    let mut knowledge = None;
    for round in 0..1_000 {
        for turn in turns {
            let outputs = node.clock(1, vec![(feed(AUTHOR), turn)]);
            assert!(outputs.len() <= 2, "a note and what is sent: {outputs:?}");
        }
        let now = node.knowledge();
        assert_eq!(*knowledge.get_or_insert(now), now, "round {round}");
    }
    let all = turns.iter().cycle().take(NOTES_MAX).map(|turn| (feed(AUTHOR), *turn)).collect();
    let outputs = node.clock(1, all);
    assert!(outputs.len() <= 2, "{outputs:?}");

    let mut outputs = node.greets(2, vec![(feed(AUTHOR), has(9, false))]);
    outputs.extend(node.later(STALL_AFTER));
    assert_eq!(noted(&outputs, 2).last(), Some(&(feed(AUTHOR), has(0, true))));
    assert!(node.takes(2, feed(AUTHOR)));
}

#[test]
fn who_claims_more_of_the_own_feed_than_there_can_be_is_soon_left_in_peace_and_the_owner_publishes() {
    for claim in [1 << 31, u64::from(u32::MAX), SEQUENCE_MAX] {
        let mut node = Node::new();
        node.greets(1, vec![(feed(ME), has(claim, true))]);

        let asked = node.later(Duration::from_secs(3600));
        assert!(noted(&asked, 1).len() < 50, "{} notes", noted(&asked, 1).len());

        let (ticket, draft) = (Ticket(1), Draft::from("{}".to_owned()));
        let publish = node.handle(Input::Publish { ticket, draft: draft.clone() });
        assert_eq!(publish, [Output::Publish { ticket, draft }]);
    }
}

#[test]
fn messages_of_an_author_whom_the_owner_blocks_are_dropped() {
    let mut node = Node::following(&[AUTHOR, 6]);
    node.greets(1, vec![(feed(AUTHOR), has(9, false)), (feed(6), has(9, false))]);
    node.open(2, 2, Side::Dialed);
    assert!(node.takes(1, feed(AUTHOR)));
    assert_eq!(node.items(2, 1, 1, LEN).len(), 1);

    node.set(Relation::Block, AUTHOR);

    assert!(!node.takes(1, feed(AUTHOR)), "what was under way");
    assert_eq!(node.items(2, 1, 1, LEN), [], "the old way, too");
    node.clock(1, vec![(feed(AUTHOR), has(9, false))]);
    assert!(!node.takes(1, feed(AUTHOR)), "and whatever is said of it");
    assert!(node.takes(1, feed(6)));
}

/// Follows so many feeds, of which peer 1 says that it has more than there is, and peer 2 has the only message.
struct Lied {
    node: Node,
    missing: usize,
    outputs: Vec<Output>,
    /// How many messages peer 1 has sent of the feed that it has.
    sent: u32,
}

impl Lied {
    fn to(count: usize) -> Self {
        let all = |sequence| (0..count).map(|n| (numbered(n), has(sequence, false))).collect::<Vec<_>>();
        let follow = |contact| (feed(ME), Contact { contact, relation: Relation::Follow });
        let contacts = (0..count).map(numbered).chain([feed(AUTHOR)]).map(follow).collect();
        let mut node = Node::start(Start { contacts, ..fresh() });
        let claims = [all(SEQUENCE_MAX), vec![(feed(AUTHOR), has(SEQUENCE_MAX, false))]].concat();
        let mut outputs = node.greets(1, claims);
        outputs.extend(node.greets(2, all(1)));
        Self { node, missing: count, outputs, sent: 0 }
    }

    /// A second in which peer 2 sends all that it is asked for.
    fn second(&mut self) {
        let end = self.node.now.after(Duration::from_secs(1));
        while self.node.now < end {
            for (author, note) in noted(&std::mem::take(&mut self.outputs), 2) {
                if note == has(0, true) && self.node.core.held(&author) == 0 {
                    self.sends(2, author, 1);
                    self.missing -= 1;
                }
            }
            if self.outputs.is_empty() {
                self.outputs = self.node.later(Duration::from_millis(100));
            }
        }
    }

    /// Peer 1 sends a message of the feed that it has.
    fn goes_on(&mut self) {
        self.sent += 1;
        self.sends(1, feed(AUTHOR), self.sent);
    }

    fn sends(&mut self, connection: u64, author: FeedId, sequence: u32) {
        assert!(self.node.takes(connection, author));
        let giver = Some(Giver::Ebt(ConnectionId(connection), author));
        let outcome = Outcome::Stored { feed: author, sequence, contact: None };
        let verdict = Verdict { giver, len: LEN, outcome };
        self.outputs.extend(self.node.handle(Input::Verdicts(vec![verdict])));
    }
}

#[test]
fn who_says_that_it_has_more_of_everything_keeps_nothing_from_coming_from_others() {
    let mut lied = Lied::to(20 * FETCHES_MAX);

    let end = lied.node.now.after(STALL_AFTER * 2);
    while lied.missing > 0 {
        assert!(lied.node.now < end, "{} feeds are missing", lied.missing);
        lied.second();
    }
}

#[test]
fn nor_does_who_sends_messages_of_one_feed_and_lies_about_all_others() {
    let mut lied = Lied::to(20 * FETCHES_MAX);

    let end = lied.node.now.after(FEED_STALL_AFTER + STALL_AFTER);
    while lied.missing > 0 {
        assert!(lied.node.now < end, "{} feeds are missing", lied.missing);
        lied.goes_on();
        lied.second();
    }
}

#[test]
fn of_who_did_not_send_what_it_owed_so_few_feeds_are_fetched_at_once() {
    let count = 2 * FETCHES_MAX;
    let follow = |n| (feed(ME), Contact { contact: numbered(n), relation: Relation::Follow });
    let mut node = Node::start(Start { contacts: (0..count).map(follow).collect(), ..fresh() });
    let claims = (0..count).map(|n| (numbered(n), has(1, false))).collect();
    let mut said = BTreeMap::new();
    let mut fetched = |outputs: &[Output]| {
        said.extend(noted(outputs, 1));
        said.values().filter(|note| **note == has(0, true)).count()
    };
    assert_eq!(fetched(&node.greets(1, claims)), FETCHES_MAX);

    // Told again, made to forget, asked the old way, and left in peace.
    let counts = [1, 2, 3, 4].map(|_| fetched(&node.later(STALL_AFTER)));

    assert_eq!(
        counts,
        [FETCHES_MAX + 1, FETCHES_MAX + 1, FETCHES_MAX + 1, DOUBTS_MAX + 1],
        "and the own one"
    );
}
