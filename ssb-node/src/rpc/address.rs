//! `address`, `multiserver.address` and `multiserver.parse`: where the node is, and what an address says (secret-stack
//! 6.4.2, multiserver 3.8.2).

use ssb_keys::base64;
use ssb_msg::json;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;
use crate::addresses::Addresses;
use crate::config::Scope;

/// The addresses of a scope, `device` unless the call names another. `null` where nobody is told any.
pub(crate) fn address(raw: &[u8], addresses: &Addresses) -> String {
    let scope = match args::nth(raw, 0) {
        Some(argument) if argument.is_truthy() => argument.as_text().and_then(|name| match name.escaped() {
            "device" => Some(Scope::Device),
            "local" => Some(Scope::Local),
            "public" => Some(Scope::Public),
            _ => None,
        }),
        _ => Some(Scope::Device),
    };
    scope.and_then(|scope| addresses.told(scope)).map_or_else(|| "null".to_owned(), |told| quoted(&told))
}

/// The parts of each address in a list. `null` for one that the node does not understand, in whatever place it stands.
///
/// # Errors
///
/// If the call names none.
pub(crate) fn parse(raw: &[u8]) -> Result<String, RemoteError> {
    match args::nth(raw, 0) {
        Some(Value::Text(list)) => {
            let list = list.decode();
            let parsed: Vec<String> =
                list.split(';').map(|address| one(address).unwrap_or_else(null)).collect();
            Ok(format!("[{}]", parsed.join(",")))
        }
        None | Some(Value::Null) => Err(args::required()),
        Some(_) => Err(args::wrong_type("string")),
    }
}

fn one(address: &str) -> Option<String> {
    let parts = unescape(address);
    let (transport, proof) = match parts.as_slice() {
        [transport] => (transport, None),
        [transport, proof] => (transport, Some(proof)),
        _ => return None,
    };
    let (transport, proof) = match net(transport) {
        Some(net) => (net, proof.map(|proof| shs(proof))),
        // Whoever opens the socket has all rights, and proves nothing.
        None => (unix(transport)?, proof.map(|_| Some("{}".to_owned()))),
    };
    match proof {
        None => Some(format!("[{transport}]")),
        Some(proof) => Some(format!("[{transport},{}]", proof?)),
    }
}

fn net(text: &str) -> Option<String> {
    let (host, port) = text.strip_prefix("net:")?.rsplit_once(':')?;
    let host = if host.is_empty() { "localhost" } else { host };
    let port = if port.is_empty() { 0.0 } else { port.parse::<u64>().ok().map(|port| port as f64)? };
    Some(format!(
        "{{\"name\":\"net\",\"host\":{},\"port\":{}}}",
        quoted(host),
        json::compact(&Value::Number(port))
    ))
}

fn unix(text: &str) -> Option<String> {
    let path = text.strip_prefix("unix:")?;
    Some(format!("{{\"name\":\"\",\"path\":{}}}", quoted(path)))
}

fn shs(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    if parts.next() != Some("shs") {
        return None;
    }
    let key = buffer(parts.next()?)?;
    match parts.next() {
        None => Some(format!("{{\"key\":{key}}}")),
        Some(seed) => Some(format!("{{\"key\":{key},\"seed\":{}}}", buffer(seed)?)),
    }
}

// 32 bytes, as JavaScript's Buffer prints them.
fn buffer(text: &str) -> Option<String> {
    let bytes: [u8; 32] = base64::decode_array(text).ok()?;
    let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
    Some(format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", bytes.join(",")))
}

// The parts between `~`; `!` makes an ordinary character of the next one.
fn unescape(address: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = address.chars();
    while let Some(character) = characters.next() {
        match character {
            '!' => part.push(characters.next().unwrap_or('!')),
            '~' => parts.push(std::mem::take(&mut part)),
            _ => part.push(character),
        }
    }
    parts.push(part);
    parts
}

fn null() -> String {
    "null".to_owned()
}

fn quoted(text: &str) -> String {
    json::compact(&Value::Text(Text::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const KEY: &str = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn bytes() -> String {
        format!("{{\"type\":\"Buffer\",\"data\":[1{}]}}", ",0".repeat(31))
    }

    #[test]
    fn a_scope_is_named_or_the_machine_itself() {
        let mut addresses = Addresses::default();
        addresses.add_unix(Path::new("/s"));
        let told = "\"unix:/s~noauth\"";
        for (args, expected) in [
            ("[]", told),
            ("[null]", told),
            ("[\"\"]", told),
            ("[\"device\"]", told),
            ("[\"public\"]", "null"),
            ("[\"private\"]", "null"),
            ("[\"x\"]", "null"),
            ("[5]", "null"),
            ("[{}]", "null"),
        ] {
            assert_eq!(address(args.as_bytes(), &addresses), expected, "{args}");
        }
    }

    #[test]
    fn an_address_is_taken_apart() {
        let (bytes, net) = (bytes(), r#"{"name":"net","host":"h","port":8008}"#);
        for (list, expected) in [
            (format!("net:h:8008~shs:{KEY}"), format!("[[{net},{{\"key\":{bytes}}}]]")),
            (
                format!("net:h:8008~shs:{KEY}:{KEY}"),
                format!("[[{net},{{\"key\":{bytes},\"seed\":{bytes}}}]]"),
            ),
            ("net:h:8008".to_owned(), format!("[[{net}]]")),
            ("net:::1:0".to_owned(), r#"[[{"name":"net","host":"::1","port":0}]]"#.to_owned()),
            ("net::".to_owned(), r#"[[{"name":"net","host":"localhost","port":0}]]"#.to_owned()),
            ("unix:/a!~b~noauth".to_owned(), r#"[[{"name":"","path":"/a~b"},{}]]"#.to_owned()),
            (format!("x;net:h:8008~shs:{KEY}"), format!("[null,[{net},{{\"key\":{bytes}}}]]")),
        ] {
            assert_eq!(parse(format!("[\"{list}\"]").as_bytes()), Ok(expected), "{list}");
        }
    }

    #[test]
    fn what_is_not_understood_is_null() {
        for address in [
            "",
            "x",
            "net:h:x",
            "net:h",
            "net:h:1~shs",
            "net:h:1~shs:AAAA",
            &format!("net:h:1~shs:{KEY}:AAAA"),
            "net:h:1~noauth",
            &format!("net:h:1~shs:{KEY}~x"),
            &format!("ws://h:1~shs:{KEY}"),
        ] {
            assert_eq!(parse(format!("[\"{address}\"]").as_bytes()).as_deref(), Ok("[null]"), "{address}");
        }
    }

    #[test]
    fn without_an_address_there_is_nothing_to_parse() {
        assert_eq!(parse(b"[]"), Err(args::required()));
        assert_eq!(parse(b"[null]"), Err(args::required()));
        for other in ["[5]", "[{}]", "[[\"x\"]]"] {
            assert_eq!(parse(other.as_bytes()), Err(args::wrong_type("string")), "{other}");
        }
    }
}
