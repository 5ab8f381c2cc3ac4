//! What is still to be said to a peer. It is said a part at a time, while little waits to be written.
//!
//! A connection takes nothing in while much waits to be written over it. If all that the core has to say were put there at once,
//! two peers that have much to say to each other would both wait for the other to read. What answers the peer is said first: so
//! what waits of it is never longer than what the peer has said meanwhile, and the peer reads on.
//!
//! Of each stream one item waits: over a slow connection, what is urgent on one stream does not wait for all of another.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::peer::Peer;

/// More is said once fewer bytes than this wait to be written.
pub const SAY_BELOW: usize = 64 * 1024;

/// What is still to be said, the last word about each thing alone. They take turns in their order, around and around.
#[derive(Debug)]
pub(crate) struct Backlog<K, V> {
    words: BTreeMap<K, V>,
    last: Option<K>,
}

impl<K: Copy + Ord, V> Backlog<K, V> {
    pub(crate) const fn new() -> Self {
        Self { words: BTreeMap::new(), last: None }
    }

    /// Returns the word whose place this one takes.
    pub(crate) fn put(&mut self, key: K, word: V) -> Option<V> {
        self.words.insert(key, word)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.words.remove(key);
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Takes the next words, so many at most.
    pub(crate) fn take(&mut self, count: usize) -> Vec<(K, V)> {
        std::iter::from_fn(|| self.pop()).take(count).collect()
    }

    /// Takes the next word.
    pub(crate) fn pop(&mut self) -> Option<(K, V)> {
        let from = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.words.range((from, Bound::Unbounded)).next().or_else(|| self.words.first_key_value());
        let key = *next?.0;
        self.last = Some(key);
        self.words.remove_entry(&key)
    }
}

/// What is still to be said of things on one stream: what answers the peer, and behind that all else.
#[derive(Debug)]
pub(crate) struct Words<K, V> {
    answers: Backlog<K, V>,
    others: Backlog<K, V>,
}

impl<K: Copy + Ord, V> Words<K, V> {
    pub(crate) const fn new() -> Self {
        Self { answers: Backlog::new(), others: Backlog::new() }
    }

    /// An answer takes the place of all that was to be said of the thing.
    pub(crate) fn answer(&mut self, key: K, word: V) {
        self.others.remove(&key);
        self.answers.put(key, word);
    }

    /// What is no answer is said behind the answer of which it is the sequel.
    pub(crate) fn say(&mut self, key: K, word: V) {
        self.others.put(key, word);
    }

    /// How many answers there are.
    pub(crate) fn answers(&self) -> usize {
        self.answers.len()
    }

    /// How much else there is.
    pub(crate) fn others(&self) -> usize {
        self.others.len()
    }

    /// Takes the next words, so many at most: of each thing one.
    pub(crate) fn take(&mut self, count: usize) -> Vec<(K, V)> {
        let answers = self.answers.take(count);
        if answers.is_empty() { self.others.take(count) } else { answers }
    }

    pub(crate) fn clear(&mut self) {
        self.answers.clear();
        self.clear_others();
    }

    pub(crate) fn clear_others(&mut self) {
        self.others.clear();
    }
}

/// Lets one item of a stream wait to be written.
#[derive(Debug)]
pub(crate) struct Gate {
    /// So many bytes are written when the last item is. Without what sealing adds, which is little.
    opens: u64,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self { opens: 0 }
    }

    /// Whether the next item may be put into the connection.
    pub(crate) fn is_open(&self, peer: &Peer) -> bool {
        peer.buffered() < SAY_BELOW && peer.written() >= self.opens
    }

    /// An item was put into the connection.
    pub(crate) fn close(&mut self, peer: &Peer) {
        self.opens = peer.written().saturating_add(u64::try_from(peer.buffered()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(words: &[(u8, char)]) -> Backlog<u8, char> {
        let mut backlog = Backlog::new();
        backlog.words.extend(words.iter().copied());
        backlog
    }

    #[test]
    fn the_last_word_about_a_thing_takes_the_place_of_those_before() {
        let mut backlog = backlog(&[(1, 'a'), (2, 'b'), (1, 'c'), (3, 'd')]);
        backlog.remove(&3);
        assert_eq!(backlog.len(), 2);

        assert_eq!(backlog.take(9), [(1, 'c'), (2, 'b')]);

        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn nothing_waits_for_ever_behind_words_that_come_again_and_again() {
        let mut backlog = backlog(&[(1, 'a'), (2, 'b'), (3, 'c')]);
        assert_eq!(backlog.take(2), [(1, 'a'), (2, 'b')]);
        backlog.put(1, 'd');
        backlog.put(2, 'e');

        assert_eq!(backlog.take(2), [(3, 'c'), (1, 'd')]);
        assert_eq!(backlog.take(2), [(2, 'e')]);
    }
}
