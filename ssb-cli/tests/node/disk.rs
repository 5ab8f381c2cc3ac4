//! Disks that are full or cannot be written: in a mount namespace of its own, so that no other test notices.

use std::fs;
use std::process::Command;
use std::process::Stdio;

use super::home::Home;
use super::home::Node;
use super::home::refusal;
use super::home::text;
use super::home::wait;

/// A start after a shell script has arranged the mounts; in there `$1` is the node's directory.
fn mounted(home: &Home, arrange: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg(format!("set -e; {arrange}; exec \"$0\" start --path \"$1\" --host 127.0.0.1 --port 0"));
    command.arg(env!("CARGO_BIN_EXE_ssb-cli")).arg(home.path()).env("HOME", home.path());
    // Variables of that form are settings of the node.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_lowercase().starts_with("ssb_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_disk_that_is_full_stops_writing_and_nothing_else() {
    let home = Home::new();
    home.start().stop();
    // The directory outside stays as it is: clients find the secret there.
    let copy =
        "cp -a \"$1\" \"$1.copy\"; mount -t tmpfs -o size=200k none \"$1\"; cp -a \"$1.copy\"/. \"$1\"";
    let mut node = Node::wait_for(mounted(&home, copy).spawn().unwrap());
    let post = "x".repeat(7_000);

    let mut acknowledged = 0;
    let refused = loop {
        let output = home.call(&node, &["publish", "--type", "post", "--text", &post]);
        if !output.status.success() {
            break output;
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "the disk does not fill");
    };

    assert!(acknowledged > 3);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("the log cannot be written any more; see the node's own log"), "{said}");
    let latest = home.answer(&node, &["log", "--reverse", "--limit", "1"]);
    assert!(latest.contains(&format!("\"sequence\": {acknowledged},")), "{latest}");

    // What is on the full disk, on one with room.
    let after = Home::new();
    let full = format!("/proc/{}/root{}", node.pid(), home.path().display());
    assert!(Command::new("cp").arg("-a").arg(full).arg(after.path()).status().unwrap().success());
    node.signal("TERM");
    assert_eq!(wait(&mut node.child).code(), Some(74));
    let said = node.said();
    let cause = "log cannot be written: No space left on device (os error 28)";
    let line = format!("error nothing is stored or published from now on reason=\"{cause}\"");
    assert!(said.contains(&line), "{said}");
    assert!(said.trim_end().ends_with("nothing was stored since"), "{said}");
    let next = after.start();
    let all = after.answer(&next, &["hist", "--id", &after.id(), "--no-keys"]);
    // The one that was refused may have reached the disk, as the mark, which has to be there too, did not.
    let stored = all.matches("\"sequence\"").count();
    assert!((acknowledged..=acknowledged + 1).contains(&stored), "{stored} of {acknowledged}");
    let published = after.answer(&next, &["publish", "--type", "post"]);
    assert!(published.contains(&format!("\"sequence\": {},", stored + 1)), "{published}");
}

#[test]
fn a_disk_without_room_for_a_new_identity_is_named() {
    // How many pages there are, one for each file, decides which file is the first without room.
    for (pages, named) in [(1, "log/records"), (2, ""), (3, ""), (4, "")] {
        let home = Home::new();
        fs::create_dir(home.path()).unwrap();
        let small = format!("mount -t tmpfs -o nr_blocks={pages} none \"$1\"");

        let said = refusal(mounted(&home, &small).spawn().unwrap());

        let what = match named {
            "" => format!("the data directory {}", home.path().display()),
            file => home.file(file).display().to_string(),
        };
        let cause = "No space left on device (os error 28); make room there, then start again";
        assert_eq!(said, format!("Error: {what} cannot be used: {cause}\n"), "{pages} pages");
    }
}

#[test]
fn a_start_that_found_no_room_leaves_nothing_that_keeps_the_next_from_publishing() {
    for pages in 1..5 {
        let home = Home::new();
        fs::create_dir(home.path()).unwrap();
        let small = "mount -t tmpfs -o nr_blocks=PAGES none \"$1\"; ! \"$0\" start --path \"$1\" --port 0 2>/dev/null; \
                     mount -o remount,nr_blocks=1000 \"$1\"";

        let node =
            Node::wait_for(mounted(&home, &small.replace("PAGES", &pages.to_string())).spawn().unwrap());

        for file in ["secret", "manifest.json"] {
            let inside = format!("/proc/{}/root{}", node.pid(), home.file(file).display());
            fs::copy(inside, home.file(file)).unwrap();
        }
        let published = home.answer(&node, &["publish", "--type", "post"]);
        assert!(published.contains("\"sequence\": 1,"), "{pages} pages: {published}");
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_named() {
    let home = Home::new();
    home.start().stop();
    let before = home.contents();
    let read_only = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"";

    let said = refusal(mounted(&home, read_only).spawn().unwrap());

    let expected = format!(
        "Error: {} cannot be used: Read-only file system (os error 30); a node has to write there: change that, or \
         choose another directory with --path\n",
        home.file("log/lock").display()
    );
    assert_eq!(said, expected);
    assert_eq!(home.contents(), before);
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let home = Home::new();
    fs::write(home.path(), "no directory").unwrap();

    let said = home.refusal();

    let expected = format!(
        "Error: the data directory {} cannot be used: File exists (os error 17); it has to be a directory: choose another \
         one with --path\n",
        home.path().display()
    );
    assert_eq!(said, expected);
    assert_eq!(fs::read_to_string(home.path()).unwrap(), "no directory");
}
