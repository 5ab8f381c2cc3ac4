//! The adapter for streams.

#![cfg(feature = "io")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use smol::future::zip;
use smol::io::AsyncReadExt as _;
use smol::io::AsyncWriteExt as _;
use smol::net::TcpListener;
use smol::net::TcpStream;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_shs::HandshakeError;
use ssb_shs::io::IoError;
use ssb_shs::io::accept;
use ssb_shs::io::connect;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (dialed, accepted) = zip(TcpStream::connect(address), listener.accept()).await;
    (dialed.unwrap(), accepted.unwrap().0)
}

#[test]
fn two_ends_of_a_socket_shake_hands() {
    smol::block_on(async {
        let (alice, bob) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
        let (mut near, far) = pair().await;

        let (dialed, served) =
            zip(connect(&mut near, &alice, &NetworkKey::MAIN, bob.id(), &[3; 32]), async {
                let guest = accept(far, &bob, &NetworkKey::MAIN, &[4; 32]).await?;
                assert_eq!(guest.id(), alice.id());
                guest.admit().await
            })
            .await;

        assert_eq!(dialed.unwrap().send.key(), served.unwrap().1.receive.key());
    });
}

#[test]
fn a_refused_guest_sees_the_server_hang_up() {
    smol::block_on(async {
        let (alice, bob) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
        let (mut near, far) = pair().await;

        let (dialed, ()) = zip(connect(&mut near, &alice, &NetworkKey::MAIN, bob.id(), &[3; 32]), async {
            drop(accept(far, &bob, &NetworkKey::MAIN, &[4; 32]).await.unwrap());
        })
        .await;

        assert!(matches!(dialed.unwrap_err(), IoError::HungUp));
    });
}

#[test]
fn a_stranger_gets_no_byte() {
    smol::block_on(async {
        let bob = Keypair::from_seed(&[2; 32]);
        let (mut near, far) = pair().await;
        near.write_all(&[7; 64]).await.unwrap();

        let refused = accept(far, &bob, &NetworkKey::MAIN, &[4; 32]).await.unwrap_err();

        assert!(matches!(refused, IoError::Handshake(HandshakeError::WrongNetwork)));
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty());
    });
}
