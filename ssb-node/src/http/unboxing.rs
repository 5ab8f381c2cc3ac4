//! Opens a blob that was sealed before it was added: a box stream with a nonce that begins at zero (ssb-ws 6.2.3,
//! ssb-serve-blobs 3).

use ssb_boxstream::OpenError;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_keys::base64;

/// The end of a key in an address.
const SUFFIX: &str = ".boxs";

/// Opens one blob, piece by piece.
pub(crate) struct Unboxing {
    opener: Opener,
    /// What came and is not opened yet: less than a frame.
    sealed: Vec<u8>,
    has_ended: bool,
}

impl Unboxing {
    /// With the key of an address: 32 bytes in base64, and perhaps `.boxs`. `None` if it is none.
    pub(crate) fn new(key: &str) -> Option<Self> {
        let key = base64::decode_array(key.strip_suffix(SUFFIX).unwrap_or(key)).ok()?;
        Some(Self { opener: Opener::new(&key, &[0; 24]), sealed: Vec::new(), has_ended: false })
    }

    /// Takes the next piece, and adds what it says to `plain`.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the key is another one, or the blob is no sealed one.
    pub(crate) fn open(&mut self, piece: &[u8], plain: &mut Vec<u8>) -> Result<(), OpenError> {
        self.sealed.extend_from_slice(piece);
        let mut used = 0;
        while let Some(rest) = self.sealed.get_mut(used..) {
            let (count, progress) = self.opener.open(rest)?;
            used += count;
            match progress {
                Progress::Partial => break,
                Progress::Header => {}
                Progress::Plain(text) => plain.extend_from_slice(text),
                Progress::Goodbye => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        self.sealed.drain(..used.min(self.sealed.len()));
        Ok(())
    }

    /// Whether all of it was there.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_boxstream::Sealer;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let (mut sealer, mut sealed) = (Sealer::new(&KEY, &[0; 24]), Vec::new());
        sealer.seal(plain, &mut sealed);
        sealer.goodbye(&mut sealed);
        sealed
    }

    fn key() -> String {
        base64::encode(&KEY) + SUFFIX
    }

    #[test]
    fn a_sealed_blob_is_opened_however_it_is_cut() {
        let plain = vec![3; 10_000];
        for len in [1, 7, 4_096, 100_000] {
            let (mut unboxing, mut opened) = (Unboxing::new(&key()).unwrap(), Vec::new());

            for piece in sealed(&plain).chunks(len) {
                unboxing.open(piece, &mut opened).unwrap();
            }

            assert!(opened == plain && unboxing.has_ended(), "{len}");
        }
    }

    #[test]
    fn what_is_cut_short_has_not_ended() {
        let (mut unboxing, mut opened) = (Unboxing::new(&key()).unwrap(), Vec::new());
        let sealed = sealed(b"hello");

        unboxing.open(&sealed[..sealed.len() - 1], &mut opened).unwrap();

        assert_eq!((opened.as_slice(), unboxing.has_ended()), (&b"hello"[..], false));
    }

    #[test]
    fn another_key_opens_nothing() {
        let mut unboxing = Unboxing::new(&base64::encode(&[8; 32])).unwrap();

        assert_eq!(unboxing.open(&sealed(b"hello"), &mut Vec::new()), Err(OpenError::Forged));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for key in ["", ".boxs", "x", &base64::encode(&[7; 31]), &base64::encode(&[7; 33])] {
            assert!(Unboxing::new(key).is_none(), "{key}");
        }
    }
}
