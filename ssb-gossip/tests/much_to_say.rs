//! Two peers that both have much to say, over a connection that holds little.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::item::Word;
use ssb_gossip::blobs::stream::WantsStream;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::stream::EbtStream;
use ssb_gossip::event::Input;
use ssb_gossip::peer::Peer;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_muxrpc::RequestId;

use common::End;
use common::Line;
use common::Told;
use common::at;

const CONNECTION: ConnectionId = ConnectionId(1);

/// So many bytes are under way in each direction at most.
const PIPE_LEN: usize = 16 * 1024;

/// So much each has to say by itself.
const WORDS: usize = 20_000;

/// What a connection may hold of it.
const BUFFERED_MAX: usize = 256 * 1024;

/// The thing that one side speaks of.
fn bytes(side: usize, n: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes[31] = u8::from(side == 1);
    bytes
}

/// A stream of one side, and what it answers to all that comes.
trait Speaker {
    /// Returns what the core hears.
    fn poll(&mut self, peer: &mut Peer) -> Option<Input>;
    fn is_full(&self) -> bool;
    fn item(&mut self, request: RequestId, body: &[u8]) -> bool;
    /// Answers, and returns what was heard.
    fn answer(&mut self, input: Input, peer: &mut Peer) -> Vec<([u8; 32], bool)>;
}

impl Speaker for EbtStream {
    fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        self.poll(peer)
    }

    fn is_full(&self) -> bool {
        self.is_full()
    }

    fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        self.item(request, body)
    }

    fn answer(&mut self, input: Input, _: &mut Peer) -> Vec<([u8; 32], bool)> {
        let Input::EbtNotes { notes, .. } = input else { unreachable!("{input:?}") };
        let has = notes.iter().filter(|(_, note)| *note != Note::Refused);
        self.note(has.map(|(feed, _)| (*feed, Note::Refused)).collect());
        notes.into_iter().map(|(feed, note)| (*feed.as_bytes(), note == Note::Refused)).collect()
    }
}

impl Speaker for WantsStream {
    fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        self.poll(peer)
    }

    fn is_full(&self) -> bool {
        self.is_full()
    }

    fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        self.item(request, body)
    }

    fn answer(&mut self, input: Input, peer: &mut Peer) -> Vec<([u8; 32], bool)> {
        let Input::Blobs(Blobs::Said { words, .. }) = input else { unreachable!("{input:?}") };
        let wanted = words.iter().filter(|(_, word)| matches!(word, Word::Wanted(_)));
        let wanted: Vec<BlobId> = wanted.map(|(id, _)| *id).collect();
        if !wanted.is_empty() {
            self.look_up(Vec::new());
            self.say(wanted.into_iter().map(|id| (id, Word::Has(1))).collect(), peer);
        }
        words.into_iter().map(|(id, word)| (*id.as_bytes(), matches!(word, Word::Has(_)))).collect()
    }
}

/// Moves what can be moved until nothing can, and returns what each side has heard.
fn run<S: Speaker>(mut ends: [End; 2], mut streams: [S; 2]) -> [BTreeMap<([u8; 32], bool), usize>; 2] {
    let mut pipes = [VecDeque::<u8>::new(), VecDeque::new()];
    let mut heard = [BTreeMap::new(), BTreeMap::new()];
    loop {
        let mut moved = false;
        for me in [0, 1] {
            let (end, stream) = (&mut ends[me], &mut streams[me]);
            while let Some(input) = stream.poll(&mut end.peer) {
                for word in stream.answer(input, &mut end.peer) {
                    *heard[me].entry(word).or_default() += 1;
                }
            }
            assert!(end.peer.buffered() <= BUFFERED_MAX, "{} bytes", end.peer.buffered());
            let wire = end.write(PIPE_LEN - pipes[me].len());
            moved |= !wire.is_empty();
            pipes[me].extend(wire);
            if stream.is_full() {
                continue;
            }
            // What was read before is taken first.
            end.listen();
            let from = &mut pipes[1 - me];
            if end.peer.takes_bytes() && !from.is_empty() {
                let space = end.peer.space();
                let count = space.len().min(from.len());
                space.iter_mut().zip(from.drain(..count)).for_each(|(to, byte)| *to = byte);
                end.peer.filled(count, at(0));
                end.listen();
                moved = true;
            }
            for told in end.news() {
                let Told::Item(request, body) = told else { unreachable!("{told:?}") };
                assert!(stream.item(request, &body));
                moved = true;
            }
        }
        if !moved {
            return heard;
        }
    }
}

fn check(heard: &[BTreeMap<([u8; 32], bool), usize>; 2]) {
    for me in [0, 1] {
        let words = (0..WORDS).map(|n| (bytes(1 - me, n), false));
        let answers = (0..WORDS).map(|n| (bytes(me, n), true));
        let expected: BTreeMap<_, _> = words.chain(answers).map(|word| (word, 1)).collect();
        assert_eq!(heard[me].len(), expected.len(), "that much was heard");
        assert!(heard[me] == expected);
    }
}

#[test]
fn two_peers_with_many_feeds_hear_all_notes_and_what_is_answered() {
    let mut line = Line::open();
    let mut streams = [EbtStream::new(CONNECTION), EbtStream::new(CONNECTION)];
    streams[0].call(&mut line.ends[0].peer);
    line.settle();
    let [Told::Called(request, _, args)] = &line.ends[1].news()[..] else { unreachable!("it was called") };
    streams[1].called(*request, args, &mut line.ends[1].peer);
    streams[1].accept(*request, &mut line.ends[1].peer);
    assert!(matches!(streams[1].poll(&mut line.ends[1].peer), Some(Input::EbtAsked { .. })));
    for side in [0, 1] {
        let note = |n| (FeedId::from_bytes(bytes(side, n)), Note::Has { sequence: 1_000_000, send: true });
        streams[side].note((0..WORDS).map(note).collect());
    }

    check(&run(line.ends, streams));
}

#[test]
fn two_peers_that_want_much_hear_all_wants_and_what_is_answered() {
    let mut line = Line::open();
    let mut streams = [WantsStream::new(CONNECTION), WantsStream::new(CONNECTION)];
    for me in [0, 1] {
        streams[me].call(&mut line.ends[me].peer);
    }
    line.settle();
    for me in [0, 1] {
        let [Told::Called(request, ..)] = line.ends[me].news()[..] else { unreachable!("it was called") };
        streams[me].called(request, &mut line.ends[me].peer);
        let heard = streams[me].poll(&mut line.ends[me].peer);
        assert!(matches!(heard, Some(Input::Blobs(Blobs::Listens { .. }))));
        let word = |n| (BlobId::from_bytes(bytes(me, n)), Word::Wanted(1));
        streams[me].say((0..WORDS).map(word).collect(), &mut line.ends[me].peer);
    }

    check(&run(line.ends, streams));
}
