//! Single messages of a log, for peers who want them by their ids.

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Reader;
use ssb_log::faulty::Faulty;
use ssb_log::memory::Memory;
use ssb_log::read::ReadError;
use ssb_msg::content::Relation;

/// Who wrote a message, if it is there.
///
/// # Errors
///
/// The log cannot be read.
pub fn author(id: &MessageId, reader: &Reader<Faulty<Memory>>) -> Result<Option<FeedId>, ReadError> {
    Ok(reader.place_of(id)?.filter(|place| place.is_here).map(|place| place.feed))
}

/// A message for `viewer`: who wrote it, its sequence and its text. `None` if it is not there, or its author blocks the viewer, which
/// the log may know before the core does.
///
/// # Errors
///
/// The log cannot be read.
pub fn message(
    id: &MessageId,
    viewer: &FeedId,
    reader: &Reader<Faulty<Memory>>,
) -> Result<Option<(FeedId, u32, String)>, ReadError> {
    let Some(place) = reader.place_of(id)? else { return Ok(None) };
    if reader.relation(&place.feed, viewer)? == Some(Relation::Block) {
        return Ok(None);
    }
    Ok(reader.get(id)?.map(|stored| (place.feed, place.sequence, stored.json)))
}
