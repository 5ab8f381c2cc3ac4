//! Counts what is said again and again, instead of saying it.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_gossip::time::Uptime;

/// What was said is not said again for so long.
pub(super) const WINDOW: Duration = Duration::from_secs(30);

/// The most different things that are remembered. Beyond it, the one said first is forgotten, and what was held back of it
/// is told then.
pub(super) const KEYS_MAX: usize = 256;

/// What was said of late.
#[derive(Debug, Default)]
pub(super) struct Fold {
    said: BTreeMap<String, Said>,
}

#[derive(Debug)]
struct Said {
    first: Uptime,
    held_back: u64,
}

impl Fold {
    /// Something happened: returns what is to be said now.
    pub(super) fn say(&mut self, key: String, line: impl FnOnce() -> String, now: Uptime) -> Vec<String> {
        let mut lines = self.tick(now);
        if let Some(said) = self.said.get_mut(&key) {
            said.held_back += 1;
            return lines;
        }
        if self.said.len() >= KEYS_MAX {
            let oldest = self.said.iter().min_by_key(|(_, said)| said.first).map(|(key, _)| key.clone());
            lines.extend(oldest.and_then(|oldest| self.forget(&oldest)));
        }
        self.said.insert(key, Said { first: now, held_back: 0 });
        lines.push(line());
        lines
    }

    /// What was held back for long enough.
    pub(super) fn tick(&mut self, now: Uptime) -> Vec<String> {
        let is_over = |said: &Said| now >= said.first.after(WINDOW);
        let over: Vec<String> =
            self.said.iter().filter(|(_, said)| is_over(said)).map(|(key, _)| key.clone()).collect();
        over.iter().filter_map(|key| self.forget(key)).collect()
    }

    /// All that was held back.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let all: Vec<String> = self.said.keys().cloned().collect();
        all.iter().filter_map(|key| self.forget(key)).collect()
    }

    fn forget(&mut self, key: &str) -> Option<String> {
        let Said { held_back, .. } = self.said.remove(key)?;
        (held_back > 0).then(|| format!("{key} repeated={held_back}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::new(Duration::from_secs(seconds))
    }

    fn say(fold: &mut Fold, key: &str, seconds: u64) -> Vec<String> {
        fold.say(key.to_owned(), || format!("{key} at {seconds}"), at(seconds))
    }

    #[test]
    fn what_is_said_again_is_counted_until_its_window_ends() {
        let mut fold = Fold::default();
        let window = WINDOW.as_secs();

        assert_eq!(say(&mut fold, "a", 0), ["a at 0"]);
        assert_eq!(say(&mut fold, "a", 1), Vec::<String>::new());
        assert_eq!(say(&mut fold, "b", 2), ["b at 2"]);
        assert_eq!(say(&mut fold, "a", window - 1), Vec::<String>::new());

        assert_eq!(say(&mut fold, "a", window), ["a repeated=2".to_owned(), format!("a at {window}")]);
        assert_eq!(fold.tick(at(3 * window)), Vec::<String>::new(), "neither was said again");
    }

    #[test]
    fn what_was_held_back_is_told_at_the_end() {
        let mut fold = Fold::default();
        say(&mut fold, "a", 0);
        say(&mut fold, "a", 1);

        assert_eq!(fold.finish(), ["a repeated=1"]);
        assert_eq!(fold.finish(), Vec::<String>::new());
    }

    #[test]
    fn no_more_than_so_many_things_are_remembered() {
        let mut fold = Fold::default();
        for n in 0..KEYS_MAX {
            assert_eq!(say(&mut fold, &n.to_string(), 0).len(), 1);
        }
        assert_eq!(say(&mut fold, "0", 1), Vec::<String>::new());

        assert_eq!(say(&mut fold, "one more", 1), ["0 repeated=1", "one more at 1"]);
        assert_eq!(fold.said.len(), KEYS_MAX);
    }
}
