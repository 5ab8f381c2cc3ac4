//! `vote`: a like, or its opposite.

use alloc::string::String;

use ssb_keys::bfe::Id;
use ssb_keys::link::Link;

use crate::json::Value;

use super::link;
use super::string;

/// What the author thinks of a message, a blob or a feed. The last vote counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// What the vote is on.
    pub link: Id,
    /// 1 for, -1 against, 0 to take an earlier vote back; other numbers occur.
    pub value: f64,
    /// How clients may show it, for instance "Like".
    pub expression: Option<String>,
}

impl Vote {
    /// Reads a content. `None` without a `vote` that has a `link` and a `value`.
    pub fn read(content: &Value) -> Option<Self> {
        let vote = content.get("vote")?;
        let link = link(vote)?;
        Some(Self {
            link: Link::parse(&link)?.id(),
            value: vote.get("value")?.as_number()?,
            expression: string(vote, "expression"),
        })
    }
}

#[cfg(test)]
mod tests {
    use ssb_keys::MessageId;

    use super::*;
    use crate::json;

    #[test]
    fn a_vote_has_a_link_and_a_value() {
        let id = MessageId::from_bytes([5; 32]);
        let read = |value: &str| {
            let text = format!(r#"{{"type":"vote","vote":{{"link":"{id}",{value}"expression":"Like"}}}}"#);
            Vote::read(&json::parse(text.as_bytes()).unwrap())
        };

        assert_eq!(
            read(r#""value":1,"#),
            Some(Vote { link: Id::Message(id), value: 1.0, expression: Some("Like".into()) })
        );
        assert_eq!(read(""), None);
    }
}
