//! Which messages are wanted.

use std::fmt;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::json;

use crate::index::content::has_contact;
use crate::locate;
use crate::locate::Target;
use crate::mention;
use crate::reader::Stored;

/// A condition on a message. Conditions are combined with [`and`](Self::and), [`or`](Self::or) and [`not`](Self::not).
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(pub(crate) Condition);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    All,
    Author(FeedId),
    /// The type as raw JSON text.
    Type(String),
    LinksTo(Target),
    Root(MessageId),
    /// A channel as it is mentioned, with its `#`.
    Channel(String),
    Contact,
    /// Claimed times: from, up to, both included.
    Claimed(f64, f64),
    /// Sealed for the owner, who is the one to read.
    Opened,
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

impl Filter {
    /// Every message.
    pub const fn all() -> Self {
        Self(Condition::All)
    }

    /// Messages of a feed.
    pub const fn author(feed: FeedId) -> Self {
        Self(Condition::Author(feed))
    }

    /// Messages whose content is of this type. What content is sealed for others has, nobody knows.
    pub fn of_type(name: &str) -> Self {
        Self(Condition::Type(json::compact(&json::Value::Text(json::Text::new(name)))))
    }

    /// Messages that point at something, anywhere in their content.
    pub const fn links_to(target: Target) -> Self {
        Self(Condition::LinksTo(target))
    }

    /// Messages that belong to a thread or a tangle, by its first message.
    pub const fn root(root: MessageId) -> Self {
        Self(Condition::Root(root))
    }

    /// Messages that mention a channel, by the name that ssb-backlinks gives it: `#rust`.
    pub fn channel(name: &str) -> Self {
        Self(Condition::Channel(name.to_owned()))
    }

    /// Messages whose content has a feed as its `contact`, whatever their type.
    pub const fn contacts() -> Self {
        Self(Condition::Contact)
    }

    /// Messages whose authors say that they were made between two times, both included, in milliseconds since 1970.
    pub const fn claimed(from: f64, upto: f64) -> Self {
        Self(Condition::Claimed(from, upto))
    }

    /// Messages that were sealed for the owner, who alone finds them so.
    pub const fn opened() -> Self {
        Self(Condition::Opened)
    }

    /// Messages for which both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(match self.0 {
            Condition::And(mut all) => {
                all.push(other.0);
                Condition::And(all)
            }
            first => Condition::And(vec![first, other.0]),
        })
    }

    /// Messages for which one of them holds, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(match self.0 {
            Condition::Or(mut all) => {
                all.push(other.0);
                Condition::Or(all)
            }
            first => Condition::Or(vec![first, other.0]),
        })
    }

    /// Messages for which it does not hold.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "beside `and` and `or`")]
    pub fn not(self) -> Self {
        Self(Condition::Not(Box::new(self.0)))
    }

    /// Whether it holds for a message.
    pub fn holds(&self, message: &Stored) -> bool {
        self.0.holds(message.shown())
    }
}

impl Condition {
    pub(crate) fn holds(&self, message: &str) -> bool {
        let content = || locate::content(message);
        match self {
            Self::All => true,
            Self::Author(feed) => locate::member(message, "author")
                .and_then(locate::plain_text)
                .is_some_and(|text| FeedId::parse(text) == Ok(*feed)),
            Self::Type(raw) => content().and_then(|content| locate::member(content, "type")) == Some(raw),
            Self::LinksTo(target) => content().is_some_and(|content| {
                let mut found = false;
                locate::targets(content, |other| found |= other == *target);
                found
            }),
            Self::Root(root) => {
                content().is_some_and(|content| locate::roots(content).any(|other| other == *root))
            }
            Self::Channel(name) => content().is_some_and(|content| mention::channels(content).contains(name)),
            Self::Contact => content().is_some_and(has_contact),
            Self::Claimed(from, upto) => locate::member(message, "timestamp")
                .and_then(|raw| raw.parse::<f64>().ok())
                .is_some_and(|time| (*from..=*upto).contains(&time)),
            // Others have no such key: no valid message has.
            Self::Opened => locate::member(message, "private") == Some("true"),
            Self::And(all) => all.iter().all(|condition| condition.holds(message)),
            Self::Or(all) => all.iter().any(|condition| condition.holds(message)),
            Self::Not(condition) => !condition.holds(message),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, all: &[Self], word: &str| {
            f.write_str("(")?;
            for (place, condition) in all.iter().enumerate() {
                if place > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "{condition}")?;
            }
            f.write_str(")")
        };
        match self {
            Self::All => f.write_str("all"),
            Self::Author(feed) => write!(f, "author {feed}"),
            Self::Type(raw) => write!(f, "type {raw}"),
            Self::LinksTo(Target::Feed(id)) => write!(f, "links to {id}"),
            Self::LinksTo(Target::Message(id)) => write!(f, "links to {id}"),
            Self::LinksTo(Target::Blob(id)) => write!(f, "links to {id}"),
            Self::Root(id) => write!(f, "root {id}"),
            Self::Channel(name) => write!(f, "channel {name}"),
            Self::Contact => f.write_str("contact"),
            Self::Opened => f.write_str("opened"),
            Self::Claimed(from, upto) => write!(f, "claimed from {from} to {upto}"),
            Self::And(all) => list(f, all, "and"),
            Self::Or(all) => list(f, all, "or"),
            Self::Not(condition) => write!(f, "not {condition}"),
        }
    }
}
