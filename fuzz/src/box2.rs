//! Box2, as somebody without a key and as a sender can make it.

use std::sync::LazyLock;

use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::hash::sha256;
use ssb_keys::hkdf;
use ssb_keys::secretbox;
use ssb_privatebox::box2::GroupId;
use ssb_privatebox::box2::Opened;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::PoBox;
use ssb_privatebox::box2::PoBoxId;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::box2::Scheme;
use ssb_privatebox::box2::SealError;
use ssb_privatebox::box2::limits::OVERHEAD_LEN;
use ssb_privatebox::box2::limits::RECIPIENTS_MAX;
use ssb_privatebox::box2::limits::SLOT_LEN;
use ssb_privatebox::box2::open;
use ssb_privatebox::box2::seal;
use ssb_privatebox::box2::text;

use crate::cast::ALICE;
use crate::cast::BOB;
use crate::cast::MALLORY;
use crate::script::Script;

/// Opens what was sealed and then tampered with, what a sender made in its own way, and bytes of any kind: who opens a box
/// has the key of one of its recipients, stands where it was sealed, and finds what was sealed.
///
/// Script: which of the three. Then the recipients, the text and the damages; or the slots, where the body is and is said to
/// be, and the text; or the box.
pub fn box2_open(data: &[u8]) {
    let script = &mut Script::new(data);
    // What was sealed under one script says nothing under another.
    let message_key = &sha256(data);
    match script.below(3) {
        0 => tampered_with(message_key, script),
        1 => made_by_a_sender(message_key, script),
        _ => of_any_kind(script.rest()),
    }
}

fn tampered_with(message_key: &[u8; 32], script: &mut Script<'_>) {
    let recipients = script.run();
    let plain = script.run().repeat(1 + script.below(16));
    let keys: Vec<RecipientKey> = recipients.iter().map(|&one| key(one).sender.clone()).collect();
    let group = keys.iter().skip(1).position(|key| key.scheme() == Scheme::Group);
    let honest = match seal(&plain, &place(), &keys, message_key) {
        Ok(honest) => honest,
        Err(SealError::NoText) => return assert!(plain.is_empty()),
        Err(SealError::NoRecipients) => return assert!(keys.is_empty()),
        Err(SealError::TooManyRecipients { count, max }) => {
            assert_eq!((count, max), (keys.len(), RECIPIENTS_MAX));
            return assert!(count > max);
        }
        Err(SealError::MisplacedGroup { at }) => return assert_eq!(group, at.checked_sub(1)),
        Err(error) => panic!("a hash is not zero: {error}"),
    };
    assert!((1..=RECIPIENTS_MAX).contains(&keys.len()) && group.is_none() && !plain.is_empty());
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

    for reader in 0..KEYS_LEN {
        let is_recipient = recipients.iter().any(|one| one % KEYS_LEN == reader);
        match opened(&boxed, reader) {
            Some(found) => {
                assert!(is_recipient, "opened by somebody else");
                assert!(found == plain, "opened what was never sealed");
            }
            None => assert!(!is_recipient || boxed != honest, "a recipient cannot open it"),
        }
    }
}

/// A sender may put any slots into a box, and say anything of where the body is.
fn made_by_a_sender(message_key: &[u8; 32], script: &mut Script<'_>) {
    let slots: Vec<u8> = (0..script.below(20)).map(|_| script.byte()).collect();
    let extension = vec![0; script.below(100)];
    let body_at = u16::try_from(32 + SLOT_LEN * slots.len() + extension.len()).expect("a few slots");
    let said_at = body_at ^ u16::try_from(script.short()).expect("two bytes");
    let plain = script.rest();
    let read_key = derive(message_key, &[b"read_key"]);
    let mut header = [0; 16];
    header[..2].copy_from_slice(&said_at.to_le_bytes());
    let mut boxed = Vec::new();
    append(&derive(&read_key, &[b"header_key"]), &header, &mut boxed);
    for &one in &slots {
        // A group of one slot, and its own: the way to learn what hides a message key is to seal one.
        let alone = seal(b"x", &place(), &[key(one).sender.clone()], message_key).expect("one recipient");
        boxed.extend_from_slice(&alone[32..64]);
    }
    boxed.extend_from_slice(&extension);
    append(&derive(&read_key, &[b"body_key"]), plain, &mut boxed);

    let with_room = (boxed.len() - OVERHEAD_LEN).saturating_sub(1) / SLOT_LEN;
    for reader in 0..KEYS_LEN {
        let is_group = key(reader).reader.scheme() == Scheme::Group;
        let tried = with_room.min(if is_group { 1 } else { RECIPIENTS_MAX });
        let is_found = slots.iter().take(tried).any(|one| one % KEYS_LEN == reader);
        let wanted = (is_found && said_at == body_at).then_some(plain);
        assert_eq!(opened(&boxed, reader).as_deref(), wanted);
    }
}

fn of_any_kind(bytes: &[u8]) {
    let content = String::from_utf8_lossy(bytes);
    for reader in 0..KEYS_LEN {
        let found = opened(bytes, reader);
        assert!(found.is_none_or(|found| found.len() < bytes.len()));
        let found = text::open(&content, &place(), [&key(reader).reader]);
        assert!(found.is_none_or(|found| found.plain().len() < content.len()));
    }
    if let Ok(id) = GroupId::parse(&content) {
        assert_eq!(GroupId::parse(&id.to_string()), Ok(id));
    }
    if let Ok(id) = PoBoxId::parse(&content) {
        assert_eq!(PoBoxId::parse(&id.to_string()), Ok(id));
    }
    if let (Some(feed), rest) = (bytes.first_chunk(), bytes.get(34..).unwrap_or_default()) {
        // The place of a feed that is known, and any other.
        let _ = Place::from_bfe(feed, rest.first_chunk());
    }
}

/// What a reader finds in a box: the same in its text, with the read key, and with all keys; and nothing elsewhere.
fn opened(boxed: &[u8], reader: u8) -> Option<Vec<u8>> {
    let keys = [&key(reader).reader];
    let content = text::encode(boxed);
    assert_eq!(text::decode(&content).as_deref(), Some(boxed));
    let found = open(boxed, &place(), keys);
    let read = text::open(&content, &place(), keys);
    assert_eq!(found.as_ref().map(Opened::plain), read.as_ref().map(Opened::plain));
    let found = found?;
    let again = found.key().open(boxed, &place()).expect("the read key opens what opened");
    assert_eq!(found.plain(), again.as_slice());
    let with_all = open(boxed, &place(), KEYS.iter().map(|key| &key.reader)).expect("one of them opens it");
    assert_eq!(found.plain(), with_all.plain());
    let elsewhere = Place::new(ALICE.id(), None);
    assert!(open(boxed, &elsewhere, keys).is_none());
    assert!(found.key().open(boxed, &elsewhere).is_none());
    Some(again.to_vec())
}

fn append(key: &[u8; 32], text: &[u8], boxed: &mut Vec<u8>) {
    let mut sealed = text.to_vec();
    let tag = secretbox::seal(key, &[0; 24], &mut sealed);
    boxed.extend_from_slice(&tag);
    boxed.extend_from_slice(&sealed);
}

/// What follows from a key, written a second time.
fn derive(key: &[u8; 32], labels: &[&[u8]]) -> [u8; 32] {
    let (feed, previous) = (Id::Feed(ALICE.id()).encode(), Id::Message(PREVIOUS).encode());
    let mut info = Vec::new();
    for item in [b"envelope".as_slice(), &feed, &previous].iter().chain(labels) {
        info.extend_from_slice(&u16::try_from(item.len()).expect("ids and labels are short").to_le_bytes());
        info.extend_from_slice(item);
    }
    *hkdf::expand(key, &info)
}

/// Alice writes.
fn place() -> Place {
    Place::new(ALICE.id(), Some(PREVIOUS))
}

/// A key as the sender and as the recipient have it.
struct Key {
    sender: RecipientKey,
    reader: RecipientKey,
}

fn key(number: u8) -> &'static Key {
    &KEYS[usize::from(number % KEYS_LEN)]
}

/// Of three people, five kinds each.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let people = [&*ALICE, &*BOB, &*MALLORY];
    people.into_iter().flat_map(keys_of).collect()
});

fn keys_of(person: &Keypair) -> [Key; 5] {
    let symmetric = |scheme: fn(&[u8; 32]) -> RecipientKey| {
        let key = scheme(&sha256(person.id().as_bytes()));
        Key { sender: key.clone(), reader: key }
    };
    let po_box = PoBox::from_secret(&sha256(person.id().as_bytes()));
    let good = "the keys of the cast are good";
    [
        symmetric(RecipientKey::group),
        symmetric(RecipientKey::oneself),
        Key {
            sender: RecipientKey::direct(&ALICE, person.id()).expect(good),
            reader: RecipientKey::direct(person, ALICE.id()).expect(good),
        },
        Key {
            sender: RecipientKey::announced(&ALICE, person.id()).expect(good),
            reader: RecipientKey::announced(person, ALICE.id()).expect(good),
        },
        Key {
            sender: RecipientKey::to_po_box(&ALICE, po_box.id()).expect(good),
            reader: RecipientKey::in_po_box(&po_box, ALICE.id()).expect(good),
        },
    ]
}

const KEYS_LEN: u8 = 15;
const PREVIOUS: MessageId = MessageId::from_bytes([9; 32]);
