//! The logs that JavaScript left.

use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use ssb_log::import::Db2;
use ssb_log::import::Flume;
use ssb_log::import::Item;
use ssb_log::import::OpenError;
use thiserror::Error;

use super::TransferError;
use super::pipeline::Piece;
use super::pipeline::Source;
use super::pipeline::What;

/// Why an old log cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OldLogError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not what it should be.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// ssb-db2 was interrupted while it moved records. Some may then be in no place but its notes.
    #[error("a compaction of it was interrupted; start the old program once, and let it finish")]
    Compacting,
}

/// An old log that is there.
#[derive(Debug)]
pub(super) struct OldLog {
    pub(super) path: PathBuf,
    /// Its path in its directory.
    pub(super) name: &'static str,
    pub(super) metadata: Metadata,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Flume,
    Db2,
}

impl OldLog {
    /// Those of a directory, the older one first. One without a byte is none.
    pub(super) fn find(directory: &Path) -> Result<Vec<Self>, TransferError> {
        let mut found = Vec::new();
        for (kind, name) in [(Kind::Flume, "flume/log.offset"), (Kind::Db2, "db2/log.bipf")] {
            let path = directory.join(name);
            match path.metadata() {
                Ok(metadata) if metadata.is_file() && metadata.len() > 0 => {
                    found.push(Self { path, name, metadata, kind });
                }
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(TransferError::OldLog { path, error: error.into() }),
            }
        }
        Ok(found)
    }

    /// Opens it, to be read only.
    pub(super) fn open(&self) -> Result<Box<dyn Source>, OldLogError> {
        let file = File::open(&self.path)?;
        Ok(match self.kind {
            Kind::Flume => Box::new(Items(Flume::open(file)?)),
            Kind::Db2 => {
                if self.path.with_extension("bipf.compaction").try_exists()? {
                    return Err(OldLogError::Compacting);
                }
                Box::new(Items(Db2::open(file)?))
            }
        })
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Its items, as the pipeline takes them.
struct Items<L>(L);

impl<L: Iterator<Item = io::Result<Item>> + Send> Source for Items<L> {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        Ok(self.0.next().transpose()?.map(|item| match item {
            Item::Record(record) => {
                Piece { place: record.offset(), len: record.framed_len(), what: What::Record(record) }
            }
            Item::Deleted { offset, len } => Piece { place: offset, len, what: What::Deleted },
            Item::Damaged { offset, len, why } => {
                Piece { place: offset, len, what: What::Refused(why.into()) }
            }
            Item::Torn { offset, len } => Piece { place: offset, len, what: What::Torn },
        }))
    }
}

impl Source for Box<dyn Source> {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        self.as_mut().next()
    }
}
