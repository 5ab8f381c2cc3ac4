//! Packets of the local network, and addresses.

use std::net::Ipv4Addr;

use ssb_gossip::address::Address;
use ssb_gossip::address::Transport;
use ssb_gossip::lan::beacon;
use ssb_gossip::lan::beacon::Beacon;
use ssb_gossip::lan::beacon::BeaconError;
use ssb_gossip::lan::beacon::Dialect;
use ssb_gossip::lan::beacon::PACKET_LEN_MAX;
use ssb_gossip::lan::beacon::Proof;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_keys::secretbox;

const NETWORK: NetworkKey = NetworkKey::MAIN;

/// Reads any bytes as a packet of either dialect, and as what a box of the newer one holds: only the source is ever named, with a
/// key and a port of the text; nothing is proven without a signature; and what was read is written and read again.
pub fn lan_beacon(data: &[u8]) {
    let me = Keypair::from_seed(&[1; 32]);
    // The first bytes say where it comes from, so that the text can name that host.
    let source = data.first_chunk().map_or(Ipv4Addr::new(192, 168, 1, 4), |first| Ipv4Addr::from(*first));
    for source in [source, Ipv4Addr::new(192, 168, 1, 4)] {
        for dialect in [Dialect::Classic, Dialect::Keyed] {
            let read = Beacon::read(data, dialect, &NETWORK);
            assert_eq!(data.len() > PACKET_LEN_MAX, read == Err(BeaconError::TooLong));
            let Ok(heard) = read else { continue };
            if dialect == Dialect::Classic {
                assert_eq!(heard.proof(source), Proof::Hearsay);
            }
            let address = heard.address_at(source).expect("an address of TCP has a port");
            assert_eq!((address.host(), address.key()), (source.to_string().as_str(), heard.key()));
            assert_eq!(address.transport(), Transport::Net);
            let again = Beacon::read(&beacon::classic(&address), Dialect::Classic, &NETWORK);
            assert_eq!(again.ok().and_then(|again| again.address_at(source)), Some(address));
        }
    }

    // As the text in a box that opens, with a signature over it: only who signed it can have said something.
    let mut text = data.to_vec();
    let nonce = NETWORK.as_bytes().first_chunk().expect("32 bytes begin with 24");
    let tag = secretbox::seal(NETWORK.as_bytes(), nonce, &mut text);
    let signature = me.sign(data);
    let packet = [&tag, text.as_slice(), signature.as_bytes()].concat();
    match Beacon::read(&packet, Dialect::Keyed, &NETWORK) {
        Err(BeaconError::NoAddress | BeaconError::NotSigned | BeaconError::TooLong) => {}
        Ok(heard) => assert_eq!(heard.key(), me.id()),
        Err(other) => panic!("{other}"),
    }
}

/// Reads any bytes as an address, and as a list of them: what was read is written and read again, and the list has what counts of
/// it, each with a port.
pub fn address_parse(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let all = Address::all(text);
    for address in &all {
        assert_ne!(address.port(), 0);
        assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(address));
        assert_eq!(Address::all(&address.to_string()), std::slice::from_ref(address));
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(all.first(), Some(&address), "{text}");
    }
}
