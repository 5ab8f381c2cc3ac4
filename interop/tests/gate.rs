//! Nothing is published while the node's own feed may be longer elsewhere, and nothing private in clear.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::json;
use interop::key;
use interop::value;

#[test]
fn a_copied_secret_may_not_publish() {
    let lab = Lab::new();
    let ours = Moved::from_javascript(&lab).start(&lab, &[]);

    let error = lab.client(&ours).call("publish", HELLO).expect_err("the feed may be longer elsewhere");

    assert!(error.contains("--new-feed"), "the error does not say what to do: {error}");
    assert_eq!(lab.client(&ours).collect("createLogStream", "[]"), Ok(vec![]));
}

#[test]
fn a_copied_secret_continues_its_feed_once_a_peer_has_returned_it() {
    let lab = Lab::new();
    let moved = Moved::from_javascript(&lab);
    let holder = lab.theirs("holder", &[]);
    moved.give_feed_to(&mut lab.client(&holder));
    let ours = moved.start(&lab, &[]);
    let mut owner = lab.client(&ours);

    owner.dial(&holder);
    let published = eventually("the gate opens", || owner.call("publish", HELLO).ok());

    let published = json(&published);
    let last = moved.feed.last().expect("it published");
    assert_eq!(published.pointer("/value/previous"), Some(&key(last).into()));
    assert_eq!(published.pointer("/value/sequence"), Some(&(moved.feed.len() + 1).into()));
}

#[test]
fn a_recovered_feed_stays_open_after_a_restart() {
    let lab = Lab::new();
    let moved = Moved::from_javascript(&lab);
    let holder = lab.theirs("holder", &[]);
    moved.give_feed_to(&mut lab.client(&holder));
    let ours = moved.start(&lab, &[]);
    let mut owner = lab.client(&ours);
    owner.dial(&holder);
    eventually("the gate opens", || owner.call("publish", HELLO).ok());
    ours.stop();

    let ours = moved.start(&lab, &[]);

    assert!(lab.client(&ours).call("publish", HELLO).is_ok());
}

#[test]
fn an_empty_answer_opens_nothing() {
    let lab = Lab::new();
    let moved = Moved::from_javascript(&lab);
    // Has never heard of the feed.
    let trace = lab.dir("trace");
    let empty = lab.theirs("empty", &["--trace", &trace.display().to_string()]);
    let ours = moved.start(&lab, &[]);
    let mut owner = lab.client(&ours);

    owner.dial(&empty);
    eventually("our node asks for its own feed", || {
        let trace = fs::read_to_string(&trace).ok()?;
        let asks = |line: &str| line.contains(r#"["createHistoryStream"]"#) && line.contains(&ours.id());
        trace.lines().any(|line| line.contains(" << ") && asks(line)).then_some(())
    });

    // The answer needs no more than a round trip on loopback; the gate is watched for much longer.
    let start = Instant::now();
    while start.elapsed() < WATCH {
        owner.call("publish", HELLO).expect_err("nobody has returned the feed");
        owner.call("whoami", "[]").expect("the node is there");
    }
}

#[test]
fn new_feed_opens_the_gate_and_is_remembered() {
    let lab = Lab::new();
    let moved = Moved::from_javascript(&lab);

    let ours = moved.start(&lab, &["--new-feed"]);
    let first = lab.client(&ours).call("publish", HELLO).expect("the owner said so");
    ours.stop();
    let ours = moved.start(&lab, &[]);
    let second = lab.client(&ours).call("publish", HELLO).expect("it is remembered");

    assert_eq!(json(&first).pointer("/value/sequence"), Some(&1.into()));
    assert_eq!(json(&second).pointer("/value/previous"), Some(&key(&first).into()));
}

#[test]
fn a_lost_log_closes_the_gate() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    for _ in 0..2 {
        lab.client(&ours).call("publish", HELLO).expect("the secret is this node's own");
    }
    ours.stop();
    fs::remove_dir_all(lab.dir("ours").join("log")).expect("the log is in its folder");

    let ours = lab.ours("ours", &[]);
    let error = lab.client(&ours).call("publish", HELLO).expect_err("two messages are elsewhere");

    assert!(error.contains("--new-feed"), "the error does not say what to do: {error}");
}

#[test]
fn content_that_names_recipients_is_never_published_in_clear() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let mut owner = lab.client(&ours);
    let id = ours.id();
    let content = |recps: &str| format!(r#"[{{"type":"post","text":"for your eyes only","recps":{recps}}}]"#);

    for recps in [format!(r#"["{id}"]"#), format!(r#""{id}""#)] {
        let published = owner.call("publish", &content(&recps)).expect("it is sealed");
        assert!(published.contains(".box\"") && !published.contains("eyes"), "recps {recps}: {published}");
    }
    let none = ["[]", "false", "0", "\"\"", "5", "{}", "[5]", "[\"x\"]"];
    for recps in none {
        let error = owner.call("publish", &content(recps)).expect_err("it would be readable by all");
        assert!(error.contains("recps"), "recps {recps}: {error}");
    }

    let log = owner.collect("createLogStream", "[]").expect("the owner may read");
    assert!(log.len() == 2 && !log.concat().contains("eyes"), "{log:?}");
}

/// An identity that has published with a JavaScript server, and whose secret is now in our directory.
struct Moved {
    dir: PathBuf,
    feed: Vec<String>,
}

impl Moved {
    fn from_javascript(lab: &Lab) -> Self {
        let before = lab.theirs("before", &[]);
        let mut owner = lab.client(&before);
        let feed = ["one", "two", "three"].map(|text| {
            owner
                .call("publish", &format!(r#"[{{"type":"post","text":"{text}"}}]"#))
                .expect("ssb-server publishes")
        });
        let dir = lab.dir("ours");
        fs::create_dir_all(&dir).expect("the lab is writable");
        // With its mode, as `cp` does; ssb-server makes it 0400.
        fs::copy(before.dir().join("secret"), dir.join("secret")).expect("ssb-server has written it");
        Self { dir, feed: feed.into() }
    }

    fn start(&self, lab: &Lab, options: &[&str]) -> Node {
        let name = self.dir.file_name().and_then(|name| name.to_str()).expect("we named it");
        lab.ours(name, options)
    }

    fn give_feed_to(&self, holder: &mut Client) {
        for message in &self.feed {
            holder
                .call("add", &format!("[{}]", value(message)))
                .expect("ssb-server accepts its own messages");
        }
    }
}

const HELLO: &str = r#"[{"type":"post","text":"hello"}]"#;
const WATCH: Duration = Duration::from_secs(3);
