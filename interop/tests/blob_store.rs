//! The real ssb-client adds, reads and hears of blobs on both servers alike, and both have them in the same files.

use std::fs;

use interop::Lab;
use interop::Node;
use interop::blob_file;
use interop::eventually;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

#[test]
fn what_ssb_client_adds_is_told_read_and_kept_as_by_ssb_server() {
    let lab = Lab::new();
    let nodes = [lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"])];
    let (short, long) = ("hello, world", "x".repeat(200_000));
    let ids = [short, &long].map(|text| BlobId::from_bytes(sha256(text.as_bytes())).to_string());

    let told = nodes.each_ref().map(|node| {
        let mut client = lab.client(node);
        let changes = client.open("blobs.changes", "[]");
        let entries = client.open("blobs.ls", r#"[{"old":false,"meta":true}]"#);
        // What was called before this is answered has begun.
        client.call("whoami", "[]").expect("the node answers");
        assert_eq!(client.pour("blobs.add", r#"["hello, ","world"]"#), Ok(()));
        let first = (client.item(changes), client.item(entries));
        assert_eq!(client.pour("blobs.add", &format!("[\"{long}\"]")), Ok(()));
        let second = (client.item(changes), client.item(entries));
        let [short_id, long_id] = &ids;
        let read = client.collect("blobs.get", &format!("[\"{short_id}\"]")).expect("it is there");
        let slice = format!(r#"[{{"id":"{long_id}","start":65000,"end":131073}}]"#);
        let slice = client.collect("blobs.getSlice", &slice).expect("it is there");
        let without_time = |(id, entry): (String, String)| {
            (id, entry.split(",\"ts\":").next().unwrap_or_default().to_owned())
        };
        ([first, second].map(without_time), read, slice)
    });

    let [ours, theirs] = told;
    assert_eq!(ours, theirs);
    assert_eq!(ours.0.each_ref().map(|(id, _)| id.trim_matches('"')), ids.each_ref().map(String::as_str));
    for node in &nodes {
        for text in [short, &long] {
            let found =
                eventually("the file", || fs::read(blob_file(node.dir(), &sha256(text.as_bytes()))).ok());
            assert!(found == text.as_bytes());
        }
    }
}

#[test]
fn what_one_server_has_stored_the_other_serves_from_the_same_directory() {
    let lab = Lab::new();
    let id = BlobId::from_bytes(sha256(b"hello, world"));
    let read = |node: &Node| {
        let mut client = lab.client(node);
        let pieces = client.collect("blobs.get", &format!("[\"{id}\"]"));
        client.close();
        pieces
    };
    let ours = lab.ours("one", &[]);
    let mut client = lab.client(&ours);
    assert_eq!(client.pour("blobs.add", r#"["hello, world"]"#), Ok(()));
    let by_ours = eventually("the blob", || read(&ours).ok());
    client.close();
    ours.stop();

    let theirs = lab.theirs("one", &["--no-dial"]);
    assert_eq!(read(&theirs).as_ref(), Ok(&by_ours));
    theirs.stop();

    let again = lab.ours("one", &[]);
    assert_eq!(read(&again), Ok(by_ours));
}
