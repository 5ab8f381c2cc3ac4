//! Keeps the blobs within their quota, and lets go of what came for others and nobody refers to.
//!
//! The core says every hour how far feeds are, when the log lets go of what it does not keep; and the store says when it has more
//! than its quota. Nobody waits for this. It waits for the threads that read blobs and, through them, the log.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smol::channel::Receiver;
use smol::future::FutureExt as _;
use ssb_blobs::quota::Plan;
use ssb_blobs::quota::Policy;
use ssb_blobs::quota::Standing;
use ssb_blobs::store::Facts;
use ssb_blobs::store::Origin;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::query::Target;
use ssb_log::read::ReadError;

use super::Blobs;
use crate::config::LogLevel;
use crate::logging::Entry;
use crate::logging::Logger;

/// How long a blob that came for others stays at least without a message that refers to it, once not everything is kept: its
/// message may come later, and others may still want it.
pub(crate) const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);

/// How many steps each feed within reach is away.
pub(crate) type Steps = Vec<(FeedId, u8)>;

/// What of the log may not be indexed yet. Were it more, every question about a blob would read it.
const BEHIND_MAX: u32 = 4_096;

/// How many blobs one job removes.
const REMOVED_AT_ONCE: usize = 64;

/// About how many bytes of messages are read at once.
const PAGE_LEN: usize = 64 * 1024;

/// Removes blobs that are not kept.
#[derive(Debug)]
pub(crate) struct Cleaner {
    pub(crate) blobs: Blobs,
    /// The owner's: what refers to a blob in private counts.
    pub(crate) reader: Reader<Disk>,
    /// Whose blobs are all kept: the owner's, and those of feeds of which everything is.
    pub(crate) kept: BTreeSet<FeedId>,
    pub(crate) policy: Policy,
    /// From the core, every hour.
    pub(crate) steps: Receiver<Steps>,
    pub(crate) logger: Logger,
}

/// What is known of feeds.
#[derive(Debug, Default)]
struct Feeds {
    kept: BTreeSet<FeedId>,
    near: BTreeMap<FeedId, u8>,
}

/// What a round came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Gone {
    blobs: usize,
    bytes: u64,
}

impl Cleaner {
    /// Runs as long as the node.
    pub(crate) async fn run(self) {
        let crowded = self.blobs.crowded();
        let mut feeds = None;
        loop {
            let hour = async { self.steps.recv().await.ok().map(Some) };
            let full = async { crowded.recv().await.ok().map(|()| None) };
            // Both are told of for as long as the node runs.
            let Some(steps) = hour.or(full).await else { return std::future::pending().await };
            if let Some(steps) = steps {
                feeds = Some(Arc::new(Feeds { kept: self.kept.clone(), near: steps.into_iter().collect() }));
            }
            // Before the core has said it, nobody knows who is near, or what is the owner's own.
            let Some(feeds) = &feeds else { continue };
            if self.policy.is_idle() {
                continue;
            }
            match self.clean(feeds).await {
                Ok(Gone { blobs: 0, .. }) => {}
                Ok(Gone { blobs, bytes }) => {
                    let entry = Entry::new(LogLevel::Notice, "blobs that are not kept any longer are gone");
                    self.logger.say(&entry.reason(format!("{blobs} blobs, {bytes} bytes")));
                }
                Err(error) => {
                    let entry =
                        Entry::new(LogLevel::Warning, "blobs that are not kept could not be looked for");
                    self.logger.say(&entry.reason(error));
                }
            }
        }
    }

    async fn clean(&self, feeds: &Arc<Feeds>) -> io::Result<Gone> {
        let behind = self.reader.end().get().saturating_sub(self.reader.indexed().get());
        if behind > BEHIND_MAX {
            return Ok(Gone::default());
        }
        let stopped = || io::Error::from(io::ErrorKind::Interrupted);
        let (policy, mut gone) = (self.policy, Gone::default());
        let room = self.blobs.run(|blobs| blobs.store.room()).await.ok_or_else(stopped)??;
        let mut plan = Plan::new(&policy, room, self.blobs.clock.unix_millis());
        for first in 0..=u8::MAX {
            let (reader, feeds) = (self.reader.clone(), Arc::clone(feeds));
            let considered = self.blobs.run(move |blobs| {
                for (id, facts) in blobs.store.page(first)? {
                    plan.consider(id, standing(&reader, &feeds, &id, &facts), facts.seen, facts.size);
                }
                Ok::<_, io::Error>(plan)
            });
            plan = considered.await.ok_or_else(stopped)??;
        }
        for ids in plan.going().chunks(REMOVED_AT_ONCE) {
            let (ids, reader, feeds) = (ids.to_vec(), self.reader.clone(), Arc::clone(feeds));
            let removed = self.blobs.run(move |blobs| remove(blobs, &reader, &feeds, &ids));
            let Gone { blobs, bytes } = removed.await.ok_or_else(stopped)??;
            gone.blobs += blobs;
            gone.bytes += bytes;
        }
        if self.blobs.run(|blobs| blobs.store.is_full()).await.ok_or_else(stopped)?? && gone.blobs == 0 {
            let entry = Entry::new(LogLevel::Warning, "there is no room for blobs of others");
            self.logger.say(&entry.reason("those that are kept have more bytes than blobs.quota"));
        }
        Ok(gone)
    }
}

/// Removes blobs, but for those that are kept by now.
fn remove(blobs: &Blobs, reader: &Reader<Disk>, feeds: &Feeds, ids: &[BlobId]) -> io::Result<Gone> {
    let mut gone = Gone::default();
    for id in ids {
        let mut size = 0;
        let is_gone = blobs.remove_if(id, |facts| {
            size = facts.size;
            standing(reader, feeds, id, facts) != Standing::Kept
        })?;
        if is_gone {
            gone.blobs += 1;
            gone.bytes += size;
        }
    }
    Ok(gone)
}

/// How a blob stands to the owner. What cannot be found out is kept.
fn standing(reader: &Reader<Disk>, feeds: &Feeds, id: &BlobId, facts: &Facts) -> Standing {
    if facts.is_kept() {
        return Standing::Kept;
    }
    match nearest(reader, feeds, id) {
        Ok(Some(standing)) => standing,
        Ok(None) => match facts.origin {
            Origin::Peer(_) => Standing::Orphan,
            Origin::Own => Standing::Kept,
            Origin::Asked(_) | Origin::Unknown => Standing::Unexplained,
        },
        Err(_) => Standing::Kept,
    }
}

/// The nearest of those who refer to a blob.
fn nearest(reader: &Reader<Disk>, feeds: &Feeds, id: &BlobId) -> Result<Option<Standing>, ReadError> {
    let mut answer = reader.query(Query::new(Filter::links_to(Target::Blob(*id))));
    let mut nearest = None;
    while !answer.is_over() {
        for stored in answer.page(PAGE_LEN)? {
            let author = reader.author(stored.ordinal).and_then(|number| reader.feed_id(number));
            let standing = match author {
                Some(author) if feeds.kept.contains(&author) => return Ok(Some(Standing::Kept)),
                author => author
                    .and_then(|author| feeds.near.get(&author))
                    .copied()
                    .map_or(Standing::Far, Standing::Near),
            };
            nearest = nearest.map_or(Some(standing), |nearest: Standing| Some(nearest.min(standing)));
        }
    }
    Ok(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::sealed;
    use smol::channel::Sender;
    use smol::channel::bounded;
    use smol::future::block_on;
    use smol::future::yield_now;
    use ssb_blobs::writer::Expected;
    use ssb_msg::Signing;

    const ME: u8 = 1;
    const KEPT: u8 = 4;

    /// The length of each blob.
    const LEN: u64 = 10_000;

    /// A cleaner, the log that it asks, and the core that tells it who is near.
    struct Scene {
        fixture: Fixture,
        blobs: Blobs,
        core: Sender<Steps>,
        steps: Receiver<Steps>,
    }

    impl Scene {
        fn new(quota: Option<u64>) -> Self {
            let fixture = Fixture::new();
            let blobs =
                Blobs::start(fixture.path(), Setup { quota, ..Setup::default() }, &Clock::start()).unwrap().0;
            let (core, steps) = bounded(1);
            Self { fixture, blobs, core, steps }
        }

        /// Stores a blob that came at some time.
        fn add(&self, n: u8, origin: Origin, seen: u64) -> BlobId {
            let mut writer = self.blobs.begin(Expected { id: None, len_max: None, origin }).unwrap();
            writer.write(&[n].repeat(usize::try_from(LEN).unwrap())).unwrap();
            writer.finish(seen).unwrap().id
        }

        /// Somebody refers to a blob.
        fn refer(&mut self, author: u8, id: &BlobId) {
            let content = format!(r#"{{"type":"post","mentions":[{{"link":"{id}?unbox=x"}}]}}"#);
            self.fixture.publish(&key(author), &content);
        }

        fn clean(&self, orphans: Option<Duration>) -> Gone {
            let cleaner = Cleaner {
                blobs: self.blobs.clone(),
                reader: self.fixture.private_reader(),
                kept: [ME, KEPT].map(|n| key(n).id()).into(),
                policy: Policy { quota: self.blobs.store.quota(), orphans },
                steps: self.steps.clone(),
                logger: Logger::new(LogLevel::Error),
            };
            let near = [(key(ME).id(), 0), (key(2).id(), 1), (key(3).id(), 2)].into();
            let feeds = Arc::new(Feeds { kept: cleaner.kept.clone(), near });
            block_on(cleaner.clean(&feeds)).unwrap()
        }

        fn has(&self, id: &BlobId) -> bool {
            self.blobs.store.size(id).unwrap().is_some()
        }
    }

    fn peer() -> Origin {
        Origin::Peer(key(9).id())
    }

    #[test]
    fn blobs_go_in_the_order_of_who_refers_to_them_and_the_owner_s_never() {
        let mut scene = Scene::new(Some(8 * LEN));
        let own = scene.add(1, Origin::Own, 1);
        let mine = scene.add(2, peer(), 1);
        let pinned = scene.add(3, peer(), 1);
        scene.blobs.store.mark(&pinned, |facts| facts.is_pinned = true).unwrap();
        let of_kept = scene.add(4, Origin::Unknown, 1);
        let unknown = scene.add(5, Origin::Unknown, 1);
        let asked = scene.add(6, Origin::Asked(key(9).id()), 2);
        let near = scene.add(7, peer(), 9);
        let farther = scene.add(8, peer(), 8);
        // No more is taken above the quota, but by the owner.
        let far = scene.add(9, peer(), 7);
        let orphan = scene.add(10, Origin::Own, 6);
        scene.blobs.store.mark(&orphan, |facts| facts.origin = peer()).unwrap();
        for (author, id) in [(ME, mine), (KEPT, of_kept), (2, near), (3, near), (3, farther), (7, far)] {
            scene.refer(author, &id);
        }
        let kept = [own, mine, pinned, of_kept];
        let order = [orphan, far, farther, near, unknown, asked];

        // Of ten there is room for seven, of nine for seven, and so on.
        for left in [7, 6, 5, 4] {
            let quota = left * LEN + LEN / 2;
            let blobs = Blobs::start(
                scene.fixture.path(),
                Setup { quota: Some(quota), ..Setup::default() },
                &Clock::start(),
            );
            scene.blobs = blobs.unwrap().0;
            scene.clean(None);
            let is_here: Vec<bool> = order.iter().map(|id| scene.has(id)).collect();
            assert!(is_here.is_sorted(), "what goes later is still here: {is_here:?}");
            assert!(kept.iter().all(|id| scene.has(id)));
            assert!(!scene.blobs.store.is_full().unwrap());
        }
        assert!(!order.iter().any(|id| scene.has(id)));
    }

    #[test]
    fn what_came_for_others_and_nobody_refers_to_goes_after_a_day_if_not_everything_is_kept() {
        let mut scene = Scene::new(None);
        let now = scene.blobs.clock.unix_millis();
        let day = 24 * 3600 * 1000;
        let new = scene.add(1, peer(), now - day + 60_000);
        let old = scene.add(2, peer(), now - day - 1);
        let named = scene.add(3, peer(), 1);
        scene.refer(7, &named);
        let others = [scene.add(4, Origin::Own, 1), scene.add(5, Origin::Unknown, 1)];

        assert_eq!(scene.clean(None), Gone::default());
        assert_eq!(scene.clean(Some(ORPHAN_AGE)), Gone { blobs: 1, bytes: LEN });

        assert!(!scene.has(&old));
        assert!([new, named].iter().chain(&others).all(|id| scene.has(id)));
    }

    #[test]
    fn what_was_said_to_the_owner_in_private_refers_to_blobs_too() {
        let mut scene = Scene::new(None);
        let [mine, theirs, of_others] = [1, 2, 3].map(|n| scene.add(n, peer(), 1));
        for (author, id, recipient) in [(ME, mine, ME), (2, theirs, ME), (2, of_others, 3)] {
            let content = format!(r#"{{"type":"post","mentions":[{{"link":"{id}","name":"photo"}}]}}"#);
            scene.fixture.publish(&key(author), &sealed(&content, &[recipient]));
        }

        assert_eq!(scene.clean(Some(ORPHAN_AGE)), Gone { blobs: 1, bytes: LEN });

        assert!(scene.has(&mine) && scene.has(&theirs));
    }

    #[test]
    fn a_cleaner_waits_until_it_knows_who_is_near_and_then_until_there_is_no_room() {
        let scene = Scene::new(Some(2 * LEN));
        let cleaner = Cleaner {
            blobs: scene.blobs.clone(),
            reader: scene.fixture.private_reader(),
            kept: BTreeSet::from([key(ME).id()]),
            policy: Policy { quota: Some(2 * LEN), orphans: None },
            steps: scene.steps.clone(),
            logger: Logger::new(LogLevel::Error),
        };
        let add = |n: u8| {
            let expected = Expected { id: None, len_max: None, origin: peer() };
            scene.blobs.run(move |blobs| {
                let mut writer = blobs.begin(expected)?;
                writer.write(&[n].repeat(usize::try_from(LEN).unwrap()))?;
                blobs.finish(writer).map(|stored| stored.id)
            })
        };
        let until_room = async || {
            while scene.blobs.store.is_full().unwrap() {
                yield_now().await;
            }
        };

        let test = async {
            for n in 1..=3 {
                assert!(add(n).await.unwrap().is_ok());
            }
            assert!(add(4).await.unwrap().is_err());
            assert!(scene.blobs.store.is_full().unwrap());
            scene.core.send(vec![(key(ME).id(), 0)]).await.unwrap();
            until_room().await;
            // It goes on by itself from here.
            for n in 5..=20 {
                assert!(add(n).await.unwrap().is_ok());
                until_room().await;
            }
        };
        block_on(test.or(cleaner.run()));

        assert!(scene.blobs.store.room().unwrap() <= 2 * LEN);
    }

    #[test]
    fn nothing_goes_while_the_log_is_not_indexed() {
        let mut scene = Scene::new(Some(LEN));
        let ids = [1, 2].map(|n| scene.add(n, Origin::Own, 1));
        for id in &ids {
            scene.blobs.store.mark(id, |facts| facts.origin = peer()).unwrap();
        }
        let store = scene.fixture.store();
        for n in 0..=BEHIND_MAX {
            store
                .sign_next("{\"type\":\"post\"}", f64::from(n), &key(2), &Signing::plain(), f64::from(n))
                .unwrap();
        }
        let _ = store.commit().unwrap();

        assert_eq!(scene.clean(None), Gone::default());

        assert!(ids.iter().all(|id| scene.has(id)));
    }
}
