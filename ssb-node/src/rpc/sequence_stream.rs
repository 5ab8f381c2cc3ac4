//! `createSequenceStream`: how far the log goes, now and whenever it grows.
//!
//! ssb-db 20.4.1 sends the byte offset of the last message, here it is its ordinal: both start at -1 for an empty log and
//! only ever grow. There, what is written at once is one item; here it is one for each message.

use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;

use super::source::Page;
use super::source::Source;
use super::source::Then;

/// The most items of a page.
const PAGE_ITEMS_MAX: u32 = 4096;

/// A sequence stream that we serve.
#[derive(Debug, Default)]
pub(crate) struct SequenceStream {
    /// How far the log went when the stream was called for.
    first: Option<Ordinal>,
    /// How far it has been sent.
    sent: Option<Ordinal>,
}

impl Source for SequenceStream {
    fn begin(&mut self, reader: &Reader<Disk>) {
        self.first = Some(reader.end());
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        let end = reader.end();
        let Some(sent) = self.sent else {
            let first = self.first.unwrap_or(end);
            self.sent = Some(first);
            return Page { items: vec![(i64::from(first.get()) - 1).to_string()], then: Then::More };
        };
        let until = end.get().min(sent.get().saturating_add(PAGE_ITEMS_MAX));
        self.sent = Some(Ordinal::new(until));
        let items = (sent.get()..until).map(|at| at.to_string()).collect();
        Page { items, then: if until < end.get() { Then::More } else { Then::Grown { past: end } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::pull_all;

    #[test]
    fn the_first_item_is_how_far_the_log_went_when_it_was_called_for() {
        let mut fixture = Fixture::new();
        let mut stream = SequenceStream::default();
        stream.begin(&fixture.reader());
        fixture.publish_posts(&key(1), 1, 1);

        assert_eq!(pull_all(&mut stream, &fixture).0, ["-1", "0"]);
    }

    #[test]
    fn it_says_how_far_the_log_goes_whenever_that_changes() {
        let mut fixture = Fixture::new();
        let mut stream = SequenceStream::default();
        let (items, then, _) = pull_all(&mut stream, &fixture);
        assert_eq!((items, then), (vec!["-1".to_owned()], Then::Grown { past: Ordinal::ZERO }));

        assert_eq!(pull_all(&mut stream, &fixture).0, Vec::<String>::new());
        fixture.publish_posts(&key(1), 3, 1);

        let (items, then, _) = pull_all(&mut stream, &fixture);
        let grown = ["0", "1", "2"].map(str::to_owned).to_vec();
        assert_eq!((items, then), (grown, Then::Grown { past: Ordinal::new(3) }));
    }
}
