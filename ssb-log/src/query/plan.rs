//! How a query finds its messages: through which index, and what is left to be checked.

use std::fmt;

use super::filter::Condition;
use crate::index::content::ContentIndex;
use crate::index::content::contact_key;
use crate::index::content::target_key;
use crate::index::content::text_key;
use crate::locate::Target;
use ssb_keys::FeedId;

/// How a query finds its messages. It can be printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(crate) source: Source,
    pub(crate) check: Condition,
}

/// Where candidates come from: all messages for which the condition holds, and perhaps others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// The whole log.
    Log,
    /// The messages of a feed.
    Feed(FeedId),
    /// The messages that were sealed for the owner.
    Opened,
    /// The messages that an index has under a key: those for everybody, or else only those for the owner.
    Index { index: ContentIndex, key: u64, of: Whom },
    /// Those of all of these.
    Union(Vec<Source>),
}

/// For whom messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Everybody, and the owner if they are the one to read.
    Anybody,
    /// The owner alone.
    Owner,
}

impl Plan {
    pub(crate) fn of(condition: Condition) -> Self {
        Self { source: Source::of(&condition), check: condition }
    }
}

impl Source {
    fn of(condition: &Condition) -> Self {
        let index = |index, key| Self::Index { index, key, of: Whom::Anybody };
        match condition {
            Condition::All | Condition::Claimed(..) | Condition::Not(_) => Self::Log,
            Condition::Author(feed) => Self::Feed(*feed),
            Condition::Opened => Self::Opened,
            Condition::Type(raw) => index(ContentIndex::Types, text_key(raw)),
            Condition::Contact => index(ContentIndex::Types, contact_key()),
            Condition::Channel(name) => index(ContentIndex::Links, text_key(name)),
            Condition::LinksTo(target) => index(ContentIndex::Links, target_key(target)),
            Condition::Root(root) => index(ContentIndex::Roots, target_key(&Target::Message(*root))),
            Condition::And(all) => {
                let source = all.iter().map(Self::of).min_by_key(Self::rank).unwrap_or(Self::Log);
                if all.contains(&Condition::Opened) { source.of_owner() } else { source }
            }
            Condition::Or(all) => {
                let sources: Vec<Self> = all.iter().map(Self::of).collect();
                if sources.contains(&Self::Log) { Self::Log } else { Self::Union(sources) }
            }
        }
    }

    /// The same, but for what is for everybody.
    fn of_owner(self) -> Self {
        match self {
            Self::Index { index, key, .. } => Self::Index { index, key, of: Whom::Owner },
            Self::Union(sources) => Self::Union(sources.into_iter().map(Self::of_owner).collect()),
            other => other,
        }
    }

    /// The smaller, the fewer candidates there usually are.
    fn rank(&self) -> u8 {
        match self {
            Self::Index { index: ContentIndex::Roots, .. } => 0,
            Self::Index { index: ContentIndex::Links, .. } => 1,
            Self::Feed(_) => 2,
            Self::Index { index: ContentIndex::Types | ContentIndex::Times, .. } => 4,
            Self::Opened => 5,
            Self::Union(sources) => sources.iter().map(Self::rank).max().unwrap_or(0).saturating_add(1),
            Self::Log => u8::MAX,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("the whole log"),
            Self::Feed(feed) => write!(f, "the feed {feed}"),
            Self::Opened => f.write_str("what was sealed for the owner"),
            Self::Index { index, key, of } => {
                let name = index.name();
                match of {
                    Whom::Anybody => write!(f, "the index {name} at {key:016x}"),
                    Whom::Owner => {
                        write!(f, "what was sealed for the owner, as the index {name} at {key:016x}")
                    }
                }
            }
            Self::Union(sources) => {
                for (place, source) in sources.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    source.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reads {}; checks {}", self.source, self.check)
    }
}
