//! `conn.*`: known peers and connections as ssb-conn 6.0.4 tells of them, and `peers`, a table for people. What ssb-conn calls its
//! database are the peers that are kept, its staging area those that are known as long as the node runs, and its hub those that are
//! connected or about to be. There an entry is an address, here a peer, at its first address; one that is not known, and so has no
//! address, stands there with its key alone.

use std::net::IpAddr;

use serde_json::Value;
use ssb_gossip::address::Address;
use ssb_gossip::core::Core;
use ssb_gossip::core::table::Row;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::multiserver;
use ssb_gossip::peers::Known;
use ssb_gossip::peers::State;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::time::Now;
use ssb_gossip::wish::Habit;
use ssb_gossip::wish::Switched;
use ssb_gossip::wish::Wish;
use ssb_muxrpc::RemoteError;

use super::args;
use super::gossip::number;
use super::gossip::quoted;
use super::gossip::statistics;
use crate::followers::Cursor;
use crate::followers::News;
use crate::followers::Then;

/// The place that a call names.
///
/// # Errors
///
/// JavaScript's text for what is no address, and ours behind it for one that cannot be dialed.
pub(crate) fn place(args: &[u8]) -> Result<Whereabouts, RemoteError> {
    const TEXT: &str = "The given address is not a valid multiserver-address";
    let first = args::first(args);
    let text = first.as_str().unwrap_or_default();
    match Address::parse(text) {
        Ok(address) if text.contains('~') => Ok(Whereabouts::written(text, address)),
        Err(error) if text.contains('~') && multiserver::decode(text).is_some() => {
            Err(RemoteError::new(format!("{TEXT}: {error}")))
        }
        _ => Err(RemoteError::new(TEXT)),
    }
}

/// The same, as what is dialed.
///
/// # Errors
///
/// As [`place`].
pub(crate) fn address(args: &[u8]) -> Result<Address, RemoteError> {
    place(args).map(|place| place.address().clone())
}

/// What `conn.remember` wants.
///
/// # Errors
///
/// As [`place`], and JavaScript's text for what is no object.
pub(crate) fn remember(args: &[u8]) -> Result<Wish, RemoteError> {
    let (place, data) = (place(args)?, data(args)?);
    let autoconnect = data.get("autoconnect").and_then(Value::as_bool);
    Ok(Wish::Remember { place, source: source(&data), autoconnect })
}

/// What `conn.stage` wants.
///
/// # Errors
///
/// As [`remember`].
pub(crate) fn stage(args: &[u8]) -> Result<Wish, RemoteError> {
    let (place, data) = (place(args)?, data(args)?);
    Ok(Wish::Stage { place, source: source(&data).or_else(|| Some("internet".to_owned())) })
}

/// What `gossip.enable` and `gossip.disable` switch, and JavaScript's answer (ssb-gossip 1.1.1).
///
/// # Errors
///
/// JavaScript's text for what is no text; ours for what there is not.
pub(crate) fn habit(args: &[u8]) -> Result<(Habit, String), RemoteError> {
    let word = match args::first(args) {
        Value::String(word) if !word.is_empty() => word,
        Value::Bool(true) => return Err(args::wrong_type("string")),
        other if args::is_truthy(&other) => other.to_string(),
        _ => "global".to_owned(),
    };
    match Habit::parse(&word) {
        Some(habit) => Ok((habit, word)),
        None => Err(RemoteError::new(format!(
            "there is no gossip type {word}; there are seed, local, friends, global and pub"
        ))),
    }
}

/// What is said when a habit is switched.
pub(crate) fn switched(switched: Switched, word: &str) -> String {
    let verb = match switched {
        Switched::On => "enabled",
        Switched::Off => "disabled",
    };
    quoted(&format!("{verb} gossip type {word}"))
}

/// What `conn.dbPeers` answers.
pub(crate) fn kept(core: &Core) -> String {
    let kept = core.peers().all().iter().filter(|known| !known.is_staged());
    entries(kept.map(|known| entry(known.place.text(), &known_fields(known))))
}

/// What `peers` answers: all that are known or connected.
pub(crate) fn table(core: &Core) -> String {
    let rows: Vec<String> = core.table().iter().map(line).collect();
    format!("[{}]", rows.join(","))
}

/// The streams `conn.peers` and `conn.stagedPeers`: the whole list, and again whenever it is another.
#[derive(Debug)]
pub(crate) struct Entries {
    list: fn(&Core) -> String,
    told: Option<String>,
}

impl Entries {
    /// `conn.peers`.
    pub(crate) fn connected() -> Self {
        Self { list: connected, told: None }
    }

    /// `conn.stagedPeers`.
    pub(crate) fn staged() -> Self {
        Self { list: staged, told: None }
    }
}

impl Cursor for Entries {
    fn topic(&self) -> Topic {
        Topic::Peers
    }

    fn look(&mut self, core: &Core, _: Now) -> News {
        let text = (self.list)(core);
        let is_news = self.told.as_ref() != Some(&text);
        let items = if is_news { vec![text.clone()] } else { Vec::new() };
        self.told = Some(text);
        News { items, then: Then::Changes }
    }
}

fn connected(core: &Core) -> String {
    let rows = core.table();
    let live = rows.iter().filter(|row| state(row).is_some());
    entries(live.map(|row| {
        let mut fields = row.known.map_or_else(|| vec![format!("\"key\":\"{}\"", row.key)], known_fields);
        let state = state(row).map_or("", State::as_str);
        fields.push(format!("\"state\":\"{state}\""));
        let birth = row.link.map(|link| link.since).or_else(|| row.known?.state_change);
        let updated = row.known.and_then(|known| known.state_change).or(birth);
        fields.extend(birth.map(|at| format!("\"hubBirth\":{}", number(at.0))));
        fields.extend(updated.map(|at| format!("\"hubUpdated\":{}", number(at.0))));
        match row.known {
            Some(known) => entry(known.place.text(), &fields),
            None => entry(&format!("~shs:{}", ssb_keys::base64::encode(row.key.as_bytes())), &fields),
        }
    }))
}

fn staged(core: &Core) -> String {
    let staged = core.peers().all().iter().filter(|known| known.is_staged() && known.state.is_none());
    entries(staged.map(|known| entry(known.place.text(), &known_fields(known))))
}

fn entries(all: impl Iterator<Item = String>) -> String {
    format!("[{}]", all.collect::<Vec<String>>().join(","))
}

fn entry(address: &str, fields: &[String]) -> String {
    format!("[{},{{{}}}]", quoted(address), fields.join(","))
}

fn known_fields(known: &Known) -> Vec<String> {
    let mut fields = vec![format!("\"key\":\"{}\"", known.key())];
    fields.push(kind_of_place(known));
    fields.extend(known.source.as_ref().map(|source| format!("\"source\":{}", quoted(source))));
    fields.extend((!known.autoconnect).then(|| "\"autoconnect\":false".to_owned()));
    fields.extend(known.failure.map(|failure| format!("\"failure\":{failure}")));
    fields.extend(known.state_change.map(|at| format!("\"stateChange\":{}", number(at.0))));
    fields.extend(known.duration.as_ref().map(|duration| format!("\"duration\":{}", statistics(duration))));
    let pings = known.ping.as_ref().map(|ping| (statistics(&ping.rtt), statistics(&ping.skew)));
    fields.extend(pings.map(|(rtt, skew)| format!("\"ping\":{{\"rtt\":{rtt},\"skew\":{skew}}}")));
    fields
}

// As ssb-conn-hub 1.2.1 guesses where nobody says.
fn kind_of_place(known: &Known) -> String {
    match known.source.as_deref() {
        Some("local") => return "\"type\":\"lan\"".to_owned(),
        Some("pub") => return "\"type\":\"pub\"".to_owned(),
        _ => {}
    }
    let is_near = match known.place.address().host().parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => false,
    };
    format!("\"inferredType\":\"{}\"", if is_near { "lan" } else { "internet" })
}

fn state(row: &Row<'_>) -> Option<State> {
    let known = row.known.and_then(|known| known.state);
    known.or_else(|| row.link.map(|_| State::Connected))
}

// A line of the table for people.
fn line(row: &Row<'_>) -> String {
    let Row { key, known, kind, link } = row;
    let mut fields = vec![format!("\"key\":\"{key}\"")];
    fields.extend(known.map(|known| format!("\"address\":{}", quoted(known.place.text()))));
    let kind = kind.map_or("stranger", |kind| kind.as_str());
    fields.push(format!("\"kind\":\"{kind}\""));
    fields.extend(state(row).map(|state| format!("\"state\":\"{}\"", state.as_str())));
    let since = known.and_then(|known| known.state_change).or(link.map(|link| link.since));
    fields.extend(since.map(|at| format!("\"since\":{}", number(at.0))));
    fields.extend(row.is_client().map(|is_client| format!("\"client\":{is_client}")));
    fields.extend(known.and_then(|known| known.failure).map(|failure| format!("\"failure\":{failure}")));
    let error = known.and_then(|known| known.error.as_ref());
    fields.extend(error.map(|error| format!("\"error\":{}", quoted(error))));
    format!("{{{}}}", fields.join(","))
}

fn data(args: &[u8]) -> Result<Value, RemoteError> {
    match args::nth_plain(args, 1) {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(data @ Value::Object(_)) => Ok(data),
        Some(_) => Err(RemoteError::new("The given connection data should have been an object")),
    }
}

// What ssb-conn calls a type or a source is one thing here.
fn source(data: &Value) -> Option<String> {
    let word = data.get("source").or_else(|| data.get("type")).and_then(Value::as_str)?;
    Some(if word == "lan" { "local" } else { word }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::NOW;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::fixture::look_all;
    use crate::fixture::tell;
    use serde_json::json;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::connection::Side;
    use ssb_gossip::event::Input;
    use ssb_gossip::event::Ticket;

    fn at(host: &str, n: u8) -> String {
        format!("net:{host}:1~shs:{}", ssb_keys::base64::encode(key(n).id().as_bytes()))
    }

    fn error<T: std::fmt::Debug>(result: Result<T, RemoteError>) -> String {
        result.unwrap_err().message().to_owned()
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn wish(core: &mut Core, wish: Result<Wish, RemoteError>) {
        tell(core, Input::Wish { ticket: Ticket(1), wish: wish.unwrap() });
    }

    /// One is kept, one is staged, one a stranger and connected.
    fn peers() -> Core {
        let mut core = core(&[]);
        let (kept, staged) = (at("h.example", 2), at("192.168.0.2", 3));
        wish(&mut core, remember(format!(r#"["{kept}",{{"type":"pub","autoconnect":false}}]"#).as_bytes()));
        wish(&mut core, stage(format!(r#"["{staged}",{{"type":"lan"}}]"#).as_bytes()));
        let (connection, peer) = (ConnectionId(1), key(4).id());
        tell(&mut core, Input::Opened { connection, peer, side: Side::Accepted });
        core
    }

    #[test]
    fn what_is_no_address_is_refused_in_javascript_s_words() {
        let text = "The given address is not a valid multiserver-address";
        for args in ["[]", "[5]", r#"["x"]"#, r#"["x~y"]"#, r#"["h.example:8008:@x.ed25519"]"#] {
            assert_eq!(error(place(args.as_bytes())), text, "{args}");
        }
        let other = at("h", 2).replace("net:h:1", "foo:bar");
        assert!(error(place(format!("[\"{other}\"]").as_bytes())).starts_with(&format!("{text}: ")));
        let with = |data: &str| format!(r#"["{}",{data}]"#, at("h.example", 2));
        for data in ["5", "null", "\"x\"", "[]"] {
            let text = "The given connection data should have been an object";
            assert_eq!(error(remember(with(data).as_bytes())), text, "{data}");
        }
    }

    #[test]
    fn kept_peers_staged_ones_and_those_who_are_connected_are_told_apart() {
        let core = peers();
        let [kept, staged, stranger] = [2, 3, 4].map(|n| key(n).id().to_string());

        let expected = json!([[at("h.example", 2), {"key": kept, "type": "pub", "source": "pub", "autoconnect": false}]]);
        assert_eq!(json(&super::kept(&core)), expected);
        let expected = json!([[at("192.168.0.2", 3), {"key": staged, "type": "lan", "source": "local"}]]);
        assert_eq!(json(&super::staged(&core)), expected);
        let address = format!("~shs:{}", ssb_keys::base64::encode(key(4).id().as_bytes()));
        let expected =
            json!([[address, {"key": stranger, "state": "connected", "hubBirth": 0, "hubUpdated": 0}]]);
        assert_eq!(json(&connected(&core)), expected);
    }

    #[test]
    fn the_table_for_people_has_all_of_them() {
        let mut core = peers();
        let failed = Input::DialFailed { peer: key(2).id(), error: "no route".to_owned() };
        tell(&mut core, failed);

        let [kept, staged, stranger] = [2, 3, 4].map(|n| key(n).id().to_string());
        assert_eq!(
            json(&table(&core)),
            json!([
                {"key": kept, "address": at("h.example", 2), "kind": "global", "since": 0, "failure": 1, "error": "no route"},
                {"key": staged, "address": at("192.168.0.2", 3), "kind": "local"},
                {"key": stranger, "kind": "stranger", "state": "connected", "since": 0, "client": false},
            ])
        );
    }

    #[test]
    fn a_list_is_told_at_first_and_when_it_is_another() {
        let mut core = core(&[]);
        let mut stream = Entries::staged();
        assert_eq!(look_all(&mut stream, &core), (vec!["[]".to_owned()], Then::Changes));
        assert_eq!(stream.look(&core, NOW).items, [""; 0]);

        wish(&mut core, stage(format!("[\"{}\"]", at("h.example", 2)).as_bytes()));
        wish(&mut core, stage(format!("[\"{}\"]", at("127.0.0.1", 3)).as_bytes()));

        let (items, _) = look_all(&mut stream, &core);
        let expected = json!([
            [at("h.example", 2), {"key": key(2).id().to_string(), "inferredType": "internet", "source": "internet"}],
            [at("127.0.0.1", 3), {"key": key(3).id().to_string(), "inferredType": "lan", "source": "internet"}],
        ]);
        assert_eq!(items.iter().map(|item| json(item)).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn what_is_switched_is_named_and_what_there_is_not_is_refused() {
        for (args, word) in
            [("[]", "global"), ("[\"\"]", "global"), ("[\"local\"]", "local"), ("[\"pub\"]", "pub")]
        {
            assert_eq!(habit(args.as_bytes()).map(|(_, word)| word).as_deref(), Ok(word), "{args}");
        }
        assert_eq!(habit(b"[true]"), Err(args::wrong_type("string")));
        let unknown = "there is no gossip type x; there are seed, local, friends, global and pub";
        assert_eq!(error(habit(b"[\"x\"]")), unknown);
        assert_eq!(switched(Switched::Off, "global"), "\"disabled gossip type global\"");
    }
}
