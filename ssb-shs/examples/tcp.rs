//! A client and a server shake hands over TCP on loopback.

use smol::future::zip;
use smol::net::TcpListener;
use smol::net::TcpStream;
use ssb_keys::Keypair;
use ssb_keys::entropy::bytes;
use ssb_keys::network::NetworkKey;
use ssb_shs::io::IoError;
use ssb_shs::io::accept;
use ssb_shs::io::connect;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let (client, server) = (Keypair::generate(), Keypair::generate());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server_id = server.id();

        let serving = async {
            let (stream, _) = listener.accept().await.map_err(IoError::Io)?;
            let guest = accept(stream, &server, &NetworkKey::MAIN, &bytes()).await?;
            println!("server: {} proved who they are; come in", guest.id());
            guest.admit().await
        };
        let dialing = async {
            let mut stream = TcpStream::connect(address).await.map_err(IoError::Io)?;
            connect(&mut stream, &client, &NetworkKey::MAIN, server_id, &bytes()).await
        };

        let (served, dialed) = zip(serving, dialing).await;
        let ((_stream, served), dialed) = (served?, dialed?);
        println!("client: {} proved who they are", dialed.peer);
        assert_eq!(served.send.key(), dialed.receive.key());
        assert_eq!(served.receive.key(), dialed.send.key());
        Ok(())
    })
}
