//! `contact`: whom the author follows and blocks.

use ssb_keys::FeedId;

use crate::json::Value;

/// What the author thinks of another feed from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The other feed.
    pub contact: FeedId,
    /// What the author thinks of it.
    pub relation: Relation,
}

/// An edge of the follow graph, as ssb-friends 4.1.4 reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `following` is `true`.
    Follow,
    /// `blocking` or the older `flagged` is truthy, whatever `following` says.
    Block,
    /// Anything else: not followed, or no longer.
    Neutral,
}

impl Contact {
    /// Reads a content. `None` without a feed in `contact`.
    pub fn read(content: &Value) -> Option<Self> {
        let contact = FeedId::parse(content.get("contact")?.as_text()?.escaped()).ok()?;
        let is_truthy = |key| content.get(key).is_some_and(Value::is_truthy);
        let relation = if is_truthy("blocking") || is_truthy("flagged") {
            Relation::Block
        } else if content.get("following") == Some(&Value::Bool(true)) {
            Relation::Follow
        } else {
            Relation::Neutral
        };
        Some(Self { contact, relation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn relation(fields: &str) -> Option<Relation> {
        let id = FeedId::from_bytes([7; 32]);
        let text = format!(r#"{{"type":"contact","contact":"{id}"{fields}}}"#);
        Contact::read(&json::parse(text.as_bytes()).unwrap()).map(|contact| contact.relation)
    }

    #[test]
    fn blocking_is_stronger_than_following() {
        assert_eq!(relation(r#","following":true,"blocking":1"#), Some(Relation::Block));
        assert_eq!(relation(r#","following":true,"flagged":{"reason":"spam"}"#), Some(Relation::Block));
        assert_eq!(relation(r#","following":true,"blocking":false"#), Some(Relation::Follow));
    }

    #[test]
    fn only_true_itself_follows() {
        assert_eq!(relation(r#","following":1"#), Some(Relation::Neutral));
        assert_eq!(relation(r#","following":false"#), Some(Relation::Neutral));
        assert_eq!(relation(""), Some(Relation::Neutral));
    }

    #[test]
    fn without_a_feed_it_is_no_contact() {
        assert_eq!(Contact::read(&json::parse(br#"{"contact":"@me","following":true}"#).unwrap()), None);
    }
}
