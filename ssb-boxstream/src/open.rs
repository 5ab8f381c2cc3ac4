//! The receiving direction.

use core::fmt;

use ssb_keys::secretbox::Cipher;
use ssb_keys::secretbox::TAG_LEN;

use crate::OpenError;
use crate::limits::HEADER_LEN;
use crate::nonce::Nonce;

/// Opens what is received, in place.
///
/// The caller keeps a buffer, and passes what is unread of it again and again: each call uses up some bytes at its
/// front and says what they were. Any chunking of the stream gives the same bodies.
pub struct Opener {
    cipher: Cipher,
    nonce: Nonce,
    expects: Expects,
}

/// What the bytes used up by one call were.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Nothing yet: the next header or body is not all there. [`Opener::wanted`] says how many bytes it has.
    Partial,
    /// A header; its body follows.
    Header,
    /// A body, opened: the last bytes of the count. Empty if the peer sealed an empty one, which JavaScript does not.
    Plain(&'a mut [u8]),
    /// The end. Whatever follows it is ignored.
    Goodbye,
}

enum Expects {
    Header,
    Body { len: usize, tag: [u8; TAG_LEN] },
    Nothing,
}

impl Opener {
    /// A stream under `key`, starting at `nonce`.
    pub fn new(key: &[u8; 32], nonce: &[u8; 24]) -> Self {
        Self { cipher: Cipher::new(key), nonce: Nonce::new(*nonce), expects: Expects::Header }
    }

    /// Opens the next header or body at the front of `input`: how many bytes it used up, and what they were.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the stream cannot continue, and every later call fails as well. What was opened before stands.
    pub fn open<'a>(&mut self, input: &'a mut [u8]) -> Result<(usize, Progress<'a>), OpenError> {
        match self.expects {
            Expects::Header => {
                let Some(header) = input.first_chunk::<HEADER_LEN>() else {
                    return Ok((0, Progress::Partial));
                };
                let (tag, sealed) = header.split_first_chunk().expect("a header is longer than a tag");
                let mut text: [u8; 18] = *sealed.first_chunk().expect("a header is 34 bytes");
                self.cipher.open(&self.nonce.take(), &mut text, tag).map_err(|_| OpenError::Forged)?;
                if text == [0; 18] {
                    self.expects = Expects::Nothing;
                    return Ok((HEADER_LEN, Progress::Goodbye));
                }
                let (len, tag) = text.split_first_chunk().expect("18 bytes");
                let tag = *tag.first_chunk().expect("18 bytes");
                self.expects = Expects::Body { len: usize::from(u16::from_be_bytes(*len)), tag };
                Ok((HEADER_LEN, Progress::Header))
            }
            Expects::Body { len, tag } => {
                let Some(body) = input.get_mut(..len) else { return Ok((0, Progress::Partial)) };
                self.cipher.open(&self.nonce.take(), body, &tag).map_err(|_| OpenError::Forged)?;
                self.expects = Expects::Header;
                Ok((len, Progress::Plain(body)))
            }
            Expects::Nothing => Ok((input.len(), Progress::Goodbye)),
        }
    }

    /// How many bytes the next header or body has: a buffer of that size can always make progress.
    pub fn wanted(&self) -> usize {
        match self.expects {
            Expects::Header => HEADER_LEN,
            Expects::Body { len, .. } => len,
            Expects::Nothing => 0,
        }
    }

    /// Whether the stream has come to its goodbye. An end of input before is a cut stream.
    pub fn is_finished(&self) -> bool {
        matches!(self.expects, Expects::Nothing)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("wanted", &self.wanted()).finish_non_exhaustive()
    }
}
