//! What JavaScript's nodes call right after the handshake, all before any answer, in whatever order their plugins are
//! loaded: each call gets its own answer, and nothing of it ends the connection.
//!
//! The calls are those of ssb-server 16.0.1 and of secret-stack 6.4.2 with ssb-db2 8.1.0, ssb-conn 6.0.4 and ssb-ebt 9.1.2.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use ssb_gossip::peer::PeerEvent;
use ssb_keys::Keypair;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use super::home::Home;
use super::home::Node;
use super::line::Line;

/// A call, its kind, its arguments, what is sent on its stream at once, and how it is answered.
type Call = (&'static str, Kind, &'static str, Option<&'static str>, Answer);

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A stranger may not call that: the text that JavaScript's nodes compare.
    Refused(&'static str),
    /// One item, a number of milliseconds since 1970, and no end.
    Time,
    /// An end, without items.
    End,
    /// The manifest.
    Manifest,
    /// One item, the notes of feeds, and no end.
    Notes,
    /// Items that want nothing, and no end.
    Wants,
    /// Nothing, and no end.
    Nothing,
}

const CALLS: [Call; 11] = [
    ("gossip.ping", Kind::Duplex, r#"[{"timeout":300000}]"#, Some("1795346942816"), Answer::Time),
    ("blobs.createWants", Kind::Source, "[]", None, Answer::Wants),
    ("ebt.replicate", Kind::Duplex, r#"[{"version":3,"format":"classic"}]"#, Some("{}"), Answer::Notes),
    (
        "ebt.replicateFormat",
        Kind::Duplex,
        r#"[{"version":3,"format":"bendybutt-v1"}]"#,
        Some("{}"),
        Answer::Refused("method:ebt,replicateFormat"),
    ),
    ("ooo.stream", Kind::Duplex, "[]", Some("{}"), Answer::Nothing),
    ("room.metadata", Kind::Async, "[]", None, Answer::Refused("method:room,metadata")),
    ("tunnel.isRoom", Kind::Async, "[]", None, Answer::Refused("method:tunnel,isRoom")),
    ("room.attendants", Kind::Source, "[]", None, Answer::Refused("method:room,attendants")),
    ("tunnel.endpoints", Kind::Source, "[]", None, Answer::Refused("method:tunnel,endpoints")),
    (
        "createHistoryStream",
        Kind::Source,
        r#"[{"id":"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519","seq":1,"live":false,"keys":false}]"#,
        None,
        Answer::End,
    ),
    ("manifest", Kind::Async, "[]", None, Answer::Manifest),
];

#[test]
fn each_call_of_a_burst_is_answered_whatever_its_place() {
    let home = Home::new();
    let node = home.start();
    let places = prop::collection::vec(any::<Index>(), CALLS.len());

    let law = TestRunner::new(ProptestConfig::with_cases(24)).run(&places, |places| {
        let mut left: Vec<Call> = CALLS.to_vec();
        let order: Vec<Call> = places.iter().map(|place| left.remove(place.index(left.len()))).collect();
        let mut stranger = Stranger::connect(&home, &node);
        let told = stranger.burst(&order);
        for (method, _, _, _, answer) in order {
            let told = told.get(method).map(Vec::as_slice).unwrap_or_default();
            check(method, answer, told)?;
        }
        Ok(())
    });

    law.unwrap();
}

fn check(method: &str, answer: Answer, told: &[String]) -> Result<(), TestCaseError> {
    match (answer, told) {
        (Answer::Refused(start), [only]) => {
            prop_assert_eq!(only, &format!("failed: {start} is not in list of allowed methods"));
        }
        (Answer::Time, [only]) => {
            prop_assert!(only.parse::<f64>().is_ok_and(|time| time > 1.7e12), "{only}");
        }
        (Answer::End, [only]) => {
            prop_assert_eq!(only, "end");
        }
        (Answer::Manifest, [only]) => {
            prop_assert!(only.contains("\"createHistoryStream\":\"source\""), "{only}");
        }
        (Answer::Nothing, []) => {}
        // One for the call, and one once the caller has refused the same.
        (Answer::Wants, [_] | [_, _]) => {
            prop_assert!(told.iter().all(|item| item == "{}"), "{told:?}");
        }
        (Answer::Notes, [only]) => {
            prop_assert!(only.starts_with("{\"@") && only.ends_with(":1}"), "{only}");
        }
        _ => prop_assert!(false, "{method} expects {answer:?}, was told {told:?}"),
    }
    Ok(())
}

/// Who has a key of its own, and speaks muxrpc itself.
struct Stranger(Line);

impl Stranger {
    fn connect(home: &Home, node: &Node) -> Self {
        let mut line = Line::dial(home, node, &Keypair::from_seed(&[8; 32]));
        line.open();
        Self(line)
    }

    /// Makes all calls before it reads anything, and returns what each was told.
    fn burst(&mut self, calls: &[Call]) -> BTreeMap<&'static str, Vec<String>> {
        let (mut requests, mut told) = (BTreeMap::new(), BTreeMap::new());
        for (method, kind, args, item, _) in calls {
            let path: Vec<&str> = method.split('.').collect();
            let request = self.0.peer.call(&path, *kind, args).unwrap();
            requests.insert(request, *method);
            if let Some(item) = item {
                self.0.peer.item(request, Body::Json(item));
            }
        }
        let answered = calls.iter().filter(|call| !matches!(call.4, Answer::Nothing)).count();
        while told.len() < answered {
            self.0.turn();
            self.events(&mut requests, &mut told);
        }
        // Whatever was refused, the connection goes on.
        let request = self.0.peer.call(&["manifest"], Kind::Async, "[]").unwrap();
        requests.insert(request, "afterwards");
        while !told.contains_key("afterwards") {
            self.0.turn();
            self.events(&mut requests, &mut told);
        }
        told
    }

    fn events(
        &mut self,
        requests: &mut BTreeMap<RequestId, &'static str>,
        told: &mut BTreeMap<&'static str, Vec<String>>,
    ) {
        let mut tell = |request: RequestId, text: String| {
            let method = requests.get(&request).copied().unwrap_or("nobody");
            told.entry(method).or_default().push(text);
        };
        // What the node itself calls is its own business.
        while let Some(event) = self.0.peer.poll() {
            match event {
                PeerEvent::Answered { request, body, .. } | PeerEvent::Item { request, body, .. } => {
                    tell(request, String::from_utf8(body.to_vec()).unwrap());
                }
                PeerEvent::Failed { request, error } => tell(request, format!("failed: {}", error.message())),
                PeerEvent::StreamEnded { request, error } => {
                    tell(
                        request,
                        error.map_or("end".to_owned(), |error| format!("failed: {}", error.message())),
                    );
                }
                PeerEvent::Ended(result) => panic!("the connection ended: {result:?}"),
                _ => {}
            }
        }
    }
}
