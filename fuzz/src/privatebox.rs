//! Private messages, as somebody without a key and as a sender can make them.

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::hash::sha256;
use ssb_keys::secretbox;
use ssb_privatebox::Opened;
use ssb_privatebox::SealError;
use ssb_privatebox::limits::RECIPIENTS_MAX;
use ssb_privatebox::limits::SLOT_LEN;
use ssb_privatebox::open;
use ssb_privatebox::seal;
use ssb_privatebox::text;

use crate::cast::ALICE;
use crate::cast::BOB;
use crate::cast::MALLORY;
use crate::script::Script;

/// Opens what was sealed and then tampered with, what a sender made in its own way, and bytes of any kind: who opens a box
/// is one of its recipients, and finds what was sealed.
///
/// Script: which of the three. Then the recipients, the text and the damages; or the slots and the text; or the box.
pub fn privatebox_open(data: &[u8]) {
    let script = &mut Script::new(data);
    // What was sealed under one script says nothing under another.
    let seed = &sha256(data);
    match script.below(3) {
        0 => tampered_with(seed, script),
        1 => made_by_a_sender(seed, script),
        _ => of_any_kind(script.rest()),
    }
}

fn tampered_with(seed: &[u8; 32], script: &mut Script<'_>) {
    let recipients = script.run();
    let plain = script.run().repeat(1 + script.below(16));
    let ids: Vec<FeedId> = recipients.iter().map(|&one| person(one).id()).collect();
    let honest = match seal(&plain, &ids, seed) {
        Ok(honest) => honest,
        Err(SealError::NoRecipients) => return assert!(ids.is_empty()),
        Err(SealError::TooManyRecipients { count, max }) => {
            assert_eq!((count, max), (ids.len(), RECIPIENTS_MAX));
            return assert!(count > usize::from(max));
        }
        Err(error) => panic!("the keys of the cast are good: {error}"),
    };
    let mut boxed = honest.clone();
    while !script.is_empty() {
        let at = script.short() % boxed.len().max(1);
        match script.below(4) {
            0 => boxed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << script.below(8)),
            1 => boxed.truncate(at),
            2 => drop(boxed.splice(at..at, script.run().iter().copied())),
            _ => drop(boxed.drain(at..boxed.len().min(at + 1 + script.below(256)))),
        }
    }

    for reader in 0..3 {
        let is_recipient = recipients.iter().any(|one| one % 3 == reader);
        match opened(&boxed, person(reader)) {
            Some(found) => {
                assert!(is_recipient, "opened by somebody else");
                assert!(found == plain, "opened what was never sealed");
            }
            None => assert!(!is_recipient || boxed != honest, "a recipient cannot open it"),
        }
    }
}

/// A sender may put any slots into a box, which say anything of where the body is.
fn made_by_a_sender(seed: &[u8; 32], script: &mut Script<'_>) {
    let (nonce, body_key) = ([7; 24], sha256(seed));
    let one_time = EphemeralKeypair::from_seed(seed);
    let slots: Vec<[u8; 2]> = (0..script.below(16)).map(|_| script.array()).collect();
    let plain = script.rest();
    let mut boxed = [nonce.as_slice(), one_time.public().as_bytes()].concat();
    for [one, count] in &slots {
        let shared = one_time.share_with_feed(&person(*one).id()).expect("the keys of the cast are good");
        append(shared.as_bytes(), &nonce, &[&[*count], body_key.as_slice()].concat(), &mut boxed);
    }
    append(&body_key, &nonce, plain, &mut boxed);

    for reader in 0..3 {
        let first = slots.iter().find(|[one, _]| one % 3 == reader);
        let wanted = first.filter(|[_, count]| usize::from(*count) == slots.len()).map(|_| plain);
        assert_eq!(opened(&boxed, person(reader)).as_deref(), wanted);
    }
    assert_eq!(boxed.len(), 72 + SLOT_LEN * slots.len() + plain.len());
}

fn of_any_kind(bytes: &[u8]) {
    for reader in 0..3 {
        let found = opened(bytes, person(reader));
        assert!(found.is_none_or(|found| found.len() < bytes.len()));
        let content = String::from_utf8_lossy(bytes);
        let found = text::open(&content, person(reader));
        assert!(found.is_none_or(|found| found.plain().len() < content.len()));
    }
}

/// What a reader finds in a box: the same in its text, and with the read key.
fn opened(boxed: &[u8], reader: &Keypair) -> Option<Vec<u8>> {
    let content = text::encode(boxed);
    assert_eq!(text::decode(&content).as_deref(), Some(boxed));
    let found = open(boxed, reader);
    let read = text::open(&content, reader);
    assert_eq!(found.as_ref().map(Opened::plain), read.as_ref().map(Opened::plain));
    let found = found?;
    let again = found.key().open(boxed).expect("the read key opens what opened");
    assert_eq!(found.plain(), again.as_slice());
    Some(again.to_vec())
}

fn append(key: &[u8; 32], nonce: &[u8; 24], text: &[u8], boxed: &mut Vec<u8>) {
    let mut sealed = text.to_vec();
    let tag = secretbox::seal(key, nonce, &mut sealed);
    boxed.extend_from_slice(&tag);
    boxed.extend_from_slice(&sealed);
}

fn person(number: u8) -> &'static Keypair {
    match number % 3 {
        0 => &ALICE,
        1 => &BOB,
        _ => &MALLORY,
    }
}
