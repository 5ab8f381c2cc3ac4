//! `post`: something to read, perhaps an answer.

use alloc::string::String;
use alloc::vec::Vec;

use ssb_keys::MessageId;

use crate::json::Value;

use super::items;
use super::message_id;
use super::message_ids;
use super::string;

/// A text and its place in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Markdown.
    pub text: String,
    /// The first message of the thread it answers in.
    pub root: Option<MessageId>,
    /// The messages of the thread it answers to.
    pub branch: Vec<MessageId>,
    /// The channel it was posted to, as written.
    pub channel: Option<String>,
    /// What it links to.
    pub mentions: Vec<Mention>,
}

/// A link out of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// An id, perhaps with a query, or `#channel`; not checked.
    pub link: String,
    /// What the author calls it.
    pub name: Option<String>,
}

impl Post {
    /// Reads a content. `None` without a `text`.
    pub fn read(content: &Value) -> Option<Self> {
        Some(Self {
            text: string(content, "text")?,
            root: message_id(content, "root"),
            branch: message_ids(content, "branch"),
            channel: string(content, "channel"),
            mentions: items(content.get("mentions")).iter().filter_map(Mention::read).collect(),
        })
    }
}

impl Mention {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { link: super::link(value)?, name: string(value, "name") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn one_value_counts_as_a_list_of_one() {
        let id = MessageId::from_bytes([3; 32]);
        let text = format!(
            r##"{{"text":"a\nb","root":"{id}","branch":"{id}","mentions":["#x",{{"link":"&y","name":"z"}},7]}}"##
        );

        let post = Post::read(&json::parse(text.as_bytes()).unwrap()).unwrap();

        assert_eq!(post.text, "a\nb");
        assert_eq!(post.root, Some(id));
        assert_eq!(post.branch, [id]);
        let mentions = [("#x", None), ("&y", Some("z"))];
        let mentions =
            mentions.map(|(link, name)| Mention { link: link.into(), name: name.map(ToOwned::to_owned) });
        assert_eq!(post.mentions, mentions);
    }

    #[test]
    fn what_has_the_wrong_shape_is_missing() {
        let content = json::parse(br#"{"text":"","root":null,"branch":[1,"%x"],"channel":5}"#).unwrap();

        assert_eq!(
            Post::read(&content),
            Some(Post { text: "".into(), root: None, branch: vec![], channel: None, mentions: vec![] })
        );
        assert_eq!(Post::read(&json::parse(br#"{"text":["a"]}"#).unwrap()), None);
    }
}
