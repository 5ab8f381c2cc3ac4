//! A log thread that runs in the test's, and what is sent to it.

use std::collections::BTreeMap;

use smol::channel::Receiver;
use smol::channel::bounded;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::StreamId;
use ssb_gossip::event::Draft;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Source;
use ssb_gossip::verify::Verified;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::Opener;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_muxrpc::RemoteError;

use super::LogThread;
use crate::clock::Clock;
use crate::config::LogLevel;
use crate::config::Retention;
use crate::fixture::Fixture;
use crate::fixture::key;
use crate::keyring::Keyring;
use crate::log_inbox::Own;
use crate::log_inbox::Work;
use crate::logging::Logger;

pub(super) const ME: u8 = 1;

/// A log thread that runs in the test's.
pub(super) struct Bench {
    pub(super) thread: LogThread,
    pub(super) results: Receiver<Input>,
    pub(super) fixture: Fixture,
}

impl Bench {
    pub(super) fn new(mark: PublishedMark) -> Self {
        let mut fixture = Fixture::new();
        let (results, results_out) = bounded(64);
        let keyring = Keyring::load(fixture.path(), &key(ME)).unwrap();
        let thread = LogThread {
            store: fixture.take(),
            me: key(ME),
            opener: Opener::with_keys(key(ME), &keyring.keys()),
            keyring,
            signing: Signing::plain(),
            home: fixture.path().to_owned(),
            mark,
            clock: Clock::start(),
            results,
            logger: Logger::new(LogLevel::Error),
            awaited: BTreeMap::new(),
            retention: Retention::default(),
            healthy: true,
        };
        Self { thread, results: results_out, fixture }
    }

    pub(super) fn created() -> Self {
        Self::new(PublishedMark::created(key(ME).id()))
    }

    pub(super) fn mark_on_disk(&self) -> PublishedMark {
        PublishedMark::load(self.fixture.path(), key(ME).id()).unwrap()
    }

    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        match self.results.try_recv() {
            Ok(Input::Verdicts(verdicts)) => verdicts.into_iter().map(|verdict| verdict.outcome).collect(),
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn publish(content: &str) -> (Own, Receiver<Result<String, RemoteError>>) {
    publish_draft(content.to_owned().into())
}

pub(super) fn publish_for(plain: &str, recipients: &[u8]) -> (Own, Receiver<Result<String, RemoteError>>) {
    let recipients = recipients.iter().map(|n| key(*n).id()).collect();
    publish_draft(Draft::Private { plain: plain.to_owned(), recipients })
}

pub(super) fn publish_draft(draft: Draft) -> (Own, Receiver<Result<String, RemoteError>>) {
    let (answer, answered) = bounded(1);
    (Own::Publish { draft, answer }, answered)
}

pub(super) fn own(own: Own) -> Work {
    Work { own: vec![own], ..Work::default() }
}

pub(super) fn verified(message: Result<Message, Refusal>) -> Verified {
    let source = Source { connection: ConnectionId(1), stream: StreamId(1) };
    Verified { giver: Giver::Peer(source), len: 9, message }
}

/// The first messages of a feed, each with so much text.
pub(super) fn feed(author: u8, count: usize, text_len: usize) -> Vec<Message> {
    let (author, mut state) = (key(author), ValidationState::new(key(author).id()));
    let content = format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(text_len));
    (0..count)
        .map(|n| {
            let timestamp = f64::from(u32::try_from(n).unwrap());
            let message = draft::sign(&content, &state, timestamp, &author, &Signing::plain()).unwrap();
            state.advance(state.check(&message).unwrap());
            message
        })
        .collect()
}

pub(super) fn work(messages: impl IntoIterator<Item = Message>) -> Work {
    let verified = messages.into_iter().map(|message| verified(Ok(message))).collect();
    Work { verified, ..Work::default() }
}
