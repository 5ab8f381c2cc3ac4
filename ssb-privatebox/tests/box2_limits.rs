//! How many a box2 can be for, and in which order.

use ssb_keys::FeedId;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::box2::SealError;
use ssb_privatebox::box2::limits::OVERHEAD_LEN;
use ssb_privatebox::box2::limits::SLOT_LEN;
use ssb_privatebox::box2::open;
use ssb_privatebox::box2::seal;
use ssb_privatebox::box2::text;

#[test]
fn a_box_for_nobody_is_not_made() {
    assert_eq!(seal(b"x", &place(), &[], &KEY), Err(SealError::NoRecipients));
    assert_eq!(text::seal(b"x", &place(), &[], &KEY), Err(SealError::NoRecipients));
}

#[test]
fn a_box_without_a_text_is_not_made() {
    let boxed = seal(b"x", &place(), &[person(0)], &KEY).unwrap();

    assert_eq!(boxed.len(), OVERHEAD_LEN + SLOT_LEN + 1);
    assert_eq!(open(&boxed, &place(), [&person(0)]).unwrap().plain(), b"x");
    assert_eq!(seal(b"", &place(), &[person(0)], &KEY), Err(SealError::NoText));
}

#[test]
fn sixteen_may_read_a_message_and_seventeen_may_not() {
    let people: Vec<RecipientKey> = (0..17).map(person).collect();

    let boxed = seal(b"x", &place(), &people[..16], &KEY).unwrap();

    assert!(people[..16].iter().all(|one| open(&boxed, &place(), [one]).is_some()));
    assert!(open(&boxed, &place(), [&people[16]]).is_none());
    let refused = Err(SealError::TooManyRecipients { count: 17, max: 16 });
    assert_eq!(seal(b"x", &place(), &people, &KEY), refused);
}

#[test]
fn a_group_comes_first_or_not_at_all() {
    let (group, other) = (RecipientKey::group(&[1; 32]), RecipientKey::group(&[2; 32]));

    let boxed = seal(b"x", &place(), &[group.clone(), person(0)], &KEY).unwrap();

    assert!([&group, &person(0)].iter().all(|one| open(&boxed, &place(), [*one]).is_some()));
    let misplaced = |recipients: &[&RecipientKey]| {
        let recipients: Vec<RecipientKey> = recipients.iter().copied().cloned().collect();
        seal(b"x", &place(), &recipients, &KEY)
    };
    assert_eq!(misplaced(&[&person(0), &group]), Err(SealError::MisplacedGroup { at: 1 }));
    assert_eq!(misplaced(&[&group, &other]), Err(SealError::MisplacedGroup { at: 1 }));
    assert_eq!(misplaced(&[&person(0), &person(1), &group]), Err(SealError::MisplacedGroup { at: 2 }));
}

#[test]
fn a_key_of_zeros_is_not_random() {
    let mut almost = [0; 32];
    almost[31] = 1;

    assert!(seal(b"x", &place(), &[person(0)], &almost).is_ok());
    assert_eq!(seal(b"x", &place(), &[person(0)], &[0; 32]), Err(SealError::ZeroKey));
}

#[test]
fn without_a_key_nothing_opens() {
    let boxed = seal(b"x", &place(), &[person(0)], &KEY).unwrap();

    assert!(open(&boxed, &place(), []).is_none());
}

/// The key of somebody, always the same for the same number.
fn person(number: u8) -> RecipientKey {
    RecipientKey::oneself(&[100 + number; 32])
}

fn place() -> Place {
    Place::new(FeedId::from_bytes([7; 32]), None)
}

const KEY: [u8; 32] = [5; 32];
