//! Single messages of feeds that nobody follows: a node and a JavaScript ssb-server ask each other for them by their ids, also for
//! what a third node has.

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::json;

#[test]
fn what_one_of_two_does_not_have_the_other_says() {
    for we_dial in [true, false] {
        let lab = Lab::new();
        let mut ours = Side::start(&lab, lab.ours("ours", &[]));
        let mut theirs = Side::start(&lab, lab.theirs("theirs", &[]));
        let [of_ours, of_theirs] = [&mut ours, &mut theirs].map(|side| side.publish("nobody follows me"));
        if we_dial {
            ours.dial(&theirs);
        } else {
            theirs.dial(&ours);
        }

        assert_eq!(ours.get(&of_theirs.id), of_theirs.value, "ours gets theirs");
        assert_eq!(theirs.get(&of_ours.id), of_ours.value, "theirs gets ours");
        assert_eq!(ours.ooo_get(&of_theirs.id), of_theirs.value);
        assert_eq!(theirs.ooo_get(&of_ours.id), of_ours.value);
        assert_eq!(ours.messages(), 1, "it is no part of the log");
    }
}

#[test]
fn ours_passes_on_what_javascript_wants_and_has() {
    let lab = Lab::new();
    let mut one = Side::start(&lab, lab.theirs("one", &[]));
    let mut middle = Side::start(&lab, lab.ours("middle", &[]));
    let mut other = Side::start(&lab, lab.theirs("other", &[]));
    let message = other.publish("far away");
    one.dial(&middle);
    middle.dial(&other);

    assert_eq!(one.get(&message.id), message.value);
}

#[test]
fn javascript_passes_on_what_ours_want_and_have() {
    let lab = Lab::new();
    let mut one = Side::start(&lab, lab.ours("one", &[]));
    let mut middle = Side::start(&lab, lab.theirs("middle", &[]));
    let mut other = Side::start(&lab, lab.ours("other", &[]));
    let message = other.publish("far away");
    one.dial(&middle);
    middle.dial(&other);

    assert_eq!(one.get(&message.id), message.value);
}

#[test]
fn what_nobody_has_is_not_found_as_in_javascript() {
    let lab = Lab::new();
    let mut ours = Side::start(&lab, lab.ours("ours", &["--ooo.timeout", "500"]));
    let mut theirs = Side::start(&lab, lab.theirs("theirs", &[]));
    ours.dial(&theirs);
    let unknown = format!("[\"%{}=.sha256\"]", "A".repeat(43));

    let answers = [&mut ours, &mut theirs].map(|side| side.owner.call("get", &unknown));

    assert_eq!(answers[0], answers[1]);
    let late = ours.owner.call("ooo.get", &unknown).expect_err("nobody has it");
    assert!(late.contains("ooo.get: took more than timeout:500"), "{late}");
}

/// A node and its owner.
struct Side {
    node: Node,
    owner: Client,
}

/// A message, and what it says.
struct Published {
    id: String,
    value: String,
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
    fn publish(&mut self, text: &str) -> Published {
        let message = self.owner.publish(&format!(r#"{{"type":"post","text":"{text}"}}"#));
        let id =
            json(&message).get("key").and_then(serde_json::Value::as_str).expect("it has an id").to_owned();
        let value = self.get(&id);
        Published { id, value }
    }

    #[track_caller]
    fn get(&mut self, id: &str) -> String {
        self.owner.call("get", &format!("[\"{id}\"]")).expect("somebody has it")
    }

    /// The same with `ooo.get`, whose answer is more than the message.
    #[track_caller]
    fn ooo_get(&mut self, id: &str) -> String {
        let answer = self.owner.call("ooo.get", &format!("[\"{id}\"]")).expect("somebody has it");
        let head = format!("{{\"key\":\"{id}\",\"value\":");
        let rest = answer.strip_prefix(&head).expect("key and value come first");
        let (value, timestamp) = rest.rsplit_once(",\"timestamp\":").expect("then the time");
        assert!(timestamp.ends_with(",\"ooo\":true}"), "{timestamp}");
        value.to_owned()
    }

    fn messages(&mut self) -> usize {
        self.owner.collect("createLogStream", "[{}]").expect("the owner may read").len()
    }
}
