//! The packets by which nodes of a local network say where they are.
//!
//! ```text
//! classic   the address as text                                        net:192.168.1.4:8008~shs:...=
//! keyed     tag (16) | sealed JSON {"address":"net:..."} | signature (64)
//! ```
//!
//! The box of the keyed dialect is a secretbox whose key is the network key and whose nonce is the first 24 bytes of that
//! (`secretBox` of ssb-keys 8.5.0): two packets share one key stream, so it hides nothing from whoever tries, on the main network
//! from nobody at all. It does keep networks apart. The signature is over the JSON with the indentation of two spaces
//! (`signObj`), never with a `caps.sign`. An address is a list of alternatives, as its node knows itself; other keys than that
//! of the first one are passed over.

use std::net::Ipv4Addr;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::Signature;
use ssb_keys::network::NetworkKey;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use ssb_keys::verify;
use ssb_keys::verify::Claim;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use thiserror::Error;

use crate::address::Address;
use crate::address::Transport;

/// The UDP port of the classic dialect, unless a node has another one for everything (ssb-config 3.4.6, ssb-lan 1.2.3).
pub const CLASSIC_PORT: u16 = 8008;

/// The UDP port of the keyed dialect (ssb-lan 1.2.3).
pub const KEYED_PORT: u16 = 26830;

/// The most bytes of a packet: an address of a node with forty interfaces fits.
pub const PACKET_LEN_MAX: usize = 4096;

/// The most alternatives of an address that are remembered.
pub const PLACES_MAX: usize = 16;

const SIGNATURE_LEN: usize = 64;

/// How a packet says where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// In clear.
    Classic,
    /// Sealed with the key of the network, and signed.
    Keyed,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    key: FeedId,
    /// At least one, all with the key.
    places: Vec<Address>,
    is_signed: bool,
}

/// How good the reasons are to think that the node of a key is where a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Somebody says so.
    Hearsay,
    /// The node has signed that it is on that host.
    Signed,
}

impl Beacon {
    /// Reads a packet.
    ///
    /// # Errors
    ///
    /// [`BeaconError`], with which it is to be passed over.
    pub fn read(packet: &[u8], dialect: Dialect, network: &NetworkKey) -> Result<Self, BeaconError> {
        if packet.len() > PACKET_LEN_MAX {
            return Err(BeaconError::TooLong);
        }
        match dialect {
            Dialect::Classic => {
                let text = str::from_utf8(packet).map_err(|_| BeaconError::NoAddress)?;
                Self::of(text).ok_or(BeaconError::NoAddress)
            }
            Dialect::Keyed => Self::read_keyed(packet, network),
        }
    }

    /// Who it is about.
    pub const fn key(&self) -> FeedId {
        self.key
    }

    /// Where the node is, if this came from `source`: there, and nowhere else, whatever it says. The port is that of an
    /// alternative with this very host, or else the first.
    pub fn address_at(&self, source: Ipv4Addr) -> Option<Address> {
        let first = self.names(source).or_else(|| self.places.first())?;
        Address::net(&source.to_string(), first.port(), self.key).ok()
    }

    /// How good the reasons are to look for the node at `source`, where this came from. Everybody can repeat a packet, but only in
    /// the name of a host on which the node says it is.
    pub fn proof(&self, source: Ipv4Addr) -> Proof {
        if self.is_signed && self.names(source).is_some() { Proof::Signed } else { Proof::Hearsay }
    }

    fn names(&self, source: Ipv4Addr) -> Option<&Address> {
        self.places.iter().find(|place| place.host().parse() == Ok(source))
    }

    fn read_keyed(packet: &[u8], network: &NetworkKey) -> Result<Self, BeaconError> {
        let (sealed, signature) = packet.split_last_chunk::<SIGNATURE_LEN>().ok_or(BeaconError::TooShort)?;
        let (tag, text) = sealed.split_first_chunk::<TAG_LEN>().ok_or(BeaconError::TooShort)?;
        let mut text = text.to_vec();
        secretbox::open(network.as_bytes(), &nonce(network), &mut text, tag)
            .map_err(|_| BeaconError::OtherNetwork)?;
        let address = json::parse(&text).ok().and_then(|told| told.get("address")?.as_text().cloned());
        let address = address.ok_or(BeaconError::NoAddress)?;
        let beacon = Self::of(&address.decode()).ok_or(BeaconError::NoAddress)?;
        let signed = json::pretty(&told(address));
        let signature = Signature::from_bytes(*signature);
        verify::verify(Claim { author: beacon.key, signature, signed: signed.as_bytes() })
            .map_err(|_| BeaconError::NotSigned)?;
        Ok(Self { is_signed: true, ..beacon })
    }

    fn of(text: &str) -> Option<Self> {
        let mut places = Address::all(text);
        places.retain(|place| place.transport() == Transport::Net);
        let key = places.first()?.key();
        places.retain(|place| place.key() == key);
        places.truncate(PLACES_MAX);
        Some(Self { key, places, is_signed: false })
    }
}

/// The packet of the classic dialect.
pub fn classic(address: &Address) -> Vec<u8> {
    address.to_string().into_bytes()
}

/// The packet of the keyed dialect, signed with the node's own key.
pub fn keyed(address: &Address, me: &Keypair, network: &NetworkKey) -> Vec<u8> {
    let told = told(Text::new(&address.to_string()));
    let mut text = json::compact(&told).into_bytes();
    let tag = secretbox::seal(network.as_bytes(), &nonce(network), &mut text);
    let signature = me.sign(json::pretty(&told).as_bytes());
    [&tag, text.as_slice(), signature.as_bytes()].concat()
}

fn told(address: Text) -> Value {
    Value::Object(Object::from_pairs([(Text::new("address"), Value::Text(address))]))
}

fn nonce(network: &NetworkKey) -> [u8; 24] {
    *network.as_bytes().first_chunk().expect("32 bytes begin with 24")
}

/// Why a packet says nothing. Whoever sent it speaks something else, is on another network, or means no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BeaconError {
    /// It has more than [`PACKET_LEN_MAX`] bytes.
    #[error("beacon of more than {PACKET_LEN_MAX} bytes")]
    TooLong,
    /// It has fewer bytes than a box and a signature.
    #[error("beacon ends too soon")]
    TooShort,
    /// Its box does not open with the key of this network.
    #[error("beacon of another network")]
    OtherNetwork,
    /// It is no address over TCP with a handshake.
    #[error("beacon without an address to dial")]
    NoAddress,
    /// Its signature is not that of the key in its address.
    #[error("beacon is not signed by the node that it names")]
    NotSigned,
}

#[cfg(test)]
mod tests {
    use ssb_keys::base64;

    use super::*;

    const NETWORK: NetworkKey = NetworkKey::MAIN;
    const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 4);

    fn me() -> Keypair {
        Keypair::from_seed(&[1; 32])
    }

    fn address(host: &str) -> Address {
        Address::net(host, 8008, me().id()).unwrap()
    }

    fn heard(text: &str) -> Result<Beacon, BeaconError> {
        Beacon::read(text.as_bytes(), Dialect::Classic, &NETWORK)
    }

    /// By `secretBox` and `signObj` of ssb-keys 8.5.0, as ssb-lan 1.2.3 calls them, on the main network, by the key of this seed.
    const SSB_LAN: &str = "oE9m5QNk3C+Fz1UsL0PJyM8xNaN++EnhWJLH2I5H9nOv4bFzjk+3+pJIlX/Zp3pX02o9Xcg3yJkvKHqhCTAWVosyXcxF42/Z\
                           WMCUZE1Y6UL8/d3pJrPPMr2e5T4YpUzVweJIDbcmuq9N7xHX5H2Km15z6KibgdCO/3NW+rli62/Ie67bc3TH2kTmIBe7Vxfm\
                           OwniPKuxezBOaIcoX2ymo4UCDQ==";

    #[test]
    fn a_packet_is_that_of_ssb_lan_to_the_byte() {
        let packet = base64::decode(SSB_LAN).unwrap();

        assert_eq!(keyed(&address("192.168.1.4"), &me(), &NETWORK), packet);
        let beacon = Beacon::read(&packet, Dialect::Keyed, &NETWORK).unwrap();
        assert_eq!((beacon.key(), beacon.proof(SOURCE)), (me().id(), Proof::Signed));
    }

    #[test]
    fn a_node_is_where_the_packet_came_from_and_nowhere_else() {
        let address = address("203.0.113.9");
        for (packet, dialect) in
            [(classic(&address), Dialect::Classic), (keyed(&address, &me(), &NETWORK), Dialect::Keyed)]
        {
            let beacon = Beacon::read(&packet, dialect, &NETWORK).unwrap();

            let found = beacon.address_at(SOURCE).unwrap();
            assert_eq!((found.host(), found.port(), found.key()), ("192.168.1.4", 8008, me().id()));
            assert_eq!(beacon.proof(SOURCE), Proof::Hearsay, "it was signed for another host");
        }
    }

    #[test]
    fn only_a_signature_for_the_very_host_is_a_proof() {
        let address = address("192.168.1.4");

        let signed = Beacon::read(&keyed(&address, &me(), &NETWORK), Dialect::Keyed, &NETWORK).unwrap();
        assert_eq!(signed.proof(SOURCE), Proof::Signed);
        assert_eq!(signed.proof(Ipv4Addr::new(192, 168, 1, 5)), Proof::Hearsay);
        let plain = Beacon::read(&classic(&address), Dialect::Classic, &NETWORK).unwrap();
        assert_eq!(plain.proof(SOURCE), Proof::Hearsay);
    }

    #[test]
    fn of_a_list_the_alternative_of_the_source_counts_then_the_first() {
        let other = Keypair::from_seed(&[2; 32]).id();
        let places = [("fd00::1", 1, me().id()), ("192.168.1.4", 2, me().id()), ("192.168.1.5", 3, other)];
        let places = places.map(|(host, port, key)| Address::net(host, port, key).unwrap().to_string());
        let list = format!("unix:/home/a!;b~noauth;ws://h.example:80~shs:x;{}", places.join(";"));

        let beacon = heard(&list).unwrap();

        assert_eq!(beacon.key(), me().id());
        assert_eq!(beacon.address_at(SOURCE).map(|found| found.port()), Some(2));
        let elsewhere = beacon.address_at(Ipv4Addr::new(192, 168, 1, 5)).map(|found| found.port());
        assert_eq!(elsewhere, Some(1), "the alternative of another key is none");
    }

    #[test]
    fn the_older_form_of_an_address_is_understood() {
        let beacon = heard(&format!("192.168.1.4:9009:{}", me().id())).unwrap();

        assert_eq!(beacon.address_at(SOURCE).map(|found| found.port()), Some(9009));
    }

    #[test]
    fn what_is_no_address_over_tcp_is_refused() {
        let onion = address("h.example").to_string().replace("net:", "onion:");
        for text in ["", "hello", "net:192.168.1.4:8008", "net:192.168.1.4:0~shs:x", onion.as_str()] {
            assert_eq!(heard(text), Err(BeaconError::NoAddress), "{text}");
        }
        assert_eq!(Beacon::read(&[0xff; 9], Dialect::Classic, &NETWORK), Err(BeaconError::NoAddress));
    }

    #[test]
    fn a_packet_has_so_many_bytes_and_no_more() {
        let fill = |len: usize| {
            let address = address("192.168.1.4").to_string();
            format!("{address};x{}~noauth", "y".repeat(len - address.len() - ";x~noauth".len()))
        };

        assert!(heard(&fill(PACKET_LEN_MAX)).is_ok());
        assert_eq!(heard(&fill(PACKET_LEN_MAX + 1)), Err(BeaconError::TooLong));
    }

    #[test]
    fn so_many_alternatives_are_remembered_and_no_more() {
        let places: Vec<String> =
            (1..=PLACES_MAX + 1).map(|n| address(&format!("10.0.0.{n}")).to_string()).collect();

        let beacon = heard(&places.join(";")).unwrap();

        assert_eq!(beacon.places.len(), PLACES_MAX);
    }

    #[test]
    fn a_box_needs_its_network_its_signature_and_all_its_bytes() {
        let packet = keyed(&address("192.168.1.4"), &me(), &NETWORK);
        let read = |packet: &[u8]| Beacon::read(packet, Dialect::Keyed, &NETWORK);

        let other = NetworkKey::from_bytes([9; 32]);
        assert_eq!(Beacon::read(&packet, Dialect::Keyed, &other), Err(BeaconError::OtherNetwork));
        let damaged = |at: usize| {
            let mut damaged = packet.clone();
            damaged[at] ^= 1;
            read(&damaged)
        };
        assert_eq!(damaged(0), Err(BeaconError::OtherNetwork));
        assert_eq!(damaged(TAG_LEN), Err(BeaconError::OtherNetwork));
        assert_eq!(damaged(packet.len() - 1), Err(BeaconError::NotSigned));
        assert_eq!(read(&packet[..TAG_LEN + SIGNATURE_LEN - 1]), Err(BeaconError::TooShort));
        assert_eq!(read(&packet[..TAG_LEN + SIGNATURE_LEN]), Err(BeaconError::OtherNetwork));
    }

    #[test]
    fn nobody_signs_for_another_key() {
        let eve = Keypair::from_seed(&[2; 32]);

        let packet = keyed(&address("192.168.1.4"), &eve, &NETWORK);

        assert_eq!(Beacon::read(&packet, Dialect::Keyed, &NETWORK), Err(BeaconError::NotSigned));
    }

    #[test]
    fn a_box_holds_json_with_an_address() {
        let sealed = |text: &str| {
            let mut text = text.as_bytes().to_vec();
            let tag = secretbox::seal(NETWORK.as_bytes(), &nonce(&NETWORK), &mut text);
            Beacon::read(&[&tag, text.as_slice(), &[0; 64]].concat(), Dialect::Keyed, &NETWORK)
        };
        for text in ["", "{", "7", "{}", r#"{"address":7}"#, r#"{"address":"hello"}"#] {
            assert_eq!(sealed(text), Err(BeaconError::NoAddress), "{text}");
        }
    }
}
