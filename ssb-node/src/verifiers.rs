//! Threads that parse and verify, in groups. They finish in any order; the log inbox puts the groups in line again.

use std::io;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use smol::channel::Receiver;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Refusal;
use ssb_keys::verify::KeyCache;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::verify_group;

use crate::log_inbox::LogInbox;
use crate::log_inbox::Verified;
use crate::supervisor::or_abort;

/// Starts `count` threads. They end when the channel is closed and drained.
pub(crate) fn start(
    count: usize,
    groups: &Receiver<Group>,
    signing: Signing,
    log: &Arc<LogInbox>,
) -> io::Result<Vec<JoinHandle<()>>> {
    (0..count)
        .map(|n| {
            let (groups, log) = (groups.clone(), Arc::clone(log));
            thread::Builder::new().name(format!("ssb-verify-{n}")).spawn(move || {
                or_abort("a verifier", || {
                    let mut keys = KeyCache::new();
                    while let Ok(Group { number, items }) = groups.recv_blocking() {
                        log.group(number, verify(items, &signing, &mut keys));
                    }
                });
            })
        })
        .collect()
}

fn verify(items: Vec<Ingest>, signing: &Signing, keys: &mut KeyCache) -> Vec<Verified> {
    let mut verified: Vec<Verified> = Vec::with_capacity(items.len());
    let mut claims = Vec::with_capacity(items.len());
    for Ingest { source, feed, raw } in items {
        // Every entry gets its verdict below or here, in place, so that the order stays.
        let refusal = match Unverified::parse(&raw) {
            Ok(message) if message.author() == feed => {
                claims.push((verified.len(), message));
                Refusal::Signature
            }
            Ok(_) => Refusal::WrongFeed,
            Err(_) => Refusal::Malformed,
        };
        verified.push(Verified { source, len: raw.len(), message: Err(refusal) });
    }
    let (places, group): (Vec<usize>, Vec<Unverified>) = claims.into_iter().unzip();
    for (place, verdict) in places.into_iter().zip(verify_group(group, signing, keys)) {
        if let (Ok(message), Some(entry)) = (verdict, verified.get_mut(place)) {
            entry.message = Ok(message);
        }
    }
    verified
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::connection::StreamId;
    use ssb_gossip::event::Source;
    use ssb_keys::hmac::HmacKey;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    fn message(author: u8, signing: &Signing) -> Vec<u8> {
        let state = ValidationState::new(key(author).id());
        let content = r#"{"type":"post","text":"hello"}"#;
        draft::sign(content, &state, 1.0, &key(author), signing).unwrap().compact().to_vec()
    }

    /// Judges bytes that came on a stream of feed 1.
    fn judge(items: &[Vec<u8>]) -> Vec<Result<(), Refusal>> {
        let source = Source { connection: ConnectionId(1), stream: StreamId(1) };
        let ingests =
            items.iter().map(|raw| Ingest { source, feed: key(1).id(), raw: raw.clone() }).collect();
        let verified = verify(ingests, &Signing::plain(), &mut KeyCache::new());
        assert!(verified.iter().map(|entry| entry.len).eq(items.iter().map(Vec::len)));
        verified.into_iter().map(|entry| entry.message.map(drop)).collect()
    }

    #[test]
    fn every_item_gets_its_verdict_in_its_place() {
        let good = message(1, &Signing::plain());
        let text = String::from_utf8(good.clone()).unwrap();
        let altered = text.replace("hello", "hallo").into_bytes();
        let keyed = message(1, &Signing::keyed(HmacKey::from_bytes([3; 32])));
        let malformed = good[1..].to_vec();
        let theirs = message(2, &Signing::plain());

        assert_eq!(
            judge(&[altered, good.clone(), malformed, theirs, good.clone(), keyed, Vec::new(), good]),
            [
                Err(Refusal::Signature),
                Ok(()),
                Err(Refusal::Malformed),
                Err(Refusal::WrongFeed),
                Ok(()),
                Err(Refusal::Signature),
                Err(Refusal::Malformed),
                Ok(()),
            ]
        );
    }

    #[test]
    fn nothing_gets_no_verdict() {
        assert_eq!(judge(&[]), []);
    }
}
