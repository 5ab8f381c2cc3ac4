//! `del` and `undel`: messages and feeds that are gone for good, and back.
//!
//! In ssb-db 20.4.1 `del` wipes a record, and the next peer brings the message back. Here it is gone until its owner says
//! otherwise with `undel`, which is ours. The own feed cannot be removed as a whole: it could not go on without forking.

use serde_json::Value;
use ssb_gossip::event::Again;
use ssb_gossip::event::Removal;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::link::Link;
use ssb_log::Decision;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::source::PAGE_LEN;

/// The most keys of an answer: as many as fit into one that every client takes.
const KEYS_MAX: usize = 16_384;

/// What a call means: a link to a message, or a feed.
///
/// # Errors
///
/// JavaScript's texts (ssb-db 20.4.1).
pub(crate) fn target(args: &[u8]) -> Result<Removal, RemoteError> {
    let given = args::first(args);
    if !args::is_truthy(&given) {
        return Err(args::required());
    }
    let wrong = || args::wrong_type("feedId");
    let Value::String(text) = given else { return Err(wrong()) };
    if let Ok(feed) = FeedId::parse(&text) {
        return Ok(Removal::Feed(feed));
    }
    match Link::parse(&text).map(|link| link.id()) {
        Some(Id::Message(id)) => Ok(Removal::Message(id)),
        _ => Err(wrong()),
    }
}

/// What is to be decided about messages, and what the caller gets to know.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) decision: Decision,
    /// JSON.
    pub(crate) answer: String,
    /// What the core has to know: of this feed nothing is left, and it may come back or not.
    pub(crate) emptied: Option<(FeedId, Again)>,
    /// And this author may say something else of that contact.
    pub(crate) related: Option<(FeedId, FeedId)>,
}

/// How something is removed: a message, answered by `false` as in JavaScript, or a feed, answered by the keys of its messages.
/// May block on the disk.
///
/// # Errors
///
/// JavaScript's text for a message that is not there.
pub(crate) fn remove(reader: &Reader<Disk>, what: Removal) -> Result<Change, RemoteError> {
    match what {
        Removal::Message(id) => {
            let place = reader.place_of(&id).map_err(|error| failed(&error))?;
            let place = place.filter(|place| place.is_here).ok_or_else(|| not_found(&id))?;
            let (feed, from) = (place.feed, place.sequence);
            let decision = Decision::Delete { feed, from, upto: from };
            let related = place.contact.map(|contact| (feed, contact));
            Ok(Change { decision, answer: "false".to_owned(), emptied: None, related })
        }
        Removal::Feed(feed) => {
            let keys = keys(reader, &feed).map_err(|error| failed(&error))?;
            let keys: Vec<String> = keys.iter().map(|id| format!("\"{id}\"")).collect();
            let answer = format!("[{}]", keys.join(","));
            let emptied = Some((feed, Again::Refused));
            Ok(Change { decision: Decision::Ban { feed }, answer, emptied, related: None })
        }
    }
}

/// How that is undone. The answer is whether there was anything to be undone. May block on the disk.
///
/// # Errors
///
/// Ours, for a message that was not deleted.
pub(crate) fn readmit(reader: &Reader<Disk>, what: Removal) -> Result<Change, RemoteError> {
    let answer = "true".to_owned();
    match what {
        Removal::Message(id) => {
            let place = reader.place_of(&id).map_err(|error| failed(&error))?;
            let place = place.filter(|place| !place.is_here);
            let place = place.ok_or_else(|| RemoteError::new(format!("{id} was not deleted here")))?;
            let (feed, from) = (place.feed, place.sequence);
            let decision = Decision::Readmit { feed, from, upto: from };
            let related = place.contact.map(|contact| (feed, contact));
            Ok(Change { decision, answer, emptied: None, related })
        }
        Removal::Feed(feed) if reader.banned().contains(&feed) => {
            let emptied = Some((feed, Again::Allowed));
            Ok(Change { decision: Decision::Unban { feed }, answer, emptied, related: None })
        }
        Removal::Feed(feed) => Err(RemoteError::new(format!("{feed} was not deleted here"))),
    }
}

/// That the own feed stays.
pub(crate) fn own_feed() -> RemoteError {
    RemoteError::new("the own feed cannot be deleted: what is published after that would fork it")
}

fn keys(reader: &Reader<Disk>, feed: &FeedId) -> Result<Vec<MessageId>, ReadError> {
    let (mut keys, mut next) = (Vec::new(), 1);
    while let Some(mut sequence) = reader.next_sequence(feed, next) {
        for stored in reader.feed_page(feed, sequence, PAGE_LEN)? {
            if keys.len() >= KEYS_MAX {
                return Ok(keys);
            }
            keys.push(stored.id);
            sequence = sequence.saturating_add(1);
        }
        next = sequence;
    }
    Ok(keys)
}

fn not_found(id: &MessageId) -> RemoteError {
    RemoteError::named("NotFoundError", format!("Key not found in database [{id}]"))
}

fn failed(error: &ReadError) -> RemoteError {
    RemoteError::new(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;

    #[test]
    fn a_link_to_a_message_or_a_feed_is_meant() {
        let (message, feed) = (MessageId::from_bytes([1; 32]), key(1).id());
        let meant = |args: String| target(args.as_bytes());

        assert_eq!(meant(format!("[\"{message}\"]")), Ok(Removal::Message(message)));
        assert_eq!(meant(format!("[\"{message}?x=y\"]")), Ok(Removal::Message(message)));
        assert_eq!(meant(format!("[\"{feed}\"]")), Ok(Removal::Feed(feed)));
        assert_eq!(meant("[]".to_owned()), Err(args::required()));
        for wrong in ["[\"x\"]", "[7]", "[{}]", "[true]"] {
            assert_eq!(meant(wrong.to_owned()), Err(args::wrong_type("feedId")), "{wrong}");
        }
    }

    #[test]
    fn a_message_is_removed_by_its_place_in_its_feed() {
        let mut fixture = Fixture::new();
        let posts = fixture.publish_posts(&key(1), 3, 5);
        let (feed, id) = (key(1).id(), posts[1].id());

        let change = remove(&fixture.reader(), Removal::Message(id)).unwrap();

        assert_eq!(change.decision, Decision::Delete { feed, from: 2, upto: 2 });
        assert_eq!((change.answer.as_str(), change.emptied), ("false", None));
        assert!(readmit(&fixture.reader(), Removal::Message(id)).is_err());
        fixture.store().decide(&[change.decision], 0.0).unwrap();
        assert_eq!(remove(&fixture.reader(), Removal::Message(id)), Err(not_found(&id)));
        let back = readmit(&fixture.reader(), Removal::Message(id)).unwrap();
        assert_eq!(back.decision, Decision::Readmit { feed, from: 2, upto: 2 });
    }

    #[test]
    fn a_feed_is_removed_with_the_keys_of_what_was_here() {
        let mut fixture = Fixture::new();
        let posts = fixture.publish_posts(&key(1), 3, 5);
        let feed = key(1).id();
        fixture.store().decide(&[Decision::Delete { feed, from: 2, upto: 2 }], 0.0).unwrap();

        let change = remove(&fixture.reader(), Removal::Feed(feed)).unwrap();

        assert_eq!(change.decision, Decision::Ban { feed });
        assert_eq!(change.answer, format!("[\"{}\",\"{}\"]", posts[0].id(), posts[2].id()));
        assert_eq!(change.emptied, Some((feed, Again::Refused)));
        assert!(readmit(&fixture.reader(), Removal::Feed(feed)).is_err());
        fixture.store().decide(&[change.decision], 0.0).unwrap();
        let back = readmit(&fixture.reader(), Removal::Feed(feed)).unwrap();
        assert_eq!((back.decision, back.emptied), (Decision::Unban { feed }, Some((feed, Again::Allowed))));
    }
}
