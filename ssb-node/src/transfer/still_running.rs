//! Whether the old program still runs in its directory: its log would move while it is read, and two programs with one key
//! fork its feed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The one who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OldNode {
    /// Its process, where the system tells.
    pub(super) pid: Option<u32>,
}

/// Folders of leveldb, each with a file that whoever has it open holds locked.
const LEVELS: [&str; 2] = ["flume", "db2/indexes"];

/// Who runs in a directory, if anybody but a node of ours does.
pub(super) fn find(directory: &Path) -> Option<OldNode> {
    let held = fs::read_to_string("/proc/locks").unwrap_or_default();
    let locks = LEVELS.iter().flat_map(|folder| locks(&directory.join(folder)));
    if let Some(pid) = locks.into_iter().find_map(|lock| holder(&held, lock)) {
        return Some(OldNode { pid: Some(pid) });
    }
    let answers = UnixStream::connect(directory.join("socket")).is_ok();
    (answers && !is_ours(directory)).then_some(OldNode { pid: None })
}

/// A file as the system names it.
#[derive(Clone, Copy)]
struct File {
    major: u64,
    minor: u64,
    inode: u64,
}

fn locks(folder: &Path) -> Vec<File> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let locks = entries.flatten().filter_map(|entry| entry.path().join("LOCK").metadata().ok());
    locks
        .map(|file| File {
            major: file.dev() >> 8 & 0xfff,
            minor: file.dev() & 0xff | file.dev() >> 12 & 0xfff00,
            inode: file.ino(),
        })
        .collect()
}

/// Which process has a lock on a file, by Linux's list: `2: POSIX ADVISORY WRITE 8072 fe:00:10018846 0 EOF`.
fn holder(held: &str, file: File) -> Option<u32> {
    let File { major, minor, inode } = file;
    let place = format!("{major:02x}:{minor:02x}:{inode}");
    held.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (Some("POSIX"), pid, Some(there)) = (words.next(), words.nth(2), words.next()) else {
            return None;
        };
        (there == place).then(|| pid?.parse().ok()).flatten()
    })
}

fn is_ours(directory: &Path) -> bool {
    let lock = fs::File::open(directory.join("log/lock"));
    let locked = lock.map(|lock| lock.try_lock_shared());
    matches!(locked, Ok(Err(fs::TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    const HELD: &str = "\
1: FLOCK  ADVISORY  WRITE 6807 fe:00:5742614 0 EOF
2: POSIX  ADVISORY  WRITE 8072 fe:00:10018846 0 EOF
2: -> POSIX  ADVISORY  WRITE 9 fe:00:10018847 0 EOF
3: POSIX  ADVISORY  READ -1 fe:00:7 0 EOF
";

    #[test]
    fn the_holder_of_a_lock_stands_in_linuxs_list() {
        let file = |minor, inode| File { major: 0xfe, minor, inode };

        assert_eq!(holder(HELD, file(0, 10_018_846)), Some(8072));
        for other in [file(1, 10_018_846), file(0, 5_742_614), file(0, 10_018_847), file(0, 7), file(0, 8)] {
            assert_eq!(holder(HELD, other), None);
        }
        assert_eq!(holder("", file(0, 7)), None);
    }

    #[test]
    fn a_socket_that_answers_is_somebodys_unless_a_node_of_ours_has_the_log() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(find(home.path()), None);
        let listener = UnixListener::bind(home.path().join("socket")).unwrap();
        assert_eq!(find(home.path()), Some(OldNode { pid: None }));

        fs::create_dir(home.path().join("log")).unwrap();
        let lock = fs::File::create(home.path().join("log/lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(find(home.path()), None);

        drop((lock, listener));
        assert_eq!(find(home.path()), None);
    }
}
