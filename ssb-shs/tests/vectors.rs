//! Handshakes of the real JavaScript implementation. `tests/vectors/README.md` says where they come from.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "helpers of tests fail tests"
)]

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_kernel::testing::on_each;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_keys::secretbox;
use ssb_shs::ClientHandshake;
use ssb_shs::HandshakeError;
use ssb_shs::ServerHandshake;
use ssb_shs::Session;
use ssb_shs::StreamKey;

#[test]
fn vectors_every_transcript_ends_as_it_must() {
    on_each(|| {
        for row in lines("generated", "shs.jsonl") {
            let expected = match &row["expect"] {
                Value::String(ok) => ok.clone(),
                fault => {
                    format!(
                        "{} rejects {}",
                        fault["rejects"].as_str().unwrap(),
                        fault["at"].as_str().unwrap()
                    )
                }
            };
            assert_eq!(replay(&row), expected, "{}", row["name"]);
        }
    });
}

/// Feeds each side the messages of the row, whoever made them; where the row's message is what our side must make,
/// compares.
fn replay(row: &Value) -> String {
    let network = NetworkKey::from_bytes(bytes(&row["app_key"]));
    let ephemeral = |side: &str| EphemeralKeypair::from_seed(&bytes(&row[side]["eph_curve_sk"]));
    let server_id = FeedId::from_bytes(bytes(&row["client_dials"]));
    let me = |side: &str| Keypair::from_secret(&bytes(&row[side]["sk"])).unwrap();
    let honest = row["expect"] == "ok";

    let client = ClientHandshake::new(&me("client"), &network, server_id, ephemeral("client"));
    let (hello, client) = client.hello();
    let server = ServerHandshake::new(&me("server"), &network, ephemeral("server"));
    let Some(Ok((reply, server))) = message(&row["msg1"]).map(|hello| server.client_hello(&hello)) else {
        return "server rejects msg1".to_owned();
    };
    if honest {
        assert_eq!(hello, bytes(&row["msg1"]));
        assert_eq!(reply, bytes(&row["msg2"]));
    }
    let Some(Ok((auth, client))) = message(&row["msg2"]).map(|hello| client.server_hello(&hello)) else {
        return "client rejects msg2".to_owned();
    };
    if honest {
        assert_eq!(auth, bytes(&row["msg3"]));
    }
    let Some(Ok(guest)) = message(&row["msg3"]).map(|auth| server.client_auth(&auth)) else {
        return "server rejects msg3".to_owned();
    };
    let (accept, served) = guest.admit();
    if honest {
        assert_eq!(accept, bytes(&row["msg4"]));
    }
    let Some(Ok(dialed)) = message(&row["msg4"]).map(|accept| client.server_accept(&accept)) else {
        return "client rejects msg4".to_owned();
    };
    check_outcome(&dialed, &row["outcome"]["client"]);
    check_outcome(&served, &row["outcome"]["server"]);
    assert_eq!((dialed.peer, served.peer), (server_id, me("client").id()));
    "ok".to_owned()
}

fn check_outcome(session: &Session, outcome: &Value) {
    let check = |half: &StreamKey, key: &str, nonce: &str| {
        assert_eq!(half.key(), &bytes::<32>(&outcome[key]));
        assert_eq!(half.nonce(), &bytes::<24>(&outcome[nonce]));
    };
    check(&session.send, "encrypt_key", "encrypt_nonce");
    check(&session.receive, "decrypt_key", "decrypt_nonce");
}

#[test]
fn vectors_single_steps_of_another_suite() {
    on_each(|| {
        for row in lines("test-secret-handshake", "steps.jsonl") {
            let (state, packet) = (&row["args"][0], &row["args"][1]);
            let result = &row["result"];
            let context = || format!("{} {}", row["name"], row["n"]);
            let (local, remote) = (&state["local"], &state["remote"]);
            let network = NetworkKey::from_bytes(bytes(&state["app_key"]));
            let client = || {
                let server = FeedId::from_bytes(bytes(&remote["publicKey"]));
                let me = Keypair::from_secret(&bytes(&local["secretKey"])).unwrap();
                ClientHandshake::new(
                    &me,
                    &network,
                    server,
                    EphemeralKeypair::from_seed(&bytes(&local["kx_sk"])),
                )
            };
            let server = || {
                let me = Keypair::from_secret(&bytes(&local["secretKey"])).unwrap();
                ServerHandshake::new(&me, &network, EphemeralKeypair::from_seed(&bytes(&local["kx_sk"])))
            };
            let their_hello =
                || join::<64>(&[bytes::<32>(&remote["app_mac"]), bytes::<32>(&remote["kx_pk"])]);
            match row["name"].as_str().unwrap() {
                "createChallenge" => {
                    let hello = join::<64>(&[
                        network.authenticate(&bytes::<32>(&local["kx_pk"])),
                        *EphemeralKeypair::from_seed(&bytes(&local["kx_sk"])).public().as_bytes(),
                    ]);
                    assert_eq!(hello, bytes::<64>(result), "{}", context());
                }
                "verifyChallenge" => {
                    assert_eq!(
                        server().client_hello(&bytes(packet)).is_ok(),
                        !result.is_null(),
                        "{}",
                        context()
                    );
                }
                "clientVerifyChallenge" => {
                    let verdict = client().hello().1.server_hello(&bytes(packet));
                    assert_eq!(verdict.is_ok(), !result.is_null(), "{}", context());
                }
                "clientCreateAuth" => {
                    let (auth, _) = client().hello().1.server_hello(&their_hello()).unwrap();
                    assert_eq!(auth, bytes::<112>(result), "{}", context());
                }
                "serverVerifyAuth" => {
                    let (_, server) = server().client_hello(&their_hello()).unwrap();
                    assert_eq!(
                        server.client_auth(&bytes(packet)).is_ok(),
                        !result.is_null(),
                        "{}",
                        context()
                    );
                }
                "serverCreateAccept" => {
                    // The row gives what the third message held; seal it again to hand it in.
                    let (_, server) = server().client_hello(&their_hello()).unwrap();
                    let mut held = bytes::<96>(&remote["hello"]);
                    let tag = secretbox::seal(&bytes(&state["secret2"]), &[0; 24], &mut held);
                    let mut auth = [0; 112];
                    auth[..16].copy_from_slice(&tag);
                    auth[16..].copy_from_slice(&held);
                    assert_eq!(
                        server.client_auth(&auth).unwrap().admit().0,
                        bytes::<80>(result),
                        "{}",
                        context()
                    );
                }
                "clientVerifyAccept" => {
                    let (_, client) = client().hello().1.server_hello(&their_hello()).unwrap();
                    assert_eq!(
                        client.server_accept(&bytes(packet)).is_ok(),
                        !result.is_null(),
                        "{}",
                        context()
                    );
                }
                other => panic!("unknown step {other}"),
            }
        }
    });
}

#[test]
fn a_low_order_ephemeral_key_is_refused_by_both_sides() {
    let network = NetworkKey::MAIN;
    let (alice, bob) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
    let low = [0; 32];
    let hello = join::<64>(&[network.authenticate(&low), low]);
    let ephemeral = || EphemeralKeypair::from_seed(&[3; 32]);

    let server = ServerHandshake::new(&bob, &network, ephemeral()).client_hello(&hello);
    let client = ClientHandshake::new(&alice, &network, bob.id(), ephemeral()).hello().1.server_hello(&hello);

    assert_eq!(server.unwrap_err(), HandshakeError::WeakKey);
    assert_eq!(client.unwrap_err(), HandshakeError::WeakKey);
}

fn join<const N: usize>(halves: &[[u8; 32]; 2]) -> [u8; N] {
    halves.concat().try_into().unwrap()
}

fn lines(folder: &str, name: &str) -> Vec<Value> {
    let text = read(folder, name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn read(folder: &str, name: &str) -> Option<String> {
    let path = match std::env::var_os("SSB_VECTORS").map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            println!("third-party vectors not run");
            return None;
        }
    };
    match std::fs::read_to_string(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("SSB_VECTORS").is_some() =>
        {
            println!("{folder}/{name} is not among the vectors");
            None
        }
        text => Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
    }
}

/// What a side that waits for `N` bytes takes from what was sent: nothing, if the peer hung up before.
fn message<const N: usize>(hex: &Value) -> Option<[u8; N]> {
    unhex(hex).first_chunk().copied()
}

fn bytes<const N: usize>(hex: &Value) -> [u8; N] {
    unhex(hex).try_into().unwrap_or_else(|all: Vec<u8>| panic!("{} bytes instead of {N}", all.len()))
}

fn unhex(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap_or_else(|| panic!("{hex} is not hex"));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
