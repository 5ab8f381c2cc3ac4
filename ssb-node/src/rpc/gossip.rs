//! `gossip.*`: the table of known peers in JSON, and the arguments of those who ask for it or change it, with the texts of
//! ssb-gossip 1.1.1. Where that stumbles over an argument with a TypeError of its engine, it is refused here in the words
//! for others of its kind.

use ssb_gossip::address::Address;
use ssb_gossip::event::Target;
use ssb_gossip::multiserver;
use ssb_gossip::peers::Change;
use ssb_gossip::peers::ChangeKind;
use ssb_gossip::peers::Known;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::statistics::Statistics;
use ssb_keys::FeedId;
use ssb_msg::json;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;

/// The peer that a call names: an id, or an object with a `key`.
///
/// # Errors
///
/// JavaScript's text for anything else.
pub(crate) fn id(raw: &[u8]) -> Result<FeedId, RemoteError> {
    let argument = args::nth(raw, 0);
    let id = match &argument {
        Some(Value::Text(text)) => feed(text),
        Some(Value::Object(peer)) => peer.get("key").and_then(Value::as_text).and_then(feed),
        _ => None,
    };
    id.ok_or_else(|| must_provide_id(argument.as_ref()))
}

/// What `gossip.add` adds: an address, and where it was learned of.
///
/// # Errors
///
/// JavaScript's texts for what is no address of a peer, ours for one that cannot be dialed.
pub(crate) fn add(raw: &[u8]) -> Result<(Whereabouts, Option<String>), RemoteError> {
    let place = match args::nth(raw, 0) {
        Some(argument) if !argument.is_truthy() => return Err(args::required()),
        None => return Err(args::required()),
        Some(Value::Text(text)) => written(&text.decode())?,
        Some(Value::Object(peer)) => in_parts(&peer)?,
        Some(_) => return Err(args::wrong_type("object")),
    };
    let source = match args::nth(raw, 1) {
        Some(Value::Text(source)) if !source.escaped().is_empty() => Some(source.decode().into_owned()),
        Some(Value::Number(source)) if source != 0.0 => Some(json::compact(&Value::Number(source))),
        Some(other) if other.is_truthy() => {
            return Err(RemoteError::named("TypeError", "Param 1 must by of type string"));
        }
        _ => None,
    };
    Ok((place, source))
}

/// Whom `gossip.connect` dials.
///
/// # Errors
///
/// As [`add`].
pub(crate) fn target(raw: &[u8]) -> Result<Target, RemoteError> {
    let no_address = || RemoteError::new("first param must be an address");
    match args::nth(raw, 0) {
        Some(Value::Text(text)) if !text.escaped().is_empty() => {
            if let Some(peer) = feed(&text) {
                return Ok(Target::Known(peer));
            }
            let text = text.decode();
            if !text.contains('~') {
                let (host, port, key) = in_legacy_parts(&text);
                let parts = json::Object::from_pairs(
                    [
                        ("host", Value::Text(Text::new(host))),
                        ("port", port),
                        ("key", Value::Text(Text::new(key))),
                    ]
                    .map(|(name, value)| (Text::new(name), value)),
                );
                return in_parts(&parts).map(Target::At);
            }
            Address::parse(&text)
                .map(|address| Target::At(Whereabouts::in_parts(address)))
                .map_err(|_| no_address())
        }
        Some(Value::Object(peer)) => match peer.get("key").and_then(Value::as_text) {
            None if peer.get("address").is_none() => Err(RemoteError::new("address must have ed25519 key")),
            key => match key.and_then(feed) {
                Some(peer_id) if peer.get("host").is_none() && peer.get("address").is_none() => {
                    Ok(Target::Known(peer_id))
                }
                _ => in_parts(&peer).map(Target::At),
            },
        },
        Some(Value::Array(_)) => Err(RemoteError::new("address must have ed25519 key")),
        Some(other) if other.is_truthy() => Err(no_address()),
        _ => Err(RemoteError::new("ssb-gossip.connect: address, or peer id must be provided")),
    }
}

/// All peers, as `gossip.peers` answers.
pub(crate) fn peers(all: &[Known]) -> String {
    format!("[{}]", all.iter().map(peer).collect::<Vec<String>>().join(","))
}

/// One peer, as `gossip.get` and `gossip.add` answer. The keys are in the order in which JavaScript has them after a dial.
pub(crate) fn peer(known: &Known) -> String {
    let mut fields = Vec::new();
    let (address, key) = (&known.place, known.key());
    if address.is_in_parts() {
        fields.push(format!(
            "\"host\":{},\"port\":{}",
            quoted(address.address().host()),
            address.address().port()
        ));
        fields.push(format!("\"key\":\"{key}\",\"address\":{}", quoted(address.text())));
    } else {
        fields.push(format!("\"address\":{},\"key\":\"{key}\"", quoted(address.text())));
    }
    fields.extend(known.source.as_ref().map(|source| format!("\"source\":{}", quoted(source))));
    fields.push(format!("\"announcers\":{}", known.announcers));
    let duration = known.duration.as_ref().map_or_else(|| "null".to_owned(), statistics);
    fields.push(format!("\"duration\":{duration}"));
    fields.extend(known.state_change.map(|at| format!("\"stateChange\":{}", number(at.0))));
    fields.extend(known.state.map(|state| format!("\"state\":\"{}\"", state.as_str())));
    fields.extend(known.error.as_ref().map(|error| format!("\"error\":{}", quoted(error))));
    fields.extend(known.client.map(|client| format!("\"client\":{client}")));
    let pings = known.ping.as_ref().map(|ping| (statistics(&ping.rtt), statistics(&ping.skew)));
    fields.extend(pings.map(|(rtt, skew)| format!("\"ping\":{{\"rtt\":{rtt},\"skew\":{skew}}}")));
    fields.extend(known.failure.map(|failure| format!("\"failure\":{failure}")));
    // Only ssb-conn has this.
    fields.extend((!known.autoconnect).then(|| "\"autoconnect\":false".to_owned()));
    format!("{{{}}}", fields.join(","))
}

/// One peer, as `status` answers.
pub(crate) fn summary(known: &Known) -> String {
    let mut fields = vec![format!("\"address\":{}", quoted(known.place.text()))];
    fields.extend(known.source.as_ref().map(|source| format!("\"source\":{}", quoted(source))));
    fields.extend(known.state.map(|state| format!("\"state\":\"{}\"", state.as_str())));
    fields.extend(known.state_change.map(|at| format!("\"stateChange\":{}", number(at.0))));
    fields.extend(known.failure.map(|failure| format!("\"failure\":{failure}")));
    fields.extend(known.client.map(|client| format!("\"client\":{client}")));
    let mut stats = Vec::new();
    stats.extend(known.duration.as_ref().map(|duration| format!("\"duration\":{}", statistics(duration))));
    let pings = known.ping.as_ref().map(|ping| (statistics(&ping.rtt), statistics(&ping.skew)));
    stats.extend(pings.map(|(rtt, skew)| format!("\"rtt\":{rtt},\"skew\":{skew}")));
    fields.push(format!("\"stats\":{{{}}}", stats.join(",")));
    format!("{{{}}}", fields.join(","))
}

/// What listeners of `gossip.changes` hear.
pub(crate) fn change(change: &Change) -> String {
    let (kind, known) = (change.kind.as_str(), &change.peer);
    let source = match (change.kind, &known.source) {
        (ChangeKind::Discover, Some(source)) => format!(",\"source\":{}", quoted(source)),
        (ChangeKind::Discover, None) => ",\"source\":\"manual\"".to_owned(),
        _ => String::new(),
    };
    format!("{{\"type\":\"{kind}\",\"peer\":{}{source}}}", peer(known))
}

// An address as text, in either form.
fn written(text: &str) -> Result<Whereabouts, RemoteError> {
    let address = match Address::parse(text) {
        Ok(address) if text.contains('~') => return Ok(Whereabouts::written(text, address)),
        Ok(address) => return Ok(Whereabouts::in_parts(address)),
        Err(error) => error,
    };
    let not_valid = |what: &str| RemoteError::new(format!("not a valid address:{what}"));
    if !text.contains('~') {
        let (host, port, key) = in_legacy_parts(text);
        let (host, port, key, text) = (quoted(host), json::compact(&port), quoted(key), quoted(text));
        return Err(not_valid(&format!(
            "{{\"host\":{host},\"port\":{port},\"key\":{key},\"address\":{text}}}"
        )));
    }
    let Some(alternatives) = multiserver::decode(text) else { return Err(not_valid(text)) };
    let proof = alternatives.iter().flatten().find(|protocol| protocol.name.starts_with("shs"));
    let key =
        proof.map(|proof| format!("@{}.ed25519", proof.data.first().map_or("undefined", String::as_str)));
    match key {
        Some(key) if FeedId::parse(&key).is_ok() => Err(not_valid(&format!("{text}: {address}"))),
        Some(key) => Err(RemoteError::new(format!(
            "must provide id:{{\"address\":{},\"key\":{}}}",
            quoted(text),
            quoted(&key)
        ))),
        None => Err(RemoteError::new(format!("must provide id:{{\"address\":{}}}", quoted(text)))),
    }
}

// An address as an object: with the `address` as text, or `host`, `port` and `key`.
fn in_parts(peer: &json::Object) -> Result<Whereabouts, RemoteError> {
    let given = || json::compact(&Value::Object(peer.clone()));
    let not_valid = |why: &str| RemoteError::new(format!("not a valid address:{}{why}", given()));
    let text = |name: &str| peer.get(name).and_then(Value::as_text);
    let id = text("key").and_then(feed);
    if let Some(address) = text("address") {
        let (address, id) =
            (address.decode(), id.ok_or_else(|| RemoteError::new(format!("must provide id:{}", given())))?);
        let parsed = Address::parse(&address).map_err(|error| not_valid(&format!(": {error}")))?;
        if parsed.key() != id {
            return Err(not_valid(": address and key are of two peers"));
        }
        return Ok(Whereabouts::written(&address, parsed));
    }
    let host = text("host").map(|host| host.decode()).unwrap_or_default();
    let port = peer.get("port").map(json::compact).unwrap_or_default();
    let transport = if host.ends_with(".onion") { "onion" } else { "net" };
    match (id, text("key")) {
        (Some(id), _) => Address::parse(&format!("{transport}:{host}:{port}~shs:{}", id_base64(&id)))
            .map(Whereabouts::in_parts)
            .map_err(|error| not_valid(&format!(": {error}"))),
        (None, Some(key)) => {
            // What JavaScript cuts out of it: behind the first character up to the first dot.
            let key = key.decode();
            let cut = key.find('.').map_or_else(|| key.get(..1), |dot| key.get(1..dot)).unwrap_or_default();
            let address = quoted(&format!("{transport}:{host}:{port}~shs:{cut}"));
            let given = given();
            let given = given.strip_suffix('}').unwrap_or(&given);
            Err(RemoteError::new(format!("must provide id:{given},\"address\":{address}}}")))
        }
        (None, None) => Err(not_valid("")),
    }
}

// `host:port:key`, as far as it is there.
fn in_legacy_parts(text: &str) -> (&str, Value, &str) {
    let (rest, key) = text.rsplit_once(':').unwrap_or(("", text));
    let (host, port) = rest.rsplit_once(':').unwrap_or(("", rest));
    // Without a port it is the default one.
    let port = if port.is_empty() { Ok(8008.0) } else { port.parse::<u32>().map(f64::from) };
    (host, port.map_or(Value::Null, Value::Number), key)
}

fn must_provide_id(argument: Option<&Value>) -> RemoteError {
    let given = argument.map_or_else(|| "undefined".to_owned(), json::compact);
    RemoteError::new(format!("must provide id:{given}"))
}

fn feed(text: &Text) -> Option<FeedId> {
    FeedId::parse(&text.decode()).ok()
}

fn id_base64(id: &FeedId) -> String {
    ssb_keys::base64::encode(id.as_bytes())
}

pub(super) fn statistics(statistics: &Statistics) -> String {
    let Statistics { mean, stdev, count, sum, sqsum } = *statistics;
    format!(
        "{{\"mean\":{},\"stdev\":{},\"count\":{count},\"sum\":{},\"sqsum\":{}}}",
        number(mean),
        number(stdev),
        number(sum),
        number(sqsum)
    )
}

pub(super) fn number(number: f64) -> String {
    json::compact(&Value::Number(number))
}

pub(super) fn quoted(text: &str) -> String {
    json::compact(&Value::Text(Text::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::connection::Side;
    use ssb_gossip::peers::ADDRESS_LEN_MAX;
    use ssb_gossip::peers::ERROR_LEN_MAX;
    use ssb_gossip::peers::PEERS_MAX;
    use ssb_gossip::peers::Peers;
    use ssb_gossip::peers::SOURCE_LEN_MAX;
    use ssb_gossip::time::UnixMillis;
    use ssb_muxrpc::limits::ITEM_LEN_MAX;
    use std::collections::VecDeque;

    fn them() -> FeedId {
        key(2).id()
    }

    fn base64() -> String {
        id_base64(&them())
    }

    fn added(args: &str) -> Result<(String, Option<String>), RemoteError> {
        add(args.as_bytes()).map(|(place, source)| (place.text().to_owned(), source))
    }

    fn error(text: &str) -> RemoteError {
        RemoteError::new(text)
    }

    #[test]
    fn a_peer_is_named_by_its_id() {
        let them = them();
        assert_eq!(id(format!("[\"{them}\"]").as_bytes()), Ok(them));
        assert_eq!(id(format!("[{{\"key\":\"{them}\"}},5]").as_bytes()), Ok(them));
        for (args, named) in [
            ("[]", "undefined"),
            ("[null]", "null"),
            ("[\"\"]", "\"\""),
            ("[5]", "5"),
            ("[{ \"key\" : \"x\" }]", "{\"key\":\"x\"}"),
        ] {
            assert_eq!(id(args.as_bytes()), Err(error(&format!("must provide id:{named}"))), "{args}");
        }
    }

    #[test]
    fn an_address_is_added_as_it_was_written() {
        let (net, them) = (format!("net:h.example:1~shs:{}", base64()), them());
        let two = format!("{net};{net}");
        assert_eq!(added(&format!("[\"{net}\"]")), Ok((net.clone(), None)));
        assert_eq!(added(&format!("[\"{two}\",\"pub\"]")), Ok((two, Some("pub".to_owned()))));
        assert_eq!(
            added(&format!("[\"h.example:1:{them}\",5]")).map(|added| added.1),
            Ok(Some("5".to_owned()))
        );
        let parts = format!("[{{\"host\":\"h.example\",\"port\":1,\"key\":\"{them}\"}},null]");
        assert_eq!(added(&parts), Ok((net.clone(), None)));
        let both = format!("[{{\"address\":\"{net}\",\"key\":\"{them}\"}}]");
        assert_eq!(added(&both), Ok((net, None)));
    }

    #[test]
    fn what_is_no_address_is_refused_in_javascript_s_words() {
        for (args, text) in [
            (r#"["x"]"#, r#"not a valid address:{"host":"","port":8008,"key":"x","address":"x"}"#),
            (r#"["x~y"]"#, "not a valid address:x~y"),
            (r#"["net:h:1~shs:x"]"#, r#"must provide id:{"address":"net:h:1~shs:x","key":"@x.ed25519"}"#),
            (r#"["foo:bar~baz"]"#, r#"must provide id:{"address":"foo:bar~baz"}"#),
            (
                r#"[{"host":"h.example","port":1,"key":"x"}]"#,
                r#"must provide id:{"host":"h.example","port":1,"key":"x","address":"net:h.example:1~shs:x"}"#,
            ),
            (r#"[{"address":"net:h:1~shs:x"}]"#, r#"must provide id:{"address":"net:h:1~shs:x"}"#),
            ("[{}]", "not a valid address:{}"),
        ] {
            assert_eq!(added(args), Err(error(text)), "{args}");
        }
        for args in ["[]", "[null]", "[\"\"]", "[0]"] {
            assert_eq!(added(args), Err(args::required()), "{args}");
        }
        for args in ["[true]", "[5]", "[[]]"] {
            assert_eq!(added(args), Err(args::wrong_type("object")), "{args}");
        }
        let source = format!("[\"net:h.example:1~shs:{}\",true]", base64());
        assert_eq!(added(&source), Err(RemoteError::named("TypeError", "Param 1 must by of type string")));
    }

    #[test]
    fn an_address_that_cannot_be_dialed_is_refused() {
        for address in ["ws://h.example:1", "foo:bar", "net:h.example:70000", "net:h.example:0"] {
            let address = format!("{address}~shs:{}", base64());

            let error = added(&format!("[\"{address}\"]")).unwrap_err();

            let text = format!("not a valid address:{address}: address ");
            assert!(error.message().starts_with(&text), "{error:?}");
        }
        let other = key(3).id();
        let mismatch = format!(r#"[{{"address":"net:h.example:1~shs:{}","key":"{other}"}}]"#, base64());
        assert!(added(&mismatch).unwrap_err().message().ends_with("are of two peers"));
    }

    #[test]
    fn whom_to_dial_is_an_address_or_somebody_known() {
        let them = them();
        let known = Ok(Target::Known(them));
        assert_eq!(target(format!("[\"{them}\"]").as_bytes()), known);
        assert_eq!(target(format!("[{{\"key\":\"{them}\"}}]").as_bytes()), known);
        let address = Address::net("h.example", 1, them).unwrap();
        let written = target(format!("[\"{address}\"]").as_bytes());
        let in_parts = Ok(Target::At(Whereabouts::in_parts(address)));
        assert_eq!(written, in_parts);
        assert_eq!(target(format!("[\"h.example:1:{them}\"]").as_bytes()), in_parts);
        let parts = format!("[{{\"host\":\"h.example\",\"port\":1,\"key\":\"{them}\"}}]");
        assert_eq!(target(parts.as_bytes()), in_parts);
    }

    #[test]
    fn who_cannot_be_dialed_is_refused_in_javascript_s_words() {
        let none = "ssb-gossip.connect: address, or peer id must be provided";
        for (args, text) in [
            ("[]", none),
            ("[null]", none),
            ("[\"\"]", none),
            ("[5]", "first param must be an address"),
            ("[true]", "first param must be an address"),
            ("[\"x~y\"]", "first param must be an address"),
            ("[\"net:127.0.0.1:1~shs:x\"]", "first param must be an address"),
            ("[{}]", "address must have ed25519 key"),
            ("[[]]", "address must have ed25519 key"),
            ("[\"x\"]", r#"must provide id:{"host":"","port":8008,"key":"x","address":"net::8008~shs:x"}"#),
        ] {
            assert_eq!(target(args.as_bytes()), Err(error(text)), "{args}");
        }
    }

    /// Peer 2, in a table of its own.
    struct Table {
        peers: Peers,
        out: VecDeque<Change>,
    }

    impl Table {
        fn new(place: Whereabouts, source: Option<&str>) -> Self {
            let (mut peers, mut out) = (Peers::new(key(1).id()), VecDeque::new());
            peers.add(place, source, UnixMillis(0.0), &mut out).unwrap();
            Self { peers, out }
        }

        fn known(&self) -> &Known {
            self.peers.get(&them()).unwrap()
        }
    }

    fn address() -> Address {
        Address::net("h.example", 1, them()).unwrap()
    }

    #[test]
    fn a_peer_that_was_never_dialed_says_little() {
        let (base64, them) = (base64(), them());
        let written = Table::new(Whereabouts::written("net:x", address()), Some("manual"));
        let in_parts = Table::new(Whereabouts::in_parts(address()), None);

        assert_eq!(
            peer(written.known()),
            format!(
                r#"{{"address":"net:x","key":"{them}","source":"manual","announcers":1,"duration":null}}"#
            )
        );
        let expected = format!(
            r#"{{"host":"h.example","port":1,"key":"{them}","address":"net:h.example:1~shs:{base64}","announcers":1,"duration":null}}"#
        );
        assert_eq!(peer(in_parts.known()), expected);
        assert_eq!(peers(in_parts.peers.all()), format!("[{expected}]"));
    }

    #[test]
    fn a_peer_that_was_dialed_says_how_it_went() {
        let (them, zero) = (them(), r#"{"mean":0,"stdev":0,"count":0,"sum":0,"sqsum":0}"#);
        let mut table = Table::new(Whereabouts::written("net:x", address()), None);
        table.peers.dialing(&them, UnixMillis(5.0));
        table.peers.failed(&them, "no \"way\"", UnixMillis(6.0), &mut table.out);
        let once = zero.replace("\"count\":0", "\"count\":1");
        assert_eq!(
            peer(table.known()),
            format!(
                r#"{{"address":"net:x","key":"{them}","announcers":1,"duration":{once},"stateChange":6,"error":"no \"way\"","failure":1}}"#
            )
        );

        table.peers.opened(ConnectionId(1), &them, Side::Dialed, UnixMillis(7.0), &mut table.out);

        assert_eq!(
            peer(table.known()),
            format!(
                r#"{{"address":"net:x","key":"{them}","announcers":1,"duration":{once},"stateChange":7,"state":"connected","client":true,"ping":{{"rtt":{zero},"skew":{zero}}},"failure":0}}"#
            )
        );
        assert_eq!(
            summary(table.known()),
            format!(
                r#"{{"address":"net:x","state":"connected","stateChange":7,"failure":0,"client":true,"stats":{{"duration":{once},"rtt":{zero},"skew":{zero}}}}}"#
            )
        );
    }

    #[test]
    fn listeners_hear_what_changed_and_of_new_peers_where_they_were_learned_of() {
        let table = Table::new(Whereabouts::written("net:x", address()), None);
        let peer = peer(table.known());
        let told = |kind| change(&Change { kind, peer: table.known().clone() });

        assert_eq!(
            told(ChangeKind::Discover),
            format!(r#"{{"type":"discover","peer":{peer},"source":"manual"}}"#)
        );
        assert_eq!(
            told(ChangeKind::ConnectFailure),
            format!(r#"{{"type":"connect-failure","peer":{peer}}}"#)
        );
    }

    #[test]
    fn the_fullest_table_is_one_answer() {
        let (mut peers, mut out) = (Peers::new(key(1).id()), VecDeque::<Change>::new());
        for n in 0..PEERS_MAX {
            let mut bytes = [7; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            let (them, connection) = (FeedId::from_bytes(bytes), ConnectionId(n as u64));
            // Only one of the two forms tells the host apart, and that one is written by us.
            let address = Address::net(&["x".repeat(60), "x".repeat(60)].join("."), 65_535, them).unwrap();
            let place = Whereabouts::written(&"x".repeat(ADDRESS_LEN_MAX), address);
            peers.add(place, Some(&"s".repeat(SOURCE_LEN_MAX)), UnixMillis(0.0), &mut out).unwrap();
            peers.opened(connection, &them, Side::Dialed, UnixMillis(1_795_379_237_261.123), &mut out);
            for rtt in [1.0 / 3.0, 1e9 / 7.0] {
                peers.pinged(connection, rtt, -rtt);
            }
            peers.closed(connection, UnixMillis(1_795_379_237_999.456), &mut out);
            peers.failed(&them, &"e".repeat(ERROR_LEN_MAX), UnixMillis(1_795_379_237_999.456), &mut out);
        }

        let answer = super::peers(peers.all());

        assert!(answer.len() < ITEM_LEN_MAX as usize, "{} bytes", answer.len());
    }
}
