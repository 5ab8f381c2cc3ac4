//! `pub`: where a public server can be reached.

use alloc::string::String;

use ssb_keys::FeedId;

use crate::json::Value;

use super::string;

/// The announcement of a public server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pub {
    /// Where it is.
    pub address: PubAddress,
}

/// The two ways to write an address in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PubAddress {
    /// An object with its parts.
    Parts {
        /// Name or number of the host; as the author wrote it, not checked.
        host: String,
        /// The port, 8008 when left out.
        port: u16,
        /// The server's own id.
        key: FeedId,
    },
    /// One text, for instance a multiserver address; not checked.
    Text(String),
}

impl Pub {
    /// Reads a content. `None` without an `address`.
    pub fn read(content: &Value) -> Option<Self> {
        let address = content.get("address")?;
        if let Some(text) = address.as_text() {
            return Some(Self { address: PubAddress::Text(text.decode().into_owned()) });
        }
        let key = FeedId::parse(address.get("key")?.as_text()?.escaped()).ok()?;
        let port = match address.get("port") {
            None | Some(Value::Null) => PORT,
            Some(Value::Text(text)) => text.escaped().parse().ok()?,
            Some(value) => port(value.as_number()?)?,
        };
        Some(Self { address: PubAddress::Parts { host: string(address, "host")?, port, key } })
    }
}

fn port(number: f64) -> Option<u16> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked by the way back")]
    let port = number as u16;
    (f64::from(port) == number).then_some(port)
}

/// The port of Scuttlebutt.
const PORT: u16 = 8008;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn read(port: &str) -> Option<Pub> {
        let key = FeedId::from_bytes([1; 32]);
        let text = format!(r#"{{"type":"pub","address":{{"host":"pub.example"{port},"key":"{key}"}}}}"#);
        Pub::read(&json::parse(text.as_bytes()).unwrap())
    }

    fn at(port: u16) -> Option<Pub> {
        let key = FeedId::from_bytes([1; 32]);
        Some(Pub { address: PubAddress::Parts { host: "pub.example".into(), port, key } })
    }

    #[test]
    fn the_port_is_a_number_a_text_or_left_out() {
        assert_eq!(read(r#","port":8009"#), at(8009));
        assert_eq!(read(r#","port":"8010""#), at(8010));
        assert_eq!(read(""), at(8008));
        assert_eq!(read(r#","port":65535"#), at(65_535));
    }

    #[test]
    fn a_port_that_is_none_makes_no_address() {
        assert_eq!(read(r#","port":65536"#), None);
        assert_eq!(read(r#","port":-1"#), None);
        assert_eq!(read(r#","port":1.5"#), None);
        assert_eq!(read(r#","port":"http""#), None);
    }

    #[test]
    fn an_address_may_be_one_text() {
        let content = json::parse(br#"{"type":"pub","address":"net:pub.example:8008~shs:x"}"#).unwrap();

        assert_eq!(
            Pub::read(&content),
            Some(Pub { address: PubAddress::Text("net:pub.example:8008~shs:x".into()) })
        );
    }
}
