//! All blobs of a node, in the directory and the layout of JavaScript's (multiblob 1.13).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use crate::empty::EMPTY;
use crate::files::Files;
use crate::files::Look;
use crate::limits::ROOM_MIN;
use crate::place;
use crate::place::Shelf;
use crate::reader::Reader;
use crate::table;
use crate::writer::Expected;
use crate::writer::WriteError;
use crate::writer::Writer;

/// Where in the directory of a store a blob is, with `/` between the parts.
pub fn path(id: &BlobId) -> String {
    place::of(id)
}

/// A store. Its clones are the same one, and may be used in several threads at once; another process must not.
pub struct Store<F: Files>(Arc<Inside<F>>);

impl<F: Files> Store<F> {
    /// Opens the store in `files`, and makes what is missing of its directories. What was being written when it was used last is
    /// removed. With a quota in bytes, no blob of others is taken while the store has more than that.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn open(files: F, quota: Option<u64>) -> io::Result<Self> {
        for directory in [place::BLOBS, place::ASIDE, place::TABLE] {
            files.make_directory(directory)?;
        }
        files.sync("")?;
        for name in files.list(place::ASIDE)? {
            files.remove(&format!("{}/{name}", place::ASIDE))?;
        }
        let inside = Inside { files, quota, next_aside: AtomicU64::new(0), room: Mutex::new(None) };
        Ok(Self(Arc::new(inside)))
    }

    /// Begins to take a blob in.
    ///
    /// # Errors
    ///
    /// [`WriteError::Full`], before any bytes are wasted, or [`WriteError::Io`].
    pub fn writer(&self, expected: Expected) -> Result<Writer<F>, WriteError> {
        if !expected.origin.is_own() && self.is_full()? {
            return Err(WriteError::Full);
        }
        Writer::new(&self.0, expected)
    }

    /// Removes a blob, for good, and what is remembered of it. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn remove(&self, id: &BlobId) -> io::Result<bool> {
        self.remove_if(id, |_| true)
    }

    /// Removes a blob as [`remove`](Self::remove) does, if that is to be done with one of which this is known. Returns whether it
    /// was removed.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn remove_if(&self, id: &BlobId, condition: impl FnOnce(&Facts) -> bool) -> io::Result<bool> {
        let inside = &*self.0;
        let mut room = inside.room();
        let Some(look) = found(inside.files.look(&place::of(id)))? else { return Ok(false) };
        let remembered = table::read(&inside.files, Shelf::of(id))?;
        if !condition(&facts(remembered.get(id), look)) {
            return Ok(false);
        }
        // If anything fails, what there is has to be counted anew.
        let before = room.take();
        inside.files.remove(&place::of(id))?;
        inside.files.sync(&Shelf::of(id).directory())?;
        table::write(&inside.files, id, None)?;
        *room = before.map(|room| room.saturating_sub(room_of(look.len)));
        Ok(true)
    }

    /// Changes what is remembered of a blob. Returns whether it is there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn mark(&self, id: &BlobId, change: impl FnOnce(&mut Facts)) -> io::Result<bool> {
        let _room = self.0.room();
        let Some(mut facts) = self.facts(id)? else { return Ok(false) };
        let before = facts;
        change(&mut facts);
        if facts != before {
            table::write(&self.0.files, id, Some(&facts))?;
        }
        Ok(true)
    }

    /// Opens a blob for reading, if it is there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn read(&self, id: &BlobId) -> io::Result<Option<Reader<F>>> {
        if *id == EMPTY {
            return Ok(Some(Reader::empty()));
        }
        let Some(size) = self.size(id)? else { return Ok(None) };
        let file = found(self.0.files.open(&place::of(id)))?;
        Ok(file.map(|file| Reader::new(file, size)))
    }

    /// How many bytes a blob has, if it is there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn size(&self, id: &BlobId) -> io::Result<Option<u64>> {
        if *id == EMPTY {
            return Ok(Some(0));
        }
        Ok(found(self.0.files.look(&place::of(id)))?.map(|look| look.len))
    }

    /// What is known of a blob, if it is there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn facts(&self, id: &BlobId) -> io::Result<Option<Facts>> {
        let Some(look) = found(self.0.files.look(&place::of(id)))? else { return Ok(None) };
        let remembered = table::read(&self.0.files, Shelf::of(id))?;
        Ok(Some(facts(remembered.get(id), look)))
    }

    /// The blobs whose ids begin with this byte, by id, and what is known of each. All pages together are all blobs.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn page(&self, first: u8) -> io::Result<Vec<(BlobId, Facts)>> {
        let shelf = Shelf(first);
        let remembered = table::read(&self.0.files, shelf)?;
        self.0
            .looks(shelf)?
            .map(|look| look.map(|(id, look)| (id, facts(remembered.get(&id), look))))
            .collect()
    }

    /// How much room all blobs take, in bytes; each at least [`ROOM_MIN`].
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn room(&self) -> io::Result<u64> {
        self.0.counted(&mut self.0.room())
    }

    /// The quota in bytes, if there is one.
    pub fn quota(&self) -> Option<u64> {
        self.0.quota
    }

    /// Whether it has more than its quota.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn is_full(&self) -> io::Result<bool> {
        match self.0.quota {
            Some(quota) => Ok(self.room()? > quota),
            None => Ok(false),
        }
    }
}

impl<F: Files> Clone for Store<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Files> fmt::Debug for Store<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("quota", &self.0.quota).finish_non_exhaustive()
    }
}

/// What is known of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How many bytes it has.
    pub size: u64,
    /// When it came first, in milliseconds since 1970.
    pub seen: u64,
    /// Who brought it.
    pub origin: Origin,
    /// Whether its owner wants to keep it whatever happens.
    pub is_pinned: bool,
}

/// Who brought a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was here before anybody remembered that, brought by JavaScript, for example.
    Unknown,
    /// The owner of the node.
    Own,
    /// A peer, for others.
    Peer(FeedId),
    /// A peer, because the owner of the node asked for it.
    Asked(FeedId),
}

impl Facts {
    /// Whether it is kept whatever refers to it.
    pub const fn is_kept(&self) -> bool {
        self.is_pinned || self.origin.is_own()
    }
}

impl Origin {
    /// The peer that brought it, if one did.
    pub const fn peer(&self) -> Option<FeedId> {
        match self {
            Self::Peer(peer) | Self::Asked(peer) => Some(*peer),
            Self::Unknown | Self::Own => None,
        }
    }

    /// Whether its owner brought it.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own)
    }
}

/// What a store and its writers share.
pub(crate) struct Inside<F> {
    files: F,
    quota: Option<u64>,
    next_aside: AtomicU64,
    /// How much room all blobs take. `None` until they are counted. Whoever changes which blobs there are, or what is remembered
    /// of them, holds it.
    room: Mutex<Option<u64>>,
}

impl<F: Files> Inside<F> {
    pub(crate) fn create_aside(&self) -> io::Result<(String, F::File)> {
        loop {
            let number = self.next_aside.fetch_add(1, Ordering::Relaxed);
            let path = format!("{}/{number}", place::ASIDE);
            match self.files.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|file| (path, file)),
            }
        }
    }

    pub(crate) fn remove_aside(&self, aside: &str) -> io::Result<()> {
        self.files.remove(aside)
    }

    /// Gives a file aside, which is synced, the name of a blob. Returns whether that blob was not there before; else the file
    /// stays where it is.
    pub(crate) fn keep(&self, aside: &str, id: &BlobId, facts: Facts) -> Result<bool, WriteError> {
        let mut room = self.room();
        if let Some(look) = found(self.files.look(&place::of(id)))? {
            self.brought_again(id, look, facts.origin)?;
            return Ok(false);
        }
        let before = match self.quota {
            Some(_) => Some(self.counted(&mut room)?),
            None => *room,
        };
        let is_full = self.quota.zip(before).is_some_and(|(quota, room)| room > quota);
        if is_full && !facts.origin.is_own() {
            return Err(WriteError::Full);
        }
        // If anything fails, what there is has to be counted anew.
        *room = None;
        table::write(&self.files, id, Some(&facts))?;
        let directory = Shelf::of(id).directory();
        self.files.make_directory(&directory)?;
        self.files.sync(place::BLOBS)?;
        self.files.rename(aside, &place::of(id))?;
        self.files.sync(&directory)?;
        *room = before.map(|before| before.saturating_add(room_of(facts.size)));
        Ok(true)
    }

    /// A blob that is here came once more: what its owner brings stays, whoever brought it first.
    fn brought_again(&self, id: &BlobId, look: Look, origin: Origin) -> io::Result<()> {
        // It is here, but whoever brought it first may have failed to make that last.
        self.files.sync(place::BLOBS)?;
        self.files.sync(&Shelf::of(id).directory())?;
        let remembered = table::read(&self.files, Shelf::of(id))?;
        let known = facts(remembered.get(id), look);
        if origin.is_own() && !known.origin.is_own() {
            table::write(&self.files, id, Some(&Facts { origin, ..known }))?;
        }
        Ok(())
    }

    fn counted(&self, room: &mut Option<u64>) -> io::Result<u64> {
        if let Some(room) = *room {
            return Ok(room);
        }
        let mut sum: u64 = 0;
        for first in 0..=u8::MAX {
            for look in self.looks(Shelf(first))? {
                let (_, look) = look?;
                sum = sum.saturating_add(room_of(look.len));
            }
        }
        *room = Some(sum);
        Ok(sum)
    }

    /// The blobs of a shelf, and what their files are like.
    fn looks(&self, shelf: Shelf) -> io::Result<impl Iterator<Item = io::Result<(BlobId, Look)>>> {
        let directory = shelf.directory();
        let names = found(self.files.list(&directory))?.unwrap_or_default();
        Ok(names.into_iter().filter_map(move |name| {
            let id = shelf.parse(&name)?;
            // It may have been removed meanwhile.
            let look = found(self.files.look(&format!("{directory}/{name}"))).transpose()?;
            Some(look.map(|look| (id, look)))
        }))
    }

    /// A panic elsewhere leaves nothing half changed in there: what is doubtful is `None`.
    fn room(&self) -> MutexGuard<'_, Option<u64>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of a blob, or else what its file says.
fn facts(remembered: Option<&Facts>, look: Look) -> Facts {
    let unknown = Facts { size: look.len, seen: look.written, origin: Origin::Unknown, is_pinned: false };
    remembered.map_or(unknown, |facts| Facts { size: look.len, ..*facts })
}

/// How much room a blob of this length takes.
pub(crate) fn room_of(len: u64) -> u64 {
    len.max(ROOM_MIN)
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
