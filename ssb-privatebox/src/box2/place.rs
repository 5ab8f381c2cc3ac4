//! Where a box stands, and the keys that follow from it.

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::bfe::LEN;
use ssb_keys::bfe::UnknownFormat;
use ssb_keys::hkdf;
use zeroize::Zeroizing;

use super::slp;

/// Where a box stands: in whose feed, and behind which message. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub(super) feed: [u8; LEN],
    pub(super) previous: [u8; LEN],
}

impl Place {
    /// A place in a classic feed, behind the message `previous`, or at the feed's start.
    pub fn new(author: FeedId, previous: Option<MessageId>) -> Self {
        // At the start stands an id of zeros.
        let previous = previous.unwrap_or(MessageId::from_bytes([0; 32]));
        Self { feed: Id::Feed(author).encode(), previous: Id::Message(previous).encode() }
    }

    /// A place in a feed of any format in which JavaScript encrypts (classic, gabbygrove-v1, bendybutt-v1, buttwoo-v1).
    ///
    /// Both ids are in binary form: type, format, and 32 bytes (SIP 8).
    ///
    /// # Errors
    ///
    /// [`UnknownFormat`] if the feed is of another format, or `previous` is no message of the same.
    pub fn from_bfe(feed: &[u8; LEN], previous: Option<&[u8; LEN]>) -> Result<Self, UnknownFormat> {
        let [kind, format, ..] = *feed;
        let of_messages = match (kind, format) {
            (FEED, 0) => 0,
            (FEED, 1) => 1,
            (FEED, 3) => 4,
            (FEED, 4) => 5,
            _ => return Err(UnknownFormat { kind, format }),
        };
        let start = [[MESSAGE, of_messages].as_slice(), &[0; LEN - 2]].concat();
        match previous {
            None => Ok(Self { feed: *feed, previous: *start.first_chunk().expect("just put together") }),
            Some(id) if id.starts_with(&[MESSAGE, of_messages]) => Ok(Self { feed: *feed, previous: *id }),
            Some(&[kind, format, ..]) => Err(UnknownFormat { kind, format }),
        }
    }

    /// The key that follows from another one, in this place, for what the labels say.
    pub(super) fn derive<const N: usize>(&self, key: &[u8; 32], labels: &[&str]) -> Zeroizing<[u8; N]> {
        debug_assert!(labels.iter().all(|label| !label.is_empty()), "envelope-spec refuses empty labels");
        let place = [b"envelope".as_slice(), &self.feed, &self.previous];
        let labels = labels.iter().map(|label| label.as_bytes());
        hkdf::expand(key, &slp::encode(place.into_iter().chain(labels)))
    }
}

const FEED: u8 = 0;
const MESSAGE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classic_place_is_that_of_its_binary_ids() {
        let (author, previous) = (FeedId::from_bytes([1; 32]), MessageId::from_bytes([2; 32]));
        let (feed, message) = (Id::Feed(author).encode(), Id::Message(previous).encode());

        assert_eq!(Place::from_bfe(&feed, Some(&message)), Ok(Place::new(author, Some(previous))));
        assert_eq!(Place::from_bfe(&feed, None), Ok(Place::new(author, None)));
    }

    #[test]
    fn a_feed_of_an_unknown_format_and_what_is_no_feed_have_no_places() {
        for (kind, format) in [(0, 2), (0, 5), (0, 255), (1, 0), (7, 0)] {
            let refused = Place::from_bfe(&id(kind, format), None);
            assert_eq!(refused, Err(UnknownFormat { kind, format }));
        }
    }

    #[test]
    fn a_message_of_another_format_is_not_before_those_of_a_feed() {
        for (feed, message) in [(0, 0), (1, 1), (3, 4), (4, 5)] {
            assert!(Place::from_bfe(&id(0, feed), Some(&id(1, message))).is_ok());
            for (kind, format) in [(1, message + 1), (0, message), (6, 2)] {
                let refused = Place::from_bfe(&id(0, feed), Some(&id(kind, format)));
                assert_eq!(refused, Err(UnknownFormat { kind, format }));
            }
        }
    }

    fn id(kind: u8, format: u8) -> [u8; LEN] {
        let mut id = [9; LEN];
        (id[0], id[1]) = (kind, format);
        id
    }
}
