//! Blobs on a stick, behind the messages that refer to them: lines that are pieces of one blob after the other.
//!
//! ```text
//! {"blob":"&...=.sha256","size":100000,"at":0,"bytes":"<base64 of 65,536 bytes>"}
//! {"blob":"&...=.sha256","size":100000,"at":65536,"bytes":"<base64 of the rest>"}
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::Path;

use ssb_blobs::Disk;
use ssb_blobs::Store;
use ssb_blobs::Writer;
use ssb_blobs::limits::PIECE_LEN;
use ssb_blobs::store::Origin;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::WriteError;
use ssb_keys::BlobId;
use ssb_keys::base64;
use ssb_log::Stored;
use ssb_log::query::Target;
use thiserror::Error;

use super::TransferError;
use crate::clock::Clock;

/// How a line begins that is a piece of a blob.
const BEGINNING: &[u8] = b"{\"blob\":";

/// Why a line is no piece of a blob that is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum NotABlob {
    /// It is none that means anything.
    #[error("it is no piece of a blob")]
    Malformed,
    /// It does not continue the blob of the line before it.
    #[error("it is a piece of a blob that does not follow the one before it")]
    Gap,
    /// There are too few pieces behind it.
    #[error("the rest of its blob is missing")]
    CutShort,
    /// All pieces together are another blob.
    #[error("its blob is another one than it says")]
    WrongHash,
}

/// A piece of a blob.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    id: BlobId,
    size: u64,
    at: u64,
    bytes: Vec<u8>,
}

/// A line as it stands.
#[derive(serde::Serialize, serde::Deserialize)]
struct Line {
    blob: String,
    size: u64,
    at: u64,
    bytes: String,
}

impl Piece {
    /// The piece of a line. `None` if the line is something else.
    pub(super) fn parse(line: &[u8]) -> Option<Result<Self, NotABlob>> {
        let line = line.trim_ascii();
        if !line.starts_with(BEGINNING) {
            return None;
        }
        let piece = serde_json::from_slice(line).ok().and_then(|Line { blob, size, at, bytes }| {
            let (id, bytes) = (BlobId::parse(&blob).ok()?, base64::decode(&bytes).ok()?);
            let end = at.checked_add(u64::try_from(bytes.len()).ok()?)?;
            (!bytes.is_empty() && end <= size).then_some(Self { id, size, at, bytes })
        });
        Some(piece.ok_or(NotABlob::Malformed))
    }
}

/// What became of a blob all of whose pieces have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Known,
}

/// The blobs of a directory, while some come in.
pub(super) struct Arrivals {
    store: Store<Disk>,
    clock: Clock,
    arriving: Option<Arriving>,
}

/// A blob of which some pieces have come.
struct Arriving {
    id: BlobId,
    /// What comes next.
    at: u64,
    /// `None` if it is here already.
    writer: Option<Box<Writer<Disk>>>,
    /// The line of its first piece.
    place: u64,
}

impl Arrivals {
    /// Opens the blobs in the directory `home`.
    pub(super) fn open(home: &Path) -> Result<Self, TransferError> {
        Ok(Self { store: open(home)?, clock: Clock::start(), arriving: None })
    }

    /// Takes the piece of a line. Returns what became of the blob, if it was the last one; or why it is not taken.
    pub(super) fn take(
        &mut self,
        piece: &Piece,
        place: u64,
    ) -> Result<Result<Option<Taken>, NotABlob>, TransferError> {
        if piece.at == 0 {
            let writer =
                match self.store.size(&piece.id).map_err(|error| TransferError::Blobs(error.kind()))? {
                    Some(_) => None,
                    None => {
                        let len_max = Some(piece.size);
                        let expected = Expected { id: Some(piece.id), len_max, origin: Origin::Unknown };
                        Some(Box::new(self.store.writer(expected).map_err(unwritable)?))
                    }
                };
            self.arriving = Some(Arriving { id: piece.id, at: 0, writer, place });
        }
        let is_next = self.expects(piece);
        let Some(mut arriving) = self.arriving.take().filter(|_| is_next) else {
            return Ok(Err(NotABlob::Gap));
        };
        arriving.at += u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX);
        if let Some(writer) = &mut arriving.writer {
            writer.write(&piece.bytes).map_err(unwritable)?;
        }
        if arriving.at < piece.size {
            self.arriving = Some(arriving);
            return Ok(Ok(None));
        }
        let Some(writer) = arriving.writer else { return Ok(Ok(Some(Taken::Known))) };
        match writer.finish(self.clock.unix_millis()) {
            Ok(_) => Ok(Ok(Some(Taken::New))),
            Err(WriteError::WrongHash { .. }) => Ok(Err(NotABlob::WrongHash)),
            Err(error) => Err(unwritable(error)),
        }
    }

    /// Whether a piece continues the blob of which some have come.
    pub(super) fn expects(&self, piece: &Piece) -> bool {
        self.arriving.as_ref().is_some_and(|arriving| arriving.id == piece.id && arriving.at == piece.at)
    }

    /// Nothing more comes of the blob of which some pieces have. Returns the line of its first one, if there is such a blob.
    pub(super) fn give_up(&mut self) -> Option<u64> {
        self.arriving.take().map(|arriving| arriving.place)
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The blobs of a directory that go out: those to which messages refer, and that are here.
#[derive(Debug)]
pub(super) struct Departures {
    store: Store<Disk>,
    ids: BTreeSet<BlobId>,
}

impl Departures {
    /// Opens the blobs in the directory `home`.
    pub(super) fn open(home: &Path) -> Result<Self, TransferError> {
        Ok(Self { store: open(home)?, ids: BTreeSet::new() })
    }

    /// A message goes out.
    pub(super) fn see(&mut self, message: &Stored) {
        for target in message.targets() {
            if let Target::Blob(id) = target
                && !self.ids.contains(&id)
                && self.store.size(&id).is_ok_and(|size| size.is_some_and(|size| size > 0))
            {
                self.ids.insert(id);
            }
        }
    }

    /// Writes all of them.
    pub(super) fn write(&self, output: &mut impl Write) -> Result<(), TransferError> {
        let unreadable = |error: std::io::Error| TransferError::Blobs(error.kind());
        let mut piece = vec![0; PIECE_LEN];
        for id in &self.ids {
            let Some(mut reader) = self.store.read(id).map_err(unreadable)? else { continue };
            let (size, mut at) = (reader.len(), 0);
            loop {
                let count = reader.read(&mut piece).map_err(unreadable)?;
                if count == 0 {
                    break;
                }
                let bytes = base64::encode(piece.get(..count).unwrap_or_default());
                let line = Line { blob: id.to_string(), size, at, bytes };
                let line = serde_json::to_string(&line).expect("texts and numbers are JSON") + "\n";
                output.write_all(line.as_bytes()).map_err(TransferError::Output)?;
                at += u64::try_from(count).unwrap_or(u64::MAX);
            }
        }
        Ok(())
    }
}

fn open(home: &Path) -> Result<Store<Disk>, TransferError> {
    let path = home.join("blobs");
    let opened = Disk::open(&path).and_then(|disk| Store::open(disk, None));
    opened.map_err(|error| TransferError::Directory { path, error })
}

fn unwritable(error: WriteError) -> TransferError {
    match error {
        WriteError::Io(kind) => TransferError::Blobs(kind),
        // Nobody is told a blob's length but by its pieces, and there is no quota.
        _ => TransferError::Blobs(std::io::ErrorKind::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(blob: &str, size: u64, at: u64, bytes: &str) -> String {
        format!(r#"{{"blob":"{blob}","size":{size},"at":{at},"bytes":"{bytes}"}}"#)
    }

    #[test]
    fn a_line_is_a_piece_or_something_else() {
        let id = BlobId::from_bytes([7; 32]);
        let piece = Piece { id, size: 9, at: 2, bytes: b"abc".to_vec() };

        assert_eq!(Piece::parse(line(&id.to_string(), 9, 2, "YWJj").as_bytes()), Some(Ok(piece)));
        assert_eq!(Piece::parse(b"{\"previous\":null}"), None);
        for wrong in [
            line("x", 9, 2, "YWJj"),
            line(&id.to_string(), 4, 2, "YWJj"),
            line(&id.to_string(), 9, u64::MAX, "YWJj"),
            line(&id.to_string(), 9, 2, ""),
            line(&id.to_string(), 9, 2, "Y"),
            "{\"blob\":5}".to_owned(),
            "{\"blob\":".to_owned(),
        ] {
            assert_eq!(Piece::parse(wrong.as_bytes()), Some(Err(NotABlob::Malformed)), "{wrong}");
        }
    }
}
