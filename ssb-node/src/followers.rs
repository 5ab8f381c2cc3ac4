//! Those who follow a part of the core: each has a cursor, which is at the core only while it has nothing to tell.
//!
//! A cursor goes to the core's task, waits there until its part may have changed, looks, and goes back to its connection with
//! what is new. It comes again when the connection has room. So a reader that is slow costs nothing and misses nothing: what
//! changed meanwhile is told at once, and what changed back is not told at all.

use std::fmt;
use std::time::Duration;

use smol::channel::Sender;
use ssb_gossip::core::Core;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::time::Now;
use ssb_muxrpc::RemoteError;

/// Somebody's place in a part of the core.
pub(crate) trait Cursor: Send + Sync {
    /// Which part.
    fn topic(&self) -> Topic;

    /// What is new there since the last time, as JSON texts: about [`PAGE_LEN`](crate::rpc::source::PAGE_LEN) bytes of it.
    fn look(&mut self, core: &Core, now: Now) -> News;

    /// How long to wait at least from one look to the next.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// What a look brought.
#[derive(Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) items: Vec<String>,
    pub(crate) then: Then,
}

/// What follows.
#[derive(Debug, PartialEq)]
pub(crate) enum Then {
    /// More, at once.
    More,
    /// More when something has changed.
    Changes,
    /// Nothing.
    End(Result<(), RemoteError>),
}

/// A cursor on its way to the core.
pub(crate) struct Follow {
    pub(crate) cursor: Box<dyn Cursor>,
    /// What it has seen: it has nothing to look for until there is another revision. `None` if there is more in any case.
    pub(crate) seen: Option<u64>,
    /// Where it goes back to.
    pub(crate) back: Sender<Followed>,
}

/// A cursor on its way back.
pub(crate) struct Followed {
    pub(crate) cursor: Box<dyn Cursor>,
    pub(crate) seen: Option<u64>,
    pub(crate) news: News,
}

/// Cursors that wait for a change. As many as connections have streams, which is limited there.
#[derive(Debug, Default)]
pub(crate) struct Followers(Vec<Follow>);

impl Followers {
    /// A cursor comes.
    pub(crate) fn add(&mut self, follow: Follow, core: &Core, now: Now) {
        // Whoever is gone leaves its cursor behind.
        self.0.retain(|waiting| !waiting.back.is_closed());
        self.0.extend(follow.look(core, now));
    }

    /// Something happened to the core.
    pub(crate) fn wake(&mut self, core: &Core, now: Now) {
        let due = self.0.extract_if(.., |follow| follow.is_due(core)).collect::<Vec<Follow>>();
        self.0.extend(due.into_iter().filter_map(|follow| follow.look(core, now)));
    }
}

impl Follow {
    fn is_due(&self, core: &Core) -> bool {
        self.seen != Some(core.revision(self.cursor.topic()))
    }

    /// Sends it back with what is new. Returns it if there is nothing.
    fn look(mut self, core: &Core, now: Now) -> Option<Self> {
        if !self.is_due(core) {
            return Some(self);
        }
        let revision = core.revision(self.cursor.topic());
        let news = self.cursor.look(core, now);
        self.seen = (news.then != Then::More).then_some(revision);
        let is_quiet = news.items.is_empty() && news.then == Then::Changes;
        // Who is not to look again at once does not wait here.
        if is_quiet && self.cursor.pause().is_zero() {
            return Some(self);
        }
        let Self { cursor, seen, back } = self;
        // The connection may be gone.
        let _ = back.try_send(Followed { cursor, seen, news });
        None
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("topic", &self.cursor.topic()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::NOW;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::fixture::tell;
    use smol::channel::Receiver;
    use smol::channel::bounded;
    use ssb_gossip::event::Input;
    use ssb_gossip::event::Ticket;

    /// Tells how many feeds are wanted, when that is another number.
    struct Count(usize, Duration);

    impl Cursor for Count {
        fn topic(&self) -> Topic {
            Topic::Scope
        }

        fn look(&mut self, core: &Core, _: Now) -> News {
            let count = core.wanted().count();
            let items =
                if std::mem::replace(&mut self.0, count) == count { vec![] } else { vec![count.to_string()] };
            News { items, then: Then::Changes }
        }

        fn pause(&self) -> Duration {
            self.1
        }
    }

    fn follow(pause: Duration) -> (Follow, Receiver<Followed>) {
        let (back, followed) = bounded(1);
        (Follow { cursor: Box::new(Count(0, pause)), seen: None, back }, followed)
    }

    fn request(core: &mut Core, n: u8) {
        let feed = key(n).id();
        tell(core, Input::Request { ticket: Ticket(0), feed, wanted: true });
    }

    #[test]
    fn a_cursor_goes_back_with_what_is_new_and_waits_if_nothing_is() {
        let (mut core, mut followers) = (core(&[]), Followers::default());
        let (first, followed) = follow(Duration::ZERO);

        followers.add(first, &core, NOW);
        let Followed { cursor, seen, news } = followed.try_recv().unwrap();
        assert_eq!((news.items, seen), (vec!["1".to_owned()], Some(core.revision(Topic::Scope))));
        let (back, followed) = bounded(1);
        followers.add(Follow { cursor, seen, back }, &core, NOW);
        assert!(followed.is_empty());

        request(&mut core, 7);
        request(&mut core, 8);
        followers.wake(&core, NOW);

        assert_eq!(followed.try_recv().unwrap().news.items, ["3"]);
        assert!(followers.0.is_empty());
    }

    #[test]
    fn what_changes_nothing_wakes_nobody() {
        let (mut core, mut followers) = (core(&[]), Followers::default());
        let (follow, followed) = follow(Duration::ZERO);
        followers.add(Follow { cursor: Box::new(Count(1, Duration::ZERO)), ..follow }, &core, NOW);
        assert_eq!(followers.0.len(), 1);

        request(&mut core, 1);
        followers.wake(&core, NOW);

        assert!(followed.is_empty());
        assert_eq!(followers.0.len(), 1);
    }

    #[test]
    fn who_has_to_pause_goes_back_with_nothing() {
        let (core, mut followers) = (core(&[]), Followers::default());
        let pause = Duration::from_secs(1);
        let (follow, followed) = follow(pause);

        followers.add(Follow { cursor: Box::new(Count(1, pause)), ..follow }, &core, NOW);

        assert_eq!(followed.try_recv().unwrap().news.items, [""; 0]);
    }

    #[test]
    fn who_is_gone_leaves_nothing_behind() {
        let (core, mut followers) = (core(&[]), Followers::default());
        for _ in 0..3 {
            let (follow, followed) = follow(Duration::ZERO);
            drop(followed);
            followers.add(Follow { seen: Some(core.revision(Topic::Scope)), ..follow }, &core, NOW);
        }

        assert_eq!(followers.0.len(), 1);
    }
}
