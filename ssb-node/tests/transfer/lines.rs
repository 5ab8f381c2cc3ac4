//! Messages out of one directory and into another.

use std::fs;

use proptest::prelude::*;
use ssb_keys::hmac::HmacKey;
use ssb_keys::published_mark::Origin;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::secret_file;
use ssb_log::Disk;
use ssb_log::Store;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_node::transfer::LINE_LEN_MAX;
use ssb_node::transfer::NotAMessage;
use ssb_node::transfer::Selection;
use ssb_node::transfer::Summary;
use ssb_node::transfer::TransferError;
use ssb_node::transfer::Why;
use ssb_node::transfer::export;
use ssb_node::transfer::import;

use super::home;
use super::home::Home;
use super::home::key;
use super::home::texts;

fn feed(author: u8, count: u32, word: &str) -> Vec<Message> {
    home::feed(author, count, &Signing::plain(), |_| format!(r#"{{"type":"post","text":"{word}"}}"#))
}

fn summary(new: u64, known: u64) -> Summary {
    let mut summary = Summary::default();
    (summary.new, summary.known) = (new, known);
    summary
}

#[test]
fn what_one_directory_gives_another_takes_once() {
    let (from, to) = (Home::new(), Home::new());
    let all: Vec<String> = (1..4).flat_map(|author| texts(&feed(author, 200, "hello"))).collect();
    assert_eq!(from.import(&all), summary(600, 0));

    let lines = from.export(Selection::default());

    assert_eq!(to.import(&lines), summary(600, 0));
    assert_eq!(to.messages(), all);
    assert_eq!(to.import(&lines), summary(0, 600));
    assert_eq!(to.messages(), all);
}

#[test]
fn a_part_can_be_given_alone() {
    let home = Home::new();
    let (one, two) = (feed(1, 4, "a"), feed(2, 3, "b"));
    home.import(&[texts(&one), texts(&two)].concat());
    let ids = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect()
    };
    let expected = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|message| message.id().to_string()).collect()
    };

    let of_two = Selection::default().of_feed(key(2).id());
    assert_eq!(ids(home.export(of_two)), expected(&two));
    assert_eq!(ids(home.export(of_two.since(2))), expected(&two[2..]));
    assert_eq!(ids(home.export(of_two.since(9))), Vec::<String>::new());
    assert_eq!(
        ids(home.export(Selection::default().since(3))),
        [expected(&one[3..]), expected(&two)].concat()
    );
    assert_eq!(ids(home.export(Selection::default().of_feed(key(9).id()))), Vec::<String>::new());
}

#[test]
fn what_cannot_be_taken_is_told_and_the_rest_is_taken() {
    let home = Home::new();
    let (one, two, fork) = (texts(&feed(1, 5, "a")), texts(&feed(2, 2, "b")), texts(&feed(1, 2, "other")));
    let altered = two[1].replace("\"b\"", "\"c\"");

    let summary = home.import(&[
        "no message".to_owned(),
        one[0].clone(),
        String::new(),
        "{}".to_owned(),
        one[1].clone(),
        fork[1].clone(),
        "also none".to_owned(),
        one[4].clone(),
        two[0].clone(),
        altered,
        "x".repeat(LINE_LEN_MAX + 9),
        two[1].clone(),
    ]);

    assert_eq!((summary.new, summary.known), (4, 0));
    let mut refused: Vec<(Why, u64, u64)> =
        summary.refused.iter().map(|(why, refusals)| (*why, refusals.count, refusals.first)).collect();
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            (Why::NotAMessage(NotAMessage::TooLong), 1, 11),
            (Why::NotAMessage(NotAMessage::NotJson), 2, 1),
            (Why::NotAMessage(NotAMessage::Malformed), 1, 4),
            (Why::Signature, 1, 10),
            (Why::Gap, 1, 8),
            (Why::Fork, 1, 6),
        ]
    );
    assert_eq!(home.messages(), [&one[0], &one[1], &two[0], &two[1]].map(String::clone));
}

#[test]
fn messages_of_a_network_with_a_signing_key_need_that_key() {
    let (home, other) = (Home::new(), Home::new());
    let signing = HmacKey::from_bytes([3; 32]);
    let state = ValidationState::new(key(1).id());
    let content = r#"{"type":"post"}"#;
    let message = draft::sign(content, &state, 1.0, &key(1), &Signing::keyed(signing)).unwrap();
    let mut config = home.config();
    config.signing = Some(signing);

    let taken = import(&config, message.json().as_bytes(), |_| {}).unwrap();

    assert_eq!(taken, summary(1, 0));
    assert_eq!(other.import(&[message.json().to_owned()]).refused[0].0, Why::Signature);
}

#[test]
fn own_messages_raise_the_mark() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    PublishedMark::created(key(1).id()).save(&home.path()).unwrap();
    secret_file::create(&home.path().join("secret"), &key(1)).unwrap();

    home.import(&texts(&feed(1, 3, "mine")));

    let mark = PublishedMark::load(&home.path(), key(1).id()).unwrap();
    assert_eq!((mark.origin, mark.sequence), (Origin::Created, 3));
}

#[test]
fn own_messages_of_a_key_from_elsewhere_open_nothing() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    secret_file::create(&home.path().join("secret"), &key(1)).unwrap();

    home.import(&texts(&feed(1, 3, "mine")));

    let mark = PublishedMark::load(&home.path(), key(1).id()).unwrap();
    assert!(!mark.permits(3));
}

#[test]
fn what_is_not_there_is_not_made_to_be_exported() {
    let home = Home::new();

    let error = export(&home.config(), Selection::default(), Vec::new()).unwrap_err();

    assert!(matches!(error, TransferError::Directory { .. }), "{error}");
    assert!(!home.path().exists());
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let home = Home::new();
    let (_store, _) = Store::open(Disk::open(&home.path().join("log")).unwrap()).unwrap();

    let imported = import(&home.config(), "".as_bytes(), |_| {});
    let exported = export(&home.config(), Selection::default(), Vec::new());

    for error in [imported.unwrap_err(), exported.unwrap_err()] {
        assert!(matches!(error, TransferError::InUse { .. }), "{error}");
    }
}

#[test]
fn progress_is_told_to_the_last_line() {
    let home = Home::new();
    let text = texts(&feed(1, 3, "a")).join("\n") + "\n\nx\n";
    let mut last = None;

    import(&home.config(), text.as_bytes(), |progress| last = Some(progress)).unwrap();

    let last = last.unwrap();
    assert_eq!((last.count, last.bytes), (5, text.len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_order_all_that_fits_together_is_taken(
        mut lines in Just([texts(&feed(1, 70, "a")), texts(&feed(2, 70, "b")), texts(&feed(3, 70, "c"))].concat())
            .prop_shuffle(),
        missing in 0..210_usize,
    ) {
        let home = Home::new();
        let gone = lines.remove(missing);

        let first = home.import(&lines);
        prop_assert_eq!(first.new + first.refused.iter().map(|(_, refusals)| refusals.count).sum::<u64>(), 209);
        let second = home.import(&[gone]);
        prop_assert_eq!(second, summary(1, 0));
        let third = home.import(&lines);

        prop_assert_eq!(third.refused, []);
        prop_assert_eq!(first.new + 1 + third.new, 210);
    }
}
