//! Box streams, as an attacker on the wire and as a peer with the key can make them.

use ssb_boxstream::OpenError;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_boxstream::limits::BODY_LEN_MAX;
use ssb_boxstream::limits::HEADER_LEN;
use ssb_keys::hash::sha256;
use ssb_keys::secretbox;

use crate::script::Cuts;
use crate::script::Script;

/// Opens what was sealed and then tampered with, or what a peer with the key framed in its own way: however it is cut,
/// what comes out is a prefix of what went in, and damage is told.
///
/// Script: who makes the wire, lengths of cuts, then the writes and damages, or the frames.
pub fn boxstream_open(data: &[u8]) {
    let script = &mut Script::new(data);
    // What was sealed under one script says nothing under another.
    let key = &sha256(data);
    if script.flag() { framed_by_a_peer(key, script) } else { tampered_with(key, script) }
}

fn tampered_with(key: &[u8; 32], script: &mut Script<'_>) {
    let cuts = script.run();
    let (mut sealer, mut wire, mut plain) = (Sealer::new(key, &NONCE), Vec::new(), Vec::new());
    for _ in 0..script.below(6) {
        let text = script.run().repeat(1 + script.below(64));
        sealer.seal(&text, &mut wire);
        plain.extend_from_slice(&text);
    }
    sealer.goodbye(&mut wire);
    let honest = wire.clone();
    while !script.is_empty() {
        let at = script.short() % wire.len().max(1);
        match script.below(4) {
            0 => wire.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << script.below(8)),
            1 => wire.truncate(at),
            2 => drop(wire.splice(at..at, script.run().iter().copied())),
            _ => drop(wire.drain(at..wire.len().min(at + 1 + script.below(256)))),
        }
    }

    let (opened, end) = open(key, &wire, cuts);

    assert!(plain.starts_with(&opened), "opened what was never sealed");
    if wire.starts_with(&honest) {
        assert_eq!((opened.len(), end), (plain.len(), Ok(End::Goodbye)));
    } else if honest.starts_with(&wire) {
        assert_eq!(end, Ok(End::Cut));
    } else {
        // What is damaged and cut may be too short to tell.
        assert_ne!(end, Ok(End::Goodbye), "damage went unnoticed");
    }
}

/// A peer has the key: its frames are authentic, and may announce any length, and lie about any body.
fn framed_by_a_peer(key: &[u8; 32], script: &mut Script<'_>) {
    let cuts = script.run();
    let (mut nonce, mut wire, mut plain) = (NONCE, Vec::new(), Vec::new());
    let mut wanted = Ok(End::Cut);
    while !script.is_empty() && wanted == Ok(End::Cut) {
        let mut body = script.run().repeat(1 + script.below(256));
        body.truncate(BODY_LEN_MAX);
        let mut header = [0; 18];
        match script.below(8) {
            0 => wanted = Ok(End::Goodbye),
            lie => {
                let text = body.clone();
                let tag = secretbox::seal(key, &next(&nonce), &mut body);
                let len = u16::try_from(body.len()).expect("cut to the limit");
                header[..2].copy_from_slice(&len.to_be_bytes());
                header[2..].copy_from_slice(&tag);
                if lie == 1 {
                    header[17] ^= 1;
                    wanted = Err(OpenError::Forged);
                } else {
                    plain.extend_from_slice(&text);
                }
            }
        }
        let tag = secretbox::seal(key, &nonce, &mut header);
        wire.extend_from_slice(&tag);
        wire.extend_from_slice(&header);
        wire.extend_from_slice(&body);
        nonce = next(&next(&nonce));
    }

    let (opened, end) = open(key, &wire, cuts);

    assert!(opened == plain, "opened {} bytes of {}", opened.len(), plain.len());
    assert_eq!(end, wanted);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Goodbye,
    Cut,
}

type Opened = (Vec<u8>, Result<End, OpenError>);

/// Opens a wire, cut and whole, with the same result.
fn open(key: &[u8; 32], wire: &[u8], cuts: &[u8]) -> Opened {
    let (whole, cut) = (open_cut(key, wire, Cuts::new(&[])), open_cut(key, wire, Cuts::new(cuts)));
    assert!(whole == cut, "cut, it ends with {:?}, whole with {:?}", cut.1, whole.1);
    whole
}

fn open_cut(key: &[u8; 32], mut wire: &[u8], mut cuts: Cuts<'_>) -> Opened {
    let mut opener = Opener::new(key, &NONCE);
    let (mut buffer, mut plain) = (Vec::new(), Vec::new());
    loop {
        assert!(opener.wanted() <= BODY_LEN_MAX.max(HEADER_LEN));
        match opener.open(&mut buffer) {
            Ok((_, Progress::Goodbye)) => {
                assert!(opener.is_finished());
                return (plain, Ok(End::Goodbye));
            }
            Ok((count, Progress::Partial)) => {
                assert_eq!(count, 0);
                assert!(buffer.len() < opener.wanted(), "made no progress with all it wanted");
                if wire.is_empty() {
                    return (plain, Ok(End::Cut));
                }
                buffer.extend_from_slice(cuts.take(&mut wire));
            }
            Ok((count, progress)) => {
                if let Progress::Plain(body) = progress {
                    plain.extend_from_slice(body);
                }
                buffer.drain(..count);
            }
            Err(error) => {
                assert_eq!(opener.open(&mut buffer), Err(error), "it went on after a forgery");
                return (plain, Err(error));
            }
        }
    }
}

fn next(nonce: &[u8; 24]) -> [u8; 24] {
    let mut next = *nonce;
    for byte in next.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    next
}

/// One step before it wraps.
const NONCE: [u8; 24] = [0xff; 24];
