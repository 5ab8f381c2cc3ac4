//! The downloads of a real connection.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::event::Outcome;
use ssb_gossip::blobs::downloads::Downloads;
use ssb_gossip::blobs::downloads::PROGRESS_STEP;
use ssb_gossip::blobs::downloads::Step;
use ssb_gossip::event::Input;
use ssb_gossip::peer::PeerEvent;
use ssb_keys::BlobId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use common::Line;
use common::Told;

const ID: BlobId = BlobId::from_bytes([1; 32]);
const FETCH: Fetch = Fetch(7);

/// A connection over which Alice gets a blob of at most so many bytes, and the name of the call at Bob's end.
struct Scene {
    line: Line,
    downloads: Downloads,
    theirs: RequestId,
}

impl Scene {
    fn of(len_max: u64) -> Self {
        let (mut line, mut downloads) = (Line::open(), Downloads::default());
        downloads.fetch(FETCH, ID, len_max, &mut line.ends[0].peer);
        line.settle();
        let news = line.ends[1].news();
        let [Told::Called(theirs, Kind::Source, args)] = &news[..] else { unreachable!("{news:?}") };
        assert_eq!(String::from_utf8_lossy(args), format!("[{{\"key\":\"{ID}\",\"max\":{len_max}}}]"));
        assert_eq!(downloads.pop(), Some(Step::Begin { fetch: FETCH, id: ID, len_max }));
        Self { line, downloads, theirs: *theirs }
    }

    fn piece(&mut self, len: usize) {
        self.item(Body::Binary(&vec![5; len]));
    }

    /// Bob sends an item.
    fn item(&mut self, body: Body<'_>) {
        self.line.ends[1].peer.item(self.theirs, body);
        self.settle();
    }

    fn ends(&mut self, error: Option<&str>) {
        match error {
            Some(error) => self.line.ends[1].peer.refuse_call(self.theirs, &RemoteError::new(error)),
            None => self.line.ends[1].peer.end(self.theirs),
        }
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let wire = self.line.ends[1].write(4_000);
            if wire.is_empty() {
                break;
            }
            let alice = &mut self.line.ends[0].peer;
            alice.space()[..wire.len()].copy_from_slice(&wire);
            alice.filled(wire.len(), common::at(0));
            loop {
                let (request, then) = match alice.poll() {
                    Some(PeerEvent::Item { request, kind, body }) => (request, Ok((kind, body.to_vec()))),
                    Some(PeerEvent::StreamEnded { request, error }) => (request, Err(error.is_some())),
                    Some(event) => unreachable!("{event:?}"),
                    None => break,
                };
                match then {
                    Ok((kind, body)) => {
                        self.downloads.item(request, kind, &body, alice);
                    }
                    Err(failed) => self.downloads.ended(request, failed),
                }
            }
        }
        self.line.settle();
    }

    fn steps(&mut self) -> Vec<Step> {
        std::iter::from_fn(|| self.downloads.pop()).collect()
    }

    fn heard(&mut self) -> Vec<Blobs> {
        let heard = std::iter::from_fn(|| self.downloads.poll());
        heard
            .map(|input| if let Input::Blobs(input) = input { input } else { unreachable!("{input:?}") })
            .collect()
    }

    /// Whether Bob was told to send no more.
    fn is_stopped(&mut self) -> bool {
        self.line.ends[1].news() == [Told::StreamEnded(self.theirs, None)]
    }
}

fn ended(outcome: Outcome) -> Blobs {
    Blobs::Ended { fetch: FETCH, outcome }
}

#[test]
fn pieces_are_written_and_all_of_them_finished() {
    let mut scene = Scene::of(12);
    scene.piece(5);
    scene.piece(7);
    assert_eq!(scene.steps(), [5, 7].map(|len| Step::Write { fetch: FETCH, piece: vec![5; len] }));
    scene.ends(None);
    assert_eq!(scene.steps(), [Step::Finish { fetch: FETCH }]);
    assert_eq!(scene.heard(), []);

    scene.downloads.finished(FETCH, ID, Outcome::Stored { size: 12 });

    assert_eq!(scene.heard(), [ended(Outcome::Stored { size: 12 }), Blobs::Stored { id: ID, size: 12 }]);
    assert!(scene.downloads.poll().is_none());
}

#[test]
fn one_byte_more_than_announced_cuts_it_off() {
    let mut scene = Scene::of(12);
    scene.piece(12);
    assert_eq!(scene.heard(), []);
    scene.steps();

    scene.piece(1);

    assert_eq!(scene.heard(), [ended(Outcome::TooLong)]);
    assert_eq!(scene.steps(), [Step::Abandon { fetch: FETCH }]);
    assert!(scene.is_stopped());
    scene.piece(1);
    assert_eq!(scene.steps(), []);
}

#[test]
fn what_is_no_bytes_is_no_piece() {
    for body in [Body::Json("{\"length\":5}"), Body::Text("hello")] {
        let mut scene = Scene::of(100);

        scene.item(body);

        assert_eq!(scene.heard(), [ended(Outcome::Refused)], "{body:?}");
        assert_eq!(scene.steps(), [Step::Abandon { fetch: FETCH }]);
        assert!(scene.is_stopped());
    }
}

#[test]
fn who_does_not_give_it_says_so() {
    let mut scene = Scene::of(12);

    scene.ends(Some("could not get blob"));

    assert_eq!(scene.heard(), [ended(Outcome::Refused)]);
    assert_eq!(scene.steps(), [Step::Abandon { fetch: FETCH }]);
}

#[test]
fn what_the_core_does_not_want_any_more_is_abandoned() {
    let mut scene = Scene::of(12);
    scene.piece(5);

    scene.downloads.stop(FETCH, &mut scene.line.ends[0].peer);
    scene.settle();

    assert_eq!(scene.steps().last(), Some(&Step::Abandon { fetch: FETCH }));
    assert!(scene.is_stopped());
    assert_eq!(scene.heard(), [], "it knows");
}

#[test]
fn what_cannot_be_written_ends_without_blame() {
    let mut scene = Scene::of(12);
    scene.piece(5);

    scene.downloads.broke(FETCH, &mut scene.line.ends[0].peer);
    scene.settle();

    assert_eq!(scene.heard(), [ended(Outcome::Failed)]);
    assert!(scene.is_stopped());
}

#[test]
fn the_core_hears_of_progress_now_and_then() {
    let mut scene = Scene::of(1_000_000);
    let step = usize::try_from(PROGRESS_STEP).unwrap();
    scene.piece(step - 1);
    assert_eq!(scene.heard(), []);

    scene.piece(1);
    scene.piece(1);

    assert_eq!(scene.heard(), [Blobs::Progress { fetch: FETCH, received: PROGRESS_STEP }]);
}
