//! What stands in the place of a deleted message after the log was compacted: the body of a record of kind
//! [`Tombstone`](crate::log::Kind::Tombstone).
//!
//! ```text
//! 0          32         36          44
//! ├──────────┼──────────┼───────────┤
//! │ author   │ sequence │ claimed   │
//! │ 32 bytes │ u32      │ f64       │   little endian
//! └──────────┴──────────┴───────────┘
//! ```
//!
//! With the id, which the record keeps, that is all that the feed needs to go on behind it. Where the whole feed is gone the
//! body is empty.

use ssb_keys::FeedId;

/// A message that was deleted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tombstone {
    pub(crate) author: FeedId,
    pub(crate) sequence: u32,
    /// When its author said it was made.
    pub(crate) timestamp: f64,
}

pub(crate) const TOMBSTONE_LEN: usize = 32 + 4 + 8;

impl Tombstone {
    pub(crate) fn to_bytes(self) -> [u8; TOMBSTONE_LEN] {
        let mut bytes = [0; TOMBSTONE_LEN];
        let (author, rest) = bytes.split_at_mut(32);
        author.copy_from_slice(self.author.as_bytes());
        let (sequence, timestamp) = rest.split_at_mut(4);
        sequence.copy_from_slice(&self.sequence.to_le_bytes());
        timestamp.copy_from_slice(&self.timestamp.to_le_bytes());
        bytes
    }

    /// `None` if it is not one that is written here.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let (author, rest) = body.split_first_chunk::<32>()?;
        let (sequence, rest) = rest.split_first_chunk::<4>()?;
        let timestamp: &[u8; 8] = rest.try_into().ok()?;
        let sequence = u32::from_le_bytes(*sequence);
        let timestamp = f64::from_le_bytes(*timestamp);
        (sequence >= 1).then_some(Self { author: FeedId::from_bytes(*author), sequence, timestamp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tombstone = Tombstone { author: FeedId::from_bytes([7; 32]), sequence: 300, timestamp: 1.5 };
        let bytes = tombstone.to_bytes();

        assert_eq!(Tombstone::parse(&bytes), Some(tombstone));
        assert_eq!(Tombstone::parse(&bytes[1..]), None);
        assert_eq!(Tombstone::parse(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Tombstone::parse(&Tombstone { sequence: 0, ..tombstone }.to_bytes()), None);
    }
}
