//! The blobs of a node: their store, the threads that may block for it, and who hears of what happens to them.
//!
//! Whoever stores or removes a blob does so through [`Blobs`], so that the core and everybody who listens hear of each. The threads
//! wait for the core when its inbox is full, and are waited for by connections.

pub(crate) mod cleaning;
pub(crate) mod intake;
pub(crate) mod pushes;
pub(crate) mod slice;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread::JoinHandle;

use smol::channel::Receiver;
use smol::channel::Sender;
use smol::channel::bounded;
use ssb_blobs::Disk;
use ssb_blobs::Store;
use ssb_blobs::Writer;
use ssb_blobs::store::Facts;
use ssb_blobs::store::Origin;
use ssb_blobs::wants::event::Input as Wants;
use ssb_blobs::wants::limits::OWN_WANTS_MAX;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::Stored;
use ssb_blobs::writer::WriteError;
use ssb_gossip::event::Input;
use ssb_keys::BlobId;

use self::pushes::Pushes;
use crate::clock::Clock;
use crate::config::LogLevel;
use crate::core_task::ToCore;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::mailbox::Mailbox;
use crate::pool::Pool;
use crate::pool::Promise;
use crate::rpc::blobs;

/// How many threads read and write blobs.
const THREADS: usize = 2;

/// About how many bytes one job reads or writes, so that every blob has its turn soon.
pub(crate) const JOB_LEN: usize = 128 * 1024;

/// The blobs. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    store: Store<Disk>,
    pool: Pool,
    clock: Clock,
    /// The directory, for its owner to read.
    path: PathBuf,
    /// Whether strangers hear of what is stored.
    habit: Habit,
    pushes: Arc<Pushes>,
    /// What the owner has asked for, and is not here.
    asked: Arc<Mutex<BTreeSet<BlobId>>>,
    core: Option<Sender<ToCore>>,
    listeners: Arc<Mutex<Vec<Listener>>>,
    /// Something goes in when the store has more than its quota.
    crowd: (Sender<()>, Receiver<()>),
}

/// What there is to know before blobs can be opened.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// How many bytes all blobs may have.
    pub(crate) quota: Option<u64>,
    /// What is told of blobs.
    pub(crate) habit: Habit,
    /// What was pushed before.
    pub(crate) pushes: BTreeSet<BlobId>,
    /// Who hears what is stored and removed, if anybody decides anything about that.
    pub(crate) core: Option<Sender<ToCore>>,
}

/// What is told of blobs that nobody asked for (`blobs.stingy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Habit {
    /// All of them.
    #[default]
    Open,
    /// Only those that are pushed.
    Stingy,
}

/// What has happened to a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is here, and was not before.
    Stored {
        /// Which.
        id: BlobId,
        /// How many bytes it has.
        size: u64,
        /// When, in milliseconds since 1970.
        seen: u64,
    },
    /// It is not here any more.
    Removed {
        /// Which.
        id: BlobId,
    },
}

/// How a stream tells of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// By its id alone.
    Id,
    /// `{id, size, ts}`.
    Entry,
}

#[derive(Debug)]
struct Listener {
    mailbox: Mailbox<Arc<str>>,
    shape: Shape,
}

impl Blobs {
    /// Opens the blobs in the data directory `home`, and starts their threads.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn start(home: &Path, setup: Setup, clock: &Clock) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let Setup { quota, habit, pushes, core } = setup;
        let path = home.join("blobs");
        let store = Store::open(Disk::open(&path)?, quota)?;
        let (pool, threads) = Pool::start("ssb-blob", THREADS)?;
        let blobs = Self {
            store,
            pool,
            clock: clock.clone(),
            path,
            habit,
            pushes: Arc::new(Pushes::new(home, pushes)),
            asked: Arc::default(),
            core,
            listeners: Arc::default(),
            crowd: bounded(1),
        };
        Ok((blobs, threads))
    }

    /// Runs a job on one of the threads, which may block.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce(&Self) -> T + Send + 'static) -> Promise<T> {
        let blobs = self.clone();
        self.pool.run(move || job(&blobs))
    }

    /// Gives something up that may take a moment to be dropped, such as the file of a blob that will never be whole.
    pub(crate) fn drop_later<T: Send + 'static>(&self, what: T) {
        self.pool.try_run(move || drop(what));
    }

    /// Begins to take a blob in. Blocks.
    ///
    /// # Errors
    ///
    /// [`WriteError::Full`] or [`WriteError::Io`].
    pub(crate) fn begin(&self, expected: Expected) -> Result<Writer<Disk>, WriteError> {
        self.store.writer(expected).inspect_err(|error| self.look_for_crowd(*error == WriteError::Full))
    }

    /// All pieces of a blob have come. Blocks.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; nothing is stored then.
    pub(crate) fn finish(&self, writer: Writer<Disk>) -> Result<Stored, WriteError> {
        let seen = self.clock.unix_millis();
        let stored =
            writer.finish(seen).inspect_err(|error| self.look_for_crowd(*error == WriteError::Full))?;
        if self.asked().remove(&stored.id) {
            // If it cannot be remembered, it counts as one that came for others.
            let _ = self.mark_asked(&stored.id);
        }
        if !stored.was_here {
            self.tell(&Change::Stored { id: stored.id, size: stored.size, seen });
            self.look_for_crowd(self.store.is_full().unwrap_or(false));
        }
        Ok(stored)
    }

    /// Removes a blob. Returns whether it was here. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn remove(&self, id: &BlobId) -> io::Result<bool> {
        self.remove_if(id, |_| true)
    }

    /// Removes a blob, if that is to be done with one of which this is known. Returns whether it was removed. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn remove_if(&self, id: &BlobId, condition: impl FnOnce(&Facts) -> bool) -> io::Result<bool> {
        let is_gone = self.store.remove_if(id, condition)?;
        if is_gone {
            self.tell(&Change::Removed { id: *id });
        }
        Ok(is_gone)
    }

    /// The owner asks for a blob. Returns how many bytes it has, if it is here; if not, it will be remembered, when it has come, that
    /// it was asked for. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn ask_for(&self, id: &BlobId) -> io::Result<Option<u64>> {
        {
            let mut asked = self.asked();
            if asked.len() < OWN_WANTS_MAX {
                asked.insert(*id);
            }
        }
        let size = self.mark_asked(id)?;
        if size.is_some() {
            self.asked().remove(id);
        }
        Ok(size)
    }

    /// Remembers that the owner asked for a blob, if it is here and a peer has brought it. Returns how many bytes it has.
    fn mark_asked(&self, id: &BlobId) -> io::Result<Option<u64>> {
        let mut size = None;
        self.store.mark(id, |facts| {
            size = Some(facts.size);
            if let Origin::Peer(peer) = facts.origin {
                facts.origin = Origin::Asked(peer);
            }
        })?;
        Ok(size)
    }

    /// Which blobs are pushed.
    pub(crate) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    /// These blobs are pushed now, and no others. Waits for nobody.
    pub(crate) fn set_pushes(&self, ids: BTreeSet<BlobId>, logger: &Logger) {
        self.pushes.set(ids);
        let (pushes, logger) = (Arc::clone(&self.pushes), logger.clone());
        // If too many jobs wait already, what changes next is kept with this.
        self.pool.try_run(move || {
            if let Err(error) = pushes.save() {
                let entry = Entry::new(LogLevel::Warning, "blobs that are pushed could not be written down");
                logger.say(&entry.reason(error));
            }
        });
    }

    /// Where it is told that the store has more than its quota.
    pub(crate) fn crowded(&self) -> Receiver<()> {
        self.crowd.1.clone()
    }

    /// The store, to be read.
    pub(crate) const fn store(&self) -> &Store<Disk> {
        &self.store
    }

    /// The threads.
    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Where the store is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on puts a text into `mailbox` for each blob that is stored. Whoever closes it listens no more, and whoever lets
    /// it run full finds it closed.
    pub(crate) fn listen(&self, mailbox: Mailbox<Arc<str>>, shape: Shape) {
        self.listeners().push(Listener { mailbox, shape });
    }

    /// The core hears of it, and whoever listens.
    fn tell(&self, change: &Change) {
        if let Some(core) = &self.core {
            let event = Input::Blobs(match change {
                Change::Stored { id, size, .. } => Wants::Stored { id: *id, size: *size },
                Change::Removed { id } => Wants::Removed { id: *id },
            });
            // It is gone only when the node stops.
            let _ = core.send_blocking(ToCore::Event(event));
        }
        let Change::Stored { id, size, seen, .. } = change else { return };
        if self.habit == Habit::Stingy && !self.pushes.contains(id) {
            return;
        }
        let mut listeners = self.listeners();
        listeners.retain(|listener| !listener.mailbox.is_closed());
        if listeners.is_empty() {
            return;
        }
        let [by_id, entry]: [Arc<str>; 2] = [blobs::id(id).into(), blobs::entry(id, *size, *seen).into()];
        for Listener { mailbox, shape } in &*listeners {
            let text = match shape {
                Shape::Id => &by_id,
                Shape::Entry => &entry,
            };
            if !mailbox.send(Arc::clone(text)) {
                mailbox.close();
            }
        }
    }

    fn look_for_crowd(&self, is_full: bool) {
        if is_full {
            // Once is enough.
            let _ = self.crowd.0.try_send(());
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        lock(&self.listeners)
    }

    fn asked(&self) -> MutexGuard<'_, BTreeSet<BlobId>> {
        lock(&self.asked)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here can panic with a lock held.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;
    use tempfile::TempDir;

    struct Scene {
        _home: TempDir,
        blobs: Blobs,
    }

    impl Scene {
        fn new(habit: Habit) -> Self {
            let home = tempfile::tempdir().unwrap();
            let blobs =
                Blobs::start(home.path(), Setup { habit, ..Setup::default() }, &Clock::start()).unwrap().0;
            Self { _home: home, blobs }
        }

        fn add(&self, bytes: &[u8]) -> BlobId {
            let expected = Expected { id: None, len_max: None, origin: Origin::Own };
            let mut writer = self.blobs.store().writer(expected).unwrap();
            writer.write(bytes).unwrap();
            self.blobs.finish(writer).unwrap().id
        }
    }

    fn next(mailbox: &Mailbox<Arc<str>>) -> Option<String> {
        match mailbox.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(text) => text.map(|text| text.to_string()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn who_listens_hears_of_each_blob_once() {
        let scene = Scene::new(Habit::Open);
        scene.add(b"before");
        let (ids, entries) = (Mailbox::with_room(2), Mailbox::with_room(2));
        scene.blobs.listen(ids.clone(), Shape::Id);
        scene.blobs.listen(entries.clone(), Shape::Entry);

        let id = scene.add(b"hello");
        scene.add(b"hello");

        assert_eq!(next(&ids), Some(format!("\"{id}\"")));
        let entry = next(&entries).unwrap();
        assert!(entry.starts_with(&format!("{{\"id\":\"{id}\",\"size\":5,\"ts\":1")), "{entry}");
        assert_eq!((next(&ids), next(&entries)), (None, None));
    }

    #[test]
    fn who_does_not_keep_up_is_left_out_and_told_so() {
        let scene = Scene::new(Habit::Open);
        let mailbox = Mailbox::with_room(1);
        scene.blobs.listen(mailbox.clone(), Shape::Id);

        scene.add(b"one");
        scene.add(b"two");
        scene.add(b"three");

        assert!(mailbox.is_closed());
        assert!(scene.blobs.listeners().is_empty());
    }

    #[test]
    fn a_stingy_node_tells_nobody_of_what_is_not_pushed() {
        let scene = Scene::new(Habit::Stingy);
        let mailbox = Mailbox::with_room(1);
        scene.blobs.listen(mailbox.clone(), Shape::Id);

        scene.add(b"one");

        assert_eq!(next(&mailbox), None);
    }
}
