//! Looks at every byte of a log, down to the signatures, and repairs what can be repaired.
//!
//! Opening a log trusts what was written: it reads only what no file of an index covers. A [`Check`] trusts nothing. It names
//! every defect with its offset; [`repair`](Check::repair) then writes a log of all records that are sound and follow the
//! ones before them in their feeds, and keeps everything else in files beside it.
//!
//! ```
//! use ssb_keys::verify::KeyCache;
//! use ssb_log::check::Check;
//! # use ssb_log::memory::Memory;
//! use ssb_msg::Signing;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = Memory::new();
//! let mut keys = KeyCache::new();
//! let mut check = Check::begin(&directory)?;
//! while check.work(|messages| ssb_msg::verify_group(messages, &Signing::plain(), &mut keys))? {}
//! assert!(check.is_sound());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::io;
use std::path::PathBuf;

use ssb_keys::MessageId;
use ssb_keys::verify::BadSignature;
use ssb_msg::Message;
use ssb_msg::Unverified;
use thiserror::Error;

use crate::base;
use crate::base::Part;
use crate::fork::ForkProof;
use crate::frame;
use crate::frame::Before;
use crate::frame::Broken;
use crate::frame::Frame;
use crate::frame::HEADER_LEN;
use crate::frame::RECORD_LEN_MAX;
use crate::index::contacts;
use crate::index::ledger::Ledger;
use crate::index::opened;
use crate::log::Kind;
use crate::log::Record;
use crate::log::next_received;
use crate::ordinal::Ordinal;
use crate::recover::OpenError;
use crate::recover::Opening;
use crate::recover::RECORDS;
use crate::recover::Window;
use crate::run::Header;
use crate::run::Run;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::Storage;
use crate::store::Flaw;
use crate::store::with_fact;

/// How many records are looked at in one turn: enough to keep several cores busy.
pub const TURN_RECORDS: usize = 4096;

/// How many defects are kept; further ones are only counted.
pub const DEFECTS_MAX: usize = 10_000;

/// A log that nobody else uses meanwhile, and what was found in it so far.
pub struct Check<'a, D: Directory> {
    directory: &'a D,
    opening: Opening<D>,
    /// How much of the file was looked at.
    at: u64,
    /// What the sound records say together, as if there were no others.
    ledger: Ledger,
    received: Option<f64>,
    sound: Vec<Span>,
    /// Messages that are whole, and cannot follow because one before them is lost.
    adrift: Vec<Span>,
    defects: Vec<Defect>,
    defect_count: u64,
    messages: u32,
    indexes_looked_at: bool,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
struct Span {
    offset: u64,
    len: u32,
}

/// Something that is not as it was written, or should not have been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The file.
    pub path: PathBuf,
    /// Where in it; 0 for a file of an index, which is of use only as a whole.
    pub offset: u64,
    /// How many bytes.
    pub len: u64,
    /// The message that its record says it is.
    pub message: Option<MessageId>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// No record stands there: a failing disk, or somebody wrote to the file.
    #[error("bytes are not those that were written")]
    Damaged,
    /// The file ends in the middle of a record, as after a crash. The next start cuts it off by itself.
    #[error("the end of the file is torn")]
    Torn,
    /// The record is as it was written, but wrong.
    #[error(transparent)]
    Flawed(#[from] Flaw),
    /// The signature is not its author's: the file was written by somebody else, or on another network.
    #[error("signature is not its author's")]
    Signature,
    /// It was received before the one in front of it.
    #[error("receive time does not grow")]
    Time,
    /// A file of an index is damaged. It is made anew.
    #[error("index is damaged")]
    Index,
}

/// What a repair came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// How many records the log has now.
    pub records: u32,
    /// How many bytes are in the log no more, and the file that has them.
    pub cut: Option<(u64, PathBuf)>,
    /// How many whole messages could not follow, and the file that has them as lines of JSON, to be imported once what they
    /// follow is there.
    pub adrift: Option<(u32, PathBuf)>,
}

/// Why a log was not checked or repaired to the end. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It cannot be used at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read, or the repaired one not written.
    #[error("{} cannot be used: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: IoError,
    },
}

/// A record with its place, which is whole.
struct Whole {
    span: Span,
    kind: Kind,
    id: [u8; 32],
    received: f64,
    body: Vec<u8>,
}

impl Whole {
    /// What of it is signed. What should be a message and is none has no signature either, and is told for that.
    fn signed(&self) -> Vec<Unverified> {
        match self.kind {
            Kind::Message => Unverified::parse(&self.body).ok().into_iter().collect(),
            Kind::ForkProof => {
                let proof = ForkProof::decode(&self.id, &self.body);
                proof.map(ForkProof::into_parts).into_iter().flatten().collect()
            }
            Kind::Tombstone | Kind::Decision => Vec::new(),
        }
    }
}

impl<'a, D: Directory> Check<'a, D> {
    /// Takes the directory for this process.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn begin(directory: &'a D) -> Result<Self, CheckError> {
        let opening = Opening::begin(directory)?;
        Ok(Self {
            directory,
            opening,
            at: HEADER_LEN as u64,
            ledger: Ledger::default(),
            received: None,
            sound: Vec::new(),
            adrift: Vec::new(),
            defects: Vec::new(),
            defect_count: 0,
            messages: 0,
            indexes_looked_at: false,
        })
    }

    /// Looks at the next records. `verify` judges signatures, and may do so on several threads; verdicts come in the order of
    /// the messages. False when all is done.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if the file cannot be read, or a later version wrote it.
    pub fn work(
        &mut self,
        verify: impl FnOnce(Vec<Unverified>) -> Vec<Result<Message, BadSignature>>,
    ) -> Result<bool, CheckError> {
        let turn = self.read()?;
        if turn.is_empty() {
            let more = !std::mem::replace(&mut self.indexes_looked_at, true);
            if more {
                self.look_at_indexes()?;
            }
            return Ok(more);
        }
        let signed: Vec<Vec<Unverified>> = turn.iter().map(Whole::signed).collect();
        let counts: Vec<usize> = signed.iter().map(Vec::len).collect();
        let mut verdicts = verify(signed.into_iter().flatten().collect()).into_iter();
        for (whole, count) in turn.into_iter().zip(counts) {
            let good = verdicts.by_ref().take(count).filter(Result::is_ok).count();
            self.judge(&whole, good == count);
        }
        Ok(true)
    }

    /// How much of the file was looked at, in bytes, and how long it is.
    pub fn progress(&self) -> (u64, u64) {
        (self.at, self.opening.file_len())
    }

    /// How many messages were found that are sound.
    pub const fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether nothing was found that is wrong.
    pub const fn is_sound(&self) -> bool {
        self.defect_count == 0
    }

    /// What is wrong, in the order of the file, up to [`DEFECTS_MAX`].
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// How many defects there are, also beyond those that are kept.
    pub const fn defect_count(&self) -> u64 {
        self.defect_count
    }

    /// Writes a log of all that is sound in place of this one, and what is left out of it to files of its own. Whenever power is
    /// lost, there is one of the two logs. Indexes are made anew when it is opened.
    ///
    /// # Errors
    ///
    /// [`CheckError::Io`]. Then this log is still there, and whole but for its defects.
    pub fn repair(self) -> Result<Repaired, CheckError> {
        let path = self.directory.path(RECORDS);
        self.write().map_err(|error| CheckError::Io { path, error: error.into() })
    }

    /// The next records, and the defects between them.
    fn read(&mut self) -> Result<Vec<Whole>, CheckError> {
        let path = self.directory.path(RECORDS);
        let unreadable = |error: io::Error| CheckError::Io { path: path.clone(), error: error.into() };
        let file_len = self.opening.file_len();
        let mut defects = Vec::new();
        let mut turn = Vec::new();
        let mut window = Window::new(self.opening.records(), file_len);
        while self.at < file_len && turn.len() < TURN_RECORDS {
            let offset = self.at;
            let bytes = window.at(offset, RECORD_LEN_MAX).map_err(unreadable)?;
            match Frame::parse(bytes, offset) {
                Ok(frame) => {
                    let record = frame.record;
                    let len = u32::try_from(frame.len).expect("a record is far shorter than 4 GiB");
                    self.at += u64::from(len);
                    turn.push(Whole {
                        span: Span { offset, len },
                        kind: record.kind,
                        id: record.id,
                        received: record.received,
                        body: record.body.to_vec(),
                    });
                }
                Err(Broken::Unknown) => return Err(OpenError::Unknown { path, offset }.into()),
                Err(Broken::Torn) => {
                    self.at = next_record(&mut window, offset + 1, file_len).map_err(unreadable)?;
                    let fault = if self.at < file_len { Fault::Damaged } else { Fault::Torn };
                    let len = self.at - offset;
                    defects.push(Defect { path: path.clone(), offset, len, message: None, fault });
                }
            }
        }
        defects.into_iter().for_each(|defect| self.tell(defect));
        Ok(turn)
    }

    fn judge(&mut self, whole: &Whole, is_signed: bool) {
        let Whole { span, kind, id, received, body } = whole;
        let record = Record { kind: *kind, id: *id, received: *received, body };
        let message = (*kind == Kind::Message).then(|| MessageId::from_bytes(*id));
        let defect = |fault: Fault| Defect {
            path: self.directory.path(RECORDS),
            offset: span.offset,
            len: u64::from(span.len),
            message,
            fault,
        };
        let at = Ordinal::at(self.sound.len());
        let applied = match with_fact(&record, |_| ()) {
            Err(flaw) => Err(Fault::Flawed(flaw)),
            Ok(()) if !is_signed => Err(Fault::Signature),
            Ok(()) => match with_fact(&record, |fact| self.ledger.apply(at, fact)) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(broken)) => {
                    self.adrift.extend(message.map(|_| *span));
                    Err(Fault::Flawed(broken.into()))
                }
                Err(flaw) => Err(Fault::Flawed(flaw)),
            },
        };
        if let Err(fault) = applied {
            let defect = defect(fault);
            return self.tell(defect);
        }
        if self.received.is_some_and(|last| *received <= last) {
            let defect = defect(Fault::Time);
            self.tell(defect);
        }
        self.received = Some(next_received(self.received, *received));
        self.messages += u32::from(message.is_some());
        self.sound.push(*span);
    }

    fn tell(&mut self, defect: Defect) {
        self.defect_count += 1;
        if self.defects.len() < DEFECTS_MAX {
            // What is torn or damaged between two records is found before they are judged.
            let place = self.defects.partition_point(|other| other.offset <= defect.offset);
            self.defects.insert(place, defect);
        }
    }

    fn look_at_indexes(&mut self) -> Result<(), CheckError> {
        let path = self.directory.path(RECORDS);
        let names = self.directory.list().map_err(|error| CheckError::Io { path, error: error.into() })?;
        for (name, index, stretch) in names.iter().filter_map(|name| segment(name)) {
            if !is_whole(self.directory, name, index, stretch) {
                let path = self.directory.path(name);
                let len = self.directory.open(name).and_then(|file| file.len()).unwrap_or(0);
                self.defect_count += 1;
                if self.defects.len() < DEFECTS_MAX {
                    let fault = Fault::Index;
                    self.defects.push(Defect { path, offset: 0, len, message: None, fault });
                }
            }
        }
        Ok(())
    }

    fn write(self) -> io::Result<Repaired> {
        let (directory, records) = (self.directory, self.opening.records());
        let cut = self.keep_cut()?;
        let adrift = self.keep_adrift()?;
        segments::remove(directory, REPAIRED)?;
        let file = directory.create(REPAIRED)?;
        let mut bytes = frame::header().to_vec();
        let (mut start, mut end, mut last) = (0, HEADER_LEN as u64, None);
        let mut window = Window::new(records, self.opening.file_len());
        for Span { offset, len } in &self.sound {
            let frame = Frame::parse(window.at(*offset, Ordinal::new(*len).index())?, *offset);
            // It was whole a moment ago.
            let frame = frame.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            let received = next_received(last, frame.record.received);
            last = Some(received);
            frame::encode(&Record { received, ..frame.record }, Before::Synced, end, &mut bytes);
            end += u64::from(*len);
            if bytes.len() >= BUFFER_LEN {
                file.write_at(start, &bytes)?;
                start = end;
                bytes.clear();
            }
        }
        file.write_at(start, &bytes)?;
        file.sync()?;
        // Files of indexes say where records were.
        for name in directory.list()?.iter().filter(|name| segment(name).is_some()) {
            segments::remove(directory, name)?;
        }
        directory.sync()?;
        directory.rename(REPAIRED, RECORDS)?;
        directory.sync()?;
        let records = Ordinal::at(self.sound.len()).get();
        let cut = cut.map(|(len, name)| (len, directory.path(&name)));
        Ok(Repaired { records, cut, adrift: adrift.map(|(count, name)| (count, directory.path(&name))) })
    }

    /// Keeps all bytes that are not part of a sound record.
    fn keep_cut(&self) -> io::Result<Option<(u64, String)>> {
        let ends = self.sound.iter().map(|span| (span.offset, span.offset + u64::from(span.len)));
        let mut at = HEADER_LEN as u64;
        let mut kept: Option<(D::File, u64, String)> = None;
        for (start, end) in ends.chain([(self.opening.file_len(), self.opening.file_len())]) {
            while at < start {
                let (file, len, _) = match &mut kept {
                    Some(kept) => kept,
                    None => {
                        let name = segments::free_name(self.directory, &format!("cut-{at}"))?;
                        kept.insert((self.directory.create(&name)?, 0, name))
                    }
                };
                let count = usize::try_from(start - at).unwrap_or(usize::MAX).min(BUFFER_LEN);
                let mut bytes = vec![0; count];
                if self.opening.records().read_at(at, &mut bytes)? < count {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                file.write_at(*len, &bytes)?;
                *len += bytes.len() as u64;
                at += bytes.len() as u64;
            }
            at = end;
        }
        let Some((file, len, name)) = kept else { return Ok(None) };
        file.sync()?;
        Ok(Some((len, name)))
    }

    /// Keeps whole messages that could not follow as lines of JSON.
    fn keep_adrift(&self) -> io::Result<Option<(u32, String)>> {
        if self.adrift.is_empty() {
            return Ok(None);
        }
        let name = segments::free_name(self.directory, "adrift")?;
        let file = self.directory.create(&name)?;
        let (mut bytes, mut start) = (Vec::new(), 0);
        let mut window = Window::new(self.opening.records(), self.opening.file_len());
        for Span { offset, len } in &self.adrift {
            let frame = Frame::parse(window.at(*offset, Ordinal::new(*len).index())?, *offset);
            let frame = frame.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            bytes.extend_from_slice(frame.record.body);
            bytes.push(b'\n');
            if bytes.len() >= BUFFER_LEN {
                file.write_at(start, &bytes)?;
                start += bytes.len() as u64;
                bytes.clear();
            }
        }
        file.write_at(start, &bytes)?;
        file.sync()?;
        Ok(Some((Ordinal::at(self.adrift.len()).get(), name)))
    }
}

impl<D: Directory> fmt::Debug for Check<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("at", &self.at)
            .field("defects", &self.defect_count)
            .finish_non_exhaustive()
    }
}

/// Where the next whole record stands from `from` on, or the end of the file.
fn next_record<F: Storage>(window: &mut Window<'_, F>, from: u64, file_len: u64) -> io::Result<u64> {
    let mut at = from;
    while at < file_len {
        let bytes = window.at(at, SEARCH_LEN + RECORD_LEN_MAX)?;
        let count = bytes.len().min(SEARCH_LEN);
        for (position, offset) in (0..count).zip(at..) {
            let rest = bytes.get(position..).unwrap_or_default();
            if frame::may_start(rest) && !matches!(Frame::parse(rest, offset), Err(Broken::Torn)) {
                return Ok(offset);
            }
        }
        at += count as u64;
    }
    Ok(file_len)
}

/// The index and the stretch that the name of a file says it has.
fn segment(name: &str) -> Option<(&str, &str, Stretch)> {
    let (index, _) = name.split_once('-')?;
    let stretch = Stretch::parse(index, name).filter(|_| index != "cut")?;
    Some((name, index, stretch))
}

/// Whether every byte of a file of an index is as it was written.
fn is_whole<D: Directory>(directory: &D, name: &str, index: &str, stretch: Stretch) -> bool {
    match index {
        base::NAME => return Part::load(directory, stretch).is_some(),
        contacts::NAME => return contacts::is_whole(directory, stretch),
        opened::NAME => return opened::is_whole(directory, stretch),
        _ => {}
    }
    let run = directory.open(name).and_then(|file| {
        let mut header = [0; crate::run::HEADER_LEN];
        file.read_at(0, &mut header)?;
        Ok((file, Header::parse(&header)))
    });
    let Ok((file, Some(header))) = run else { return false };
    let Ok(run) = Run::open(file, header) else { return false };
    header.stretch == stretch && (0..run.blocks()).all(|number| run.block(number).is_ok())
}

/// The name of a log while it is being repaired.
const REPAIRED: &str = "records.repaired";

/// How much is written at once.
const BUFFER_LEN: usize = 1024 * 1024;

/// How much is searched at once for the next record.
const SEARCH_LEN: usize = 1024 * 1024;
