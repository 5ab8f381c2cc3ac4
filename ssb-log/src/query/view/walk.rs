//! Goes through the entries of a view in the order of an index, with bounded memory.
//!
//! Where that is the order of the log, they come as the log is read. Else the messages are read again and again: each pass keeps
//! the entries that come next, as many as fit into [`WINDOW_LEN`], and they are given when it is over.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt;

use thiserror::Error;

use super::Order;
use super::Question;
use super::View;
use super::extract;
use crate::locate::Target;
use crate::ordinal::Ordinal;
use crate::query::Answer;
use crate::query::Filter;
use crate::query::Query;
use crate::query::language::Pipeline;
use crate::query::language::RunError;
use crate::query::language::Value;
use crate::read::ReadError;
use crate::reader::Reader;
use crate::reader::Stored;
use crate::storage::Directory;

/// How many bytes the keys may take that a pass keeps, about. It keeps one entry at least.
const WINDOW_LEN: usize = 4 * 1024 * 1024;

/// What an entry takes beside its key, about.
const ENTRY_LEN: usize = 64;

/// How many bytes of messages a pass reads at once.
const PASS_LEN: usize = 256 * 1024;

/// How many entries become items before a page ends although nothing came of them.
const ENTRIES_MAX: usize = 1_024;

/// What answers a question, a page at a time.
pub struct Walk<D: Directory> {
    reader: Reader<D>,
    question: Question,
    pipeline: Pipeline,
    /// What came of the program and was not given yet.
    out: VecDeque<Value>,
    stage: Stage<D>,
}

enum Stage<D: Directory> {
    /// Entries come as the log is read.
    Log(Box<Answer<D>>),
    /// Entries come in the order of their keys.
    Keys(Box<Keys<D>>),
    /// New messages are read as they come.
    Live(Box<Answer<D>>),
    /// Nothing comes any more.
    Over,
}

/// Entries that are being sorted.
struct Keys<D: Directory> {
    query: Query,
    /// The pass, while there is one.
    pass: Option<Answer<D>>,
    window_len: usize,
    /// The entries that come next, of those that the pass has seen.
    next: BTreeMap<String, Place>,
    next_len: usize,
    /// Whether there are entries behind those that are kept.
    has_more: bool,
    /// The key up to which all was given.
    given: Option<String>,
    /// What the last pass has found and was not given yet.
    ready: VecDeque<Place>,
}

/// Where an entry is: in which message, and which of that message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    at: Ordinal,
    nth: usize,
}

impl<D: Directory> Walk<D> {
    pub(crate) fn new(reader: Reader<D>, question: Question, end: Ordinal) -> Result<Self, ReadError> {
        let mut received = reader.received(question.received)?;
        received.end = received.end.min(end);
        let query = Query::new(candidates(&reader, &question)?).within(received);
        let query = query.limit(question.messages.unwrap_or(u64::MAX));
        let stage = match &question.part {
            Some(part) if !part.is_in_log_order => Stage::Keys(Box::new(Keys::new(query))),
            _ if question.order == Order::Descending => {
                Stage::Log(Box::new(reader.query(query.descending())))
            }
            _ => Stage::Log(Box::new(reader.query(query))),
        };
        let pipeline = Pipeline::new(question.program.clone());
        Ok(Self { reader, question, pipeline, out: VecDeque::new(), stage })
    }

    /// Keeps no more than so many bytes of keys in a pass.
    #[cfg(test)]
    fn with_window(mut self, window_len: usize) -> Self {
        if let Stage::Keys(keys) = &mut self.stage {
            keys.window_len = window_len;
        }
        self
    }

    /// Goes on with the messages from a place on, and with all that come: once what is stored was given, or instead of it.
    pub fn go_live(&mut self, from: Ordinal) {
        // A message that is not here yet may be the one that is pointed at.
        let filter = self.question.dest.map_or(self.question.filter.clone(), |_| Filter::all());
        let query = Query::new(filter).within(from..Ordinal::new(u32::MAX));
        self.stage = Stage::Live(Box::new(self.reader.query(query)));
    }

    /// Whether all that is there was given. Of a live walk later pages bring what has come since.
    pub fn is_over(&self) -> bool {
        self.out.is_empty()
            && match &self.stage {
                Stage::Live(answer) => answer.is_over(),
                Stage::Over => true,
                Stage::Log(_) | Stage::Keys(_) => false,
            }
    }

    /// The next items, about `len_max` bytes of them. Ask again until [`is_over`](Self::is_over): a page may be empty although
    /// there are more.
    ///
    /// # Errors
    ///
    /// [`WalkError`]: the walk is over then.
    pub fn page(&mut self, len_max: usize) -> Result<Vec<Value>, WalkError> {
        if self.out.is_empty()
            && let Err(error) = self.advance(len_max)
        {
            self.stage = Stage::Over;
            return Err(error);
        }
        let (mut page, mut len) = (Vec::new(), 0);
        while len < len_max
            && let Some(item) = self.out.pop_front()
        {
            len += item.weight();
            page.push(item);
        }
        Ok(page)
    }

    fn advance(&mut self, len_max: usize) -> Result<(), WalkError> {
        match &mut self.stage {
            Stage::Over => Ok(()),
            Stage::Log(answer) => {
                let page = answer.page(len_max)?;
                let is_over = answer.is_over();
                self.take_all(&page)?;
                if is_over { self.finish() } else { Ok(()) }
            }
            Stage::Live(answer) => {
                let page = answer.page(len_max)?;
                Ok(self.take_all(&page)?)
            }
            Stage::Keys(keys) if keys.ready.is_empty() && keys.is_over() => self.finish(),
            Stage::Keys(keys) if keys.ready.is_empty() => Ok(keys.search(&self.reader, &self.question)?),
            Stage::Keys(keys) => {
                let (mut places, mut len) = (Vec::new(), 0);
                while places.len() < ENTRIES_MAX
                    && len < len_max
                    && let Some(place) = keys.ready.pop_front()
                {
                    let stored = match self.reader.read(place.at) {
                        // It was deleted since it was found.
                        Err(ReadError::Absent) => continue,
                        read => read?,
                    };
                    len += stored.json.len();
                    places.push((stored, place.nth));
                }
                for (stored, nth) in places {
                    let entry = entries(&self.question, &stored).nth(nth);
                    entry.map_or(Ok(()), |(_, entry)| self.take(entry))?;
                }
                Ok(())
            }
        }
    }

    fn take_all(&mut self, page: &[Stored]) -> Result<(), RunError> {
        for stored in page {
            let found: Vec<Value> = entries(&self.question, stored)
                .filter(|(key, _)| key.as_deref().is_none_or(|key| is_wanted(&self.question, key)))
                .map(|(_, entry)| entry)
                .collect();
            found.into_iter().try_for_each(|entry| self.take(entry))?;
        }
        Ok(())
    }

    fn take(&mut self, entry: Value) -> Result<(), RunError> {
        let item = match &self.question.part {
            Some(part) => extract::found(self.question.view, part.index, entry),
            None => entry,
        };
        let mut out = Vec::new();
        self.pipeline.push(item, &mut out)?;
        self.out.extend(out);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), WalkError> {
        self.stage = Stage::Over;
        let mut out = Vec::new();
        self.pipeline.finish(&mut out)?;
        self.out.extend(out);
        Ok(())
    }
}

impl<D: Directory> Keys<D> {
    fn new(query: Query) -> Self {
        Self {
            query,
            pass: None,
            window_len: WINDOW_LEN,
            next: BTreeMap::new(),
            next_len: 0,
            has_more: true,
            given: None,
            ready: VecDeque::new(),
        }
    }

    /// Whether all entries were found.
    const fn is_over(&self) -> bool {
        !self.has_more && self.pass.is_none()
    }

    /// Goes a step further with a pass, or begins one.
    fn search(&mut self, reader: &Reader<D>, question: &Question) -> Result<(), ReadError> {
        let pass = self.pass.get_or_insert_with(|| {
            self.has_more = false;
            reader.query(self.query.clone())
        });
        let page = pass.page(PASS_LEN)?;
        let is_over = pass.is_over();
        for stored in &page {
            for (nth, (key, _)) in entries(question, stored).enumerate() {
                if let Some(key) =
                    key.filter(|key| is_wanted(question, key) && self.is_ahead(question.order, key))
                {
                    self.keep(question.order, key, Place { at: stored.ordinal, nth });
                }
            }
        }
        if is_over {
            self.pass = None;
            self.next_len = 0;
            let found = std::mem::take(&mut self.next);
            let last =
                if question.order == Order::Descending { found.keys().next() } else { found.keys().last() };
            self.given = last.cloned().or(self.given.take());
            self.ready.extend(found.into_values());
            if question.order == Order::Descending {
                self.ready.make_contiguous().reverse();
            }
        }
        Ok(())
    }

    fn is_ahead(&self, order: Order, key: &str) -> bool {
        self.given.as_deref().is_none_or(|given| match order {
            Order::Ascending => key > given,
            Order::Descending => key < given,
        })
    }

    fn keep(&mut self, order: Order, key: String, place: Place) {
        let len = key.len() + ENTRY_LEN;
        if self.next.insert(key, place).is_none() {
            self.next_len += len;
        }
        while self.next_len > self.window_len && self.next.len() > 1 {
            let dropped = match order {
                Order::Ascending => self.next.pop_last(),
                Order::Descending => self.next.pop_first(),
            };
            self.next_len -= dropped.map_or(0, |(key, _)| key.len() + ENTRY_LEN);
            self.has_more = true;
        }
    }
}

/// Which messages may have entries that are wanted.
fn candidates<D: Directory>(reader: &Reader<D>, question: &Question) -> Result<Filter, ReadError> {
    let Some(dest) = question.dest else { return Ok(question.filter.clone()) };
    // An encrypted message, in which nothing else is seen, points at its author and at the message before it.
    let author = match dest {
        Target::Feed(feed) => Some(feed),
        Target::Message(id) => {
            let author = reader.get(&id)?.and_then(|stored| reader.author(stored.ordinal));
            author.and_then(|author| reader.feed_id(author))
        }
        Target::Blob(_) => None,
    };
    let linking = Filter::links_to(dest);
    let pointing = author.map_or(linking.clone(), |author| linking.or(Filter::author(author)));
    Ok(question.filter.clone().and(pointing))
}

/// The entries of a message, with their keys if they are found by keys; without those that have none then.
fn entries(question: &Question, stored: &Stored) -> impl Iterator<Item = (Option<String>, Value)> {
    let entries = match (question.view, &question.part) {
        (View::Query, None) => vec![extract::item(stored)],
        _ => extract::entries(question.view, stored),
    };
    let wanted = entries.into_iter().filter(|entry| question.wanted.takes(entry));
    wanted.filter_map(|entry| match &question.part {
        Some(part) => {
            let key = part.index.key(&entry, stored.ordinal.get())?;
            Some((Some(key), entry))
        }
        None => Some((None, entry)),
    })
}

fn is_wanted(question: &Question, key: &str) -> bool {
    question.part.as_ref().is_none_or(|part| part.contains(key))
}

impl<D: Directory> fmt::Debug for Walk<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("question", &self.question).finish_non_exhaustive()
    }
}

/// Why a walk ended early.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A message on the way could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The query cannot be answered.
    #[error(transparent)]
    Run(#[from] RunError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::memory::Memory;
    use crate::query::language::Program;
    use ssb_keys::Keypair;
    use ssb_msg::Signing;
    use ssb_msg::json;

    /// What a walk gives, and after how many pages.
    fn all(mut walk: Walk<Memory>) -> (Vec<String>, usize) {
        let (mut items, mut pages) = (Vec::new(), 0);
        while !walk.is_over() {
            pages += 1;
            items.extend(
                walk.page(usize::MAX).unwrap().into_iter().map(|item| json::compact(&item.into_json())),
            );
        }
        (items, pages)
    }

    #[test]
    fn however_little_a_pass_keeps_all_entries_come_in_order() {
        let (mut store, _) = Store::open(Memory::new()).unwrap();
        for n in 0..40_u32 {
            let key = Keypair::from_seed(&[u8::try_from(n * 7 % 5).unwrap(); 32]);
            let content = format!(r#"{{"type":"post","channel":"{}"}}"#, n * 11 % 7);
            let claimed = f64::from(n * 13 % 17);
            store.sign_next(&content, claimed, &key, &Signing::plain(), 1.0).unwrap();
        }
        let _ = store.commit().unwrap();
        let reader = store.reader();
        for sort in [r#"[["rts"]]"#, r#"[["value","content","channel"],["timestamp"]]"#] {
            let query = json::parse(format!(r#"[{{"$map":true}},{{"$sort":{sort}}}]"#).as_bytes()).unwrap();
            for order in [Order::Ascending, Order::Descending] {
                let walk = || {
                    let question = Question::parse(View::Query, &query, order).unwrap();
                    // What the program sorts is not of interest here.
                    let question = Question { program: Program::empty(), ..question };
                    reader.walk(question, reader.end()).unwrap()
                };
                let (at_once, _) = all(walk());
                assert_eq!(at_once.len(), 40);
                for window_len in [0, 500, 3_000] {
                    let (items, pages) = all(walk().with_window(window_len));
                    assert_eq!(items, at_once);
                    assert!(pages > 3, "{pages}");
                }
            }
        }
    }
}
