//! The `ooo.stream` of a real connection.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::event::Input;
use ssb_gossip::ooo::Wanted;
use ssb_gossip::ooo::item;
use ssb_gossip::ooo::stream::ANSWERS_LEN_MAX;
use ssb_gossip::ooo::stream::ASK_AT_ONCE;
use ssb_gossip::ooo::stream::ASKED_MAX;
use ssb_gossip::ooo::stream::LOOK_UP_MAX;
use ssb_gossip::ooo::stream::OooStream;
use ssb_gossip::ooo::stream::SERVED_MAX;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_muxrpc::Body;
use ssb_muxrpc::RequestId;

use common::Line;
use common::Told;

const CONNECTION: ConnectionId = ConnectionId(1);

fn id(n: usize) -> MessageId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    MessageId::from_bytes(bytes)
}

/// A connection that Alice has dialed, what she has of its stream, and its name at Bob's end.
struct Singles {
    line: Line,
    stream: OooStream,
    theirs: RequestId,
}

impl Singles {
    fn open() -> Self {
        let mut line = Line::open();
        let mut stream = OooStream::new(CONNECTION);
        stream.opened(Side::Dialed, &mut line.ends[0].peer);
        line.settle();
        let [Told::Called(theirs, ..)] = line.ends[1].news()[..] else { unreachable!("it was called") };
        let heard = stream.poll(&mut line.ends[0].peer);
        assert!(matches!(heard, Some(Input::OooOpened { connection: CONNECTION })));
        Self { line, stream, theirs }
    }

    /// An item of Bob's, and what Alice's core hears of it.
    fn item(&mut self, item: &str) -> Vec<Input> {
        self.line.ends[1].peer.item(self.theirs, Body::Json(item));
        self.settle();
        self.heard()
    }

    fn heard(&mut self) -> Vec<Input> {
        std::iter::from_fn(|| self.stream.poll(&mut self.line.ends[0].peer)).collect()
    }

    fn settle(&mut self) {
        self.line.settle();
        for told in self.line.ends[0].news() {
            match told {
                Told::Item(request, body) => assert!(self.stream.item(request, &body)),
                Told::StreamEnded(request, _) => {
                    self.stream.ended(request, &mut self.line.ends[0].peer);
                }
                told => unreachable!("{told:?}"),
            }
        }
    }

    /// What Bob hears.
    fn said(&mut self) -> Vec<String> {
        self.settle();
        while self.heard().is_empty() && self.line.ends[0].peer.buffered() > 0 {
            self.settle();
        }
        let items = self.line.ends[1].news().into_iter().map(|told| match told {
            Told::Item(_, body) => String::from_utf8(body).unwrap(),
            told => unreachable!("{told:?}"),
        });
        items.collect()
    }
}

#[test]
fn who_was_dialed_calls_nobody() {
    for side in [Side::Accepted, Side::Local] {
        let mut line = Line::open();
        let mut stream = OooStream::new(CONNECTION);

        stream.opened(side, &mut line.ends[0].peer);

        line.settle();
        assert_eq!(line.ends[1].news(), []);
        assert!(stream.poll(&mut line.ends[0].peer).is_none());
    }
}

#[test]
fn wants_and_messages_are_said_as_javascript_says_them() {
    let mut singles = Singles::open();
    singles.stream.ask(vec![(id(1), 1), (id(2), 3)]);
    singles.stream.tell(id(3), "{\"a\":1}".into());

    let said = singles.said();

    assert_eq!(
        said,
        [format!("{{\"{}\":{{\"a\":1}}}}", id(3)), format!("{{\"{}\":-1,\"{}\":-3}}", id(1), id(2))]
    );
}

#[test]
fn what_the_peer_wants_is_looked_up_before_the_core_hears_of_it_and_before_the_peer_goes_on() {
    let mut singles = Singles::open();
    let wants: Vec<(MessageId, u8)> = (0..=LOOK_UP_MAX).map(|n| (id(n), 1)).collect();
    assert!(singles.item(&item::wants(&wants)).is_empty());
    assert!(singles.stream.is_full());

    let first = singles.stream.unknown();
    assert_eq!(first, wants[..LOOK_UP_MAX]);
    assert!(singles.stream.is_full(), "there is more");
    let second = singles.stream.unknown();
    assert_eq!(second, wants[LOOK_UP_MAX..]);
    assert!(!singles.stream.is_full());
    let author = FeedId::from_bytes([5; 32]);
    singles.stream.found(vec![(id(64), 1, Some(author))]);

    let heard = singles.heard();
    let [Input::OooWanted { connection: CONNECTION, wants }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*wants, [Wanted { id: id(64), distance: 1, author: Some(author) }]);
}

#[test]
fn so_many_messages_wait_to_be_sent_and_keep_nobody_from_going_on() {
    let mut singles = Singles::open();
    singles.stream.serve((0..SERVED_MAX).map(id).collect());
    singles.stream.serve(vec![id(SERVED_MAX)]);
    assert!(!singles.stream.is_full(), "who reads nothing is heard all the same");

    let sent = std::iter::from_fn(|| singles.stream.pop());

    assert!(sent.eq((0..SERVED_MAX).map(id)));
}

#[test]
fn answers_are_looked_at_once_and_only_if_the_peer_was_asked() {
    let mut singles = Singles::open();
    assert!(singles.item(&item::answer(&id(1), "{}")).is_empty());
    singles.stream.ask(vec![(id(1), 1)]);
    assert_eq!(singles.said().len(), 1);

    let heard = singles.item(&item::answer(&id(1), "{}"));

    let [Input::OooAnswered { connection: CONNECTION, answers }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*answers, [(id(1), b"{}".to_vec())]);
    assert!(singles.item(&item::answer(&id(1), "{}")).is_empty(), "that was answered");
}

#[test]
fn so_many_questions_are_remembered() {
    let mut singles = Singles::open();
    for n in 0..=ASKED_MAX {
        singles.stream.ask(vec![(id(n), 1)]);
        singles.said();
    }

    let answered = (0..=ASKED_MAX).filter(|n| !singles.item(&item::answer(&id(*n), "{}")).is_empty());

    assert_eq!(answered.count(), ASKED_MAX);
}

#[test]
fn so_many_questions_wait_and_go_out_a_part_at_a_time() {
    let mut singles = Singles::open();
    singles.stream.ask((0..=ASKED_MAX).map(|n| (id(n), 1)).collect());
    singles.heard();
    let buffered = singles.line.ends[0].peer.buffered();
    assert!((1..60 * ASK_AT_ONCE).contains(&buffered), "{buffered} bytes: one item waits");

    let said = singles.said();

    let asked: Vec<usize> = said.iter().map(|item| item::Item::read(item.as_bytes()).wants.len()).collect();
    assert_eq!(asked, [ASK_AT_ONCE; ASKED_MAX / ASK_AT_ONCE]);
}

#[test]
fn messages_wait_while_the_peer_does_not_read_and_so_much_of_them_at_most() {
    /// Each has 1,024 bytes.
    const COUNT: usize = ANSWERS_LEN_MAX / 1024;
    let mut singles = Singles::open();
    let text = |n: usize| format!("\"{}{n:04}\"", "x".repeat(1018));
    for n in (0..COUNT - 1).chain([0, COUNT - 1, COUNT]) {
        singles.stream.tell(id(n), text(n).into());
    }
    singles.stream.serve(vec![id(0)]);
    assert_eq!(singles.stream.pop(), None, "no more is read from the log, either");
    singles.heard();
    let buffered = singles.line.ends[0].peer.buffered();
    assert!((1..1500).contains(&buffered), "{buffered} bytes: one item waits");

    let mut said = singles.said();

    said.sort();
    let mut expected: Vec<String> = (0..COUNT).map(|n| item::answer(&id(n), &text(n))).collect();
    expected.sort();
    assert!(said == expected);
    assert_eq!(singles.stream.pop(), Some(id(0)));
}

#[test]
fn a_second_call_takes_the_place_of_the_first() {
    let mut line = Line::open();
    let mut stream = OooStream::new(CONNECTION);
    let mut bobs = OooStream::new(CONNECTION);
    for _ in 0..2 {
        bobs = OooStream::new(CONNECTION);
        bobs.opened(Side::Dialed, &mut line.ends[1].peer);
        line.settle();
        for told in line.ends[0].news() {
            if let Told::Called(request, ..) = told {
                stream.called(request, &mut line.ends[0].peer);
            }
        }
    }

    let heard: Vec<Input> = std::iter::from_fn(|| stream.poll(&mut line.ends[0].peer)).collect();

    assert!(
        matches!(heard[..], [Input::OooOpened { .. }, Input::OooEnded { .. }, Input::OooOpened { .. }]),
        "{heard:?}"
    );
    bobs.ask(vec![(id(1), 1)]);
    while bobs.poll(&mut line.ends[1].peer).is_some() {}
    line.settle();
    let items = line.ends[0].news().into_iter().filter_map(|told| match told {
        Told::Item(request, body) => Some(stream.item(request, &body)),
        _ => None,
    });
    assert_eq!(items.collect::<Vec<bool>>(), [true]);
}

#[test]
fn when_the_peer_ends_it_nothing_is_left_to_do() {
    let mut singles = Singles::open();
    singles.item(&item::wants(&[(id(1), 1)]));
    singles.stream.serve(vec![id(2)]);
    singles.line.ends[1].peer.end(singles.theirs);
    singles.settle();

    assert!(matches!(singles.heard()[..], [Input::OooEnded { connection: CONNECTION }]));
    assert!(!singles.stream.is_full());
    singles.stream.found(vec![(id(1), 1, None)]);
    singles.stream.serve(vec![id(2)]);
    assert!(singles.heard().is_empty());
    assert_eq!(singles.stream.pop(), None);
}
