//! The `ebt.replicate` stream of a real connection, and how much fits through it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::note;
use ssb_gossip::ebt::note::Item;
use ssb_gossip::ebt::note::NOTES_MAX;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::serving::Serve;
use ssb_gossip::ebt::stream::EbtStream;
use ssb_gossip::ebt::stream::NOTES_AT_ONCE;
use ssb_gossip::ebt::stream::REFUSALS_MAX;
use ssb_gossip::event::Input;
use ssb_keys::FeedId;
use ssb_msg::limits::WIRE_LEN_MAX;
use ssb_muxrpc::Body;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::limits::BODY_LEN_MAX;

use common::Line;
use common::Told;

const CONNECTION: ConnectionId = ConnectionId(1);

/// What may be made of one item.
const PARSED_LEN_MAX: usize = 4 << 20;

/// What a connection holds beside one item: what was just read, and what waits to be written.
const BUFFERS_LEN_MAX: usize = 256 << 10;

/// A connection on which Alice has called Bob, what she has of it, and its name at his end.
struct Trees {
    line: Line,
    stream: EbtStream,
    theirs: RequestId,
}

impl Trees {
    fn open() -> Self {
        let mut line = Line::open();
        let mut stream = EbtStream::new(CONNECTION);
        stream.call(&mut line.ends[0].peer);
        line.settle();
        let [Told::Called(theirs, ..)] = line.ends[1].news()[..] else { unreachable!("it was called") };
        Self { line, stream, theirs }
    }

    /// An item of Bob's, and what Alice's core hears of it.
    fn item(&mut self, item: &[u8]) -> Vec<Input> {
        self.line.ends[1].peer.item(self.theirs, Body::Json(std::str::from_utf8(item).unwrap()));
        self.line.settle();
        for told in self.line.ends[0].news() {
            match told {
                Told::Item(request, body) => assert!(self.stream.item(request, &body)),
                Told::StreamEnded(request, _) => self.stream.ended(request),
                told => unreachable!("{told:?}"),
            }
        }
        let peer = &mut self.line.ends[0].peer;
        std::iter::from_fn(|| self.stream.poll(peer)).collect()
    }
}

fn notes(count: usize) -> Vec<(FeedId, Note)> {
    let feed = |n: usize| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        FeedId::from_bytes(bytes)
    };
    (0..count).map(|n| (feed(n), Note::Has { sequence: 1, send: true })).collect()
}

/// So many bytes that are a clock.
fn clock(len: usize) -> Vec<u8> {
    let mut text = note::to_json(&notes(2)).into_bytes();
    text.resize(len, b' ');
    text
}

#[test]
fn the_clock_of_a_peer_with_as_many_feeds_as_are_looked_at_is_one_item() {
    let mut trees = Trees::open();
    let notes = notes(NOTES_MAX);
    let text = note::to_json(&notes);
    assert!(text.len() > 3 << 20);

    let heard = trees.item(text.as_bytes());

    let [Input::EbtNotes { notes: heard, .. }] = &heard[..] else { panic!("{} inputs", heard.len()) };
    assert!(*heard == notes);
    let memory = trees.line.ends[0].peer.memory();
    assert!(memory < 1 << 20, "{memory} bytes are kept of it");
}

#[test]
fn an_item_has_a_longest_and_one_that_is_longer_ends_the_connection() {
    let mut trees = Trees::open();

    assert_eq!(trees.item(&clock(BODY_LEN_MAX as usize)).len(), 1);
    assert_eq!(trees.line.ends[0].ended(), None);
    trees.line.ends[1]
        .peer
        .item(trees.theirs, Body::Json(std::str::from_utf8(&clock(BODY_LEN_MAX as usize + 1)).unwrap()));
    trees.line.settle();

    let told = trees.line.ends[0].news();
    assert!(told.iter().any(|told| matches!(told, Told::StreamEnded(..))));
    assert!(matches!(told.last(), Some(Told::Ended(Err(_)))), "{told:?}");
}

#[test]
fn of_a_message_that_is_too_long_little_is_kept() {
    let mut trees = Trees::open();
    let author = FeedId::from_bytes([5; 32]);
    let long = |len: usize| {
        let head = format!(r#"{{"sequence":1,"author":"{author}","content":""#);
        let filler = "x".repeat(len - head.len() - 2);
        format!("{head}{filler}\"}}")
    };
    for (len, kept) in
        [(WIRE_LEN_MAX, WIRE_LEN_MAX), (WIRE_LEN_MAX + 1, WIRE_LEN_MAX + 1), (4 << 20, WIRE_LEN_MAX + 1)]
    {
        let heard = trees.item(long(len).as_bytes());

        let [Input::EbtMessages { messages, .. }] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((messages[0].0, messages[0].1.len()), (author, kept));
    }
}

#[test]
fn of_one_connection_there_is_one_item_at_most_and_what_is_made_of_it_is_smaller() {
    let mut trees = Trees::open();
    // The longest item, with more notes than are looked at.
    let count = BODY_LEN_MAX as usize / 60;
    let mut text = note::to_json(&notes(count));
    assert!(text.len() < BODY_LEN_MAX as usize);
    text.extend(std::iter::repeat_n(' ', BODY_LEN_MAX as usize - text.len()));
    let [alice, bob] = &mut trees.line.ends;
    for _ in 0..3 {
        bob.peer.item(trees.theirs, Body::Json(&text));
    }

    let (mut most, mut heard) = (0, 0);
    loop {
        let wire = bob.write(usize::MAX);
        if wire.is_empty() {
            break;
        }
        alice.read(&wire);
        most = most.max(alice.peer.memory());
        for told in alice.news() {
            let Told::Item(request, body) = told else { unreachable!("{told:?}") };
            assert!(trees.stream.item(request, &body));
        }
        // As whoever owns the connection does behind every read.
        while let Some(input) = trees.stream.poll(&mut alice.peer) {
            let Input::EbtNotes { notes, .. } = input else { unreachable!("{input:?}") };
            assert!(notes.capacity() * size_of::<(FeedId, Note)>() <= PARSED_LEN_MAX);
            heard += 1;
        }
    }

    assert_eq!(heard, 3);
    assert!(most <= BODY_LEN_MAX as usize + BUFFERS_LEN_MAX, "{most} bytes");
}

#[test]
fn what_is_noted_goes_out_a_part_at_a_time_refusals_first_and_the_last_word_about_a_feed_alone() {
    let mut trees = Trees::open();
    let later = |(feed, _): &(FeedId, Note)| (*feed, Note::Has { sequence: 2, send: false });
    let refused = |(feed, _): &(FeedId, Note)| (*feed, Note::Refused);
    let notes = notes(3 * NOTES_AT_ONCE);
    let (some, others) = notes.split_at(NOTES_AT_ONCE);
    trees.stream.note(notes.clone());
    trees.stream.note(notes.iter().map(later).collect());
    trees.stream.note(some.iter().map(refused).collect());
    trees.stream.note(some[..1].to_vec());

    let mut items = Vec::new();
    while trees.stream.poll(&mut trees.line.ends[0].peer).is_none() && trees.line.ends[0].peer.buffered() > 0
    {
        let buffered = trees.line.ends[0].peer.buffered();
        assert!(buffered < 70 * NOTES_AT_ONCE, "{buffered} bytes: one item waits");
        trees.line.settle();
        items.extend(trees.line.ends[1].news());
    }

    let said = items.into_iter().map(|told| {
        let Told::Item(_, body) = told else { unreachable!("{told:?}") };
        let Ok(Item::Clock(notes)) = Item::read(&body) else { unreachable!("it is a clock") };
        notes
    });
    let said: Vec<Vec<(FeedId, Note)>> = said.collect();
    let lens: Vec<usize> = said.iter().map(Vec::len).collect();
    assert_eq!(lens, [NOTES_AT_ONCE, NOTES_AT_ONCE, NOTES_AT_ONCE, 1]);
    let mut expected: Vec<(FeedId, Note)> = some.iter().map(refused).collect();
    expected.sort_by_key(|(feed, _)| *feed);
    let mut has: Vec<(FeedId, Note)> = others.iter().map(later).chain([some[0]]).collect();
    has.sort_by_key(|(feed, _)| *feed);
    expected.extend(has);
    assert!(said.concat() == expected);
}

#[test]
fn who_does_not_read_what_it_is_refused_is_not_read() {
    let mut trees = Trees::open();
    let refusals = |count: usize| notes(count).iter().map(|(feed, _)| (*feed, Note::Refused)).collect();
    trees.stream.note(notes(1));
    trees.stream.poll(&mut trees.line.ends[0].peer);
    trees.stream.note(refusals(REFUSALS_MAX - 1));
    trees.stream.note(notes(REFUSALS_MAX + 9).split_off(REFUSALS_MAX));
    assert!(!trees.stream.is_full());
    trees.stream.note(refusals(REFUSALS_MAX));
    assert!(trees.stream.is_full());

    trees.stream.poll(&mut trees.line.ends[0].peer);
    assert!(trees.stream.is_full(), "one item waits, and the rest for it");

    trees.line.settle();
    trees.stream.poll(&mut trees.line.ends[0].peer);

    assert!(!trees.stream.is_full());
}

#[test]
fn what_was_to_be_noted_is_forgotten_with_the_stream() {
    let mut trees = Trees::open();
    trees.stream.note(notes(1));
    trees.line.ends[1].peer.end(trees.theirs);
    assert!(matches!(trees.item(b"{}")[..], [Input::EbtEnded { .. }]));

    trees.stream.call(&mut trees.line.ends[0].peer);
    trees.stream.poll(&mut trees.line.ends[0].peer);
    trees.line.settle();

    let told = trees.line.ends[1].news();
    assert!(!told.iter().any(|told| matches!(told, Told::Item(..))), "{told:?}");
}

#[test]
fn nothing_is_read_for_the_peer_before_it_was_told_what_is_noted() {
    let mut trees = Trees::open();
    let (feed, _) = notes(1)[0];
    trees.stream.serve(vec![(feed, Serve::From(1))]);
    for note in [Note::Refused, Note::Has { sequence: 1, send: false }] {
        trees.stream.note(vec![(feed, note)]);
        assert_eq!(trees.stream.pop(|_| 1), None);
        trees.stream.poll(&mut trees.line.ends[0].peer);
        trees.line.settle();
    }

    assert_eq!(trees.stream.pop(|_| 1), Some((feed, 1)));
}
