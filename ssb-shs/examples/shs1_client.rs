//! One handshake as the client over standard input and output, for black-box suites such as shs1-test 1.1.1.
//!
//! `shs1_client NETWORK_KEY SERVER_PUBLIC`, in hex (32 bytes each). Writes 64 bytes, reads 64, writes 112, reads 80
//! and then writes the outcome: sending key and nonce, receiving key and nonce (112 bytes). On a fault it writes
//! nothing more and exits with 1.

use std::io::Read as _;
use std::io::Write as _;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::entropy::bytes;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_shs::ClientHandshake;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [network, server] = arguments()?;
    let network = NetworkKey::from_bytes(network.as_slice().try_into()?);
    let server = FeedId::from_bytes(server.as_slice().try_into()?);
    let me = Keypair::generate();
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());

    let (hello, client) =
        ClientHandshake::new(&me, &network, server, EphemeralKeypair::from_seed(&bytes())).hello();
    output.write_all(&hello)?;
    output.flush()?;

    let mut reply = [0; 64];
    input.read_exact(&mut reply)?;
    let (auth, client) = client.server_hello(&reply)?;
    output.write_all(&auth)?;
    output.flush()?;

    let mut accept = [0; 80];
    input.read_exact(&mut accept)?;
    let session = client.server_accept(&accept)?;
    for part in [session.send, session.receive] {
        output.write_all(part.key())?;
        output.write_all(part.nonce())?;
    }
    output.flush()?;
    Ok(())
}

fn arguments() -> Result<[Vec<u8>; 2], Box<dyn std::error::Error>> {
    let arguments: Option<Vec<Vec<u8>>> = std::env::args().skip(1).map(|hex| unhex(&hex)).collect();
    let arguments = arguments.ok_or("arguments must be hex")?;
    arguments.try_into().map_err(|_| "usage: shs1_client NETWORK_KEY SERVER_PUBLIC (hex)".into())
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
