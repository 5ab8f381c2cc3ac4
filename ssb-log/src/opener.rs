//! Opens messages that were sealed for a few: whoever has the key of one of them sees what they say.
//!
//! Nothing here is kept. What was opened once, and how it is opened again, the index of private messages remembers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::hash::Sha256;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_privatebox::ReadKey;
use ssb_privatebox::box2;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::box2::Scheme;
use ssb_privatebox::limits::KEY_LEN;
use ssb_privatebox::text;
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::locate;

/// Of so many feeds at most it is remembered which key they and the owner have in common.
const PAIRS_MAX: usize = 1_024;

/// Whoever holds keys, and what they open.
///
/// It is given a message and gives what that says to them, or nothing. Never printed.
#[derive(Clone)]
pub struct Opener {
    me: Keypair,
    /// The keys of groups.
    groups: Arc<[RecipientKey]>,
    /// Those with which the owner seals for themselves.
    own: Arc<[RecipientKey]>,
    pairs: Arc<Mutex<Pairs>>,
}

/// The keys that the owner and others have in common. `None` with whom there can be none.
type Pairs = BTreeMap<FeedId, Option<RecipientKey>>;

impl Opener {
    /// The owner of a key pair.
    pub fn new(me: Keypair) -> Self {
        Self::with_keys(me, &[])
    }

    /// The owner of a key pair who has keys of groups, and some for themselves. Of other kinds they have all that there are.
    pub fn with_keys(me: Keypair, keys: &[RecipientKey]) -> Self {
        let of = |scheme: Scheme| keys.iter().filter(|key| key.scheme() == scheme).cloned().collect();
        Self { me, groups: of(Scheme::Group), own: of(Scheme::Oneself), pairs: Arc::default() }
    }

    /// Who it is.
    pub const fn id(&self) -> FeedId {
        self.me.id()
    }

    /// Tries to open a message with every key there is.
    ///
    /// That costs a multiplication on the curve for every message that is sealed at all, and a little for every slot of it:
    /// [`text::open`]; or three for every author, and a little for every slot and group: [`box2::open`]. Whoever has tried
    /// once should remember what came of it.
    pub fn open(&self, message: &Fields<'_>) -> Option<Opened> {
        let sealed = Sealed::of(message.content())?;
        match sealed.format {
            Format::Box1 => {
                let opened = text::open(&sealed.text, &self.me)?;
                Opened::new(opened.plain(), Key::Box1(opened.key().clone()))
            }
            Format::Box2 => {
                let (place, author) = place(message)?;
                let boxed = box2::text::decode(&sealed.text)?;
                // In this order (ssb-box2 7.5.0).
                let opened = box2::open(&boxed, &place, self.groups.iter());
                let opened = opened.or_else(|| {
                    if author == self.me.id() {
                        return box2::open(&boxed, &place, self.own.iter());
                    }
                    box2::open(&boxed, &place, &self.shared_with(author))
                })?;
                Opened::new(opened.plain(), Key::Box2(opened.key().clone()))
            }
        }
    }

    /// What is in a box that stands alone, as JSON. `None` if it is for others, damaged, or no box at all.
    ///
    /// What follows its first dot means nothing (ssb-private 1.1.0, ssb-keys 7.2.2). A box2 does not stand alone.
    pub fn unbox(&self, boxed: &str) -> Option<String> {
        let digits = boxed.split('.').next()?;
        let opened = text::open(&format!("{digits}.box"), &self.me)?;
        json::parse(opened.plain()).ok().map(|plain| json::compact(&plain))
    }

    pub(crate) const fn keypair(&self) -> &Keypair {
        &self.me
    }

    /// Whatever can be opened by one and not by another is not the same for both.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.me.to_secret().as_slice());
        for key in self.groups.iter().chain(self.own.iter()) {
            hash.update(key.scheme().name().as_bytes());
            hash.update(key.as_bytes());
        }
        hash.finish()
    }

    fn shared_with(&self, author: FeedId) -> Option<RecipientKey> {
        if let Some(known) = self.pairs().get(&author) {
            return known.clone();
        }
        let key = RecipientKey::direct(&self.me, author).ok();
        let mut pairs = self.pairs();
        if pairs.len() >= PAIRS_MAX {
            pairs.clear();
        }
        pairs.insert(author, key.clone());
        key
    }

    fn pairs(&self) -> MutexGuard<'_, Pairs> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// What opens one message, for whoever has it. Never printed.
#[derive(Clone)]
pub enum Key {
    /// A message of box1.
    Box1(ReadKey),
    /// A message of box2.
    Box2(box2::ReadKey),
}

impl Key {
    /// Parses 44 characters of canonical base64. `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        // One has 33 bytes, the other 32.
        ReadKey::parse(text).map(Self::Box1).or_else(|_| box2::ReadKey::parse(text).map(Self::Box2)).ok()
    }

    /// The text of the key, in base64: a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        match self {
            Self::Box1(key) => key.to_text(),
            Self::Box2(key) => key.to_text(),
        }
    }

    /// As it is kept. Which of the two it is, the message says.
    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; KEY_LEN]> {
        match self {
            Self::Box1(key) => Zeroizing::new(*key.as_bytes()),
            Self::Box2(key) => {
                let mut bytes = Zeroizing::new([0; KEY_LEN]);
                bytes.iter_mut().zip(key.as_bytes()).for_each(|(to, from)| *to = *from);
                bytes
            }
        }
    }

    /// What was kept of a message. `None` if that is none that could be opened.
    pub(crate) fn from_bytes(bytes: Zeroizing<[u8; KEY_LEN]>, message: &Fields<'_>) -> Option<Self> {
        match Format::of(message.content())? {
            Format::Box1 => Some(Self::Box1(ReadKey::from_bytes(bytes))),
            Format::Box2 => {
                let key = Zeroizing::new(*bytes.first_chunk()?);
                Some(Self::Box2(box2::ReadKey::from_bytes(key)))
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// What a private message says, and the key that opens it again. Never printed.
#[derive(Clone)]
pub struct Opened {
    content: String,
    key: Key,
}

impl Opened {
    /// Opens a message with the key that was made for it, which somebody may have passed on. `None` if it is that of another one.
    pub fn with(key: &Key, message: &Fields<'_>) -> Option<Self> {
        let sealed = Sealed::of(message.content())?;
        match (sealed.format, key) {
            (Format::Box1, Key::Box1(key)) => {
                let boxed = text::decode(&sealed.text)?;
                Self::new(&key.open(&boxed)?, Key::Box1(key.clone()))
            }
            (Format::Box2, Key::Box2(key)) => {
                let boxed = box2::text::decode(&sealed.text)?;
                Self::new(&key.open(&boxed, &place(message)?.0)?, Key::Box2(key.clone()))
            }
            _ => None,
        }
    }

    /// What counts as content: what is no JSON, or nothing to JavaScript, is none (ssb-db 20.4.1), nor is a text, of which that
    /// says now one thing, now the other.
    fn new(plain: &[u8], key: Key) -> Option<Self> {
        let content = json::parse(plain).ok().filter(Value::is_truthy)?;
        let is_text = matches!(content, Value::Text(_));
        (!is_text).then(|| Self { content: json::compact(&content), key })
    }

    /// The content, as JSON.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// What opens this message again.
    pub const fn key(&self) -> &Key {
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

/// How content is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Box1,
    Box2,
}

impl Format {
    /// How raw content is sealed, as far as its end says. `None` if it is for everybody, or sealed in a way that is not known.
    pub(crate) fn of(content: &str) -> Option<Self> {
        let ends = |end| content.starts_with('"') && content.ends_with(end);
        if ends(".box\"") { Some(Self::Box1) } else { ends(".box2\"").then_some(Self::Box2) }
    }
}

/// Content that is sealed.
struct Sealed<'a> {
    format: Format,
    text: Cow<'a, str>,
}

impl<'a> Sealed<'a> {
    /// Reads raw content. `None` if it is not sealed.
    fn of(content: &'a str) -> Option<Self> {
        let format = Format::of(content)?;
        let text = match locate::plain_text(content) {
            Some(text) => Cow::Borrowed(text),
            // Behind its first dot it may say anything.
            None => {
                let parsed = json::parse(content.as_bytes()).ok()?;
                Cow::Owned(parsed.as_text()?.decode().into_owned())
            }
        };
        Some(Self { format, text })
    }
}

/// Where a message stands, and whose it is. `None` if it says nothing that makes sense.
fn place(message: &Fields<'_>) -> Option<(Place, FeedId)> {
    let (author, previous) = (message.author()?, message.previous());
    let is_at_start = message.sequence() == Some(1);
    (is_at_start == previous.is_none()).then(|| (Place::new(author, previous), author))
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
        open_with(&Opener::new(key(opener)), content)
    }

    fn open_with(opener: &Opener, content: &str) -> Option<String> {
        let opened = opener.open(&message(content).fields().unwrap());
        opened.map(|opened| opened.content().to_owned())
    }

    /// Content of a box2 at the start of the feed of key 1.
    fn box2_for(recipients: &[RecipientKey], plain: &str) -> String {
        let place = Place::new(key(1).id(), None);
        format!("\"{}\"", box2::text::seal(plain.as_bytes(), &place, recipients, &[7; 32]).unwrap())
    }

    fn direct(from: u8, to: u8) -> RecipientKey {
        RecipientKey::direct(&key(from), key(to).id()).unwrap()
    }

    #[test]
    fn a_message_says_something_to_those_for_whom_it_is() {
        let content = format!("\"{}\"", boxed(r#"{ "type":"post", "10": 1.50, "9": "\u0041" }"#));

        let plain = r#"{"9":"A","10":1.5,"type":"post"}"#.to_owned();
        assert_eq!([1, 2, 3].map(|opener| open(opener, &content)), [Some(plain.clone()), Some(plain), None]);
    }

    #[test]
    fn a_box2_says_something_to_those_for_whom_it_is() {
        let content = box2_for(&[direct(1, 2), direct(1, 4)], r#"{ "type":"post", "b": 1.50 }"#);

        let plain = Some(r#"{"type":"post","b":1.5}"#.to_owned());
        // Its author only if it is for them, too.
        assert_eq!([1, 2, 3, 4].map(|opener| open(opener, &content)), [None, plain.clone(), None, plain]);
    }

    #[test]
    fn what_is_for_oneself_or_a_group_opens_with_their_keys() {
        let [own, group] = [RecipientKey::oneself(&[5; 32]), RecipientKey::group(&[6; 32])];
        let opener = |who: u8, keys: &[RecipientKey]| Opener::with_keys(key(who), keys);
        let both = [own.clone(), group.clone()];

        let content = box2_for(std::slice::from_ref(&own), "{}");
        assert_eq!(open_with(&opener(1, &both), &content).as_deref(), Some("{}"));
        assert_eq!(open_with(&opener(1, std::slice::from_ref(&group)), &content), None);
        // Nobody else seals with a key of one's own.
        assert_eq!(open_with(&opener(2, &both), &content), None);

        let content = box2_for(&[group.clone(), direct(1, 3)], "{}");
        for who in [1, 2] {
            assert_eq!(open_with(&opener(who, &both), &content).as_deref(), Some("{}"));
            assert_eq!(open_with(&opener(who, std::slice::from_ref(&own)), &content), None);
        }
    }

    #[test]
    fn a_box2_opens_in_its_place_only() {
        let content = box2_for(&[direct(1, 2)], "{}");
        let here = message(&content);
        let opened = Opener::new(key(2)).open(&here.fields().unwrap()).unwrap();
        let id = MessageId::from_bytes([1; 32]);
        for (old, new) in [
            (key(1).id().to_string(), key(3).id().to_string()),
            (r#""previous":null"#.to_owned(), format!(r#""previous":"{id}""#)),
            (r#""sequence":1"#.to_owned(), r#""sequence":2"#.to_owned()),
            (r#""author":"@"#.to_owned(), r#""author":"%"#.to_owned()),
        ] {
            let elsewhere = Stored { json: here.json.replace(&old, &new), ..message(&content) };
            assert_ne!(elsewhere.json, here.json);
            let fields = elsewhere.fields().unwrap();

            assert!(Opener::new(key(2)).open(&fields).is_none(), "{new}");
            assert!(Opened::with(opened.key(), &fields).is_none(), "{new}");
        }
    }

    #[test]
    fn however_many_write_each_of_them_is_read() {
        let opener = Opener::new(key(1));
        for n in 0..PAIRS_MAX as u64 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_le_bytes());
            opener.shared_with(FeedId::from_bytes(id));
        }
        assert_eq!(opener.pairs().len(), PAIRS_MAX);

        for _ in 0..2 {
            let shared = opener.shared_with(key(2).id()).unwrap();

            assert_eq!(shared.as_bytes(), direct(2, 1).as_bytes());
            assert_eq!(opener.pairs().len(), 1);
        }
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
        for content in [
            "{}",
            "5",
            r#""x""#,
            r#"".box""#,
            r#""eHl6.box""#,
            r#"".box2""#,
            r#""eHl6.box2""#,
            r#"{"a":".box"}"#,
        ] {
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
        let boxed = box2_for(&[direct(1, 2)], "{}");
        let with_more = |more: &str| boxed.replace(".box2\"", more);
        assert_eq!(open(2, &with_more(".\\n\\\"é.box2\"")).as_deref(), Some("{}"));
        assert_eq!(open(2, &with_more(".box2.box\"")), None);
    }

    #[test]
    fn a_key_that_was_kept_is_that_of_its_message() {
        let [one, two] = [format!("\"{}\"", boxed("{}")), box2_for(&[direct(1, 2)], "{}")]
            .map(|content| message(&content));
        for (stored, other) in [(&one, &two), (&two, &one)] {
            let opened = Opener::new(key(2)).open(&stored.fields().unwrap()).unwrap();

            let kept = Key::from_bytes(opened.key().to_bytes(), &stored.fields().unwrap()).unwrap();
            let passed_on = Key::parse(&opened.key().to_text()).unwrap();

            for key in [kept, passed_on] {
                assert_eq!(Opened::with(&key, &stored.fields().unwrap()).unwrap().content(), "{}");
                assert!(Opened::with(&key, &other.fields().unwrap()).is_none());
            }
        }
        for none in ["", "AAAA", "x", &ssb_keys::base64::encode(&[1; 34])] {
            assert!(Key::parse(none).is_none());
        }
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
