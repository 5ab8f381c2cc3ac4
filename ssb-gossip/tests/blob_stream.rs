//! The `blobs.createWants` streams of a real connection, and what takes their place with old peers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use ssb_blobs::wants::event::Connection;
use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::item;
use ssb_blobs::wants::item::Word;
use ssb_gossip::backlog::SAY_BELOW;
use ssb_gossip::blobs::stream::ASKED_MAX;
use ssb_gossip::blobs::stream::CALLS_MAX;
use ssb_gossip::blobs::stream::HERE_MAX;
use ssb_gossip::blobs::stream::SAY_AT_ONCE;
use ssb_gossip::blobs::stream::WANTED_MAX;
use ssb_gossip::blobs::stream::WORDS_MAX;
use ssb_gossip::blobs::stream::WantsStream;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::event::Input;
use ssb_keys::BlobId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use common::Line;
use common::Told;

const CONNECTION: Connection = Connection(1);

fn id(n: usize) -> BlobId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    BlobId::from_bytes(bytes)
}

/// A connection over which Alice has called Bob, what she has of its streams, and the name of the call at Bob's end.
struct Scene {
    line: Line,
    stream: WantsStream,
    theirs: RequestId,
    heard: Vec<Blobs>,
}

impl Scene {
    fn open() -> Self {
        let mut line = Line::open();
        let mut stream = WantsStream::new(ConnectionId(CONNECTION.0));
        stream.call(&mut line.ends[0].peer);
        line.settle();
        let [Told::Called(theirs, Kind::Source, _)] = line.ends[1].news()[..] else {
            unreachable!("it was called")
        };
        Self { line, stream, theirs, heard: Vec::new() }
    }

    /// Bob calls Alice, too.
    fn both_ways() -> (Self, RequestId) {
        let mut scene = Self::open();
        let call = scene.calls(&["blobs", "createWants"]);
        assert_eq!(scene.heard(), [Blobs::Listens { connection: CONNECTION }]);
        (scene, call)
    }

    fn calls(&mut self, path: &[&str]) -> RequestId {
        let call = self.line.ends[1].peer.call(path, Kind::Source, "[]").unwrap();
        self.line.settle();
        let [Told::Called(request, ..)] = self.line.ends[0].news()[..] else { unreachable!("it was called") };
        if path == ["blobs", "changes"] {
            self.stream.changes_called(request, &mut self.line.ends[0].peer);
        } else {
            self.stream.called(request, &mut self.line.ends[0].peer);
        }
        call
    }

    /// An item of Bob's, and what Alice's core hears of it.
    fn item(&mut self, item: &str) -> Vec<Blobs> {
        self.line.ends[1].peer.item(self.theirs, Body::Json(item));
        self.heard()
    }

    /// What Alice's core hears.
    fn heard(&mut self) -> Vec<Blobs> {
        self.settle();
        std::mem::take(&mut self.heard)
    }

    fn settle(&mut self) {
        loop {
            let peer = &mut self.line.ends[0].peer;
            self.heard.extend(std::iter::from_fn(|| self.stream.poll(peer)).map(blobs));
            let had_more = peer.buffered() > 0;
            self.line.settle();
            let news = self.line.ends[0].news();
            if !had_more && news.is_empty() {
                return;
            }
            for told in news {
                let peer = &mut self.line.ends[0].peer;
                match told {
                    Told::Item(request, body) => assert!(self.stream.item(request, &body)),
                    Told::StreamEnded(request, error) => {
                        self.stream.ended(request, error.is_some(), peer);
                    }
                    Told::Answered(request, body) => assert!(self.stream.answered(request, &body)),
                    Told::Failed(request, _) => self.stream.failed(request),
                    told => unreachable!("{told:?}"),
                }
            }
        }
    }

    /// Bob does not read: so much waits to be written that no more is said to him.
    fn clog(&mut self) {
        let peer = &mut self.line.ends[0].peer;
        while peer.buffered() < SAY_BELOW {
            self.stream.say(Vec::new(), peer);
        }
    }

    /// What Bob hears.
    fn told(&mut self) -> Vec<Told> {
        self.settle();
        self.line.ends[1].news()
    }

    /// Bob does not know `createWants`.
    fn refuse(&mut self) {
        let error = RemoteError::new("no source:blobs,createWants");
        self.line.ends[1].peer.refuse_call(self.theirs, &error);
    }
}

fn blobs(input: Input) -> Blobs {
    let Input::Blobs(input) = input else { unreachable!("{input:?}") };
    input
}

fn items(told: Vec<Told>) -> Vec<String> {
    let items = told.into_iter().filter_map(|told| match told {
        Told::Item(_, body) => Some(String::from_utf8(body).unwrap()),
        _ => None,
    });
    items.collect()
}

fn listens() -> Blobs {
    Blobs::Listens { connection: CONNECTION }
}

fn claimed(ids: &[BlobId]) -> Blobs {
    Blobs::Claimed { connection: CONNECTION, ids: ids.to_vec() }
}

#[test]
fn wants_and_sizes_are_said_as_javascript_says_them_on_the_call_of_the_peer() {
    let (mut scene, _) = Scene::both_ways();
    let peer = &mut scene.line.ends[0].peer;
    scene.stream.say(Vec::new(), peer);
    scene.stream.say(vec![(id(1), Word::Wanted(1)), (id(2), Word::Has(5000))], peer);

    let said = items(scene.told());

    assert_eq!(said, ["{}".to_owned(), format!("{{\"{}\":5000}}", id(2)), format!("{{\"{}\":-1}}", id(1))]);
}

#[test]
fn nothing_is_said_to_who_did_not_ask() {
    let mut scene = Scene::open();

    scene.stream.say(vec![(id(1), Word::Wanted(1))], &mut scene.line.ends[0].peer);

    assert_eq!(scene.told(), []);
}

#[test]
fn the_core_hears_a_part_at_a_time_and_what_is_wanted_is_looked_up_before_the_peer_goes_on() {
    let mut scene = Scene::open();
    let words: Vec<(BlobId, Word)> = (0..=WORDS_MAX).map(|n| (id(n), Word::Wanted(1))).collect();
    let said = |words: &[(BlobId, Word)]| Blobs::Said { connection: CONNECTION, words: words.to_vec() };
    assert_eq!(scene.item(&item::to_json(&words)), [said(&words[..WORDS_MAX])]);
    assert!(scene.stream.is_full());

    scene.stream.look_up((0..WORDS_MAX).map(id).collect());
    assert!(scene.stream.poll(&mut scene.line.ends[0].peer).is_none(), "that is to be looked up first");
    assert_eq!(scene.stream.unknown().len(), WORDS_MAX);
    let found = vec![(id(1), Some(7))];
    scene.stream.found(found.clone());

    assert_eq!(scene.heard(), [Blobs::Found { connection: CONNECTION, found }, said(&words[WORDS_MAX..])]);
    assert!(scene.stream.is_full());
    scene.stream.look_up(Vec::new());
    assert!(!scene.stream.is_full());
}

#[test]
fn what_the_peer_has_keeps_nobody_waiting() {
    let mut scene = Scene::open();

    let heard = scene.item(&item::to_json(&[(id(1), Word::Has(5))]));

    assert_eq!(heard, [Blobs::Said { connection: CONNECTION, words: vec![(id(1), Word::Has(5))] }]);
    assert!(!scene.stream.is_full());
    assert_eq!(scene.item("{}"), [], "nothing is said");
    assert_eq!(scene.item("5"), [], "nor that");
}

#[test]
fn an_item_may_be_longer_than_those_of_other_streams() {
    let mut scene = Scene::open();
    let words: Vec<(BlobId, Word)> = (0..40_000).map(|n| (id(n), Word::Has(1))).collect();

    let heard = scene.item(&item::to_json(&words));

    assert_eq!(heard.len(), words.len().div_ceil(WORDS_MAX), "more than 2 MiB");
}

#[test]
fn both_streams_stay_open_and_a_second_call_takes_the_place_of_the_first() {
    let (mut scene, first) = Scene::both_ways();
    let second = scene.calls(&["blobs", "createWants"]);
    assert_eq!(scene.heard(), [listens()]);
    scene.stream.say(Vec::new(), &mut scene.line.ends[0].peer);

    assert_eq!(scene.told(), [Told::StreamEnded(first, None), Told::Item(second, b"{}".to_vec())]);
}

#[test]
fn a_peer_that_is_called_again_is_heard_on_the_new_call() {
    let mut scene = Scene::open();
    let said = vec![(id(1), Word::Has(1))];
    let hears = [Blobs::Said { connection: CONNECTION, words: said.clone() }];
    assert_eq!(scene.item(&item::to_json(&said)), hears);

    scene.stream.call(&mut scene.line.ends[0].peer);

    assert_eq!(scene.heard(), [listens()], "it has to be told all that is wanted");
    let told = scene.told();
    let [Told::StreamEnded(first, None), Told::Called(second, Kind::Source, _)] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(first, scene.theirs);
    scene.theirs = second;
    assert_eq!(scene.item(&item::to_json(&said)), hears);
    scene.refuse();
    assert_eq!(scene.heard(), [], "it has understood before");
}

#[test]
fn a_peer_that_is_called_again_is_also_asked() {
    let mut scene = Scene::open();
    scene.stream.call(&mut scene.line.ends[0].peer);
    assert_eq!(scene.heard(), [listens()]);
    scene.told();

    scene.stream.say(vec![(id(1), Word::Wanted(1)), (id(2), Word::Has(5))], &mut scene.line.ends[0].peer);

    let told = scene.told();
    let [Told::Called(asked, Kind::Async, _)] = told[..] else { panic!("{told:?}") };
    scene.line.ends[1].peer.answer(asked, Body::Json("[true]"));
    assert_eq!(scene.heard(), [claimed(&[id(1)])]);
}

#[test]
fn a_peer_that_does_not_read_is_called_again_once_it_does() {
    let (mut scene, _) = Scene::both_ways();
    scene.clog();
    let peer = &mut scene.line.ends[0].peer;

    scene.stream.call(peer);

    assert!(scene.stream.poll(peer).is_none());
    assert_eq!(scene.heard(), [listens()]);
}

#[test]
fn who_does_not_read_what_is_here_is_not_read() {
    let (mut scene, _) = Scene::both_ways();
    scene.clog();
    let peer = &mut scene.line.ends[0].peer;
    let here = |count: usize| (0..count).map(|n| (id(n), Word::Has(1))).collect::<Vec<_>>();
    scene.stream.say((0..2 * WANTED_MAX).map(|n| (id(n), Word::Wanted(1))).collect(), peer);
    scene.stream.say(here(HERE_MAX - 1), peer);
    assert!(scene.stream.poll(peer).is_none());
    assert!(!scene.stream.is_full());
    scene.stream.say(here(HERE_MAX), peer);
    assert!(scene.stream.is_full());

    let items = items(scene.told());

    assert!(!scene.stream.is_full());
    let said: Vec<(BlobId, Word)> = items.iter().flat_map(|item| item::read(item.as_bytes())).collect();
    assert!(items.iter().all(|item| item::read(item.as_bytes()).len() <= SAY_AT_ONCE));
    let (first, then) = said.split_at(HERE_MAX);
    assert!(first.iter().all(|(_, word)| matches!(word, Word::Has(_))));
    assert_eq!(then.len(), WANTED_MAX - HERE_MAX, "who has something does not want it");
    assert!(then.iter().all(|(_, word)| matches!(word, Word::Wanted(_))));
}

#[test]
fn a_peer_that_is_asked_the_old_way_is_not_called_again() {
    let mut scene = Scene::open();
    scene.refuse();
    assert_eq!(scene.heard(), [listens()]);
    scene.told();

    scene.stream.call(&mut scene.line.ends[0].peer);

    assert_eq!(scene.told(), []);
}

#[test]
fn who_ends_its_call_listens_no_longer() {
    let (mut scene, call) = Scene::both_ways();
    scene.line.ends[1].peer.end(call);

    assert_eq!(scene.heard(), [Blobs::Deaf { connection: CONNECTION }]);

    scene.stream.say(vec![(id(1), Word::Has(1))], &mut scene.line.ends[0].peer);
    assert_eq!(items(scene.told()), [""; 0]);
}

#[test]
fn who_refuses_at_once_is_asked_the_old_way() {
    let mut scene = Scene::open();
    scene.refuse();
    assert_eq!(scene.heard(), [listens()]);
    let told = scene.told();
    let [Told::StreamEnded(..), Told::Called(changes, Kind::Source, _)] = told[..] else {
        panic!("{told:?}")
    };

    let words = vec![(id(1), Word::Wanted(1)), (id(2), Word::Wanted(2)), (id(3), Word::Has(5))];
    scene.stream.say(words, &mut scene.line.ends[0].peer);
    let told = scene.told();
    let [Told::Called(has, Kind::Async, args)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(String::from_utf8_lossy(args), format!("[[\"{}\",\"{}\"]]", id(1), id(2)));
    scene.line.ends[1].peer.answer(*has, Body::Json("[false,true]"));
    assert_eq!(scene.heard(), [claimed(&[id(2)])]);

    scene.line.ends[1].peer.item(changes, Body::Json(&format!("\"{}\"", id(1))));
    scene.line.ends[1].peer.item(changes, Body::Json("\"?\""));
    assert_eq!(scene.heard(), [claimed(&[id(1)])]);
}

#[test]
fn an_answer_that_is_none_says_nothing() {
    for answer in ["true", "[1]", "[null]", "[]", "{}", "[true,true,true]"] {
        let mut scene = Scene::open();
        scene.refuse();
        scene.heard();
        scene.stream.say(vec![(id(1), Word::Wanted(1))], &mut scene.line.ends[0].peer);
        let told = scene.told();
        let Some(Told::Called(has, Kind::Async, _)) = told.last() else { panic!("{told:?}") };
        scene.line.ends[1].peer.answer(*has, Body::Json(answer));

        let expected = if answer.starts_with("[true") { vec![claimed(&[id(1)])] } else { Vec::new() };
        assert_eq!(scene.heard(), expected, "{answer}");
    }
}

#[test]
fn so_much_is_asked_the_old_way_at_once() {
    let mut scene = Scene::open();
    scene.refuse();
    scene.heard();
    scene.told();
    let words: Vec<_> = (0..ASKED_MAX * CALLS_MAX + 1).map(|n| (id(n), Word::Wanted(1))).collect();
    let last = words.iter().map(|(id, _)| *id).max().unwrap();

    scene.stream.say(words, &mut scene.line.ends[0].peer);

    let told = scene.told();
    assert_eq!(told.len(), CALLS_MAX);
    let Told::Called(first, ..) = told[0] else { panic!("{told:?}") };
    scene.line.ends[1].peer.refuse_call(first, &RemoteError::new("no async:blobs,has"));
    assert_eq!(scene.heard(), []);
    let told = scene.told();
    let [Told::Called(_, Kind::Async, args)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(String::from_utf8_lossy(args), format!("[[\"{}\"]]", last));
}

#[test]
fn who_refuses_after_it_has_said_something_is_not_asked_the_old_way() {
    let mut scene = Scene::open();
    scene.item("{}");
    scene.refuse();
    assert_eq!(scene.heard(), []);

    assert!(matches!(scene.told()[..], [Told::StreamEnded(..)]));
}

#[test]
fn an_old_peer_hears_of_what_it_has_asked_for_and_of_nothing_that_is_wanted() {
    let mut scene = Scene::open();
    let changes = scene.calls(&["blobs", "changes"]);
    assert_eq!(scene.heard(), [listens()]);
    scene.stream.wanted([id(1)]);
    assert_eq!(
        scene.heard(),
        [Blobs::Said { connection: CONNECTION, words: vec![(id(1), Word::Wanted(1))] }]
    );

    let words = vec![(id(2), Word::Wanted(1)), (id(1), Word::Has(5))];
    scene.stream.say(words, &mut scene.line.ends[0].peer);

    assert_eq!(scene.told(), [Told::Item(changes, format!("\"{}\"", id(1)).into_bytes())]);
}
