//! The bytes of a log file.
//!
//! A file starts with 16 bytes:
//!
//! ```text
//! 0                 8         12        16
//! ├─────────────────┼─────────┼─────────┤
//! │ "ssb-log\n"     │ version │ CRC-32C │   of the 12 bytes before it
//! └─────────────────┴─────────┴─────────┘
//! ```
//!
//! and goes on with records without gaps. Integers and floats are little endian.
//!
//! ```text
//! 0        4         8      9        10      12         20         52
//! ├────────┼─────────┼──────┼────────┼───────┼──────────┼──────────┼──────────┤
//! │ length │ CRC-32C │ kind │ format │ flags │ received │ id       │ body ... │
//! │ u32    │ u32     │ u8   │ u8     │ u16   │ f64      │ 32 bytes │          │
//! └────────┴─────────┴──────┴────────┴───────┴──────────┴──────────┴──────────┘
//! ```
//!
//! `length` counts the whole record. The CRC is over the length, everything after the CRC, and the offset of the record
//! in the file as a u64, so that a record that ended up elsewhere is no record. Bit 0 of the flags says that all before
//! this record was synced when it was written.

use crate::limits::BODY_LEN_MAX;
use crate::log::Kind;
use crate::log::Record;

/// The length of what a file starts with.
pub(crate) const HEADER_LEN: usize = 16;

/// The length of a record without its body.
pub(crate) const PREFIX_LEN: usize = 52;

/// The length of the longest record.
pub(crate) const RECORD_LEN_MAX: usize = PREFIX_LEN + BODY_LEN_MAX;

/// The format that is written here, and the newest that is read.
pub(crate) const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"ssb-log\n";

/// Messages as classic Scuttlebutt has them: compact JSON, and a SHA-256 as id.
const FORMAT_CLASSIC: u8 = 0;

const FLAG_SYNCED_BEFORE: u16 = 1;

/// What a new file starts with.
pub(crate) fn header() -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    let (magic, rest) = header.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    let (version, crc) = rest.split_at_mut(4);
    version.copy_from_slice(&VERSION.to_le_bytes());
    crc.copy_from_slice(&header_crc(VERSION).to_le_bytes());
    header
}

/// What the first bytes of a file say about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// We wrote it and can read it.
    Known,
    /// A later version wrote it.
    Newer(u32),
    /// It was a header once.
    Damaged,
    /// It never was one of ours.
    Foreign,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let Some((magic, rest)) = bytes.split_first_chunk::<8>() else { return Self::Foreign };
        if magic != MAGIC {
            return Self::Foreign;
        }
        let Some((version, rest)) = rest.split_first_chunk::<4>() else { return Self::Damaged };
        let Some((crc, _)) = rest.split_first_chunk::<4>() else { return Self::Damaged };
        let version = u32::from_le_bytes(*version);
        match version {
            _ if u32::from_le_bytes(*crc) != header_crc(version) => Self::Damaged,
            VERSION => Self::Known,
            0 => Self::Damaged,
            _ => Self::Newer(version),
        }
    }
}

fn header_crc(version: u32) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(MAGIC), &version.to_le_bytes())
}

/// Whether all before a record was synced when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Synced,
    Unsynced,
}

/// Appends the bytes of a record that will stand at `offset` in the file.
///
/// The caller has checked the length of the body.
pub(crate) fn encode(record: &Record<'_>, before: Before, offset: u64, out: &mut Vec<u8>) {
    assert!(record.body.len() <= BODY_LEN_MAX, "body is too long");
    let len = u32::try_from(PREFIX_LEN + record.body.len()).expect("a record is far shorter than 4 GiB");
    let flags = match before {
        Before::Synced => FLAG_SYNCED_BEFORE,
        Before::Unsynced => 0,
    };
    let mut prefix = [0; PREFIX_LEN - 8];
    let mut rest = prefix.as_mut_slice();
    let fields: [&[u8]; 5] = [
        &[record.kind.code()],
        &[FORMAT_CLASSIC],
        &flags.to_le_bytes(),
        &record.received.to_le_bytes(),
        &record.id,
    ];
    for field in fields {
        let (place, others) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = others;
    }
    let crc = checksum(len, &[&prefix, record.body], offset);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&prefix);
    out.extend_from_slice(record.body);
}

/// A record as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame<'a> {
    pub(crate) record: Record<'a>,
    pub(crate) before: Before,
    /// The length of the whole record in bytes.
    pub(crate) len: usize,
}

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its bytes are not all there, or not those that were written.
    Torn,
    /// It is what was written, but only a later version knows what it means.
    Unknown,
}

impl<'a> Frame<'a> {
    /// Reads the record that `bytes`, the file from `offset` on, start with.
    pub(crate) fn parse(bytes: &'a [u8], offset: u64) -> Result<Self, Broken> {
        let (head, _) = bytes.split_first_chunk::<4>().ok_or(Broken::Torn)?;
        let announced = u32::from_le_bytes(*head);
        let len = usize::try_from(announced).map_err(|_| Broken::Torn)?;
        if !(PREFIX_LEN..=RECORD_LEN_MAX).contains(&len) {
            return Err(Broken::Torn);
        }
        let (_, rest) = bytes.get(..len).and_then(<[u8]>::split_first_chunk::<4>).ok_or(Broken::Torn)?;
        let (crc, rest) = rest.split_first_chunk::<4>().ok_or(Broken::Torn)?;
        if u32::from_le_bytes(*crc) != checksum(announced, &[rest], offset) {
            return Err(Broken::Torn);
        }
        let (&[kind, format, flags_low, flags_high], rest) =
            rest.split_first_chunk::<4>().ok_or(Broken::Torn)?;
        let (received, rest) = rest.split_first_chunk::<8>().ok_or(Broken::Torn)?;
        let (id, body) = rest.split_first_chunk::<32>().ok_or(Broken::Torn)?;
        let kind = Kind::from_code(kind).filter(|_| format == FORMAT_CLASSIC).ok_or(Broken::Unknown)?;
        let before = match u16::from_le_bytes([flags_low, flags_high]) {
            0 => Before::Unsynced,
            FLAG_SYNCED_BEFORE => Before::Synced,
            _ => return Err(Broken::Unknown),
        };
        let record = Record { kind, id: *id, received: f64::from_le_bytes(*received), body };
        Ok(Self { record, before, len })
    }
}

/// Whether `bytes` could start a record before which all was synced: a look that is cheap and never wrongly says no.
pub(crate) fn may_start_after_sync(bytes: &[u8]) -> bool {
    // The two bytes of the flags stand before the receive time.
    let Some((prefix, _)) = bytes.split_first_chunk::<12>() else { return false };
    let [a, b, c, d, .., flags_low, flags_high] = *prefix;
    let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    u16::from_le_bytes([flags_low, flags_high]) == FLAG_SYNCED_BEFORE
        && (PREFIX_LEN..=RECORD_LEN_MAX.min(bytes.len())).contains(&len)
}

/// Whether `bytes` could start a record of any kind: a look that is cheap and never wrongly says no.
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    let Some((prefix, _)) = bytes.split_first_chunk::<12>() else { return false };
    let [a, b, c, d, _, _, _, _, _, format, flags_low, flags_high] = *prefix;
    let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    format == FORMAT_CLASSIC
        && u16::from_le_bytes([flags_low, flags_high]) <= FLAG_SYNCED_BEFORE
        && (PREFIX_LEN..=RECORD_LEN_MAX.min(bytes.len())).contains(&len)
}

fn checksum(len: u32, parts: &[&[u8]], offset: u64) -> u32 {
    let crc = crc32c::crc32c(&len.to_le_bytes());
    let crc = parts.iter().fold(crc, |crc, part| crc32c::crc32c_append(crc, part));
    crc32c::crc32c_append(crc, &offset.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record<'static> =
        Record { kind: Kind::Message, id: [7; 32], received: 1.5, body: b"{\"a\":1}" };

    fn encoded(offset: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&RECORD, Before::Synced, offset, &mut bytes);
        bytes
    }

    #[test]
    fn a_record_is_as_drawn() {
        let bytes = encoded(16);

        assert_eq!(bytes[..4], 59_u32.to_le_bytes());
        assert_eq!(bytes[8..12], [1, 0, 1, 0]);
        assert_eq!(bytes[12..20], 1.5_f64.to_le_bytes());
        assert_eq!(bytes[20..52], [7; 32]);
        assert_eq!(bytes[52..], *b"{\"a\":1}");
        let mut covered = [&bytes[..4], &bytes[8..]].concat();
        covered.extend(16_u64.to_le_bytes());
        assert_eq!(bytes[4..8], crc32c::crc32c(&covered).to_le_bytes());
    }

    #[test]
    fn a_record_reads_back() {
        let bytes = encoded(16);

        let frame = Frame::parse(&bytes, 16).unwrap();

        assert_eq!(frame, Frame { record: RECORD, before: Before::Synced, len: 59 });
        assert!(may_start_after_sync(&bytes));
    }

    #[test]
    fn a_record_elsewhere_is_no_record() {
        assert_eq!(Frame::parse(&encoded(16), 17), Err(Broken::Torn));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = encoded(16);

        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Frame::parse(&flipped, 16), Err(Broken::Torn), "bit {bit}");
        }
    }

    #[test]
    fn the_longest_body_fits() {
        let body = vec![b'x'; BODY_LEN_MAX];
        let mut bytes = Vec::new();
        encode(&Record { body: &body, ..RECORD }, Before::Unsynced, 0, &mut bytes);

        assert_eq!(Frame::parse(&bytes, 0).unwrap().len, RECORD_LEN_MAX);
    }

    #[test]
    fn a_length_that_is_only_announced_is_torn() {
        let mut bytes = encoded(0);
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());

        assert_eq!(Frame::parse(&bytes, 0), Err(Broken::Torn));
    }

    #[test]
    fn a_kind_of_later_versions_is_unknown() {
        let mut bytes = encoded(0);
        bytes[8] = 9;
        let crc = checksum(59, &[&bytes[8..]], 0);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());

        assert_eq!(Frame::parse(&bytes, 0), Err(Broken::Unknown));
    }

    #[test]
    fn headers_are_told_apart() {
        let later = [MAGIC.as_slice(), &2_u32.to_le_bytes(), &header_crc(2).to_le_bytes()].concat();

        assert_eq!(Header::parse(&header()), Header::Known);
        assert_eq!(Header::parse(&header()[..15]), Header::Damaged);
        assert_eq!(Header::parse(MAGIC), Header::Damaged);
        assert_eq!(Header::parse(b"sqlite 3"), Header::Foreign);
        assert_eq!(Header::parse(&later), Header::Newer(2));
    }
}
