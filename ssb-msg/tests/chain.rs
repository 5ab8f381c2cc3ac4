//! What may follow what.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::chain::ChainError;
use ssb_msg::draft;
use ssb_msg::limits::SEQUENCE_MAX;

fn me() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn next(feed: &ValidationState, text: &str) -> Message {
    let content = format!(r#"{{"type":"post","text":"{text}"}}"#);
    draft::sign(&content, feed, 1.0, &me(), &Signing::plain()).unwrap()
}

/// A feed of three messages, and the states it went through.
fn feed() -> (Vec<Message>, Vec<ValidationState>) {
    let mut states = vec![ValidationState::new(me().id())];
    let mut messages = Vec::new();
    for text in ["a", "b", "c"] {
        let mut feed = states.last().unwrap().clone();
        let message = next(&feed, text);
        feed.advance(feed.check(&message).unwrap());
        messages.push(message);
        states.push(feed);
    }
    (messages, states)
}

#[test]
fn a_feed_moves_to_what_follows_it() {
    let (messages, states) = feed();

    assert_eq!(states[0].latest(), None);
    assert_eq!(states[3].latest(), Some(messages[2].id()));
    assert_eq!(states[3].sequence(), 3);
    assert_eq!(states[3], ValidationState::resume(me().id(), 3, messages[2].id()));
}

#[test]
fn early_and_late_messages_are_told_apart_from_forks() {
    let (messages, states) = feed();
    let other_third = next(&states[2], "fork");

    assert_eq!(states[1].check(&messages[2]), Err(ChainError::Gap { expected: 2, found: 3 }));
    assert_eq!(states[3].check(&messages[2]), Err(ChainError::AlreadyHave { sequence: 3 }));
    assert_eq!(states[3].check(&messages[1]), Err(ChainError::Behind { latest: 3, found: 2 }));
    assert_eq!(states[3].check(&other_third), Err(ChainError::Fork { sequence: 3 }));
}

#[test]
fn a_message_that_names_another_predecessor_is_a_fork() {
    let (_, states) = feed();
    let elsewhere = ValidationState::resume(me().id(), 3, MessageId::from_bytes([9; 32]));

    assert_eq!(states[3].check(&next(&elsewhere, "d")), Err(ChainError::Fork { sequence: 4 }));
}

#[test]
fn another_authors_message_is_of_another_feed() {
    let (messages, _) = feed();
    let other = ValidationState::new(FeedId::from_bytes([5; 32]));

    assert_eq!(other.check(&messages[0]), Err(ChainError::WrongAuthor { found: me().id() }));
}

#[test]
#[should_panic(expected = "next follows another message")]
fn a_proof_is_good_for_one_state_only() {
    let (messages, mut states) = feed();
    let proof = states[1].check(&messages[1]).unwrap();

    states[2].advance(proof);
}

#[test]
fn a_feed_ends_at_its_last_sequence() {
    let mut feed = ValidationState::resume(me().id(), SEQUENCE_MAX - 1, MessageId::from_bytes([9; 32]));
    let last = next(&feed, "last");
    feed.advance(feed.check(&last).unwrap());

    let one_more = draft::sign(r#"{"type":"post"}"#, &feed, 1.0, &me(), &Signing::plain());

    assert_eq!(last.sequence(), SEQUENCE_MAX);
    assert_eq!(one_more, Err(draft::DraftError::Full));
    assert_eq!(feed.check(&last), Err(ChainError::AlreadyHave { sequence: SEQUENCE_MAX }));
}
