//! Every message that exists, once: all that a node holds of a feed is how far.

use std::collections::HashMap;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

use crate::random::Random;

/// How many letters a post has at least and at most: with all around them messages have about 700 bytes.
const TEXT_LEN: (u64, u64) = (50, 450);

/// All feeds.
#[derive(Debug)]
pub struct Archive {
    feeds: Vec<Feed>,
    numbers: HashMap<FeedId, usize>,
    /// How many copies of messages are yet to come to somebody.
    owed: u64,
}

/// A feed, and how many want it.
#[derive(Debug)]
struct Feed {
    key: Keypair,
    state: ValidationState,
    /// How many others can get it.
    reach: u32,
    messages: Vec<Written>,
}

/// A message.
#[derive(Debug)]
pub struct Written {
    /// Its name.
    pub id: MessageId,
    /// Its text.
    pub json: String,
    /// When it was written, in microseconds.
    pub at: u64,
    /// How many of those who can get it have not.
    pub left: u32,
    /// When the last one got it.
    pub done: Option<u64>,
}

impl Archive {
    /// The feeds of so many authors, each with how many others can get it.
    pub fn new(reach: &[u32], random: &mut Random) -> Self {
        let feeds: Vec<Feed> = reach
            .iter()
            .map(|reach| {
                let key = Keypair::from_seed(&random.seed());
                Feed { state: ValidationState::new(key.id()), key, reach: *reach, messages: Vec::new() }
            })
            .collect();
        let numbers = feeds.iter().enumerate().map(|(number, feed)| (feed.key.id(), number)).collect();
        Self { feeds, numbers, owed: 0 }
    }

    /// An author writes. Returns the message's sequence.
    pub fn write(&mut self, author: usize, at: u64, random: &mut Random) -> u32 {
        let feed = self.feeds.get_mut(author).expect("authors are numbered by their feeds");
        let (least, most) = TEXT_LEN;
        let len = usize::try_from(random.between(least, most)).unwrap_or_default();
        let content = format!(r#"{{"type":"post","text":"{}"}}"#, "ssb ".repeat(len.div_ceil(4)));
        let message = draft::sign(&content, &feed.state, wall(at), &feed.key, &Signing::plain())
            .expect("a post of an author's own is valid");
        let next = feed.state.check(&message).expect("it follows what its author wrote");
        feed.state.advance(next);
        let done = (feed.reach == 0).then_some(at);
        let (id, json) = (message.id(), message.json().to_owned());
        feed.messages.push(Written { id, json, at, left: feed.reach, done });
        self.owed += u64::from(feed.reach);
        message.sequence()
    }

    /// A message has come to somebody. Returns its length; `None` if it was not to come there.
    pub fn delivered(&mut self, author: &FeedId, sequence: u32, at: u64) -> Option<u64> {
        let number = *self.numbers.get(author)?;
        let message = self.feeds.get_mut(number)?.messages.get_mut(index(sequence))?;
        message.left = message.left.checked_sub(1)?;
        if message.left == 0 {
            message.done = Some(at);
        }
        self.owed -= 1;
        u64::try_from(message.json.len()).ok()
    }

    /// How many copies of messages are yet to come to somebody.
    pub const fn owed(&self) -> u64 {
        self.owed
    }

    /// The key of an author.
    pub fn key(&self, author: usize) -> &Keypair {
        &self.feeds.get(author).expect("authors are numbered by their feeds").key
    }

    /// The id of an author.
    pub fn id(&self, author: usize) -> FeedId {
        self.key(author).id()
    }

    /// A message.
    pub fn message(&self, author: &FeedId, sequence: u32) -> Option<&Written> {
        self.feeds.get(*self.numbers.get(author)?)?.messages.get(index(sequence))
    }

    /// The messages of a feed from a sequence on up to another, about so many bytes of them.
    pub fn page(
        &self,
        author: &FeedId,
        from: u32,
        upto: u32,
        len_max: usize,
    ) -> Vec<(MessageId, f64, String)> {
        let mut len = 0;
        let messages = (from..=upto).map_while(|sequence| self.message(author, sequence));
        let page = messages.take_while(|message| {
            let fits = len < len_max;
            len += message.json.len();
            fits
        });
        page.map(|message| (message.id, 0.0, message.json.clone())).collect()
    }
}

/// What the clocks on the wall show, in milliseconds.
pub fn wall(micros: u64) -> f64 {
    1_700_000_000_000.0 + micros as f64 / 1_000.0
}

fn index(sequence: u32) -> usize {
    usize::try_from(sequence).ok().and_then(|sequence| sequence.checked_sub(1)).unwrap_or(usize::MAX)
}
