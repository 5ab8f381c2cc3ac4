//! A stream of messages: a range of the stored part, then, if it is live, what is new. Which messages, and in which order,
//! says a [`Messages`].

use std::iter;
use std::ops::Range;

use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::read::ReadError;

use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;
use super::stream_options::Options;
use super::stream_options::SYNC;

/// What a stream is of: messages in an order, counted from 0.
pub(crate) trait Messages: Send {
    /// How many there are now.
    fn end(&self, reader: &Reader<Disk>) -> u32;

    /// Those of the first `end` that are in the range that `options` have. `None` if that takes another turn to find out.
    fn range(
        &mut self,
        reader: &Reader<Disk>,
        options: &Options,
        end: u32,
    ) -> Result<Option<Range<u32>>, ReadError>;

    /// Some of them, with their places: from the start of `range`, or from its end backwards. At least one, if there is any:
    /// the messages of some places may have been deleted.
    fn page(&self, reader: &Reader<Disk>, range: Range<u32>, reverse: bool)
    -> Result<Vec<Placed>, ReadError>;

    /// What to wait for when there are `end`.
    fn growth(&self, end: u32) -> Then;

    /// The value that the range is about, of the message in a place.
    fn sort_value(&self, place: u32, stored: &Stored) -> f64;

    /// The item for the message in a place.
    fn item(&self, options: &Options, _place: u32, stored: &Stored) -> String {
        options.item(stored)
    }
}

/// A message and its place.
pub(crate) type Placed = (u32, Stored);

/// A stream that we serve.
pub(crate) struct MessageStream<M> {
    messages: M,
    options: Options,
    stage: Stage,
}

enum Stage {
    /// Nothing was looked up yet.
    Start,
    /// So many are stored. Which of them are wanted is being looked up.
    Preparing { end: u32 },
    /// What of the stored part is left, and where live begins.
    Stored { range: Range<u32>, left: u64, live_from: u32 },
    /// New messages, from here, and how many of them are left.
    Live { from: u32, left: u64 },
}

impl<M: Messages> MessageStream<M> {
    pub(crate) fn new(messages: M, options: Options) -> Self {
        Self { messages, options, stage: Stage::Start }
    }

    fn next_page(&mut self, reader: &Reader<Disk>) -> Result<Page, ReadError> {
        let Self { messages, options, stage } = self;
        match stage {
            Stage::Start => {
                self.begin(reader);
                Ok(Page::empty(Then::More))
            }
            Stage::Preparing { end } => {
                if let Some(range) = messages.range(reader, options, *end)? {
                    let left = options.limit.unwrap_or(u64::MAX);
                    *stage = Stage::Stored { range, left, live_from: *end };
                }
                Ok(Page::empty(Then::More))
            }
            Stage::Stored { range, left, live_from } => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                let mut page = match wanted {
                    0 => Vec::new(),
                    _ => messages.page(reader, range.clone(), options.reverse)?,
                };
                page.truncate(wanted);
                let Some((last, _)) = page.last() else {
                    let (live_from, left) = (*live_from, *left);
                    return Ok(self.finish_stored(live_from, left));
                };
                *left -= page.len() as u64;
                if options.reverse {
                    range.end = *last;
                } else {
                    range.start = last + 1;
                }
                let items = page.iter().map(|(place, stored)| messages.item(options, *place, stored));
                Ok(Page { items: items.collect(), then: Then::More })
            }
            Stage::Live { left: 0, .. } => Ok(Page::empty(Then::End(Ok(())))),
            Stage::Live { from, left } => {
                let end = messages.end(reader);
                let page = messages.page(reader, *from..end, false)?;
                *from = page.last().map_or(end, |(last, _)| last + 1).max(*from);
                let then = if *from < end { Then::More } else { messages.growth(end) };
                let wanted = page
                    .iter()
                    .filter(|(place, stored)| options.is_in_range(messages.sort_value(*place, stored)));
                let items = wanted.map(|(place, stored)| messages.item(options, *place, stored));
                let items: Vec<String> = items.take(usize::try_from(*left).unwrap_or(usize::MAX)).collect();
                *left -= items.len() as u64;
                let then = if *left == 0 { Then::More } else { then };
                Ok(Page { items, then })
            }
        }
    }

    fn finish_stored(&mut self, live_from: u32, left: u64) -> Page {
        if !self.options.live {
            return Page::empty(Then::End(Ok(())));
        }
        let left = if self.options.limits_live { left } else { u64::MAX };
        self.stage = Stage::Live { from: live_from, left };
        let items = if self.options.sync { vec![SYNC.to_owned()] } else { Vec::new() };
        Page { items, then: Then::More }
    }
}

impl<M: Messages> Source for MessageStream<M> {
    fn begin(&mut self, reader: &Reader<Disk>) {
        let Self { messages, options, stage } = self;
        if matches!(stage, Stage::Start) {
            let end = messages.end(reader);
            let left = options.limit.filter(|_| options.limits_live).unwrap_or(u64::MAX);
            *stage = if options.old { Stage::Preparing { end } } else { Stage::Live { from: end, left } };
        }
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        // What nobody asked for in plain text is not opened.
        let page =
            if self.options.private { self.next_page(reader) } else { self.next_page(&reader.sealed()) };
        page.unwrap_or_else(|error| Page::empty(Then::failed(&error)))
    }
}

/// The messages in some places, from the start of `range` or from its end backwards, until a page is full. Places that have no
/// `ordinal`, or whose message was deleted, are passed over. At least one, if there is any.
pub(crate) fn read_page(
    reader: &Reader<Disk>,
    mut range: Range<u32>,
    reverse: bool,
    ordinal: impl Fn(u32) -> Option<Ordinal>,
) -> Result<Vec<Placed>, ReadError> {
    let places = iter::from_fn(|| if reverse { range.next_back() } else { range.next() });
    let mut places = places.filter_map(|place| Some((place, ordinal(place)?)));
    let (mut page, mut len) = (Vec::new(), 0);
    loop {
        let next: Vec<(u32, Ordinal)> = places.by_ref().take(AT_ONCE).collect();
        if next.is_empty() {
            return Ok(page);
        }
        let ordinals: Vec<Ordinal> = next.iter().map(|(_, at)| *at).collect();
        for ((place, _), read) in next.into_iter().zip(reader.read_all(&ordinals)) {
            let stored = match read {
                Err(ReadError::Absent) => continue,
                read => read?,
            };
            len += stored.shown().len();
            page.push((place, stored));
            if len >= PAGE_LEN {
                return Ok(page);
            }
        }
    }
}

/// How many messages are read at once.
const AT_ONCE: usize = 32;
