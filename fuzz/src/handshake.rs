//! The secret handshake between two honest sides and somebody on the wire.

use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_shs::ACCEPT_LEN;
use ssb_shs::AUTH_LEN;
use ssb_shs::ClientHandshake;
use ssb_shs::HELLO_LEN;
use ssb_shs::HandshakeError;
use ssb_shs::ServerHandshake;
use ssb_shs::Session;

use crate::cast::ALICE;
use crate::cast::BOB;
use crate::cast::MALLORY;
use crate::script::Script;

/// Shakes hands over a wire on which messages are replaced: only what arrives as it was sent authenticates anybody.
///
/// Script: who dials, whom, on which networks, two seeds, and for each of the four messages what becomes of it.
pub fn shs_handshake(data: &[u8]) {
    let script = &mut Script::new(data);
    let (dialer, dialed) = (one_of(script, &ALICE, &MALLORY), one_of(script, &BOB, &MALLORY));
    let same_network = !script.flag();
    let network = if same_network { NetworkKey::MAIN } else { NetworkKey::from_bytes([9; 32]) };
    let ephemerals = [script.array(), script.array()].map(|seed| EphemeralKeypair::from_seed(&seed));
    let [dialers, listeners] = ephemerals;
    let spare = recording();

    let (hello, client) = ClientHandshake::new(dialer, &network, dialed.id(), dialers).hello();
    let hello = Hello::deliver_hello(script, hello, spare.hello);
    let server = ServerHandshake::new(&BOB, &NetworkKey::MAIN, listeners);
    let (reply, server) = match server.client_hello(&hello.arrived) {
        Ok(next) => next,
        Err(error) => {
            assert!(!(same_network && hello.is_honest()), "an honest hello: {error}");
            return;
        }
    };
    assert!(hello.has_mac_of(&NetworkKey::MAIN), "a hello without the network's MAC was taken");

    let reply = Hello::deliver_hello(script, reply, spare.reply);
    let (auth, client) = match client.server_hello(&reply.arrived) {
        Ok(next) => next,
        Err(error) => {
            assert!(!(same_network && reply.is_honest()), "an honest reply: {error}");
            return;
        }
    };
    assert!(reply.has_mac_of(&network), "a reply without the network's MAC was taken");

    let auth = Message::deliver(script, auth, spare.auth);
    let honest = same_network
        && hello.is_same_key()
        && reply.is_same_key()
        && dialed.id() == BOB.id()
        && auth.is_honest();
    let guest = match server.client_auth(&auth.arrived) {
        Ok(guest) => guest,
        Err(error) => {
            assert!(!honest, "an honest proof: {error}");
            return;
        }
    };
    assert!(honest, "a forged proof was taken");
    assert_eq!(guest.id(), dialer.id());

    let (accept, served) = guest.admit();
    let accept = Message::deliver(script, accept, spare.accept);
    match client.server_accept(&accept.arrived) {
        Ok(session) => {
            assert!(accept.is_honest(), "a forged answer was taken");
            assert_eq!((session.peer, served.peer), (BOB.id(), dialer.id()));
            check_directions(&session, &served, hello.is_honest() && reply.is_honest());
        }
        Err(error) => {
            assert!(!accept.is_honest(), "an honest answer: {error}");
            assert_eq!(error, HandshakeError::Unproven);
        }
    }
}

/// The keys are the same; the nonces come from the hellos as they arrived.
fn check_directions(client: &Session, server: &Session, same_hellos: bool) {
    assert_eq!(client.send.key(), server.receive.key());
    assert_eq!(client.receive.key(), server.send.key());
    assert_ne!(client.send.key(), client.receive.key());
    let same_nonces =
        client.send.nonce() == server.receive.nonce() && client.receive.nonce() == server.send.nonce();
    assert_eq!(same_nonces, same_hellos);
}

fn one_of<'a>(script: &mut Script<'_>, usual: &'a Keypair, other: &'a Keypair) -> &'a Keypair {
    if script.flag() { other } else { usual }
}

/// A message as it was sent and as it arrived.
struct Message<const N: usize> {
    sent: [u8; N],
    arrived: [u8; N],
}

impl<const N: usize> Message<N> {
    /// Script: what to do, and where or with what.
    fn deliver(script: &mut Script<'_>, sent: [u8; N], recorded: [u8; N]) -> Self {
        let mut arrived = sent;
        match script.below(5) {
            0 => {}
            1 => arrived = script.array(),
            2 => arrived = recorded,
            3 => {
                let bit = script.short() % (8 * N);
                arrived[bit / 8] ^= 1 << (bit % 8);
            }
            _ => {
                let at = script.below(N);
                arrived.iter_mut().skip(at).zip(script.run()).for_each(|(to, from)| *to = *from);
            }
        }
        Self { sent, arrived }
    }

    fn is_honest(&self) -> bool {
        self.sent == self.arrived
    }
}

type Hello = Message<HELLO_LEN>;

impl Hello {
    /// The MAC's key is known to everybody on the network: whoever changes the key can mend the MAC.
    fn deliver_hello(script: &mut Script<'_>, sent: [u8; HELLO_LEN], recorded: [u8; HELLO_LEN]) -> Self {
        let mut hello = Self::deliver(script, sent, recorded);
        if script.flag() {
            let mac = NetworkKey::MAIN.authenticate(&hello.arrived[32..]);
            hello.arrived[..32].copy_from_slice(&mac);
        }
        hello
    }

    fn has_mac_of(&self, network: &NetworkKey) -> bool {
        let (mac, key) = self.arrived.split_first_chunk().expect("64 bytes");
        network.check(key, mac)
    }

    /// X25519 ignores the highest bit of a key (RFC 7748, section 5).
    fn is_same_key(&self) -> bool {
        let key = |hello: &[u8; HELLO_LEN]| {
            let mut key: [u8; 32] = *hello.last_chunk().expect("64 bytes");
            key[31] &= 0x7f;
            key
        };
        key(&self.sent) == key(&self.arrived)
    }
}

/// What an attacker has heard before: another handshake of the same two.
struct Recording {
    hello: [u8; HELLO_LEN],
    reply: [u8; HELLO_LEN],
    auth: [u8; AUTH_LEN],
    accept: [u8; ACCEPT_LEN],
}

fn recording() -> &'static Recording {
    static RECORDING: std::sync::LazyLock<Recording> = std::sync::LazyLock::new(|| {
        let ephemeral = |byte| EphemeralKeypair::from_seed(&[byte; 32]);
        let dial = ClientHandshake::new(&ALICE, &NetworkKey::MAIN, BOB.id(), ephemeral(0xa0));
        let (hello, client) = dial.hello();
        let listen = ServerHandshake::new(&BOB, &NetworkKey::MAIN, ephemeral(0xb0));
        let (reply, server) = listen.client_hello(&hello).expect("an honest hello");
        let (auth, _) = client.server_hello(&reply).expect("an honest reply");
        let (accept, _) = server.client_auth(&auth).expect("an honest proof").admit();
        Recording { hello, reply, auth, accept }
    });
    &RECORDING
}
