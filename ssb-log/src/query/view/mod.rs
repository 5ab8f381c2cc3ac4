//! The views through which JavaScript's plugins are asked about messages: which entries a message has in each, in which order
//! they come, and what is made of them.
//!
//! Nothing of a view is stored. Entries are made of messages when they are asked for, and the messages are found through our
//! own indexes where the question allows it. What comes is what JavaScript's index would give, in its order, and nothing that it
//! would lose: there the later of two messages under one key takes the place of the earlier one.
//!
//! ```
//! use ssb_log::memory::Memory;
//! use ssb_log::query::view::{Order, Question, View};
//! use ssb_log::Store;
//! use ssb_msg::json;
//! # use ssb_keys::Keypair;
//! # use ssb_msg::Signing;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut store, _) = Store::open(Memory::new())?;
//! # let me = Keypair::from_seed(&[1; 32]);
//! # store.sign_next(r#"{"type":"post","text":"hello"}"#, 1.0, &me, &Signing::plain(), 1.0)?;
//! # store.commit()?;
//! let query = json::parse(br#"[{"$filter":{"value":{"content":{"type":"post"}}}},{"$map":["value","content","text"]}]"#)?;
//! let question = Question::parse(View::Query, &query, Order::Descending)?;
//! let reader = store.reader();
//! let mut walk = reader.walk(question, reader.end())?;
//! while !walk.is_over() {
//!     for item in walk.page(65_536)? {
//!         println!("{}", json::compact(&item.into_json()));
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod candidates;
mod charwise;
mod extract;
mod select;
mod walk;

use std::ops::Bound;

use ssb_keys::FeedId;
use ssb_msg::json;
use thiserror::Error;

use self::candidates::Candidates;
use self::charwise::NotAKey;
use self::extract::Index;
use self::select::Bounds;
use self::select::Style;
pub use self::walk::Walk;
pub use self::walk::WalkError;
use super::Filter;
use super::language::ParseError;
use super::language::Program;
use super::language::Value;
use crate::locate::Target;
use crate::mention;
pub use crate::postings::Order;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Messages: `query` of ssb-query 2.4.5.
    Query,
    /// What the top level of content points at, with what is said of it: `links2` of ssb-links 3.0.10.
    Links2,
    /// Messages by everything that they mention: `backlinks` of ssb-backlinks 2.1.1.
    Backlinks,
    /// What the top level of content points at: `links` of ssb-db 20.4.1.
    Links,
    /// Messages that were sealed for the owner: `private` of ssb-private 1.1.0. For nobody else there are any.
    Private,
}

impl View {
    const fn indexes(self) -> &'static [Index] {
        match self {
            Self::Query => extract::QUERY,
            Self::Links2 => extract::LINKS2,
            Self::Backlinks => extract::BACKLINKS,
            Self::Links => &[extract::LINKS_FORTH, extract::LINKS_BACK],
            Self::Private => extract::PRIVATE,
        }
    }

    /// By which paths an index is sorted, as `$sort` names them. `None` if it has no such index.
    pub fn sorted_by(self, index: &str) -> Option<Value> {
        self.indexes().iter().find(|known| known.name == index).map(Index::sorted_by)
    }

    const fn style(self) -> Style {
        match self {
            Self::Query => Style::Query,
            Self::Links2 | Self::Backlinks | Self::Links | Self::Private => Style::Links,
        }
    }
}

/// A question that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    view: View,
    /// `None` for the whole log, in its order.
    part: Option<Part>,
    order: Order,
    program: Program,
    /// Which messages may have entries that are wanted.
    filter: Filter,
    /// What the entries have to point at, of those in which encrypted messages point, too.
    dest: Option<Target>,
    /// When these were received.
    received: (Bound<f64>, Bound<f64>),
    wanted: Wanted,
    /// How many messages are looked at.
    messages: Option<u64>,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    index: &'static Index,
    bounds: Bounds,
    /// The same, as keys.
    lower: String,
    upper: String,
    /// Whether its entries come in the order of the log.
    is_in_log_order: bool,
}

/// Which links are wanted, by text. `@`, `%` and `&` stand for all of their kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Who points.
    pub source: Option<String>,
    /// In which relation.
    pub rel: Option<String>,
    /// At what.
    pub dest: Option<String>,
}

impl Question {
    /// Reads a query: a program, or what its first `$filter` would say, or `null` for everything.
    ///
    /// # Errors
    ///
    /// [`QuestionError`] says what is wrong with it.
    pub fn parse(view: View, query: &json::Value, order: Order) -> Result<Self, QuestionError> {
        let Choice { known, is_checked, sort, stages, index, .. } = Choice::of(view, query)?;
        let style = view.style();
        let program = match (stages, style) {
            (None, _) => Program::empty(),
            (Some(_), Style::Query) => Program::parse(query)?,
            (Some(_), Style::Links) if index.is_none() => match sort {
                Some(sort) => {
                    return Err(QuestionError::NotSortedBy { sort: json::compact(&sort.into_json()) });
                }
                // Without an index the query means nothing there.
                None => Program::empty(),
            },
            (Some(stages), Style::Links) => {
                let count = stages.len() - usize::from(sort.is_some());
                Program::parse(&json::Value::Array(stages.iter().take(count).cloned().collect()))?
            }
        };
        let is_checked = is_checked && (style == Style::Query || index.is_some());
        let part = index.map(|index| {
            let bounds = Bounds::of(index, &known, style);
            Part::new(index, if is_checked { bounds.loosened() } else { bounds })
        });
        let part = part.transpose()?;
        let candidates = Candidates { view, is_checked, known: &known, part: part.as_ref() };
        let (filter, dest, received) = (candidates.filter(), candidates.dest(), candidates.received());
        let (wanted, messages) = (Wanted::default(), None);
        Ok(Self { view, part, order, program, filter, dest, received, wanted, messages })
    }

    /// Asks for links.
    pub fn links(wanted: Wanted, order: Order) -> Self {
        let is_back = wanted.dest.is_some() && wanted.source.is_none();
        let feed = wanted.source.as_deref().and_then(|source| FeedId::parse(source).ok());
        let target = wanted.dest.as_deref().and_then(Target::parse);
        let filter = match (target, feed) {
            (Some(target), Some(feed)) => Filter::links_to(target).and(Filter::author(feed)),
            (Some(target), None) => Filter::links_to(target),
            (None, Some(feed)) => Filter::author(feed),
            (None, None) => Filter::all(),
        };
        let index = if is_back { &extract::LINKS_BACK } else { &extract::LINKS_FORTH };
        Self {
            view: View::Links,
            part: Some(Part::whole(index)),
            order,
            program: Program::empty(),
            filter,
            dest: None,
            received: (Bound::Unbounded, Bound::Unbounded),
            wanted,
            messages: None,
        }
    }

    /// Looks at no more than so many messages, whether or not they have what is wanted.
    #[must_use]
    pub fn of_messages(mut self, count: u64) -> Self {
        self.messages = Some(count);
        self.filter = Filter::all();
        self
    }

    /// Whether an index of JavaScript's answers it.
    pub const fn is_indexed(&self) -> bool {
        self.part.is_some()
    }

    /// Whether it gives something only when all items have come.
    pub fn waits_for_the_end(&self) -> bool {
        self.program.waits_for_the_end()
    }

    /// How messages are found.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
}

/// What JavaScript makes of a query before it reads anything.
struct Choice<'a> {
    /// What the query knows of the entries.
    known: Value,
    /// Whether all of that is checked of each, if the program is run.
    is_checked: bool,
    sort: Option<Value>,
    stages: Option<&'a [json::Value]>,
    index: Option<&'static Index>,
    scores: Vec<(&'static str, u64)>,
}

impl<'a> Choice<'a> {
    fn of(view: View, query: &'a json::Value) -> Result<Self, QuestionError> {
        let of = |stage: &json::Value, key| stage.get(key).filter(|value| value.is_truthy()).cloned();
        let (known, sort, stages) = match query {
            json::Value::Array(stages) => {
                let (first, last) = stages.first().zip(stages.last()).ok_or(QuestionError::Empty)?;
                if *first == json::Value::Null || *last == json::Value::Null {
                    return Err(QuestionError::Empty);
                }
                (of(first, "$filter"), of(last, "$sort").map(Value::from), Some(&**stages))
            }
            query => (Some(query.clone()).filter(json::Value::is_truthy), None, None),
        };
        let known = known.map_or(Value::Object(Vec::new()), Value::from);
        let (index, scores) = match &sort {
            Some(sort) => (view.indexes().iter().find(|index| index.sorted_by() == *sort), Vec::new()),
            None => select::select(view.indexes(), &known, view.style()),
        };
        let first = stages.and_then(<[_]>::first).and_then(json::Value::as_object);
        let is_checked = first.is_some_and(|stage| stage.len() == 1);
        Ok(Self { known, is_checked, sort, stages, index, scores })
    }
}

/// How ssb-query would answer: what `query.explain` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The name of the index, and its first and its last key. `None` if the whole log is read.
    pub index: Option<(&'static str, Vec<Value>, Vec<Value>)>,
    /// What each index would be worth, if it would be worth anything.
    pub scores: Vec<(&'static str, u64)>,
}

/// Tells how ssb-query would answer a query.
///
/// # Errors
///
/// [`QuestionError`] if there is none.
pub fn explain(query: &json::Value) -> Result<Explained, QuestionError> {
    let Choice { known, index, scores, .. } = Choice::of(View::Query, query)?;
    let index = index.map(|index| {
        let Bounds { lower, upper } = Bounds::of(index, &known, Style::Query);
        (index.name, lower, upper)
    });
    Ok(Explained { index, scores })
}

impl Part {
    fn new(index: &'static Index, bounds: Bounds) -> Result<Self, QuestionError> {
        let (lower, upper) = index.range(&bounds)?;
        let (last, fixed) =
            index.paths.split_last().map_or((None, 0), |(last, fixed)| (Some(*last), fixed.len()));
        let is_fixed = |place: usize| {
            let (one, two) = (bounds.lower.get(place), bounds.upper.get(place));
            one == two && one.is_some_and(|value| *value != Value::Null)
        };
        let last_grows = matches!(last, Some(["timestamp"] | ["value", "sequence"]));
        let is_in_log_order = last_grows && (0..fixed).all(is_fixed);
        Ok(Self { index, bounds, lower, upper, is_in_log_order })
    }

    fn whole(index: &'static Index) -> Self {
        let ends = |end: Value| index.paths.iter().map(|_| end.clone()).collect();
        let bounds = Bounds { lower: ends(Value::Null), upper: ends(Value::Undefined) };
        let (lower, upper) = index.range(&bounds).expect("neither null nor undefined is an object");
        Self { index, bounds, lower, upper, is_in_log_order: false }
    }

    fn contains(&self, key: &str) -> bool {
        *self.lower <= *key && *key <= *self.upper
    }
}

impl Wanted {
    /// Whether a text is the id of a feed, a message or a blob, or such a one with a query.
    pub fn is_link(text: &str) -> bool {
        text.split('?').next().is_some_and(mention::is_id)
    }

    /// Whether an entry of [`View::Links`] is wanted.
    fn takes(&self, entry: &Value) -> bool {
        let is = |wanted: &Option<String>, key: &str, by_kind: bool| {
            wanted.as_deref().is_none_or(|wanted| {
                let found = entry.at(&[key]).to_text();
                if by_kind && wanted.len() == 1 { found.starts_with(wanted) } else { found == wanted }
            })
        };
        is(&self.rel, "rel", false) && is(&self.dest, "dest", true) && is(&self.source, "source", true)
    }
}

/// Why a question was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// There is nothing in the query, or nothing where it begins or ends.
    #[error("the query is empty")]
    Empty,
    /// The query is no program.
    #[error(transparent)]
    Program(#[from] ParseError),
    /// No index is sorted in that way. The text is JavaScript's.
    #[error("could not sort by:{sort}")]
    NotSortedBy {
        /// The way.
        sort: String,
    },
    /// A field of an index cannot be what the query says.
    #[error(transparent)]
    Key(#[from] NotAKey),
}
