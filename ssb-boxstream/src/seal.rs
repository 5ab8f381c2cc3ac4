//! The sending direction.

use alloc::vec::Vec;
use core::fmt;

use ssb_keys::secretbox::Cipher;
use ssb_keys::secretbox::TAG_LEN;

use crate::limits::HEADER_LEN;
use crate::limits::SENT_BODY_LEN_MAX;
use crate::nonce::Nonce;

/// Seals what is sent.
///
/// ```text
/// header  34 bytes  box(nonce n,   u16 big-endian body length ‖ tag of the body)
/// body     1…4096   box(nonce n+1, body), without its tag
/// ```
pub struct Sealer {
    cipher: Cipher,
    nonce: Nonce,
}

impl Sealer {
    /// A stream under `key`, starting at `nonce`.
    ///
    /// A pair of key and nonce must start one stream only; both come fresh out of a handshake.
    pub fn new(key: &[u8; 32], nonce: &[u8; 24]) -> Self {
        Self { cipher: Cipher::new(key), nonce: Nonce::new(*nonce) }
    }

    /// Appends the frames of `plain` to `out`: one for every 4,096 bytes begun, none for nothing.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        for body in plain.chunks(SENT_BODY_LEN_MAX) {
            self.frame(body, out);
        }
    }

    /// Appends the goodbye, the header of 18 zero bytes that ends a stream for good.
    pub fn goodbye(mut self, out: &mut Vec<u8>) {
        let nonce = self.nonce.take();
        out.extend_from_slice(&self.header(&nonce, [0; 18]));
    }

    fn frame(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let (header_nonce, body_nonce) = (self.nonce.take(), self.nonce.take());
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LEN]);
        out.extend_from_slice(body);
        let frame = out.get_mut(start..).expect("just appended");
        let (header, sealed) = frame.split_first_chunk_mut::<HEADER_LEN>().expect("just appended");

        let mut text = [0; 18];
        text[..2].copy_from_slice(
            &u16::try_from(body.len()).expect("chunks are at most 4,096 bytes").to_be_bytes(),
        );
        text[2..].copy_from_slice(&self.cipher.seal(&body_nonce, sealed));
        *header = self.header(&header_nonce, text);
    }

    fn header(&mut self, nonce: &[u8; 24], mut text: [u8; 18]) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        let tag = self.cipher.seal(nonce, &mut text);
        header[..TAG_LEN].copy_from_slice(&tag);
        header[TAG_LEN..].copy_from_slice(&text);
        header
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}
