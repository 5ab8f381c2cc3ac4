//! Questions over content, answered through the indexes where they help.
//!
//! ```
//! use ssb_log::memory::Memory;
//! use ssb_log::query::{Filter, Query};
//! use ssb_log::Store;
//! # use ssb_keys::Keypair;
//! # use ssb_msg::Signing;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut store, _) = Store::open(Memory::new())?;
//! # let me = Keypair::from_seed(&[1; 32]);
//! # store.sign_next(r#"{"type":"post","text":"hello"}"#, 1.0, &me, &Signing::plain(), 1.0)?;
//! # store.commit()?;
//! let filter = Filter::of_type("post").and(Filter::author(me.id()));
//! let mut newest = store.reader().query(Query::new(filter).descending().limit(30));
//! for message in newest.page(65_536)? {
//!     println!("{}", message.json);
//! }
//! # Ok(())
//! # }
//! ```

mod by_time;
mod filter;
pub mod language;
mod plan;
mod run;
pub mod view;

use std::ops::Range;

use crate::ordinal::Ordinal;

pub use self::by_time::ByTime;
pub use self::filter::Filter;
pub use self::plan::Plan;
pub use self::run::Answer;
pub use crate::locate::Target;
pub use crate::postings::Order;

/// A question: which messages, in which order, how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
    pub(crate) limit: Option<u64>,
    pub(crate) range: Range<Ordinal>,
}

impl Query {
    /// All messages for which a condition holds, the one received first first.
    pub const fn new(filter: Filter) -> Self {
        let range = Ordinal::ZERO..Ordinal::new(u32::MAX);
        Self { filter, order: Order::Ascending, limit: None, range }
    }

    /// The one received last first.
    #[must_use]
    pub const fn descending(mut self) -> Self {
        self.order = Order::Descending;
        self
    }

    /// No more than so many.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Only those that stand in this part of the log, as [`Reader::received`](crate::Reader::received) gives it for times.
    #[must_use]
    pub const fn within(mut self, range: Range<Ordinal>) -> Self {
        self.range = range;
        self
    }
}
