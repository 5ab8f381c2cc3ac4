//! What comes between the core and the log: groups of messages are verified, anywhere and at once, and then stand in line
//! again in the order of their numbers.

use std::collections::BTreeMap;

use ssb_keys::verify::KeyCache;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::verify_group;

use crate::event::Giver;
use crate::event::Ingest;
use crate::event::Refusal;

/// A message after its signature was checked, or why it is not one.
#[derive(Debug)]
pub struct Verified {
    /// Where it came from.
    pub giver: Giver,
    /// As received, in bytes.
    pub len: usize,
    /// What it is.
    pub message: Result<Message, Refusal>,
}

/// Parses and verifies the messages of one group. Each gets its own verdict, in its place.
pub fn verify(items: Vec<Ingest>, signing: &Signing, keys: &mut KeyCache) -> Vec<Verified> {
    let mut verified: Vec<Verified> = Vec::with_capacity(items.len());
    let mut claims = Vec::with_capacity(items.len());
    for Ingest { giver, feed, raw } in items {
        // Every entry gets its verdict below or here, in place, so that the order stays.
        let refusal = match Unverified::parse(&raw) {
            Ok(message) if message.author() == feed => {
                claims.push((verified.len(), message));
                Refusal::Signature
            }
            Ok(_) => Refusal::WrongFeed,
            Err(_) => Refusal::Malformed,
        };
        verified.push(Verified { giver, len: raw.len(), message: Err(refusal) });
    }
    let (places, group): (Vec<usize>, Vec<Unverified>) = claims.into_iter().unzip();
    for (place, verdict) in places.into_iter().zip(verify_group(group, signing, keys)) {
        if let (Ok(message), Some(entry)) = (verdict, verified.get_mut(place)) {
            entry.message = Ok(message);
        }
    }
    verified
}

/// Groups that were verified in any order, handed out in the order of their numbers.
#[derive(Debug, Default)]
pub struct InOrder {
    next: u64,
    waiting: BTreeMap<u64, Vec<Verified>>,
}

impl InOrder {
    /// Takes in a group.
    pub fn insert(&mut self, number: u64, group: Vec<Verified>) {
        debug_assert!(number >= self.next, "a group came twice");
        self.waiting.insert(number, group);
    }

    /// The next group, if it is here.
    pub fn pop(&mut self) -> Option<Vec<Verified>> {
        let group = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Ticket;
    use ssb_keys::Keypair;
    use ssb_keys::hmac::HmacKey;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    fn key(n: u8) -> Keypair {
        Keypair::from_seed(&[n; 32])
    }

    fn message(author: u8, signing: &Signing) -> Vec<u8> {
        let state = ValidationState::new(key(author).id());
        let content = r#"{"type":"post","text":"hello"}"#;
        draft::sign(content, &state, 1.0, &key(author), signing).unwrap().compact().to_vec()
    }

    /// Judges bytes that came on a stream of feed 1.
    fn judge(items: &[Vec<u8>]) -> Vec<Result<(), Refusal>> {
        let giver = Giver::Owner(Ticket(1));
        let ingests = items.iter().map(|raw| Ingest { giver, feed: key(1).id(), raw: raw.clone() }).collect();
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

    #[test]
    fn groups_wait_for_those_before_them() {
        let mut line = InOrder::default();
        let giver = Giver::Owner(Ticket(1));
        let group = |len| vec![Verified { giver, len, message: Err(Refusal::Malformed) }];
        let next = |line: &mut InOrder| line.pop().map(|group| group.iter().map(|item| item.len).sum());

        line.insert(1, group(1));
        assert_eq!(next(&mut line), None::<usize>);
        line.insert(0, group(5));

        assert_eq!([next(&mut line), next(&mut line), next(&mut line)], [Some(5), Some(1), None]);
    }
}
