//! Whoever dials pings, and both sides learn how far the other is.

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::json;

#[test]
fn our_node_measures_how_far_a_javascript_server_is() {
    let lab = Lab::new();
    let (ours, theirs) = (lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"]));

    dial(&mut lab.socket_client(&ours), &theirs);
}

#[test]
fn a_javascript_server_measures_how_far_our_node_is() {
    let lab = Lab::new();
    let (ours, theirs) = (lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"]));

    dial(&mut lab.socket_client(&theirs), &ours);
}

/// Connects, and waits until a ping has come back.
#[expect(clippy::indexing_slicing, reason = "what is missing is null, and fails the test")]
fn dial(dialer: &mut Client, to: &Node) {
    dialer.dial(to);

    let peer = eventually("a ping that came back", || {
        let peer = json(&dialer.call("gossip.get", &format!(r#"["{}"]"#, to.id())).expect("it is known"));
        (peer["ping"]["rtt"]["count"].as_u64()? > 0).then_some(peer)
    });

    assert_eq!((peer["state"].as_str(), peer["client"].as_bool()), (Some("connected"), Some(true)));
    assert_eq!(peer["ping"]["skew"]["count"], 1);
    // Both run on this machine, and have its clock.
    let skew = peer["ping"]["skew"]["mean"].as_f64().expect("a number");
    assert!(skew.abs() < 1000.0, "{peer}");
}
