//! The published-mark: how far this node has published, kept beside the secret.
//!
//! A feed forks when somebody publishes with a key whose feed is longer elsewhere: after a restored backup, a copied
//! secret, a lost log. The mark is what tells those cases from an honest first start. It is made before the secret
//! is, and names the feed, where the secret came from, and the last sequence that may have left this node.
//!
//! [`PublishedMark::permits`] is the rule; whoever publishes asks it first.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

use crate::FeedId;
use crate::secret_file::sync_directory;

/// The name of the mark in the directory of the secret.
pub const FILE_NAME: &str = "published-mark";

/// How far one feed was published from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedMark {
    /// Whose mark it is: another key's says nothing about this one.
    pub feed: FeedId,
    /// Why this node may sign for the feed, if it may.
    pub origin: Origin,
    /// The last sequence that may have left this node; 0 for none.
    pub sequence: u64,
}

/// Why a node may sign for a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It may not: the secret was found or messages were lost, and the feed may be longer elsewhere.
    Unknown,
    /// This node made the secret.
    Created,
    /// Peers gave the feed back to its end.
    Recovered,
    /// The owner insisted, with `--new-feed`.
    Insisted,
}

impl PublishedMark {
    /// The mark of a secret that this node is about to create.
    pub const fn created(feed: FeedId) -> Self {
        Self { feed, origin: Origin::Created, sequence: 0 }
    }

    /// The mark of a secret that was found without one.
    pub const fn unknown(feed: FeedId) -> Self {
        Self { feed, origin: Origin::Unknown, sequence: 0 }
    }

    /// Whether a node whose log holds the feed up to `held` may sign its next message.
    pub const fn permits(&self, held: u64) -> bool {
        !matches!(self.origin, Origin::Unknown) && held >= self.sequence
    }

    /// The mark that must be on disk before messages of the feed up to `held` are shown to anybody.
    #[must_use]
    pub const fn raised(self, held: u64) -> Self {
        match self.origin {
            Origin::Unknown => self,
            _ if held > self.sequence => Self { sequence: held, ..self },
            _ => self,
        }
    }

    /// Becomes the [`raised`](Self::raised) mark, once that is on disk; writes nothing if it is that already.
    ///
    /// # Errors
    ///
    /// What writing the file returns; the mark is then as before.
    pub fn raise(&mut self, held: u64, directory: &Path) -> io::Result<()> {
        let raised = self.raised(held);
        if raised != *self {
            raised.save(directory)?;
            *self = raised;
        }
        Ok(())
    }

    /// The mark that must be on disk before a node that has just opened its log, and found the feed in it up to `held`,
    /// does anything.
    ///
    /// A log that is longer lost its power between the sync of a message and its mark. One that is shorter lost messages,
    /// and stays locked even if the node is stopped halfway through recovering them.
    #[must_use]
    pub const fn reopened(self, held: u64) -> Self {
        if held < self.sequence { Self { origin: Origin::Unknown, ..self } } else { self.raised(held) }
    }

    /// Reads the mark beside the secret of `feed` in `directory`.
    ///
    /// A missing mark, or one of another feed, is [`PublishedMark::unknown`].
    ///
    /// # Errors
    ///
    /// [`MarkError`] if there is one that cannot be read or understood: then nobody knows, and nothing may be signed.
    pub fn load(directory: &Path, feed: FeedId) -> Result<Self, MarkError> {
        let path = directory.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::unknown(feed)),
            Err(error) => return Err(MarkError { path, cause: MarkCause::Io(error) }),
        };
        match Self::parse(&text) {
            Some(mark) if mark.feed == feed => Ok(mark),
            Some(_) => Ok(Self::unknown(feed)),
            None => Err(MarkError { path, cause: MarkCause::Malformed }),
        }
    }

    /// Writes the mark: aside, synced, renamed, synced.
    ///
    /// # Errors
    ///
    /// The error of the file system. The mark that was there is then still whole.
    pub fn save(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(FILE_NAME);
        let aside = directory.join(format!("{FILE_NAME}.new"));
        let mut file = fs::File::create(&aside)?;
        file.write_all(self.to_text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        sync_directory(&path)
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let origin = match value.get("origin")?.as_str()? {
            "unknown" => Origin::Unknown,
            "created" => Origin::Created,
            "recovered" => Origin::Recovered,
            "insisted" => Origin::Insisted,
            _ => return None,
        };
        let feed = FeedId::parse(value.get("feed")?.as_str()?).ok()?;
        Some(Self { feed, origin, sequence: value.get("sequence")?.as_u64()? })
    }

    fn to_text(self) -> String {
        let origin = match self.origin {
            Origin::Unknown => "unknown",
            Origin::Created => "created",
            Origin::Recovered => "recovered",
            Origin::Insisted => "insisted",
        };
        format!("{{\"feed\":\"{}\",\"origin\":\"{origin}\",\"sequence\":{}}}\n", self.feed, self.sequence)
    }
}

/// A mark that cannot be used. Nothing may be signed until it is mended.
#[derive(Debug, Error)]
#[error("{}: {cause}", path.display())]
pub struct MarkError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: MarkCause,
}

/// What is wrong with a mark.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MarkCause {
    /// It could not be read.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// It is not what [`PublishedMark::save`] writes. Fix: remove it, and the feed is recovered from peers.
    #[error("is damaged; remove it, and the node recovers its feed from peers before it publishes again")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keypair;

    #[test]
    fn a_saved_mark_is_loaded_again() {
        let directory = tempfile::tempdir().unwrap();
        let feed = Keypair::from_seed(&[1; 32]).id();
        let mark = PublishedMark { feed, origin: Origin::Recovered, sequence: 7 };

        mark.save(directory.path()).unwrap();

        assert_eq!(PublishedMark::load(directory.path(), feed).unwrap(), mark);
    }

    #[test]
    fn a_mark_is_raised_on_disk_first() {
        let directory = tempfile::tempdir().unwrap();
        let feed = Keypair::from_seed(&[1; 32]).id();
        let mut mark = PublishedMark::created(feed);

        assert!(mark.raise(1, &directory.path().join("missing")).is_err());
        assert_eq!(mark.sequence, 0);
        mark.raise(0, &directory.path().join("missing")).unwrap();
        mark.raise(3, directory.path()).unwrap();

        assert_eq!(mark.sequence, 3);
        assert_eq!(PublishedMark::load(directory.path(), feed).unwrap(), mark);
    }

    #[test]
    fn no_mark_and_the_mark_of_another_feed_are_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let (feed, other) = (Keypair::from_seed(&[1; 32]).id(), Keypair::from_seed(&[2; 32]).id());
        assert_eq!(PublishedMark::load(directory.path(), feed).unwrap(), PublishedMark::unknown(feed));

        PublishedMark::created(other).save(directory.path()).unwrap();

        assert_eq!(PublishedMark::load(directory.path(), feed).unwrap(), PublishedMark::unknown(feed));
    }

    #[test]
    fn a_log_longer_than_its_mark_raises_it_and_a_shorter_one_locks_it() {
        let created =
            PublishedMark { sequence: 5, ..PublishedMark::created(Keypair::from_seed(&[1; 32]).id()) };

        assert_eq!(created.reopened(6), PublishedMark { sequence: 6, ..created });
        assert_eq!(created.reopened(5), created);
        assert_eq!(created.reopened(4), PublishedMark { origin: Origin::Unknown, ..created });
        assert!(
            !created.reopened(4).reopened(9).permits(9),
            "what is locked stays locked, however long the log is"
        );
    }

    #[test]
    fn a_damaged_mark_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let feed = Keypair::from_seed(&[1; 32]).id();
        fs::write(directory.path().join(FILE_NAME), "{\"feed\":").unwrap();

        let error = PublishedMark::load(directory.path(), feed).unwrap_err();

        assert!(matches!(error.cause, MarkCause::Malformed));
    }

    #[test]
    fn a_found_secret_or_a_short_log_permits_nothing() {
        let feed = Keypair::from_seed(&[1; 32]).id();
        let created = PublishedMark { sequence: 5, ..PublishedMark::created(feed) };

        assert!(!PublishedMark::unknown(feed).permits(100));
        assert!(!created.permits(4));
        assert!(created.permits(5));
        assert!(created.permits(6));
        assert!(PublishedMark::created(feed).permits(0));
    }
}
