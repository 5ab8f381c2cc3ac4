//! What holds for all inputs.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use proptest::prelude::*;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_shs::ClientHandshake;
use ssb_shs::HandshakeError;
use ssb_shs::ServerHandshake;
use ssb_shs::Session;

type Outcome = Result<(Session, Session), (&'static str, HandshakeError)>;

/// Shakes hands, with `flip` altering one bit of one message on its way.
fn shake(seeds: &[[u8; 32]; 4], network: &NetworkKey, flip: Option<(usize, prop::sample::Index)>) -> Outcome {
    let [alice, bob, a, b] = seeds;
    let (alice, bob) = (Keypair::from_seed(alice), Keypair::from_seed(bob));
    let alter = |at: usize, message: &mut [u8]| {
        if let Some((message_at, bit)) = flip
            && message_at == at
        {
            let bit = bit.index(message.len() * 8);
            message[bit / 8] ^= 1 << (bit % 8);
        }
    };
    let client = ClientHandshake::new(&alice, network, bob.id(), EphemeralKeypair::from_seed(a));
    let server = ServerHandshake::new(&bob, network, EphemeralKeypair::from_seed(b));
    let (mut hello, client) = client.hello();
    alter(1, &mut hello);
    let (mut reply, server) = server.client_hello(&hello).map_err(|error| ("server", error))?;
    alter(2, &mut reply);
    let (mut auth, client) = client.server_hello(&reply).map_err(|error| ("client", error))?;
    alter(3, &mut auth);
    let guest = server.client_auth(&auth).map_err(|error| ("server", error))?;
    assert_eq!(guest.id(), alice.id());
    let (mut accept, served) = guest.admit();
    alter(4, &mut accept);
    let dialed = client.server_accept(&accept).map_err(|error| ("client", error))?;
    Ok((dialed, served))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_honest_handshake_ends_with_each_others_keys(seeds: [[u8; 32]; 4], network: [u8; 32]) {
        let (dialed, served) = shake(&seeds, &NetworkKey::from_bytes(network), None).unwrap();

        prop_assert_eq!(dialed.send.key(), served.receive.key());
        prop_assert_eq!(dialed.send.nonce(), served.receive.nonce());
        prop_assert_eq!(dialed.receive.key(), served.send.key());
        prop_assert_eq!(dialed.receive.nonce(), served.send.nonce());
        prop_assert_ne!(dialed.send.key(), dialed.receive.key());
    }

    #[test]
    fn no_altered_bit_goes_unnoticed(seeds: [[u8; 32]; 4], at in 1_usize..=4, bit: prop::sample::Index) {
        let who = if at % 2 == 1 { "server" } else { "client" };
        let outcome = shake(&seeds, &NetworkKey::MAIN, Some((at, bit)));
        prop_assert_eq!(outcome.map(|_| ()).map_err(|(side, _)| side), Err(who));
    }

    #[test]
    fn no_bytes_of_a_stranger_are_accepted_or_panic(hello: [[u8; 32]; 2], auth: [[u8; 28]; 4]) {
        let bob = Keypair::from_seed(&[2; 32]);
        let network = NetworkKey::MAIN;
        let server = || ServerHandshake::new(&bob, &network, EphemeralKeypair::from_seed(&[3; 32]));
        let hello: [u8; 64] = hello.concat().try_into().unwrap();
        prop_assert_eq!(server().client_hello(&hello).unwrap_err(), HandshakeError::WrongNetwork);

        let alice = Keypair::from_seed(&[1; 32]);
        let (hello, _) =
            ClientHandshake::new(&alice, &network, bob.id(), EphemeralKeypair::from_seed(&[4; 32])).hello();
        let (_, server) = server().client_hello(&hello).unwrap();
        let auth: [u8; 112] = auth.concat().try_into().unwrap();
        prop_assert_eq!(server.client_auth(&auth).unwrap_err(), HandshakeError::Unproven);
    }
}
