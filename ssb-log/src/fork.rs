//! That a feed has forked: the body of a record of kind [`ForkProof`](crate::log::Kind::ForkProof).
//!
//! ```text
//! 0              4        4 + n
//! ├──────────────┼────────┼────────┤
//! │ length n     │ first  │ second │
//! │ u32          │        │        │   little endian; both messages in compact form
//! └──────────────┴────────┴────────┘
//! ```
//!
//! Both are signed by the author of the feed, and no feed can have both: they have the same sequence and different ids, or the
//! second has the next sequence and follows another message than the first. The first is the one that the log holds in its
//! feed, or held then. The first proof of a feed is kept until the owner wants its messages gone.

use ssb_keys::FeedId;
use ssb_msg::Unverified;

use crate::decision;

/// Two messages of one feed that contradict each other.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkProof {
    first: Unverified,
    second: Unverified,
}

/// That a feed has forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fork {
    /// Which.
    pub feed: FeedId,
    /// The sequence of the message that contradicts what the log holds.
    pub sequence: u32,
}

impl ForkProof {
    /// What two messages prove: that their feed has forked, or nothing.
    pub fn new(first: Unverified, second: Unverified) -> Option<Self> {
        let is_one_author = first.author() == second.author();
        let is_other = first.sequence() == second.sequence() && first.id() != second.id();
        let is_elsewhere = first.sequence().checked_add(1) == Some(second.sequence())
            && second.previous() != Some(first.id());
        (is_one_author && (is_other || is_elsewhere)).then_some(Self { first, second })
    }

    /// The message that the log held in its feed when it kept the proof.
    pub const fn first(&self) -> &Unverified {
        &self.first
    }

    /// The message that contradicts it.
    pub const fn second(&self) -> &Unverified {
        &self.second
    }

    /// Both, as they are to be verified.
    pub(crate) fn into_parts(self) -> [Unverified; 2] {
        [self.first, self.second]
    }

    /// Which feed, and where.
    pub fn fork(&self) -> Fork {
        Fork { feed: self.first.author(), sequence: self.second.sequence() }
    }

    /// The id of its record, which is a hash, and the body.
    pub fn to_record(&self) -> ([u8; 32], Vec<u8>) {
        let first = self.first.compact();
        let len = u32::try_from(first.len()).expect("a message is far shorter than 4 GiB");
        let body = [&len.to_le_bytes(), first, self.second.compact()].concat();
        (decision::id_of(&body), body)
    }

    /// `None` if it is not one that is written here.
    pub(crate) fn decode(id: &[u8; 32], body: &[u8]) -> Option<Self> {
        let (first, second) = Self::split(body)?;
        let parse = |text: &[u8]| Unverified::parse(text).ok().filter(|message| message.compact() == text);
        let proof = Self::new(parse(first)?, parse(second)?)?;
        (decision::id_of(body) == *id).then_some(proof)
    }

    fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
        let (len, rest) = body.split_first_chunk::<4>()?;
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_keys::Keypair;
    use ssb_msg::Signing;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    /// The messages of a feed with these texts.
    fn feed(seed: u8, texts: &[&str]) -> Vec<Unverified> {
        let me = Keypair::from_seed(&[seed; 32]);
        let mut state = ValidationState::new(me.id());
        let mut next = |(n, text): (usize, &&str)| {
            let content = format!(r#"{{"type":"post","text":"{text}"}}"#);
            let timestamp = 1.0 + f64::from(u32::try_from(n).unwrap());
            let message = draft::sign(&content, &state, timestamp, &me, &Signing::plain()).unwrap();
            let next = state.check(&message).unwrap();
            state.advance(next);
            Unverified::parse(message.compact()).unwrap()
        };
        texts.iter().enumerate().map(&mut next).collect()
    }

    #[test]
    fn two_messages_in_one_place_are_a_proof() {
        let (one, two) = (feed(1, &["a", "b"]), feed(1, &["a", "c"]));

        let proof = ForkProof::new(one[1].clone(), two[1].clone()).unwrap();

        assert_eq!(proof.fork(), Fork { feed: one[0].author(), sequence: 2 });
        let (id, body) = proof.to_record();
        assert_eq!(ForkProof::decode(&id, &body), Some(proof));
        assert!(body.len() < crate::limits::BODY_LEN_MAX);
    }

    #[test]
    fn a_message_that_follows_another_branch_is_a_proof() {
        let (one, two) = (feed(1, &["a", "b"]), feed(1, &["x", "y"]));

        assert!(ForkProof::new(one[0].clone(), two[1].clone()).is_some());
    }

    #[test]
    fn what_can_be_in_one_feed_proves_nothing() {
        let (one, two) = (feed(1, &["a", "b", "c"]), feed(2, &["a", "x", "c"]));
        for (first, second) in [
            (&one[0], &one[0]),
            (&one[0], &one[1]),
            (&one[1], &one[0]),
            (&one[0], &one[2]),
            (&one[1], &two[1]),
        ] {
            assert_eq!(ForkProof::new(first.clone(), second.clone()), None);
        }
    }

    #[test]
    fn bytes_that_are_no_proof_are_none() {
        let (one, two) = (feed(1, &["a", "b"]), feed(1, &["a", "c"]));
        let (id, body) = ForkProof::new(one[1].clone(), two[1].clone()).unwrap().to_record();
        for len in 0..body.len() {
            let cut = &body[..len];
            assert_eq!(ForkProof::decode(&decision::id_of(cut), cut), None);
        }
        for at in 0..body.len() {
            let mut other = body.clone();
            other[at] ^= 1;
            assert_eq!(ForkProof::decode(&id, &other), None);
        }
    }
}
