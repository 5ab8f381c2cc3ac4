//! What the owner wants gone, or back: the body of a record of kind [`Decision`](crate::log::Kind::Decision).
//!
//! Decisions name feeds and sequences, not places in the log, so they mean the same after a repair. They stay in the log
//! for good, because they are asked before a message is stored. A body is one or more of these, without gaps:
//!
//! ```text
//! 0      1          33       37       41
//! ├──────┼──────────┼────────┼────────┤
//! │ what │ feed     │ from   │ upto   │
//! │ u8   │ 32 bytes │ u32    │ u32    │   little endian; sequences, both included, or 0 where a whole feed is meant
//! └──────┴──────────┴────────┴────────┘
//! ```

use ssb_keys::FeedId;
use ssb_keys::hash::Sha256;

/// A decision about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These messages are gone, and are not taken again. Their feed goes on behind them.
    Delete {
        /// Whose they are.
        feed: FeedId,
        /// The sequence of the first of them, at least 1.
        from: u32,
        /// The sequence of the last.
        upto: u32,
    },
    /// All messages of a feed are gone. Whoever brings it again may, from the first message on: also those that were deleted before.
    Forget {
        /// Which.
        feed: FeedId,
    },
    /// All messages of a feed are gone, and nothing of it is taken again.
    Ban {
        /// Which.
        feed: FeedId,
    },
    /// Deleted messages may come back.
    Readmit {
        /// Whose they are.
        feed: FeedId,
        /// The sequence of the first of them, at least 1.
        from: u32,
        /// The sequence of the last.
        upto: u32,
    },
    /// A banned feed may come back, from its first message on.
    Unban {
        /// Which.
        feed: FeedId,
    },
}

/// The most decisions of one record.
pub(crate) const RECORD_DECISIONS_MAX: usize = 1024;

const DECISION_LEN: usize = 1 + 32 + 4 + 4;

impl Decision {
    /// Whose messages it is about.
    pub const fn feed(&self) -> FeedId {
        match self {
            Self::Delete { feed, .. }
            | Self::Forget { feed }
            | Self::Ban { feed }
            | Self::Readmit { feed, .. }
            | Self::Unban { feed } => *feed,
        }
    }

    fn push(&self, out: &mut Vec<u8>) {
        let (what, feed, from, upto) = match *self {
            Self::Delete { feed, from, upto } => (1, feed, from, upto),
            Self::Forget { feed } => (2, feed, 0, 0),
            Self::Ban { feed } => (3, feed, 0, 0),
            Self::Readmit { feed, from, upto } => (4, feed, from, upto),
            Self::Unban { feed } => (5, feed, 0, 0),
        };
        out.push(what);
        out.extend_from_slice(feed.as_bytes());
        out.extend_from_slice(&from.to_le_bytes());
        out.extend_from_slice(&upto.to_le_bytes());
    }

    fn parse(bytes: &[u8; DECISION_LEN]) -> Option<Self> {
        let (&[what], rest) = bytes.split_first_chunk::<1>()?;
        let (feed, rest) = rest.split_first_chunk::<32>()?;
        let (from, rest) = rest.split_first_chunk::<4>()?;
        let feed = FeedId::from_bytes(*feed);
        let (from, upto) = (u32::from_le_bytes(*from), u32::from_le_bytes(*rest.first_chunk::<4>()?));
        let is_whole = from == 0 && upto == 0;
        let is_part = from >= 1 && from <= upto;
        match what {
            1 if is_part => Some(Self::Delete { feed, from, upto }),
            2 if is_whole => Some(Self::Forget { feed }),
            3 if is_whole => Some(Self::Ban { feed }),
            4 if is_part => Some(Self::Readmit { feed, from, upto }),
            5 if is_whole => Some(Self::Unban { feed }),
            _ => None,
        }
    }
}

/// The body of a record of these, and its id, which is a hash of it.
pub(crate) fn encode(decisions: &[Decision]) -> ([u8; 32], Vec<u8>) {
    let mut body = Vec::with_capacity(decisions.len() * DECISION_LEN);
    decisions.iter().for_each(|decision| decision.push(&mut body));
    (id_of(&body), body)
}

/// The decisions of a record. `None` if it is not one that is written here.
pub(crate) fn decode(id: &[u8; 32], body: &[u8]) -> Option<Vec<Decision>> {
    let (all, rest) = body.as_chunks::<DECISION_LEN>();
    let count = all.len();
    if count == 0 || count > RECORD_DECISIONS_MAX || !rest.is_empty() || id_of(body) != *id {
        return None;
    }
    all.iter().map(Decision::parse).collect()
}

/// The id of a record of decisions.
pub(crate) fn id_of(body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(body);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decision() -> impl Strategy<Value = Decision> {
        let feed = any::<[u8; 32]>().prop_map(FeedId::from_bytes);
        (feed, 0..5_u8, 1..u32::MAX, any::<u32>()).prop_map(|(feed, what, from, len)| {
            let upto = from.saturating_add(len);
            match what {
                0 => Decision::Delete { feed, from, upto },
                1 => Decision::Forget { feed },
                2 => Decision::Ban { feed },
                3 => Decision::Readmit { feed, from, upto },
                _ => Decision::Unban { feed },
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in proptest::collection::vec(decision(), 1..20)) {
            let (id, body) = encode(&all);

            prop_assert_eq!(decode(&id, &body), Some(all));
        }

        #[test]
        fn bytes_are_decisions_or_nothing(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(all) = decode(&id_of(&body), &body) {
                prop_assert_eq!(encode(&all).1, body);
            }
        }
    }

    #[test]
    fn a_record_has_no_more_than_its_limit() {
        let all = vec![Decision::Forget { feed: FeedId::from_bytes([1; 32]) }; RECORD_DECISIONS_MAX + 1];
        let (id, body) = encode(&all[1..]);
        assert!(decode(&id, &body).is_some());
        let (id, body) = encode(&all);
        assert_eq!(decode(&id, &body), None);
    }

    #[test]
    fn what_names_no_messages_is_no_decision() {
        let feed = FeedId::from_bytes([1; 32]);
        for wrong in [
            Decision::Delete { feed, from: 0, upto: 0 },
            Decision::Delete { feed, from: 0, upto: 2 },
            Decision::Readmit { feed, from: 3, upto: 2 },
        ] {
            let (id, body) = encode(&[wrong]);
            assert_eq!(decode(&id, &body), None);
        }
        let (_, body) = encode(&[Decision::Forget { feed }]);
        assert_eq!(decode(&[0; 32], &body), None);
    }
}
