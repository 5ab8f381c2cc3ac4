//! Old logs of JavaScript become ours.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::path::PathBuf;

use ssb_keys::MessageId;
use ssb_keys::hmac::HmacKey;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::secret_file;
use ssb_log::import::Damage;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_node::transfer::Migrated;
use ssb_node::transfer::NotAMessage;
use ssb_node::transfer::OldLogError;
use ssb_node::transfer::TransferError;
use ssb_node::transfer::Why;
use ssb_node::transfer::import;
use ssb_node::transfer::migrate;
use ssb_node::transfer::take_over;

use super::home;
use super::home::Home;
use super::home::key;
use super::home::texts;

fn feed(author: u8, count: u32, signing: &Signing) -> Vec<Message> {
    home::feed(author, count, signing, |n| {
        format!(r#"{{"type":"post","text":"é😀 {n}","1":0.1,"list":[null,true,{n}.5]}}"#)
    })
}

fn plain(author: u8, count: u32) -> Vec<Message> {
    feed(author, count, &Signing::plain())
}

/// As ssb-db stores it, received at some time.
fn record(message: &Message, received: f64) -> String {
    format!(r#"{{"key":"{}","value":{},"timestamp":{received}}}"#, message.id(), message.json())
}

fn records(messages: &[Message]) -> Vec<String> {
    messages.iter().zip(1_u32..).map(|(message, n)| record(message, f64::from(n) * 10.0)).collect()
}

/// A `log.offset` with these records, those that are empty deleted.
fn flume(records: &[String]) -> Vec<u8> {
    let mut file = Vec::new();
    for record in records {
        let data = if record.is_empty() { vec![0; 100] } else { record.clone().into_bytes() };
        let len = u32::try_from(data.len()).unwrap().to_be_bytes();
        file.extend([&len, data.as_slice(), &len].concat());
        file.extend(u32::try_from(file.len() + 4).unwrap().to_be_bytes());
    }
    file
}

/// A `log.bipf` of one block with these records.
fn db2(records: &[String]) -> Vec<u8> {
    let mut file = Vec::new();
    for record in records {
        let data = bipf(&json::parse(record.as_bytes()).unwrap());
        file.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
        file.extend(data);
    }
    file.resize(65_536, 0);
    file
}

fn bipf(value: &Value) -> Vec<u8> {
    let text = |text: &json::Text| tagged(0, text.decode().into_owned().into_bytes());
    match value {
        Value::Null => tagged(6, vec![]),
        Value::Bool(bool) => tagged(6, vec![u8::from(*bool)]),
        Value::Number(number) => match format!("{number}").parse::<i32>() {
            Ok(number) => tagged(2, number.to_le_bytes().into()),
            Err(_) => tagged(3, number.to_le_bytes().into()),
        },
        Value::Text(value) => text(value),
        Value::Array(values) => tagged(4, values.iter().flat_map(bipf).collect()),
        Value::Object(object) => {
            tagged(5, object.iter().flat_map(|(key, value)| [text(key), bipf(value)].concat()).collect())
        }
    }
}

fn tagged(kind: usize, bytes: Vec<u8>) -> Vec<u8> {
    let (mut tag, mut all) = (bytes.len() << 3 | kind, Vec::new());
    while tag >= 0x80 {
        all.push(u8::try_from(tag & 0x7f).unwrap() | 0x80);
        tag >>= 7;
    }
    all.push(u8::try_from(tag).unwrap());
    all.extend(bytes);
    all
}

fn counts(migrated: &Migrated) -> (u64, u64, u64) {
    (migrated.summary.new, migrated.summary.known, migrated.summary.refused())
}

fn tree(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn both_logs_are_taken_in_and_what_both_have_once() {
    let home = Home::new();
    let (one, two) = (plain(1, 5), plain(2, 3));
    home.put("flume/log.offset", flume(&records(&one)));
    home.put("db2/log.bipf", db2(&records(&[one.clone(), two.clone()].concat())));

    let migrated = home.take_over();

    assert_eq!(migrated.iter().map(counts).collect::<Vec<_>>(), [(5, 0, 0), (3, 5, 0)]);
    assert_eq!(migrated.iter().map(|log| (log.messages, log.feeds)).collect::<Vec<_>>(), [(5, 1), (8, 2)]);
    assert!(migrated.iter().all(|log| log.differences.is_empty()));
    assert_eq!(home.messages(), texts(&[one, two].concat()));
}

#[test]
fn messages_were_received_when_the_old_log_says_but_never_in_the_future() {
    let home = Home::new();
    let feed = plain(1, 3);
    let times = [1000.5, 1000.5, 8e15];
    let lines: Vec<String> = feed.iter().zip(times).map(|(message, time)| record(message, time)).collect();
    home.put("flume/log.offset", flume(&lines));

    home.take_over();

    let received: Vec<f64> = home.stored().iter().map(|stored| stored.received).collect();
    assert_eq!(received[0], 1000.5);
    assert!(received[1] > 1000.5 && received[1] < 1001.0);
    assert!(received[2] < 5e12);
}

#[test]
fn a_log_that_was_taken_in_whole_is_not_read_again_until_it_changes() {
    let home = Home::new();
    let feed = plain(1, 4);
    home.put("flume/log.offset", flume(&records(&feed[..3])));

    assert_eq!(home.take_over().len(), 1);
    assert_eq!(home.take_over(), []);
    home.put("flume/log.offset", flume(&records(&feed)));

    assert_eq!(home.take_over().iter().map(counts).collect::<Vec<_>>(), [(1, 3, 0)]);
}

#[test]
fn whoever_asks_is_told_of_the_whole_log_every_time() {
    let (home, other) = (Home::new(), Home::new());
    other.put("flume/log.offset", flume(&records(&plain(1, 4))));
    let before = tree(&other.path());

    for expected in [(4, 0, 0), (0, 4, 0)] {
        let migrated = migrate(&home.config(), &other.path(), |_| {}).unwrap();
        assert_eq!(counts(&migrated[0]), expected);
    }
    assert_eq!(tree(&other.path()), before);
}

#[test]
fn a_migration_that_was_interrupted_goes_on() {
    let home = Home::new();
    let feed = plain(1, 20);
    home.put("db2/log.bipf", db2(&records(&feed)));
    // What was committed before it ended.
    import(&home.config(), texts(&feed[..7]).join("\n").as_bytes(), |_| {}).unwrap();

    assert_eq!(home.take_over().iter().map(counts).collect::<Vec<_>>(), [(13, 7, 0)]);
    assert_eq!(home.messages(), texts(&feed));
}

#[test]
fn a_feed_with_a_deleted_message_is_named_with_the_place_where_it_stops() {
    let home = Home::new();
    let (holed, cut, whole) = (plain(1, 5), plain(2, 4), plain(3, 2));
    let mut lines = records(&[holed.clone(), cut, whole].concat());
    for deleted in [2, 8] {
        lines[deleted].clear();
    }
    home.put("flume/log.offset", flume(&lines));

    let migrated = &home.take_over()[0];

    assert_eq!(migrated.summary.deleted, 2);
    // What the feed that lost its end still has, is here.
    let [difference] = migrated.differences[..] else { panic!("{:?}", migrated.differences) };
    let offset = flume(&lines[..3]).len() as u64;
    assert_eq!((difference.feed, difference.new), (key(1).id(), 2));
    assert_eq!((difference.old.sequence, difference.old.messages), (5, 4));
    assert_eq!(difference.old.refused, Some((Why::Gap, offset)));
}

#[test]
fn what_is_refused_is_told_by_its_reason_and_first_offset() {
    let home = Home::new();
    let (good, alien) = (plain(1, 2), feed(2, 1, &Signing::keyed(HmacKey::from_bytes([1; 32]))));
    let wrong_key =
        record(&good[1], 1.0).replace(&good[1].id().to_string(), &MessageId::from_bytes([0; 32]).to_string());
    let metafeed = r#"{"key":"ssb:message/x","value":{"author":"ssb:feed/bendybutt-v1/x"},"timestamp":1}"#;
    let lines = [
        record(&good[0], 1.0),
        record(&alien[0], 2.0),
        wrong_key,
        metafeed.to_owned(),
        "{\"a\"".to_owned(),
        metafeed.to_owned(),
        record(&good[1], 9.0),
    ];
    let mut file = flume(&lines);
    let offset = |n: usize| flume(&lines[..n]).len() as u64;
    let torn_at = file.len() as u64;
    file.extend(b"\0\0\x01");
    file[usize::try_from(offset(4)).unwrap() + 3] ^= 1;
    home.put("flume/log.offset", file);

    let migrated = &home.take_over()[0];

    let mut refused: Vec<_> = migrated
        .summary
        .refused
        .iter()
        .map(|(why, refusals)| (*why, refusals.count, refusals.first))
        .collect();
    refused.sort_unstable();
    let mut expected = [
        (Why::NotAMessage(NotAMessage::WrongKey), 1, offset(2)),
        (Why::NotAMessage(NotAMessage::OtherFormat), 2, offset(3)),
        (Why::Damaged(Damage::Unframed), 1, offset(4)),
        (Why::Signature, 1, offset(1)),
    ];
    expected.sort_unstable();
    assert_eq!(refused, expected);
    assert_eq!(migrated.summary.torn_at, Some(torn_at));
    assert_eq!(home.messages(), texts(&good));
    let [difference] = migrated.differences[..] else { panic!("{:?}", migrated.differences) };
    assert_eq!((difference.feed, difference.old.refused), (key(2).id(), Some((Why::Signature, offset(1)))));
}

#[test]
fn a_log_of_another_network_is_read_again_when_its_key_is_there() {
    let home = Home::new();
    let signing = HmacKey::from_bytes([1; 32]);
    home.put("flume/log.offset", flume(&records(&feed(1, 3, &Signing::keyed(signing)))));
    assert_eq!(counts(&home.take_over()[0]), (0, 0, 3));

    let mut config = home.config();
    config.signing = Some(signing);

    assert_eq!(counts(&take_over(&config, |_| {}).unwrap()[0]), (3, 0, 0));
}

#[test]
fn where_no_old_log_is_nothing_is_made() {
    let home = Home::new();
    assert_eq!(home.take_over(), []);
    assert!(!home.path().exists());

    home.put("flume/log.offset", b"");
    home.put("db2", b"a file");

    assert_eq!(home.take_over(), []);
    assert!(!home.path().join("log").exists());
}

#[test]
fn what_is_no_log_and_what_is_half_compacted_are_errors_that_say_so() {
    let (garbage, compacting) = (Home::new(), Home::new());
    garbage.put("flume/log.offset", [7; 999]);
    compacting.put("db2/log.bipf", db2(&records(&plain(1, 1))));
    compacting.put("db2/log.bipf.compaction", b"");

    let errors = [&garbage, &compacting].map(|home| take_over(&home.config(), |_| {}).unwrap_err());

    assert!(matches!(&errors[0], TransferError::OldLog { error: OldLogError::Open(_), .. }), "{}", errors[0]);
    assert!(
        matches!(&errors[1], TransferError::OldLog { error: OldLogError::Compacting, .. }),
        "{}",
        errors[1]
    );
}

#[test]
fn own_messages_of_an_old_log_open_nothing() {
    let home = Home::new();
    home.put("flume/log.offset", flume(&records(&plain(1, 3))));
    secret_file::create(&home.path().join("secret"), &key(1)).unwrap();

    home.take_over();

    let mark = PublishedMark::load(&home.path(), key(1).id()).unwrap();
    assert!(!mark.permits(3));
}

#[test]
fn progress_is_told_from_the_first_byte_of_a_log_to_its_last() {
    let home = Home::new();
    let file = flume(&records(&plain(1, 30)));
    home.put("flume/log.offset", &file);
    let mut told = Vec::new();

    take_over(&home.config(), |advance| told.push((advance.len, advance.progress.bytes))).unwrap();

    let len = file.len() as u64;
    assert_eq!((told.first(), told.last()), (Some(&(len, 0)), Some(&(len, len))));
}

#[test]
fn nothing_is_read_while_the_old_program_runs() {
    let home = Home::new();
    home.put("flume/log.offset", flume(&records(&plain(1, 3))));
    let socket = UnixListener::bind(home.path().join("socket")).unwrap();

    let (migrated, taken) =
        (migrate(&home.config(), &home.path(), |_| {}), take_over(&home.config(), |_| {}));

    for refused in [migrated, taken] {
        assert!(matches!(refused, Err(TransferError::StillRunning { pid: None, .. })), "{refused:?}");
    }
    drop(socket);
    assert_eq!(home.take_over().len(), 1);
}

#[test]
fn known_peers_come_along_from_elsewhere() {
    let (old, home) = (Home::new(), Home::new());
    old.put("flume/log.offset", flume(&records(&plain(1, 3))));
    let table = r#"[{"address":"net:host:8008~shs:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}]"#;
    old.put("gossip.json", table);
    old.put("conn.json", "torn");

    migrate(&home.config(), &old.path(), |_| {}).unwrap();

    assert_eq!(fs::read_to_string(home.path().join("gossip.json")).unwrap(), table);
    assert!(!home.path().join("conn.json").exists());
}
