//! Reads packets from a stream cut anywhere, without keeping any of it.

use crate::error::ProtocolError;
use crate::header::HEADER_LEN;
use crate::header::Header;
use crate::header::Parsed;
use crate::limits::BODY_LEN_MAX;

/// Finds headers and pieces of bodies in what arrives. It holds no more than one incomplete header.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

impl Decoder {
    /// Starts before the first packet.
    pub const fn new() -> Self {
        Self { state: State::START }
    }

    /// Looks at the front of `input` and says how many bytes it took and what they were.
    ///
    /// Nothing is taken of an empty input, and after a goodbye.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::UnknownBodyType`] and [`ProtocolError::Oversized`]. The stream cannot continue after them;
    /// every later call fails the same way.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Progress<'a>), ProtocolError> {
        match &mut self.state {
            State::Header { bytes, filled } => {
                let space = bytes.get_mut(*filled..).unwrap_or_default();
                let count = space.len().min(input.len());
                space.iter_mut().zip(input).for_each(|(to, from)| *to = *from);
                *filled += count;
                if *filled < HEADER_LEN {
                    return Ok((count, Progress::Partial));
                }
                let parsed = Self::parse(bytes);
                Ok((count, self.begin(parsed)?))
            }
            State::Body { left } => {
                let count = input.len().min(*left);
                if count == 0 {
                    return Ok((0, Progress::Partial));
                }
                let piece = input.get(..count).unwrap_or_default();
                *left -= count;
                if *left > 0 {
                    return Ok((count, Progress::Piece(piece)));
                }
                self.state = State::START;
                Ok((count, Progress::Last(piece)))
            }
            State::Goodbye => Ok((0, Progress::Goodbye)),
            State::Failed(error) => Err(*error),
        }
    }

    /// Whether a goodbye was read. An input that ends before one was cut off.
    pub const fn is_finished(&self) -> bool {
        matches!(self.state, State::Goodbye)
    }

    fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Parsed, ProtocolError> {
        match Header::parse(bytes)? {
            Parsed::Packet(header) if header.body_len.get() > BODY_LEN_MAX => {
                Err(ProtocolError::Oversized { len: header.body_len.get() })
            }
            parsed => Ok(parsed),
        }
    }

    fn begin(&mut self, parsed: Result<Parsed, ProtocolError>) -> Result<Progress<'static>, ProtocolError> {
        match parsed {
            Ok(Parsed::Packet(header)) => {
                let left = usize::try_from(header.body_len.get()).expect("8 MiB fit into memory");
                self.state = State::Body { left };
                Ok(Progress::Header(header))
            }
            Ok(Parsed::Goodbye) => {
                self.state = State::Goodbye;
                Ok(Progress::Goodbye)
            }
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// What the bytes just taken were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Part of a header, or nothing: more input is needed.
    Partial,
    /// The rest of a header. Its body follows, in at least one piece.
    Header(Header),
    /// A piece of the body, never empty; more follow.
    Piece(&'a [u8]),
    /// The last piece of the body, never empty. A header follows.
    Last(&'a [u8]),
    /// The goodbye. What comes after it means nothing.
    Goodbye,
}

#[derive(Debug)]
enum State {
    /// `filled` is at most `HEADER_LEN`.
    Header {
        bytes: [u8; HEADER_LEN],
        filled: usize,
    },
    /// `left` is between one and `BODY_LEN_MAX`.
    Body {
        left: usize,
    },
    Goodbye,
    Failed(ProtocolError),
}

impl State {
    const START: Self = Self::Header { bytes: [0; HEADER_LEN], filled: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_body_is_announced_and_one_byte_more_ends_the_connection() {
        let header = |len: u32| {
            let [a, b, c, d] = len.to_be_bytes();
            [0x02, a, b, c, d, 0, 0, 0, 1]
        };

        let longest = header(BODY_LEN_MAX);
        assert!(matches!(Decoder::new().decode(&longest), Ok((HEADER_LEN, Progress::Header(_)))));

        let mut decoder = Decoder::new();
        let error = ProtocolError::Oversized { len: BODY_LEN_MAX + 1 };
        let longer = header(BODY_LEN_MAX + 1);
        assert_eq!(decoder.decode(&longer), Err(error));
        assert_eq!(decoder.decode(b"more"), Err(error));
    }

    #[test]
    fn nothing_is_decoded_after_a_goodbye() {
        let mut decoder = Decoder::new();

        assert_eq!(decoder.decode(&[0; 20]), Ok((9, Progress::Goodbye)));
        assert_eq!(decoder.decode(&[0; 11]), Ok((0, Progress::Goodbye)));
        assert!(decoder.is_finished());
    }
}
