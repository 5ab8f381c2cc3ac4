//! Where things are in the directory of a store.
//!
//! Blobs are where JavaScript has them (multiblob 1.13): `sha256`, the first two hexadecimal digits of the hash, the others. A
//! path is made of an id's 32 bytes and of nothing else, so no id leads out of the directory.

use std::fmt::Write as _;

use ssb_keys::BlobId;

/// All blobs.
pub(crate) const BLOBS: &str = "sha256";

/// What is being written. Nothing in it outlives a start, in JavaScript neither.
pub(crate) const ASIDE: &str = "tmp";

/// What is remembered of blobs. JavaScript does not look there.
pub(crate) const TABLE: &str = "table";

/// The blobs whose ids begin with one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shelf(pub(crate) u8);

impl Shelf {
    pub(crate) fn of(id: &BlobId) -> Self {
        let [first, ..] = id.as_bytes();
        Self(*first)
    }

    /// Where its blobs are.
    pub(crate) fn directory(self) -> String {
        format!("{BLOBS}/{:02x}", self.0)
    }

    /// Where is what is remembered of its blobs.
    pub(crate) fn table(self) -> String {
        format!("{TABLE}/{:02x}", self.0)
    }

    /// The blob of this name, if it is one that a blob has.
    pub(crate) fn parse(self, name: &str) -> Option<BlobId> {
        let mut id = [self.0; 32];
        let (_, rest) = id.split_first_mut()?;
        let mut digits = name.bytes();
        for byte in rest {
            *byte = digit(digits.next()?)? << 4 | digit(digits.next()?)?;
        }
        digits.next().is_none().then_some(BlobId::from_bytes(id))
    }
}

/// Where a blob is.
pub(crate) fn of(id: &BlobId) -> String {
    let [_, rest @ ..] = id.as_bytes();
    let mut path = Shelf::of(id).directory();
    path.push('/');
    for byte in rest {
        write!(path, "{byte:02x}").expect("a text takes whatever is written");
    }
    path
}

// One spelling a blob: JavaScript writes small letters.
fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_where_javascript_has_it() {
        let id = BlobId::parse("&47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=.sha256").unwrap();

        assert_eq!(of(&id), "sha256/e3/b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_name_has_one_spelling() {
        let id = BlobId::from_bytes([0xab; 32]);
        let name = "ab".repeat(31);

        assert_eq!(of(&id), format!("sha256/ab/{name}"));
        assert_eq!(Shelf(0xab).parse(&name), Some(id));
        let longer = format!("{name}ab");
        for wrong in ["AB".repeat(31), "ab".repeat(30), format!("{name}a"), longer, "../".repeat(20) + "ab"] {
            assert_eq!(Shelf(0xab).parse(&wrong), None, "{wrong}");
        }
    }
}
