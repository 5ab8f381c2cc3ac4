//! One handshake as the server over standard input and output, for black-box suites such as shs1-test 1.1.1.
//!
//! `shs1_server NETWORK_KEY SERVER_SECRET SERVER_PUBLIC`, in hex (32, 64 and 32 bytes). Reads 64 bytes, writes 64,
//! reads 112, writes 80 and then the outcome: sending key and nonce, receiving key and nonce (112 bytes). On a fault
//! it writes nothing more and exits with 1.

use std::io::Read as _;
use std::io::Write as _;

use ssb_keys::Keypair;
use ssb_keys::entropy::bytes;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_shs::ServerHandshake;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [network, secret, public] = arguments()?;
    let me = Keypair::from_secret(secret.as_slice().try_into()?).ok_or("secret and public key disagree")?;
    if me.id().as_bytes() != public.as_slice() {
        return Err("secret and public key disagree".into());
    }
    let network = NetworkKey::from_bytes(network.as_slice().try_into()?);
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());

    let mut hello = [0; 64];
    input.read_exact(&mut hello)?;
    let server = ServerHandshake::new(&me, &network, EphemeralKeypair::from_seed(&bytes()));
    let (reply, server) = server.client_hello(&hello)?;
    output.write_all(&reply)?;
    output.flush()?;

    let mut auth = [0; 112];
    input.read_exact(&mut auth)?;
    let (accept, session) = server.client_auth(&auth)?.admit();
    output.write_all(&accept)?;
    for part in [session.send, session.receive] {
        output.write_all(part.key())?;
        output.write_all(part.nonce())?;
    }
    output.flush()?;
    Ok(())
}

fn arguments() -> Result<[Vec<u8>; 3], Box<dyn std::error::Error>> {
    let arguments: Option<Vec<Vec<u8>>> = std::env::args().skip(1).map(|hex| unhex(&hex)).collect();
    let arguments = arguments.ok_or("arguments must be hex")?;
    arguments
        .try_into()
        .map_err(|_| "usage: shs1_server NETWORK_KEY SERVER_SECRET SERVER_PUBLIC (hex)".into())
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
