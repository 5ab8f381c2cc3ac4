//! Opens messages that were sealed for a few: whoever has the key of one of them sees what they say.
//!
//! Nothing here is kept. What was opened once, and how it is opened again, the index of private messages remembers.

use std::borrow::Cow;
use std::fmt;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_privatebox::ReadKey;
use ssb_privatebox::text;

use crate::fields::Fields;
use crate::locate;

/// Whoever holds keys, and what they open.
///
/// It is given a message and gives what that says to them, or nothing. Never printed.
#[derive(Clone)]
pub struct Opener {
    me: Keypair,
}

impl Opener {
    /// The owner of a key pair.
    pub const fn new(me: Keypair) -> Self {
        Self { me }
    }

    /// Who it is.
    pub const fn id(&self) -> FeedId {
        self.me.id()
    }

    /// Tries to open a message with every key there is.
    ///
    /// That costs a multiplication on the curve for every message that is sealed at all, and a little for every slot of it:
    /// [`text::open`]. Whoever has tried once should remember what came of it.
    pub fn open(&self, message: &Fields<'_>) -> Option<Opened> {
        let opened = text::open(&sealed(message.content())?, &self.me)?;
        Opened::new(opened.plain(), opened.key())
    }

    /// What is in a box that stands alone, as JSON. `None` if it is for others, damaged, or no box at all.
    ///
    /// What follows its first dot means nothing (ssb-private 1.1.0, ssb-keys 7.2.2).
    pub fn unbox(&self, boxed: &str) -> Option<String> {
        let digits = boxed.split('.').next()?;
        let opened = text::open(&format!("{digits}.box"), &self.me)?;
        json::parse(opened.plain()).ok().map(|plain| json::compact(&plain))
    }

    pub(crate) const fn keypair(&self) -> &Keypair {
        &self.me
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// What a private message says, and the key that opens it again. Never printed.
#[derive(Clone)]
pub struct Opened {
    content: String,
    key: ReadKey,
}

impl Opened {
    /// Opens a message with the key that was made for it, which somebody may have passed on. `None` if it is that of another one.
    pub fn with(key: &ReadKey, message: &Fields<'_>) -> Option<Self> {
        let boxed = text::decode(&sealed(message.content())?)?;
        Self::new(&key.open(&boxed)?, key)
    }

    /// What counts as content: what is no JSON, or nothing to JavaScript, is none (ssb-db 20.4.1), nor is a text, of which that
    /// says now one thing, now the other.
    fn new(plain: &[u8], key: &ReadKey) -> Option<Self> {
        let content = json::parse(plain).ok().filter(Value::is_truthy)?;
        let is_text = matches!(content, Value::Text(_));
        (!is_text).then(|| Self { content: json::compact(&content), key: key.clone() })
    }

    /// The content, as JSON.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// What opens this message again.
    pub const fn key(&self) -> &ReadKey {
        &self.key
    }

    /// The message as JavaScript shows it to those for whom it is (ssb-db 20.4.1): with its content in place of the sealed one, and
    /// that and the key behind. `None` if it is no message.
    ///
    /// ```text
    /// {..., "content": {...}, ..., "meta": {"original": {"content": "....box"}, "private": true, "unbox": "..."},
    ///  "cyphertext": "....box", "private": true, "unbox": "..."}
    /// ```
    pub fn show(&self, message: &str) -> Option<Shown> {
        let (before, sealed, after) = locate::around_content(message)?;
        let after = after.strip_suffix('}')?;
        let (content, key) = (&self.content, self.key.to_text());
        let key = key.as_str();
        Some(Shown(format!(
            "{before}{content}{after},\"meta\":{{\"original\":{{\"content\":{sealed}}},\"private\":true,\"unbox\":\"{key}\"}},\
             \"cyphertext\":{sealed},\"private\":true,\"unbox\":\"{key}\"}}"
        )))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// A private message in plain text, as JSON. Never printed.
#[derive(Clone, PartialEq)]
pub struct Shown(String);

impl Shown {
    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Whether raw content is sealed in a way that is opened here.
pub(crate) fn is_sealed(content: &str) -> bool {
    content.starts_with('"') && content.ends_with(".box\"")
}

/// The text of raw content, if it is sealed.
fn sealed(content: &str) -> Option<Cow<'_, str>> {
    if !is_sealed(content) {
        return None;
    }
    match locate::plain_text(content) {
        Some(text) => Some(Cow::Borrowed(text)),
        // Behind its first dot it may say anything.
        None => {
            let parsed = json::parse(content.as_bytes()).ok()?;
            Some(Cow::Owned(parsed.as_text()?.decode().into_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ordinal::Ordinal;
    use crate::reader::Stored;
    use ssb_keys::MessageId;

    fn key(n: u8) -> Keypair {
        Keypair::from_seed(&[n; 32])
    }

    fn boxed(plain: &str) -> String {
        text::seal(plain.as_bytes(), &[key(1).id(), key(2).id()], &[7; 32]).unwrap()
    }

    fn message(content: &str) -> Stored {
        let json = format!(
            r#"{{"previous":null,"author":"{}","sequence":1,"timestamp":5,"hash":"sha256","content":{content},"signature":"x"}}"#,
            key(1).id()
        );
        let (ordinal, id) = (Ordinal::ZERO, MessageId::from_bytes([0; 32]));
        Stored { ordinal, id, received: 7.0, json, opened: None }
    }

    fn open(opener: u8, content: &str) -> Option<String> {
        let stored = message(content);
        let opened = Opener::new(key(opener)).open(&stored.fields().unwrap());
        opened.map(|opened| opened.content().to_owned())
    }

    #[test]
    fn a_message_says_something_to_those_for_whom_it_is() {
        let content = format!("\"{}\"", boxed(r#"{ "type":"post", "10": 1.50, "9": "\u0041" }"#));

        let plain = r#"{"9":"A","10":1.5,"type":"post"}"#.to_owned();
        assert_eq!([1, 2, 3].map(|opener| open(opener, &content)), [Some(plain.clone()), Some(plain), None]);
    }

    #[test]
    fn what_is_no_content_says_nothing() {
        for plain in ["", "{", "null", "false", "0", "\"\"", "\"text\"", "\"nested.box\""] {
            assert_eq!(open(1, &format!("\"{}\"", boxed(plain))), None, "{plain}");
        }
        for plain in ["5", "true", "[1,2]", "{}"] {
            assert_eq!(open(1, &format!("\"{}\"", boxed(plain))).as_deref(), Some(plain));
        }
        let deep = "[".repeat(5_000);
        assert_eq!(open(1, &format!("\"{}\"", boxed(&deep))), None);
        for content in ["{}", "5", r#""x""#, r#"".box""#, r#""eHl6.box""#, r#"{"a":".box"}"#] {
            assert_eq!(open(1, content), None, "{content}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_as_in_javascript() {
        let boxed = text::seal(b"{\"a\":\"\xff\"}", &[key(1).id()], &[7; 32]).unwrap();

        assert_eq!(open(1, &format!("\"{boxed}\"")).as_deref(), Some("{\"a\":\"\u{fffd}\"}"));
    }

    #[test]
    fn what_stands_behind_the_first_dot_is_no_part_of_the_box() {
        let boxed = boxed("{}");

        assert_eq!(open(1, &format!(r#""{boxed}.\n\"é.box""#)).as_deref(), Some("{}"));
        assert_eq!(open(1, &format!(r#""{boxed}.box2""#)), None);
    }

    #[test]
    fn its_key_opens_the_message_again_and_no_other() {
        let [one, other] = ["{}", "[]"].map(|plain| message(&format!("\"{}\"", boxed(plain))));
        let opened = Opener::new(key(1)).open(&one.fields().unwrap()).unwrap();

        let again = |stored: &Stored| Opened::with(opened.key(), &stored.fields().unwrap());
        assert_eq!(again(&one).unwrap().content(), "{}");
        assert!(again(&other).is_none());
        assert!(again(&message("{}")).is_none());
    }

    #[test]
    fn a_message_is_shown_as_javascript_shows_it() {
        let boxed = boxed(r#"{"type":"post"}"#);
        let stored = message(&format!("\"{boxed}\""));
        let opened = Opener::new(key(2)).open(&stored.fields().unwrap()).unwrap();

        let shown = opened.show(&stored.json).unwrap().into_string();

        let (author, unbox) = (key(1).id(), opened.key().to_text());
        let expected = format!(
            r#"{{"previous":null,"author":"{author}","sequence":1,"timestamp":5,"hash":"sha256","content":{{"type":"post"}},"signature":"x","meta":{{"original":{{"content":"{boxed}"}},"private":true,"unbox":"{unbox}"}},"cyphertext":"{boxed}","private":true,"unbox":"{unbox}"}}"#,
            unbox = *unbox,
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_box_alone_says_what_is_in_it_whatever_that_is() {
        let opener = Opener::new(key(1));
        for plain in ["null", "\"text\"", r#"{"a":1}"#] {
            let boxed = boxed(plain);
            assert_eq!(opener.unbox(&boxed).as_deref(), Some(plain));
            assert_eq!(opener.unbox(boxed.strip_suffix(".box").unwrap()).as_deref(), Some(plain));
            assert_eq!(Opener::new(key(3)).unbox(&boxed), None);
        }
        for none in ["", ".box", "x", "eHl6.box", &boxed("{")] {
            assert_eq!(opener.unbox(none), None, "{none}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let stored = message(&format!("\"{}\"", boxed(r#"{"type":"hidden"}"#)));
        let opener = Opener::new(key(1));
        let opened = opener.open(&stored.fields().unwrap()).unwrap();
        let shown = opened.show(&stored.json).unwrap();

        assert_eq!(
            format!("{opener:?} {opened:?} {shown:?}"),
            format!("Opener {{ id: {:?}, .. }} Opened {{ .. }} Shown {{ .. }}", key(1).id())
        );
    }
}
