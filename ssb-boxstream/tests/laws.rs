//! What holds for all inputs.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use proptest::prelude::*;
use ssb_boxstream::OpenError;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_boxstream::limits::BODY_LEN_MAX;
use ssb_boxstream::limits::HEADER_LEN;
use ssb_boxstream::limits::SENT_BODY_LEN_MAX;
use ssb_keys::secretbox;

const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 24] = [0xff; 24];

/// Opens all of `wire`, which arrives cut at `cuts`.
fn open_all(wire: &[u8], cuts: &[usize]) -> (Vec<u8>, Result<bool, OpenError>) {
    let mut opener = Opener::new(&KEY, &NONCE);
    let (mut buffer, mut plain, mut rest) = (Vec::new(), Vec::new(), wire);
    let mut cuts = cuts.iter().cycle();
    loop {
        match opener.open(&mut buffer) {
            Ok((_, Progress::Goodbye)) => return (plain, Ok(true)),
            Ok((0, Progress::Partial)) => {
                if rest.is_empty() {
                    return (plain, Ok(false));
                }
                let count = cuts.next().copied().unwrap_or(rest.len()).clamp(1, rest.len());
                buffer.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
            }
            Ok((count, progress)) => {
                if let Progress::Plain(body) = progress {
                    plain.extend_from_slice(body);
                }
                buffer.drain(..count);
            }
            Err(error) => return (plain, Err(error)),
        }
    }
}

fn wire(writes: &[Vec<u8>]) -> Vec<u8> {
    let (mut sealer, mut wire) = (Sealer::new(&KEY, &NONCE), Vec::new());
    for write in writes {
        sealer.seal(write, &mut wire);
    }
    sealer.goodbye(&mut wire);
    wire
}

proptest! {
    #[test]
    fn however_the_wire_is_cut_the_reader_sees_what_the_writer_wrote(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 0..5),
        cuts in prop::collection::vec(1_usize..5000, 0..8),
    ) {
        prop_assert_eq!(open_all(&wire(&writes), &cuts), (writes.concat(), Ok(true)));
    }

    #[test]
    fn a_cut_wire_never_ends_cleanly_and_gives_a_prefix(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..5),
        at: prop::sample::Index,
    ) {
        let whole = wire(&writes);
        let (plain, end) = open_all(&whole[..at.index(whole.len())], &[]);
        prop_assert_eq!(end, Ok(false));
        prop_assert!(writes.concat().starts_with(&plain));
    }

    #[test]
    fn an_altered_bit_ends_the_stream_after_what_came_before_it(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..5),
        bit: prop::sample::Index,
    ) {
        let mut altered = wire(&writes);
        let bit = bit.index(altered.len() * 8);
        altered[bit / 8] ^= 1 << (bit % 8);
        let (plain, end) = open_all(&altered, &[]);
        prop_assert_eq!(end, Err(OpenError::Forged));
        prop_assert!(writes.concat().starts_with(&plain));
    }

    #[test]
    fn arbitrary_bytes_are_forged(noise in prop::collection::vec(any::<u8>(), HEADER_LEN..500)) {
        prop_assert_eq!(open_all(&noise, &[]), (Vec::new(), Err(OpenError::Forged)));
    }
}

#[test]
fn bodies_are_cut_at_the_limit_of_what_we_send() {
    let frames = |len| wire(&[vec![1; len]]).len() - len - HEADER_LEN;

    assert_eq!(frames(0), 0);
    assert_eq!(frames(SENT_BODY_LEN_MAX), HEADER_LEN);
    assert_eq!(frames(SENT_BODY_LEN_MAX + 1), 2 * HEADER_LEN);
}

#[test]
fn a_peer_may_send_bodies_up_to_what_16_bits_can_say() {
    let (mut body, mut header) = (vec![3; BODY_LEN_MAX], [0; 18]);
    let tag = secretbox::seal(&KEY, &[0; 24], &mut body);
    header[..2].copy_from_slice(&u16::MAX.to_be_bytes());
    header[2..].copy_from_slice(&tag);
    let tag = secretbox::seal(&KEY, &NONCE, &mut header);
    let wire = [tag.as_slice(), &header, &body].concat();

    assert_eq!(open_all(&wire, &[4096]), (vec![3; BODY_LEN_MAX], Ok(false)));
}
