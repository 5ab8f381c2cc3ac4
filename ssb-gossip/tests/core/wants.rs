//! Blobs: who is asked for them, who gets them, and what becomes of peers that want or claim too much.

use std::time::Duration;

use ssb_blobs::limits::FETCHED_LEN_MAX;
use ssb_blobs::wants::Policy;
use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::event::Outcome;
use ssb_blobs::wants::item::Word;
use ssb_blobs::wants::limits::ADOPTED_PER_PEER_MAX;
use ssb_blobs::wants::limits::DAY;
use ssb_blobs::wants::limits::DISK_PAUSE;
use ssb_blobs::wants::limits::DOUBTED_FOR;
use ssb_blobs::wants::limits::PEER_LEN_PER_DAY;
use ssb_blobs::wants::limits::PROGRESS_MIN;
use ssb_blobs::wants::limits::STALLED_AFTER;
use ssb_blobs::wants::limits::WANTED_PER_PEER_MAX;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::Again;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Ticket;
use ssb_keys::BlobId;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

/// One of a few blobs.
pub(super) fn blob(n: u8) -> BlobId {
    BlobId::from_bytes([n; 32])
}

/// One of many.
fn numbered(n: usize) -> BlobId {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    BlobId::from_bytes(bytes)
}

impl Node {
    /// Who follows these peers, and has a connection to each, which has their number and listens.
    fn with_friends(peers: &[u8]) -> Self {
        Self::following(peers).and_listeners(peers)
    }

    /// Connections to these peers, too.
    fn and_listeners(mut self, peers: &[u8]) -> Self {
        for peer in peers {
            self.open(u64::from(*peer), *peer, Side::Accepted);
            self.listens(*peer);
        }
        self
    }

    fn blobs(&mut self, input: Blobs) -> Vec<Output> {
        self.handle(Input::Blobs(input))
    }

    fn listens(&mut self, peer: u8) -> Vec<Output> {
        self.blobs(Blobs::Listens { connection: at(peer).into() })
    }

    fn said(&mut self, peer: u8, words: Vec<(BlobId, Word)>) -> Vec<Output> {
        self.blobs(Blobs::Said { connection: at(peer).into(), words })
    }

    /// A peer wants a blob, which was looked up and is not here.
    fn wanted_blob(&mut self, peer: u8, id: BlobId, distance: u8) -> Vec<Output> {
        self.said(peer, vec![(id, Word::Wanted(distance))]);
        self.blobs(Blobs::Found { connection: at(peer).into(), found: vec![(id, None)] })
    }

    fn has(&mut self, peer: u8, id: BlobId, size: u64) -> Vec<Output> {
        self.said(peer, vec![(id, Word::Has(size))])
    }

    /// A program of the owner wants a blob.
    fn want(&mut self, id: BlobId) -> Vec<Output> {
        self.blobs(Blobs::Want { connection: Some(at(PROGRAM).into()), id })
    }

    fn ended_with(&mut self, fetch: u64, outcome: Outcome) -> Vec<Output> {
        self.blobs(Blobs::Ended { fetch: Fetch(fetch), outcome })
    }
}

/// The connection of a program of the owner.
const PROGRAM: u8 = 200;

fn at(peer: u8) -> ConnectionId {
    ConnectionId(u64::from(peer))
}

fn says_to(peer: u8, words: &[(BlobId, Word)]) -> Output {
    Letter::BlobsSay(words.to_vec()).to(at(peer))
}

fn asks(peer: u8, id: BlobId, distance: u8) -> Output {
    says_to(peer, &[(id, Word::Wanted(distance))])
}

fn tells(peer: u8, id: BlobId, size: u64) -> Output {
    says_to(peer, &[(id, Word::Has(size))])
}

fn looks_up(peer: u8, ids: &[BlobId]) -> Output {
    Letter::BlobsLookUp(ids.to_vec()).to(at(peer))
}

fn fetches(fetch: u64, peer: u8, id: BlobId, len_max: u64) -> Output {
    Letter::BlobFetch { fetch: Fetch(fetch), id, len_max }.to(at(peer))
}

fn stops(fetch: u64, peer: u8) -> Output {
    Letter::BlobStop { fetch: Fetch(fetch) }.to(at(peer))
}

fn answers(id: BlobId) -> Output {
    Letter::BlobAnswer { id, is_here: true }.to(at(PROGRAM))
}

#[test]
fn every_peer_is_asked_what_it_wants_and_no_program_of_the_owner_is() {
    let mut node = Node::new();
    for (n, side) in [Side::Dialed, Side::Accepted].into_iter().enumerate() {
        let connection = ConnectionId(u64::try_from(n).unwrap());
        let outputs = node.handle(Input::Opened { connection, peer: feed(1), side });
        assert!(outputs.contains(&Letter::BlobsCall.to(connection)), "{side:?}");
    }

    for (peer, side) in [(ME, Side::Local), (ME, Side::Accepted), (1, Side::Local)] {
        assert_eq!(node.handle(Input::Opened { connection: at(PROGRAM), peer: feed(peer), side }), []);
    }
}

/// ssb-blobs answers nothing any more after the newest of its connections with a peer has ended, until it is called again.
#[test]
fn a_peer_of_whose_connections_one_ends_is_asked_again_over_the_others() {
    let mut node = Node::following(&[1]);
    node.open(1, 1, Side::Dialed);
    node.open(2, 1, Side::Accepted);
    node.open(3, 3, Side::Accepted);

    let asked = |outputs: &[Output]| outputs.contains(&Letter::BlobsCall.to(at(2)));
    assert!(!asked(&node.close(3)));
    assert!(asked(&node.close(1)));
    assert!(
        !node.close(2).iter().any(|output| matches!(output, Output::Tell { letter: Letter::BlobsCall, .. }))
    );
}

#[test]
fn a_peer_that_is_blocked_is_not_asked_again_over_its_other_connection() {
    let mut node = Node::following(&[1]);
    node.open(1, 1, Side::Dialed);
    node.open(2, 1, Side::Accepted);

    let outputs = node.set(Relation::Block, 1);

    assert!(!outputs.iter().any(|output| matches!(output, Output::Tell { letter: Letter::BlobsCall, .. })));
}

#[test]
fn who_listens_hears_all_that_is_wanted_and_then_what_is_new() {
    let mut node = Node::with_friends(&[1]);
    assert_eq!(node.want(blob(1)), [asks(1, blob(1), 1)]);
    node.open(2, 2, Side::Dialed);

    assert_eq!(node.listens(2), [asks(2, blob(1), 1)]);
    assert_eq!(node.want(blob(2)), [asks(1, blob(2), 1), asks(2, blob(2), 1)]);
    node.close(2);
    node.open(3, 3, Side::Dialed);
    assert_eq!(node.listens(3), [says_to(3, &[(blob(1), Word::Wanted(1)), (blob(2), Word::Wanted(1))])]);
}

#[test]
fn the_first_item_may_be_empty() {
    let mut node = Node::new();
    node.open(1, 1, Side::Accepted);

    assert_eq!(node.listens(1), [says_to(1, &[])]);
}

#[test]
fn a_program_of_the_owner_may_listen_too() {
    let mut node = Node::new();
    node.handle(Input::Opened { connection: at(PROGRAM), peer: feed(ME), side: Side::Local });

    assert_eq!(node.listens(PROGRAM), [says_to(PROGRAM, &[])]);
    assert_eq!(node.want(blob(1)), [asks(PROGRAM, blob(1), 1)]);
}

#[test]
fn a_blob_that_a_peer_has_is_fetched_and_the_owner_hears_of_it() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    assert_eq!(node.has(1, blob(1), 5_000), [fetches(0, 1, blob(1), 5_000)]);
    assert_eq!(node.has(2, blob(1), 5_000), [], "one download is enough");

    assert_eq!(node.ended_with(0, Outcome::Stored { size: 5_000 }), [answers(blob(1))]);
    assert_eq!(node.core.blobs().wanted().count(), 0);
}

#[test]
fn new_blobs_are_announced_to_those_who_want_them_and_to_nobody_else() {
    let mut node = Node::with_friends(&[1]).and_listeners(&[2, 3]);
    node.wanted_blob(1, blob(1), 1);
    node.wanted_blob(2, blob(1), 1);

    let stored = node.blobs(Blobs::Stored { id: blob(1), size: 7 });

    assert_eq!(stored, [tells(1, blob(1), 7), tells(2, blob(1), 7)]);
    assert_eq!(node.blobs(Blobs::Stored { id: blob(2), size: 7 }), []);
}

#[test]
fn what_is_pushed_is_announced_to_everybody_until_three_peers_have_it() {
    let mut node = Node::with_friends(&[1]).and_listeners(&[2, 3, 4]);
    let mut expected = vec![Output::SavePushes];
    expected.extend((1..=4).map(|peer| asks(peer, blob(1), 1)));
    assert_eq!(node.blobs(Blobs::Push { id: blob(1) }), expected);

    for peer in [1, 2] {
        assert_eq!(node.has(peer, blob(1), 5), []);
    }
    assert_eq!(node.has(3, blob(1), 5), [Output::SavePushes]);

    assert_eq!(node.core.blobs().pushes().count(), 0);
}

#[test]
fn what_was_pushed_before_is_pushed_after_a_start() {
    let mut node = Node::start(Start { pushes: vec![blob(1)], ..fresh() });
    node.open(1, 1, Side::Accepted);

    assert_eq!(node.listens(1), [asks(1, blob(1), 1)]);
}

#[test]
fn others_are_asked_for_what_a_friend_wants_one_step_further_and_no_more_than_three() {
    let mut node = Node::with_friends(&[1, 2]);

    assert_eq!(node.wanted_blob(1, blob(1), 1), [asks(1, blob(1), 2), asks(2, blob(1), 2)]);
    assert_eq!(node.wanted_blob(1, blob(2), 2), [asks(1, blob(2), 3), asks(2, blob(2), 3)]);
    assert_eq!(node.wanted_blob(1, blob(3), 3), []);
}

#[test]
fn nothing_is_asked_for_a_stranger_and_it_gets_what_is_here() {
    let mut node = Node::with_friends(&[1]).and_listeners(&[2]);
    assert_eq!(node.said(2, vec![(blob(1), Word::Wanted(1))]), [looks_up(2, &[blob(1)])]);
    let found = |size| Blobs::Found { connection: at(2).into(), found: vec![(blob(1), size)] };

    assert_eq!(node.blobs(found(None)), []);

    assert_eq!(node.blobs(found(Some(5))), [tells(2, blob(1), 5)]);
}

#[test]
fn who_is_followed_from_now_on_is_a_stranger_no_longer_and_the_other_way_round() {
    let mut node = Node::with_friends(&[1]).and_listeners(&[2]);
    node.wanted_blob(2, blob(1), 1);

    let followed = node.set(Relation::Follow, 2);
    assert!(followed.contains(&looks_up(2, &[blob(1)])), "{followed:?}");
    let found = node.blobs(Blobs::Found { connection: at(2).into(), found: vec![(blob(1), None)] });
    assert_eq!(found, [asks(1, blob(1), 2), asks(2, blob(1), 2)]);
    node.has(1, blob(1), 5);

    let unfollowed = node.set(Relation::Neutral, 2);
    assert!(unfollowed.contains(&stops(0, 1)), "{unfollowed:?}");
    assert_eq!(node.core.blobs().wanted().count(), 0);
}

#[test]
fn a_feed_that_is_requested_or_removed_counts() {
    let mut node = Node::new().and_listeners(&[1, 2]);
    node.handle(Input::Request { ticket: Ticket(1), feed: feed(1), wanted: true });
    assert_eq!(node.wanted_blob(1, blob(1), 1), [asks(1, blob(1), 2), asks(2, blob(1), 2)]);

    node.handle(Input::Emptied { feed: feed(1), again: Again::Refused });

    assert_eq!(node.core.blobs().wanted().count(), 0);
}

#[test]
fn whom_the_owner_blocks_gets_nothing_from_then_on() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    node.has(1, blob(1), 5);
    node.wanted_blob(1, blob(2), 1);

    let blocked = node.set(Relation::Block, 1);

    assert!(blocked.contains(&Letter::Close.to(at(1))), "{blocked:?}");
    assert_eq!(node.want(blob(3)), [asks(2, blob(3), 1)]);
    assert_eq!(node.listens(1), []);
    assert_eq!(node.blobs(Blobs::Stored { id: blob(2), size: 5 }), []);
    assert_eq!(node.has(1, blob(3), 5), []);
    assert_eq!(node.core.blobs().fetches().count(), 0);
}

#[test]
fn who_is_blocked_already_hears_nothing_while_the_connection_ends() {
    let contacts = vec![says(ME, Relation::Block, 1)];
    let mut node = Node::start(Start { contacts, ..fresh() });
    let opened = node.handle(Input::Opened { connection: at(1), peer: feed(1), side: Side::Accepted });
    assert_eq!(opened, [Letter::Close.to(at(1))]);

    assert_eq!(node.listens(1), []);
    assert_eq!(node.want(blob(1)), []);
    assert_eq!(node.said(1, vec![(blob(1), Word::Wanted(1))]), [looks_up(1, &[])], "it is not kept waiting");
}

#[test]
fn a_peer_that_lies_about_a_size_is_cut_off_and_the_next_one_asked() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    assert_eq!(node.has(1, blob(1), 10), [fetches(0, 1, blob(1), 10)], "no byte more is taken");
    node.has(2, blob(1), 5_000);

    assert_eq!(node.ended_with(0, Outcome::TooLong), [fetches(1, 2, blob(1), 5_000)]);

    node.want(blob(2));
    assert_eq!(node.has(1, blob(2), 5), [], "it is doubted");
    assert_eq!(node.later(STALLED_AFTER), [stops(1, 2)], "and there is nobody else");
}

#[test]
fn a_peer_that_says_that_a_blob_is_longer_than_any_may_be_is_not_asked_for_it() {
    let mut node = Node::with_friends(&[1]);
    for n in 1..=3 {
        node.want(blob(n));
    }

    assert_eq!(node.has(1, blob(1), FETCHED_LEN_MAX), []);
    assert_eq!(node.has(1, blob(2), u64::MAX), []);
    assert_eq!(node.has(1, blob(3), FETCHED_LEN_MAX - 1), [fetches(0, 1, blob(3), FETCHED_LEN_MAX - 1)]);
}

#[test]
fn another_blob_than_was_asked_for_is_never_taken_for_it_and_the_holder_set_back() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    node.has(1, blob(1), 5);
    node.has(2, blob(1), 5);

    assert_eq!(node.ended_with(0, Outcome::WrongHash), [fetches(1, 2, blob(1), 5)]);
    assert_eq!(node.ended_with(1, Outcome::WrongHash), []);

    assert_eq!(node.core.blobs().wanted().count(), 1, "it is still wanted");
    node.has(1, blob(1), 5);
    assert_eq!(node.later(DOUBTED_FOR), [fetches(2, 1, blob(1), 5)]);
}

#[test]
fn a_million_wants_are_answered_and_few_remembered_and_others_notice_nothing() {
    let mut node = Node::with_friends(&[1, 2]);
    let mut heard_by_others = 0;
    for first in (0..1_000_000).step_by(20_000) {
        let ids = (first..first + 20_000).map(numbered);
        let outputs = node.said(1, ids.clone().map(|id| (id, Word::Wanted(1))).collect());
        assert_eq!(outputs.len(), 1, "a look-up");
        let found = ids.map(|id| (id, None)).collect();
        let outputs = node.blobs(Blobs::Found { connection: at(1).into(), found });
        heard_by_others += outputs.len();
    }

    assert_eq!(heard_by_others, 2, "an item to each, about the first of them");
    let stats = node.core.blobs().stats();
    assert_eq!((stats.wanted_max, stats.adopted), (WANTED_PER_PEER_MAX, ADOPTED_PER_PEER_MAX));
    assert_eq!(node.wanted_blob(2, blob(1), 1), [asks(1, blob(1), 2), asks(2, blob(1), 2)]);
    let found = vec![(numbered(999_999), Some(5))];
    let found = node.blobs(Blobs::Found { connection: at(1).into(), found });
    assert_eq!(found, [tells(1, numbered(999_999), 5)]);
}

#[test]
fn for_one_friend_so_many_bytes_are_taken_in_a_day_and_for_the_owner_as_many_as_it_wants() {
    let mut node = Node::with_friends(&[1, 2]);
    let size = FETCHED_LEN_MAX - 1;
    let most = PEER_LEN_PER_DAY / size;
    let mut fetched = 0;
    for n in 0..100 {
        node.wanted_blob(1, blob(n), 1);
        if !node.has(2, blob(n), size).is_empty() {
            node.ended_with(fetched, Outcome::Stored { size });
            fetched += 1;
        }
    }
    assert_eq!(fetched, most);

    assert_eq!(node.want(blob(99)).first(), Some(&fetches(most, 2, blob(99), size)));
    node.ended_with(most, Outcome::Stored { size });

    let next_day = node.later(DAY);
    assert!(next_day.contains(&fetches(most + 1, 2, blob(20), size)), "{next_day:?}");
}

#[test]
fn one_byte_a_second_is_too_slow_and_the_next_holder_takes_over() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    node.has(1, blob(1), 5_000_000);
    node.has(2, blob(1), 5_000_000);
    let mut outputs = Vec::new();
    for second in 1..=STALLED_AFTER.as_secs() {
        node.blobs(Blobs::Progress { fetch: Fetch(0), received: second });
        outputs.extend(node.later(Duration::from_secs(1)));
    }

    assert_eq!(outputs, [stops(0, 1), fetches(1, 2, blob(1), 5_000_000)]);
    node.blobs(Blobs::Progress { fetch: Fetch(1), received: PROGRESS_MIN });
    assert_eq!(node.later(STALLED_AFTER), [], "that one is fast enough");
}

#[test]
fn a_full_disk_in_the_middle_is_nobody_s_fault_and_tried_again_later() {
    let mut node = Node::with_friends(&[1, 2]);
    node.want(blob(1));
    node.has(1, blob(1), 5);
    assert_eq!(node.ended_with(0, Outcome::Failed), []);
    assert_eq!(node.has(2, blob(1), 5), []);

    assert_eq!(node.later(DISK_PAUSE), [fetches(1, 1, blob(1), 5)]);
}

#[test]
fn a_holder_that_hangs_up_is_replaced_and_wants_of_friends_outlive_their_connections() {
    let mut node = Node::with_friends(&[1, 2, 3]);
    node.wanted_blob(3, blob(1), 1);
    node.close(3);
    node.has(1, blob(1), 5);
    node.has(2, blob(1), 5);

    let closed = node.close(1);

    assert!(closed.contains(&fetches(1, 2, blob(1), 5)), "{closed:?}");
}

#[test]
fn what_the_owner_removed_does_not_come_back_by_sympathy_at_once() {
    let mut node = Node::with_friends(&[1, 2]);
    node.blobs(Blobs::Removed { id: blob(1) });

    assert_eq!(node.wanted_blob(1, blob(1), 1), []);
    assert_eq!(node.has(2, blob(1), 5), []);

    assert_eq!(node.want(blob(1)).len(), 2, "unless the owner wants it");
}

#[test]
fn a_policy_may_have_less_sympathy_and_other_limits() {
    let blobs = Policy { sympathy: 2, pushy: 1, len_max: 100, ..Policy::default() };
    let contacts = vec![says(ME, Relation::Follow, 1)];
    let mut node = Node::start(Start { blobs, contacts, ..fresh() }).and_listeners(&[1, 2]);

    assert_eq!(node.wanted_blob(1, blob(1), 2), []);
    assert_eq!(node.wanted_blob(1, blob(1), 1), [asks(1, blob(1), 2), asks(2, blob(1), 2)]);
    assert_eq!(node.has(2, blob(1), 100), []);
    node.blobs(Blobs::Push { id: blob(2) });
    assert_eq!(node.has(2, blob(2), 100), [Output::SavePushes]);
}
