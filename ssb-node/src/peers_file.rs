//! `peers.json`: the table of known peers from one start to the next, in the form in which ssb-gossip 1.1.1 has it in `gossip.json`.
//!
//! A file is whole before it has its name, and the one before it stays beside it: whatever happens to one of them, peers are known.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;
use smol::channel::Receiver;
use ssb_gossip::core::Core;
use ssb_gossip::peers::Remembered;

use crate::config::LogLevel;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::old_peers;
use crate::rpc::gossip;

const NAME: &str = "peers.json";
const BEFORE: &str = "peers.json.old";
const ASIDE: &str = "peers.json.new";
const DAMAGED: &str = "peers.json.damaged";

/// The peers that are known in a directory, and what the owner should know about that.
pub(crate) fn load(directory: &Path) -> (Vec<Remembered>, Option<String>) {
    let path = directory.join(NAME);
    let is_there = path.exists();
    if let Some(table) = table(&path) {
        return (old_peers::of([table].into_iter()), None);
    }
    let known = match table(&directory.join(BEFORE)) {
        Some(table) => old_peers::of([table].into_iter()),
        None => old_peers::read(directory),
    };
    let notice = is_there.then(|| {
        // If it cannot be kept, it is written over when peers change.
        let _ = fs::rename(&path, directory.join(DAMAGED));
        format!("{NAME} is damaged: it is kept as {DAMAGED}, and {} peers are known from before", known.len())
    });
    (known, notice)
}

fn table(path: &Path) -> Option<Value> {
    old_peers::file(path).filter(Value::is_array)
}

/// The table, as it is kept. Where peers of the local network are is only true as long as they say so; who is staged is known as long
/// as the node runs.
pub(crate) fn text(core: &Core) -> String {
    let kept = core.peers().all().iter().filter(|known| !known.is_staged());
    let lines: Vec<String> = kept.map(gossip::peer).collect();
    format!("[{}]\n", lines.join(",\n"))
}

/// Keeps a table.
///
/// # Errors
///
/// Why not. The one before is still there.
pub(crate) fn save(directory: &Path, text: &str) -> io::Result<()> {
    let (path, aside) = (directory.join(NAME), directory.join(ASIDE));
    let mut file = fs::File::create(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match fs::rename(&path, directory.join(BEFORE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(&aside, &path)
}

/// Keeps tables as they come, until no more do.
pub(crate) fn keep(directory: &Path, tables: &Receiver<String>, logger: &Logger) {
    while let Ok(text) = tables.recv_blocking() {
        if let Err(error) = save(directory, &text) {
            say(&error, logger);
        }
    }
}

/// Says that a table could not be kept.
pub(crate) fn say(error: &io::Error, logger: &Logger) {
    let entry = Entry::new(LogLevel::Warning, "known peers could not be written to peers.json");
    logger.say(&entry.reason(error));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_gossip::address::Address;
    use ssb_keys::FeedId;

    fn table(n: u8) -> String {
        let key = FeedId::from_bytes([n; 32]);
        let address = Address::net("h.example", 8008, key).unwrap();
        format!(r#"[{{"address":"{address}","key":"{key}","source":"pub","announcers":1,"failure":{n}}}]"#)
    }

    fn failures(directory: &Path) -> Vec<u32> {
        load(directory).0.iter().map(|peer| peer.failures).collect()
    }

    #[test]
    fn what_is_kept_is_known_again() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(load(home.path()), (Vec::new(), None));

        save(home.path(), &table(1)).unwrap();
        assert_eq!(failures(home.path()), [1]);
        assert_eq!(load(home.path()).0[0].source.as_deref(), Some("pub"));
        save(home.path(), &table(2)).unwrap();
        assert_eq!(failures(home.path()), [2]);
    }

    #[test]
    fn javascript_s_tables_count_until_there_is_one_of_ours() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("gossip.json"), table(7)).unwrap();
        assert_eq!(failures(home.path()), [7]);

        save(home.path(), "[]").unwrap();

        assert_eq!(failures(home.path()), [0_u32; 0]);
    }

    #[test]
    fn a_damaged_table_is_kept_aside_and_the_one_before_it_counts() {
        for damage in ["", "[{", "{}", "null"] {
            let home = tempfile::tempdir().unwrap();
            save(home.path(), &table(1)).unwrap();
            save(home.path(), &table(2)).unwrap();
            fs::write(home.path().join(NAME), damage).unwrap();

            let (known, notice) = load(home.path());

            assert_eq!(known[0].failures, 1);
            assert!(notice.unwrap().contains("1 peers are known"), "{damage}");
            assert_eq!(fs::read_to_string(home.path().join(DAMAGED)).unwrap(), damage);
            assert_eq!(load(home.path()).1, None, "it is told once");
        }
    }

    #[test]
    fn a_crash_between_two_names_loses_nothing() {
        let home = tempfile::tempdir().unwrap();
        save(home.path(), &table(1)).unwrap();
        fs::rename(home.path().join(NAME), home.path().join(BEFORE)).unwrap();

        assert_eq!(failures(home.path()), [1]);
        assert_eq!(load(home.path()).1, None);
    }
}
