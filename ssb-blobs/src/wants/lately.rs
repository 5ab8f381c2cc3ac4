//! Things that hold for a while.

use alloc::collections::BTreeMap;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

/// Remembers things until their time is over, and a limited number of them: those that have been known longest go first.
#[derive(Debug)]
pub(super) struct Lately<T> {
    len_max: usize,
    until: BTreeMap<T, Duration>,
    /// In the order in which they came, with what was forgotten or renewed meanwhile.
    order: VecDeque<(T, Duration)>,
    lasts: Duration,
}

impl<T: Copy + Ord> Lately<T> {
    /// Nothing yet. Each thing is remembered for so long.
    pub(super) const fn new(lasts: Duration, len_max: usize) -> Self {
        Self { len_max, until: BTreeMap::new(), order: VecDeque::new(), lasts }
    }

    /// Remembers one from now on. Returns until when.
    pub(super) fn add(&mut self, thing: T, now: Duration) -> Duration {
        let until = now.saturating_add(self.lasts);
        self.until.insert(thing, until);
        self.order.push_back((thing, until));
        while self.until.len() > self.len_max || self.order.len() > 2 * self.len_max {
            let Some((oldest, until)) = self.order.pop_front() else { break };
            if self.until.get(&oldest) == Some(&until) {
                self.until.remove(&oldest);
            }
        }
        until
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, thing: &T) {
        self.until.remove(thing);
    }

    /// Forgets those whose time is over, and returns them.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<T> {
        let mut over = Vec::new();
        while let Some((thing, until)) = self.order.front().copied() {
            let is_current = self.until.get(&thing) == Some(&until);
            if is_current && until > now {
                break;
            }
            self.order.pop_front();
            if is_current {
                self.until.remove(&thing);
                over.push(thing);
            }
        }
        over
    }

    pub(super) fn contains(&self, thing: &T) -> bool {
        self.until.contains_key(thing)
    }

    /// When to [`expire`](Self::expire), or a little earlier.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.order.iter().find(|(thing, until)| self.until.get(thing) == Some(until)).map(|(_, until)| *until)
    }

    pub(super) fn len(&self) -> usize {
        self.until.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_thing_is_remembered_for_so_long_since_it_came_last() {
        let mut lately = Lately::new(at(10), 5);
        assert_eq!(lately.add('a', at(0)), at(10));
        lately.add('b', at(1));
        lately.add('a', at(2));
        assert_eq!(lately.deadline(), Some(at(11)));

        assert_eq!(lately.expire(at(11)), ['b']);
        assert!(lately.contains(&'a'));
        assert_eq!(lately.deadline(), Some(at(12)));
        assert_eq!(lately.expire(at(12)), ['a']);
        assert_eq!((lately.deadline(), lately.len()), (None, 0));
    }

    #[test]
    fn so_many_are_remembered_and_the_oldest_goes_first_however_often_others_come_again() {
        let mut lately = Lately::new(at(10), 3);
        for n in 0..4 {
            lately.add(n, at(n));
        }
        assert!(!lately.contains(&0));
        for n in 0..1000 {
            lately.add(3, at(n));
            assert!(lately.order.len() <= 6);
        }
        assert!(lately.contains(&3));
    }

    #[test]
    fn what_is_forgotten_does_not_come_due() {
        let mut lately = Lately::new(at(10), 3);
        lately.add(1, at(0));
        lately.add(3, at(5));

        lately.remove(&1);

        assert_eq!(lately.deadline(), Some(at(15)));
        assert_eq!(lately.expire(at(15)), [3]);
    }
}
