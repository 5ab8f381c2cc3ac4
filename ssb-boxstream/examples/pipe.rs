//! Two ends of a TCP connection talk through box streams.

use smol::future::zip;
use smol::io::AsyncReadExt as _;
use smol::io::AsyncWriteExt as _;
use smol::net::TcpListener;
use smol::net::TcpStream;
use ssb_boxstream::Opener;
use ssb_boxstream::Sealer;
use ssb_boxstream::io::BoxReader;
use ssb_boxstream::io::BoxWriter;

fn main() -> std::io::Result<()> {
    // In real life a handshake (crate ssb-shs) makes both, fresh for every connection.
    let (key, nonce) = ([7; 32], [9; 24]);
    smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;

        let talk = async {
            let mut writer = BoxWriter::new(TcpStream::connect(address).await?, Sealer::new(&key, &nonce));
            writer.write_all(b"nobody on the way can read or change this").await?;
            writer.close().await
        };
        let listen = async {
            let mut reader = BoxReader::new(listener.accept().await?.0, Opener::new(&key, &nonce));
            let mut text = String::new();
            reader.read_to_string(&mut text).await?;
            Ok::<_, std::io::Error>(text)
        };

        let (talked, heard) = zip(talk, listen).await;
        talked?;
        println!("{}", heard?);
        Ok(())
    })
}
