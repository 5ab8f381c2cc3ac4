//! Verdicts of the real JavaScript packages. `tests/vectors/README.md` says where they come from.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use ssb_gossip::address::Address;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::graph::Blocks;
use ssb_gossip::graph::Graph;
use ssb_gossip::multiserver;
use ssb_gossip::multiserver::Protocol;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;

#[test]
fn vectors_multiserver_grammar() {
    for row in lines("refs.jsonl") {
        check_grammar(row["s"].as_str().unwrap(), row["msAddrCheck"] == true, &row["msAddrDecode"]);
    }
}

#[test]
fn vectors_multiserver_grammar_of_random_addresses() {
    for row in array("multiserver-address", "random.json") {
        check_grammar(row["s"].as_str().unwrap(), row["check"] == true, &row["decoded"]);
    }
}

fn check_grammar(text: &str, check: bool, decoded: &Value) {
    let protocol = |protocol: Protocol| json!({ "name": protocol.name, "data": protocol.data });
    let ours: Option<Vec<Vec<Value>>> = multiserver::decode(text)
        .map(|all| all.into_iter().map(|one| one.into_iter().map(protocol).collect()).collect());
    assert_eq!(ours.is_some(), check, "{text:?}");
    if let Some(ours) = ours {
        // The oracle took the port out of what it decoded, where ssb-ref understood it.
        let theirs = decoded.as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(ours.len(), theirs.len(), "{text:?}");
        if !text.contains("net:") && !text.contains("onion:") && !text.contains("ws") {
            assert_eq!(json!(ours), *decoded, "{text:?}");
        }
    }
}

#[test]
fn vectors_addresses_of_peers() {
    for row in lines("refs.jsonl") {
        let text = row["s"].as_str().unwrap();
        let theirs =
            Some(&row["parseAddress"]).filter(|parsed| parsed.is_object() && row["isAddress"] == true);
        // Rules: a port is a plain decimal number from 1 to 65535; a host of digits and dots only is a real IPv4
        // address, one with colons a real IPv6 address.
        let strict = theirs.filter(|parsed| {
            let (port, host) = (parsed["port"].as_f64().unwrap(), parsed["host"].as_str().unwrap());
            let written = text.contains(&format!(":{port}~")) || text.contains(&format!(":{port}:"));
            let zeros = text.contains(&format!(":0{port}"));
            (1.0..=65535.0).contains(&port)
                && (written || zeros)
                && (!host.contains(':') || host.parse::<std::net::Ipv6Addr>().is_ok())
                && (host.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.')
                    || host.parse::<std::net::Ipv4Addr>().is_ok())
        });
        let ours = Address::parse(text).ok();
        let ours = ours.map(|ours| (ours.host().to_owned(), f64::from(ours.port()), ours.key().to_string()));
        let strict = strict.map(|parsed| {
            let text = |name: &str| parsed[name].as_str().unwrap().to_owned();
            (text("host"), parsed["port"].as_f64().unwrap(), text("key"))
        });
        assert_eq!(ours, strict, "{text:?}");
    }
}

#[test]
fn vectors_hops() {
    for row in array("generated", "hops.json") {
        let feed = |name: &Value| {
            let mut bytes = [0; 32];
            let name = name.as_str().unwrap();
            bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
            FeedId::from_bytes(bytes)
        };
        let max = u8::try_from(row["max"].as_u64().unwrap()).unwrap();
        let mut graph = Graph::new(feed(&row["start"]), max, Blocks::Transitive);
        for edge in row["edges"].as_array().unwrap() {
            let relation = match edge[2].as_i64().unwrap() {
                1 => Relation::Follow,
                -1 => Relation::Block,
                -2 => Relation::Neutral,
                other => panic!("unknown edge {other}"),
            };
            graph.set(feed(&edge[0]), feed(&edge[1]), relation);
        }
        graph.update();
        let expected: BTreeMap<FeedId, i32> = row["hops_from_whole"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, hops)| (feed(&json!(name)), i32::try_from(hops.as_i64().unwrap()).unwrap()))
            .collect();
        assert_eq!(graph.all().collect::<BTreeMap<_, _>>(), expected, "{row}");
    }
}

#[test]
fn vectors_notes() {
    for row in array("generated", "ebt-notes.json") {
        match row["op"].as_str().unwrap() {
            // JavaScript's numbers of 32 bits overflow; ours do not.
            "v3.encode" if row["overflow"] != true => {
                let note = match u64::try_from(row["seq"].as_i64().unwrap()) {
                    Ok(sequence) => Note::Has { sequence, send: row["receive"] == true },
                    Err(_) => Note::Refused,
                };
                assert_eq!(json!(note.to_number()), row["note"], "{row}");
            }
            "v3.decode"
                if row["note"].as_i64().is_some_and(|note| (-1..=i64::from(i32::MAX)).contains(&note)) =>
            {
                let expected = match row["replicate"] == true {
                    true => {
                        Note::Has { sequence: row["seq"].as_u64().unwrap(), send: row["receive"] == true }
                    }
                    false => Note::Refused,
                };
                assert_eq!(Note::from_number(row["note"].as_i64().unwrap()), Some(expected), "{row}");
            }
            // What nobody means, and version 2, which nobody speaks any more.
            _ => {}
        }
    }
}

fn lines(name: &str) -> Vec<Value> {
    let text = read("generated", name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn array(folder: &str, name: &str) -> Vec<Value> {
    read(folder, name).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn read(folder: &str, name: &str) -> Option<String> {
    let path = match std::env::var_os("SSB_VECTORS").map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            println!("third-party vectors not run");
            return None;
        }
    };
    match std::fs::read_to_string(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("SSB_VECTORS").is_some() =>
        {
            println!("{folder}/{name} is not among the vectors");
            None
        }
        text => Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
    }
}
