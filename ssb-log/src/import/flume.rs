//! `flume/log.offset`: flumelog-offset 3.4.4, with which ssb-db stores messages.
//!
//! ```text
//! 0        4          4+n      8+n      8+n+w
//! ├────────┼──────────┼────────┼────────┤
//! │ length │ data ... │ length │ end    │       big endian; lengths u32; w is 4, 6 or 8
//! └────────┴──────────┴────────┴────────┘
//! ```
//!
//! `end` is the offset in the file just behind it. How wide it is ("32", "48" or "53" bits) stands nowhere; a file has one width.
//! A broken record may look like one of another width, so that more than one must say it, where there are more. ssb-db uses 32.
//! A deleted record keeps its frame and has zeros for data. At its start, JavaScript cuts
//! off what follows the last `end` that is where it says. A frame counts here only if its two lengths agree as well.

use std::io;
use std::io::Read;
use std::io::Seek;

use super::Damage;
use super::Encoding;
use super::Item;
use super::OpenError;
use super::Record;
use super::window::Window;
use super::window::to_u64;

/// The longest data that are taken for a record. A message has at most 24,576 bytes, or 65,536 if it is spelled oddly.
pub const RECORD_LEN_MAX: usize = 256 * 1024;

/// A `log.offset` that is being read, from its start to its end.
#[derive(Debug)]
pub struct Flume<R> {
    window: Window<R>,
    width: Width,
    /// Where the next item starts.
    at: u64,
    /// Where the last whole record ends.
    end: u64,
}

impl<R: Read + Seek> Flume<R> {
    /// Opens a log: finds out its width, and where it ends. An empty file is an empty log.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(input: R) -> Result<Self, OpenError> {
        let mut window = Window::new(input)?;
        let len = window.len();
        if len == 0 {
            return Ok(Self { window, width: Width::Bits32, at: 0, end: 0 });
        }
        let mut from_start = [0; Width::ALL.len()];
        for (found, width) in from_start.iter_mut().zip(Width::ALL) {
            *found = frames_from_start(&mut window, width)?;
        }
        let mut best: Option<(usize, Width, u64)> = None;
        let mut end = len;
        while end > 0 && best.is_none_or(|(found, ..)| found < FRAMES_ENOUGH) {
            for (found, width) in from_start.into_iter().zip(Width::ALL) {
                if width.ends_backwards(&mut window, end)? {
                    let found = found + frames_to(&mut window, width, end)?;
                    if found > best.map_or(0, |(most, ..)| most) {
                        best = Some((found, width, end));
                    }
                }
            }
            end -= 1;
        }
        let (_, width, end) = best.ok_or(OpenError::NoRecord)?;
        Ok(Self { window, width, at: 0, end })
    }

    /// How many bits an offset has in this file: 32, 48 or 53.
    #[must_use]
    pub const fn offset_bits(&self) -> u32 {
        match self.width {
            Width::Bits32 => 32,
            Width::Bits48 => 48,
            Width::Bits53 => 53,
        }
    }

    /// How many bytes the file has.
    #[must_use]
    pub const fn file_len(&self) -> u64 {
        self.window.len()
    }

    fn step(&mut self) -> io::Result<Option<Item>> {
        let offset = self.at;
        if offset >= self.end {
            self.at = self.window.len();
            return Ok((offset < self.at).then(|| Item::Torn { offset, len: self.at - offset }));
        }
        let Some(frame) = frame_from(&mut self.window, self.width, offset)? else {
            self.at = self.next_frame(offset)?;
            return Ok(Some(Item::Damaged { offset, len: self.at - offset, why: Damage::Unframed }));
        };
        self.at = frame.end;
        let len = frame.end - offset;
        let data_len = usize::try_from(frame.data_len).unwrap_or(usize::MAX);
        if data_len > RECORD_LEN_MAX {
            return Ok(Some(Item::Damaged { offset, len, why: Damage::TooLong }));
        }
        let data = self.window.get(offset + LENGTH_LEN, data_len)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Some(if data.iter().all(|byte| *byte == 0) {
            Item::Deleted { offset, len }
        } else {
            Item::Record(Record { offset, len, encoding: Encoding::Json, bytes: data.to_vec() })
        }))
    }

    /// Where the first whole record behind a broken place starts, or the end of all of them.
    fn next_frame(&mut self, broken: u64) -> io::Result<u64> {
        let mut end = broken;
        while end < self.end {
            end += 1;
            if self.width.ends(&mut self.window, end)?
                && let Some(start) = frame_to(&mut self.window, self.width, end)?
                && start > broken
            {
                return Ok(start);
            }
        }
        Ok(self.end)
    }
}

impl<R: Read + Seek> Iterator for Flume<R> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<io::Result<Item>> {
        let item = self.step();
        if item.is_err() {
            // Nothing more can be said of the file.
            (self.at, self.end) = (self.window.len(), 0);
        }
        item.transpose()
    }
}

/// How wide an offset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Bits32,
    Bits48,
    Bits53,
}

impl Width {
    const ALL: [Self; 3] = [Self::Bits32, Self::Bits48, Self::Bits53];

    const fn len(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits48 => 6,
            Self::Bits53 => 8,
        }
    }

    /// How many bytes of a frame are not data.
    fn frame_len(self) -> u64 {
        2 * LENGTH_LEN + to_u64(self.len())
    }

    /// Whether the offset before this place is this place's.
    fn ends<R: Read + Seek>(self, window: &mut Window<R>, end: u64) -> io::Result<bool> {
        let Some(at) = end.checked_sub(to_u64(self.len())) else { return Ok(false) };
        Ok(window.get(at, self.len())?.is_some_and(|bytes| big_endian(bytes) == end))
    }

    fn ends_backwards<R: Read + Seek>(self, window: &mut Window<R>, end: u64) -> io::Result<bool> {
        let Some(at) = end.checked_sub(to_u64(self.len())) else { return Ok(false) };
        Ok(window.get_backwards(at, self.len())?.is_some_and(|bytes| big_endian(bytes) == end))
    }
}

/// Lengths in a whole record.
struct Frame {
    data_len: u32,
    end: u64,
}

/// How many whole records in a row a file starts with, up to [`FRAMES_ENOUGH`].
fn frames_from_start<R: Read + Seek>(window: &mut Window<R>, width: Width) -> io::Result<usize> {
    let (mut found, mut start) = (0, 0);
    while found < FRAMES_ENOUGH
        && let Some(frame) = frame_from(window, width, start)?
    {
        (found, start) = (found + 1, frame.end);
    }
    Ok(found)
}

/// How many whole records in a row end at a place, up to [`FRAMES_ENOUGH`].
fn frames_to<R: Read + Seek>(window: &mut Window<R>, width: Width, end: u64) -> io::Result<usize> {
    let (mut found, mut end) = (0, end);
    while found < FRAMES_ENOUGH
        && peek_offset(window, width, end)? == Some(end)
        && let Some(start) = frame_to(window, width, end)?
    {
        (found, end) = (found + 1, start);
    }
    Ok(found)
}

/// The record that starts at a place, if a whole one does.
fn frame_from<R: Read + Seek>(window: &mut Window<R>, width: Width, start: u64) -> io::Result<Option<Frame>> {
    let Some(length) = window.peek(start)? else { return Ok(None) };
    let data_len = u32::from_be_bytes(length);
    let end = start + width.frame_len() + u64::from(data_len);
    let Some(at) = end.checked_sub(to_u64(width.len()) + LENGTH_LEN) else { return Ok(None) };
    let again = window.peek(at)? == Some(length);
    Ok((again && peek_offset(window, width, end)? == Some(end)).then_some(Frame { data_len, end }))
}

/// Where the record starts that ends at a place at which an offset ends that says so, if it is whole.
fn frame_to<R: Read + Seek>(window: &mut Window<R>, width: Width, end: u64) -> io::Result<Option<u64>> {
    let Some(at) = end.checked_sub(to_u64(width.len()) + LENGTH_LEN) else { return Ok(None) };
    let Some(length) = window.peek(at)? else { return Ok(None) };
    let Some(start) = end.checked_sub(width.frame_len() + u64::from(u32::from_be_bytes(length))) else {
        return Ok(None);
    };
    Ok((window.peek(start)? == Some(length)).then_some(start))
}

fn peek_offset<R: Read + Seek>(window: &mut Window<R>, width: Width, end: u64) -> io::Result<Option<u64>> {
    let Some(at) = end.checked_sub(to_u64(width.len())) else { return Ok(None) };
    Ok(match width {
        Width::Bits32 => window.peek::<4>(at)?.map(|bytes| big_endian(&bytes)),
        Width::Bits48 => window.peek::<6>(at)?.map(|bytes| big_endian(&bytes)),
        Width::Bits53 => window.peek::<8>(at)?.map(|bytes| big_endian(&bytes)),
    })
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// How many whole records, from the start on and back from an end, tell what is a file's width and where it ends.
const FRAMES_ENOUGH: usize = 2;

/// How many bytes a length has.
const LENGTH_LEN: u64 = 4;
