//! A JavaScript ssb-server and our node, following each other, end with each other's feeds.

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::without_receive_time;

#[test]
fn javascript_dials_us() {
    replicate(Dials::Theirs, &[]);
}

#[test]
fn javascript_without_ebt_dials_us() {
    replicate(Dials::Theirs, &["--no-ebt"]);
}

#[test]
fn we_dial_javascript() {
    replicate(Dials::Ours, &[]);
}

#[test]
fn we_dial_javascript_without_ebt() {
    replicate(Dials::Ours, &["--no-ebt"]);
}

#[test]
fn both_dial_and_have_two_connections() {
    replicate(Dials::Both, &[]);
}

#[test]
fn both_dial_and_have_two_connections_without_ebt() {
    replicate(Dials::Both, &["--no-ebt"]);
}

#[derive(Clone, Copy)]
enum Dials {
    Ours,
    Theirs,
    Both,
}

fn replicate(who: Dials, javascript: &[&str]) {
    let lab = Lab::new();
    let ours = Side::start(&lab, lab.ours("ours", &[]));
    let theirs = Side::start(&lab, lab.theirs("theirs", javascript));
    let mut sides = [ours, theirs];
    let ids = sides.each_ref().map(|side| side.node.id());
    // Follow first, dial second, as people do: the follow is in the log when the connection opens.
    for (side, other) in sides.iter_mut().zip(ids.iter().rev()) {
        side.publish(r#"{"type":"post","text":"before the follow"}"#);
        side.publish(&format!(r#"{{"type":"contact","contact":"{other}","following":true}}"#));
        for n in 0..10 {
            side.publish(&format!(r#"{{"type":"post","text":"stored {n}","zebra":{n},"apple":0.1}}"#));
        }
    }

    let [ours, theirs] = &mut sides;
    if matches!(who, Dials::Ours | Dials::Both) {
        ours.dial(theirs);
    }
    if matches!(who, Dials::Theirs | Dials::Both) {
        theirs.dial(ours);
    }
    assert_equal_feeds(&mut sides, &ids, 12);

    for n in 0..3 {
        for side in &mut sides {
            side.publish(&format!(r#"{{"type":"post","text":"live {n}"}}"#));
        }
        // One after the other, so that each of them really travels live.
        assert_equal_feeds(&mut sides, &ids, 13 + n);
    }
}

/// A node and its owner.
struct Side {
    node: Node,
    owner: Client,
}

impl Side {
    fn start(lab: &Lab, node: Node) -> Self {
        Self { owner: lab.client(&node), node }
    }

    #[track_caller]
    fn dial(&mut self, other: &Self) {
        self.owner.dial(&other.node);
    }

    #[track_caller]
    fn publish(&mut self, content: &str) {
        self.owner.publish(content);
    }

    /// The feed as this node has it: keys and values as text, hence in key order and digits, too.
    #[track_caller]
    fn feed(&mut self, id: &str) -> Vec<String> {
        let items = self.owner.collect("createHistoryStream", &format!(r#"[{{"id":"{id}"}}]"#));
        let items = items.expect("the owner may read");
        items.iter().map(|item| without_receive_time(item)).collect()
    }
}

#[track_caller]
fn assert_equal_feeds(sides: &mut [Side; 2], ids: &[String; 2], messages: usize) {
    for id in ids {
        for side in sides.iter_mut() {
            eventually(&format!("{} messages of {id} on {}", messages, side.node.address()), || {
                (side.feed(id).len() >= messages).then_some(())
            });
        }
        let [ours, theirs] = sides.each_mut().map(|side| side.feed(id));
        assert_eq!(ours.len(), messages);
        assert_eq!(ours, theirs, "the feed of {id}: left is ours, right is ssb-server's");
    }
}
