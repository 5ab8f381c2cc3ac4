//! Finds the parts of a message that is in the log, without taking it apart.
//!
//! What is in the log was written by us: compact JSON, each key once, spelled as V8 spells it. So parts can be compared as
//! they stand there, and are found by their brackets and quotes alone.

use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::MessageId;

/// The raw value of a key of an object. `None` if it has no such key, or is no object.
pub(crate) fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// The keys of an object, without their quotes, and their raw values. Nothing if it is no object.
pub(crate) fn members(object: &str) -> Members<'_> {
    Members { rest: object.strip_prefix('{').unwrap_or_default() }
}

/// The text of a raw string without escapes. `None` if it is something else.
pub(crate) fn plain_text(raw: &str) -> Option<&str> {
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

/// The content of a message, if it is an object, and so for everybody.
pub(crate) fn content(message: &str) -> Option<&str> {
    let mut members = members(message);
    loop {
        if let Some(content) = members.rest_is_content() {
            return Some(content).filter(|content| content.starts_with('{'));
        }
        members.next()?;
    }
}

/// What stands in a message before its content, its content whatever that is, and what stands behind it.
pub(crate) fn around_content(message: &str) -> Option<(&str, &str, &str)> {
    let mut members = members(message);
    loop {
        if let Some(content) = members.rest_is_content() {
            let start = message.len() - members.rest.len() + CONTENT_KEY.len();
            let (before, rest) = message.split_at_checked(start)?;
            let (_, after) = rest.split_at_checked(content.len())?;
            return Some((before, content, after));
        }
        members.next()?;
    }
}

/// The first messages of the thread and the tangles that content belongs to.
pub(crate) fn roots(content: &str) -> impl Iterator<Item = MessageId> {
    roots_of(member(content, "root"), member(content, "tangles"))
}

fn roots_of<'a>(root: Option<&'a str>, tangles: Option<&'a str>) -> impl Iterator<Item = MessageId> {
    let tangles = tangles.into_iter().flat_map(members);
    let roots = tangles.filter_map(|(_, tangle)| member(tangle, "root"));
    let ids = root.into_iter().chain(roots).filter_map(plain_text);
    ids.filter_map(|id| MessageId::parse(id).ok())
}

/// The parts of content that messages are found by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Content<'a> {
    /// All of it.
    pub(crate) text: &'a str,
    pub(crate) kind: Option<&'a str>,
    pub(crate) contact: Option<&'a str>,
    root: Option<&'a str>,
    tangles: Option<&'a str>,
}

impl<'a> Content<'a> {
    /// Finds them all at once. `None` if the content of the message is no object.
    pub(crate) fn of(message: &'a str) -> Option<Self> {
        let text = content(message)?;
        let mut content = Self { text, ..Self::default() };
        for (key, value) in members(text) {
            match key {
                "type" => content.kind = Some(value),
                "contact" => content.contact = Some(value),
                "root" => content.root = Some(value),
                "tangles" => content.tangles = Some(value),
                _ => {}
            }
        }
        Some(content)
    }

    /// As [`roots`].
    pub(crate) fn roots(&self) -> impl Iterator<Item = MessageId> {
        roots_of(self.root, self.tangles)
    }
}

/// Goes through an object.
pub(crate) struct Members<'a> {
    rest: &'a str,
}

impl<'a> Members<'a> {
    /// The content, if it is what comes next in a message. It is not looked into if the signature ends the message behind it,
    /// as it does in every message that was checked.
    pub(crate) fn rest_is_content(&self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix(CONTENT_KEY)?;
        let len = before_signature(rest).or_else(|| value_len(rest))?;
        rest.get(..len)
    }
}

/// How content begins.
const CONTENT_KEY: &str = "\"content\":";

/// How long the text is before the signature that ends it.
///
/// The text is the rest of an object. Nothing is behind its last bracket, so that the quotes before it can be told from its end:
/// what stands between them is a member of that object.
fn before_signature(text: &str) -> Option<usize> {
    let len = text.len().checked_sub(SIGNATURE_MEMBER_LEN)?;
    let encoded = text.get(len..)?.strip_prefix(",\"signature\":\"")?.strip_suffix(".sig.ed25519\"}")?;
    memchr::memchr2(b'"', b'\\', encoded.as_bytes()).is_none().then_some(len)
}

/// How long `,"signature":"….sig.ed25519"}` is: a signature is 64 bytes, in base64.
const SIGNATURE_MEMBER_LEN: usize = 14 + 88 + 14;

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let key_len = value_len(self.rest)?;
        let (key, rest) = self.rest.split_at_checked(key_len)?;
        let rest = rest.strip_prefix(':')?;
        let (value, rest) = rest.split_at_checked(value_len(rest)?)?;
        self.rest = rest.strip_prefix(',').unwrap_or(rest);
        Some((key.strip_prefix('"')?.strip_suffix('"')?, value))
    }
}

/// How long the value is that the text starts with.
fn value_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'"' => string_len(bytes),
        b'{' | b'[' => {
            let (mut at, mut depth) = (0, 0_usize);
            loop {
                match bytes.get(at)? {
                    b'"' => at += string_len(bytes.get(at..)?)?,
                    b'{' | b'[' => {
                        depth += 1;
                        at += 1;
                    }
                    b'}' | b']' => {
                        depth -= 1;
                        at += 1;
                        if depth == 0 {
                            return Some(at);
                        }
                    }
                    _ => at += 1,
                }
            }
        }
        _ => Some(bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(bytes.len())),
    }
}

fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// What a message can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A feed.
    Feed(FeedId),
    /// A message.
    Message(MessageId),
    /// A blob.
    Blob(BlobId),
}

impl Target {
    /// What the text stands for, if that is an id. What follows a `?` is no part of it.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.split('?').next()?;
        match id.as_bytes().first()? {
            b'@' => FeedId::parse(id).ok().map(Self::Feed),
            b'%' => MessageId::parse(id).ok().map(Self::Message),
            b'&' => BlobId::parse(id).ok().map(Self::Blob),
            _ => None,
        }
    }
}

/// Hands everything that content points at to `each`: every string that is an id, at any depth, keys too.
pub(crate) fn targets(content: &str, mut each: impl FnMut(Target)) {
    let bytes = content.as_bytes();
    let mut from = 0;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr3(b'@', b'%', b'&', rest)) {
        let at = from + found;
        from = at + 1;
        if at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'"') {
            continue;
        }
        let Some(end) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'?', rest)) else { return };
        if let Some(target) =
            content.get(at..at + end).filter(|id| id.len() >= ID_LEN_MIN).and_then(Target::parse)
        {
            each(target);
            from = at + end;
        }
    }
}

/// The length of a blob's or message's id in text, which are the shortest.
const ID_LEN_MIN: usize = 52;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ssb_msg::json;

    fn value() -> impl Strategy<Value = json::Value> {
        let text = || ".{0,9}".prop_map(|text| json::Text::new(&text));
        let leaf = prop_oneof![
            Just(json::Value::Null),
            any::<bool>().prop_map(json::Value::Bool),
            (-1e9..1e9_f64).prop_map(json::Value::Number),
            text().prop_map(json::Value::Text),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let pairs = proptest::collection::vec((text(), inner.clone()), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(json::Value::Array),
                pairs.prop_map(|pairs| json::Value::Object(json::Object::from_pairs(pairs))),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_members_of_an_object_are_those_that_a_parser_finds(
            values in proptest::collection::vec((".{0,9}", value()), 0..6)
        ) {
            let pairs = values.into_iter().map(|(key, value)| (json::Text::new(&key), value));
            let object = json::Object::from_pairs(pairs);
            let text = json::compact(&json::Value::Object(object.clone()));

            let found: Vec<(&str, &str)> = members(&text).collect();

            let expected: Vec<(String, String)> = object.iter()
                .map(|(key, value)| (json::compact(&json::Value::Text(key.clone())), json::compact(value)))
                .collect();
            prop_assert_eq!(found.len(), expected.len());
            for ((key, value), (expected_key, expected_value)) in found.iter().zip(&expected) {
                prop_assert_eq!(format!("\"{key}\""), expected_key.clone());
                prop_assert_eq!(value, expected_value);
            }
        }

        #[test]
        fn what_is_found_at_once_is_what_is_found_by_itself(
            values in proptest::collection::vec((".{0,9}", value()), 0..6),
            named in proptest::collection::vec(("(type|contact|root|tangles)", value()), 0..3),
            behind in ".{0,9}",
        ) {
            let pairs = values.into_iter().chain(named).map(|(key, value)| (json::Text::new(&key), value));
            let pairs: Vec<_> = pairs.collect();
            let object = json::compact(&json::Value::Object(json::Object::from_pairs(pairs)));
            let behind = json::compact(&json::Value::Text(json::Text::new(&behind)));
            let message = format!("{{\"author\":\"content\",\"content\":{object},\"signature\":{behind}}}");

            let found = Content::of(&message).unwrap();

            prop_assert_eq!(found.text, &object);
            prop_assert_eq!(content(&message), Some(found.text));
            prop_assert_eq!(found.kind, member(&object, "type"));
            prop_assert_eq!(found.contact, member(&object, "contact"));
            prop_assert_eq!(found.root, member(&object, "root"));
            prop_assert_eq!(found.tangles, member(&object, "tangles"));
        }

        #[test]
        fn content_is_found_whether_or_not_a_signature_ends_the_message(
            content in value(), fill in "[A-Za-z0-9+/=\"\\\\,]{88}", nested in any::<bool>()
        ) {
            let signature = json::compact(&json::Value::Text(json::Text::new(&format!("{fill}.sig.ed25519"))));
            let content = json::compact(&content);
            let content = if nested { format!(r#"{{"a":{content},"signature":{signature}}}"#) } else { content };
            for text in [
                format!(r#"{{"previous":null,"content":{content},"signature":{signature}}}"#),
                format!(r#"{{"previous":null,"content":{content}}}"#),
            ] {
                let found = super::content(&text);

                prop_assert_eq!(found, content.starts_with('{').then_some(content.as_str()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\",:\\\\a1@%&]{0,30}") {
            let _ = members(&text).count();
            let _ = Content::of(&format!("{{\"content\":{text}"));
            targets(&text, |_| {});
        }
    }

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let feed = format!("@{}=.ed25519", "A".repeat(43));
        let message = format!("%{}=.sha256", "B".repeat(42) + "A");
        let blob = format!("&{}=.sha256", "C".repeat(42) + "A");
        let content = format!(
            r#"{{"a":"{feed}","b":[{{"link":"{message}","x":"&"}}],"c":"{blob}?unbox=x","d":"see {feed}","{message}":1,"e":"@a"}}"#
        );
        let mut found = Vec::new();

        targets(&content, |target| found.push(target));

        let parse = |text: &str| Target::parse(text).unwrap();
        assert_eq!(found, [parse(&feed), parse(&message), parse(&blob), parse(&message)]);
    }
}
