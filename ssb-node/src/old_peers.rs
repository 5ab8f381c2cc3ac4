//! The peers that a JavaScript node knew: `gossip.json` of ssb-gossip, `conn.json` of ssb-conn.
//!
//! They are read as long as there is no table of our own, and never written. JavaScript writes them without care for crashes: what is
//! torn, or no such file, says nothing.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;

use serde_json::Map;
use serde_json::Value;
use ssb_gossip::address::Address;
use ssb_gossip::peers::PEERS_MAX;
use ssb_gossip::peers::Remembered;
use ssb_gossip::peers::SOURCE_LEN_MAX;
use ssb_keys::FeedId;

/// What is longer holds more than anybody's peers.
const FILE_LEN_MAX: u64 = 8 * 1024 * 1024;

/// What JavaScript calls the files.
const FILES: [&str; 2] = ["gossip.json", "conn.json"];

/// Where the peers are that are known in a directory, each once. Of more than there is room for, those whose dials failed
/// least, and of these the ones that something happened with last.
pub(crate) fn read(directory: &Path) -> Vec<Remembered> {
    of(FILES.into_iter().filter_map(|name| file(&directory.join(name))))
}

/// The peers in files of that kind, in the same order.
pub(crate) fn of(files: impl Iterator<Item = Value>) -> Vec<Remembered> {
    let all = files.flat_map(peers);
    let mut known: BTreeMap<FeedId, Peer> = BTreeMap::new();
    for peer in all {
        // Their first address counts, as in JavaScript.
        known.entry(peer.address.key()).or_insert(peer);
    }
    let mut known: Vec<Peer> = known.into_values().collect();
    known.sort_by_key(|peer| (peer.failures, Reverse(peer.changed)));
    known.truncate(PEERS_MAX);
    let remembered = |Peer { address, source, failures, autoconnect, .. }| Remembered {
        address,
        source,
        autoconnect,
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
    };
    known.into_iter().map(remembered).collect()
}

/// Copies what is known in a directory to one in which nothing is known yet.
pub(crate) fn bring(from: &Path, to: &Path) -> io::Result<()> {
    for name in FILES {
        let (from, to) = (from.join(name), to.join(name));
        if file(&from).is_some() && !to.try_exists()? {
            let aside = to.with_extension("json.new");
            fs::copy(&from, &aside)?;
            fs::rename(&aside, &to)?;
        }
    }
    Ok(())
}

struct Peer {
    address: Address,
    source: Option<String>,
    failures: u64,
    changed: u64,
    autoconnect: bool,
}

impl Peer {
    fn new(address: &str, fields: &Map<String, Value>) -> Option<Self> {
        // A seed in an address is a secret: only where and who is taken.
        let address = Address::parse(address).ok()?;
        let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or_default();
        let source = fields.get("source").and_then(Value::as_str);
        let source = source.filter(|source| source.len() <= SOURCE_LEN_MAX).map(str::to_owned);
        let autoconnect = fields.get("autoconnect") != Some(&Value::Bool(false));
        let (failures, changed) = (number("failure"), number("stateChange"));
        Some(Self { address, source, failures, changed, autoconnect })
    }
}

pub(crate) fn file(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    let read = fs::File::open(path).ok()?.take(FILE_LEN_MAX + 1).read_to_end(&mut text).ok()?;
    let is_short = u64::try_from(read).is_ok_and(|len| len <= FILE_LEN_MAX);
    is_short.then(|| serde_json::from_slice(&text).ok()).flatten()
}

fn peers(file: Value) -> Vec<Peer> {
    match file {
        Value::Array(peers) => peers.iter().filter_map(of_gossip).collect(),
        Value::Object(peers) => peers.iter().filter_map(of_conn).collect(),
        _ => Vec::new(),
    }
}

fn of_gossip(peer: &Value) -> Option<Peer> {
    let fields = peer.as_object()?;
    // Where these are is only true as long as they say so.
    if fields.get("source").and_then(Value::as_str) == Some("local") {
        return None;
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let address = text("address").and_then(|address| Peer::new(address, fields));
    address.or_else(|| {
        let (host, key, port) = (text("host")?, text("key")?, fields.get("port")?);
        Peer::new(&format!("{host}:{port}:{key}"), fields)
    })
}

fn of_conn((address, peer): (&String, &Value)) -> Option<Peer> {
    let fields = peer.as_object()?;
    let kind = fields.get("type").and_then(Value::as_str);
    Peer::new(address, fields).filter(|_| kind != Some("lan"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_keys::base64;
    use tempfile::TempDir;

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    fn address(n: u8) -> String {
        format!("net:host{n}.example:8008~shs:{}", base64::encode(feed(n).as_bytes()))
    }

    fn home(files: &[(&str, &str)]) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| fs::write(home.path().join(name), text).unwrap());
        home
    }

    fn known(home: &TempDir) -> Vec<String> {
        read(home.path()).iter().map(|peer| peer.address.to_string()).collect()
    }

    #[test]
    fn peers_of_both_files_are_known_each_once_the_best_first() {
        let gossip = format!(
            r#"[{{"address":"{}","key":"{}","source":"pub","failure":7}},
                {{"host":"host2.example","port":8008,"key":"{}","failure":0,"stateChange":5}},
                {{"address":"{}","source":"local"}},{{"address":"nowhere"}},7]"#,
            address(1),
            feed(1),
            feed(2),
            address(3)
        );
        let conn = format!(
            r#"{{"{}:{}":{{"type":"pub","failure":0,"stateChange":9}},"{}":{{"type":"lan"}},"{}":{{"failure":1}},"tunnel:x":{{}}}}"#,
            address(4),
            base64::encode(&[9; 32]),
            address(5),
            address(1).replace("host1", "other")
        );

        let known = known(&home(&[("gossip.json", &gossip), ("conn.json", &conn)]));

        assert_eq!(known, [address(4), address(2), address(1)]);
    }

    #[test]
    fn what_is_no_table_of_peers_says_nothing() {
        let sound = format!(r#"[{{"address":"{}"}}]"#, address(1));
        for text in ["", "[{", "null", "7", r#"{"a":7}"#, r#"[null]"#] {
            assert_eq!(known(&home(&[("gossip.json", text)])), [""; 0], "{text}");
            assert_eq!(known(&home(&[("conn.json", text), ("gossip.json", &sound)])), [address(1)]);
        }
    }

    #[test]
    fn a_file_may_be_so_long_and_no_longer() {
        let sound = format!(r#"[{{"address":"{}"}}]"#, address(1));
        let room = usize::try_from(FILE_LEN_MAX).unwrap() - sound.len();

        let at_the_limit = home(&[("gossip.json", &(sound.clone() + &" ".repeat(room)))]);
        let past_it = home(&[("gossip.json", &(sound + &" ".repeat(room + 1)))]);

        assert_eq!((known(&at_the_limit).len(), known(&past_it).len()), (1, 0));
    }

    #[test]
    fn of_too_many_those_that_fail_are_left_out() {
        let peer = |n: usize, failure: usize| {
            let key = FeedId::from_bytes(std::array::from_fn(|at| n.to_le_bytes()[at % 8]));
            format!(r#"{{"address":"host.example:8008:{key}","failure":{failure}}}"#)
        };
        let dead: Vec<String> = (0..5).map(|n| peer(n, 3)).collect();
        let alive: Vec<String> = (5..PEERS_MAX + 5).map(|n| peer(n, 0)).collect();
        let home = home(&[("gossip.json", &format!("[{},{}]", dead.join(","), alive.join(",")))]);

        let known = read(home.path());

        assert_eq!(known.len(), PEERS_MAX);
        assert!(
            known
                .iter()
                .map(|peer| peer.address.key())
                .all(|key| key.as_bytes()[0] > 4 || key.as_bytes()[1] > 0)
        );
    }

    #[test]
    fn peers_are_brought_along_where_none_are_known() {
        let table = |n| format!(r#"[{{"address":"{}"}}]"#, address(n));
        let (from, empty) = (home(&[("gossip.json", &table(1)), ("conn.json", "torn")]), home(&[]));
        let known_there = home(&[("gossip.json", &table(2))]);

        bring(from.path(), empty.path()).unwrap();
        bring(from.path(), known_there.path()).unwrap();

        assert_eq!((known(&empty), known(&known_there)), (vec![address(1)], vec![address(2)]));
    }
}
