//! A node starts where a JavaScript node was before.

use std::fs;
use std::path::Path;

use super::home::Home;

/// A log that flumelog-offset wrote. What is in it are no messages.
fn put_old_log(home: &Home) -> Vec<u8> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ssb-log/tests/vectors");
    let log = fs::read(vectors.join("offset-32")).unwrap();
    fs::create_dir_all(home.file("flume")).unwrap();
    fs::write(home.file("flume/log.offset"), &log).unwrap();
    log
}

#[test]
fn the_first_start_says_what_became_of_the_old_log_and_the_second_does_not_read_it() {
    let home = Home::new();
    let log = put_old_log(&home);
    let path = home.file("flume/log.offset");

    let first = home.start().stop_and_tell();
    let second = home.start().stop_and_tell();

    let taking = format!(
        "Taking in {} ({} B), the log of the node that was here before. It is read only, and stays as it is.\n\
         100 % read, 6 records\n",
        path.display(),
        log.len()
    );
    assert!(first.starts_with(&taking), "{first}");
    assert!(first.contains("  refused   5\n  deleted   1\n"), "{first}");
    assert!(!second.contains("Taking in"), "{second}");
    assert_eq!(fs::read(&path).unwrap(), log);
}

#[test]
fn an_old_log_that_cannot_be_read_keeps_no_node_from_starting() {
    let home = Home::new();
    put_old_log(&home);
    fs::write(home.file("flume/log.offset"), "not a log").unwrap();

    let said = home.start().stop_and_tell();

    let expected = format!(
        "The log that was here before is not taken in: {} cannot be read: there is no whole record in it\n",
        home.file("flume/log.offset").display()
    );
    assert!(said.contains(&expected), "{said}");
}
