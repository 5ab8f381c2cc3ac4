//! A server and a client over TCP: the client greets the server, then lets it count to a number.
//!
//! ```text
//! cargo run -p ssb-muxrpc --features io --example count -- 5
//! ```

use std::error::Error;
use std::sync::Arc;

use smol::net::TcpListener;
use smol::net::TcpStream;
use ssb_muxrpc::Body;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::io::Connection;

const ANYBODY: Role = Role::new(0);

fn main() -> Result<(), Box<dyn Error>> {
    let last = std::env::args().nth(1).unwrap_or_else(|| "3".into()).parse()?;
    smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = async { serve(listener.accept().await?.0).await };
        let client = async { call(TcpStream::connect(address).await?, last).await };
        smol::future::try_zip(server, client).await?;
        Ok(())
    })
}

async fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let methods = [Method::new("greet", Kind::Async), Method::new("count", Kind::Source)];
    let methods = Methods::new(methods, Roles::of(&[ANYBODY]))?;
    let mut connection = Connection::new(stream, Session::new(Arc::new(methods), ANYBODY));
    while let Some(event) = connection.next().await? {
        let Event::Called { request, method, .. } = event else { continue };
        let args = String::from_utf8_lossy(connection.body()).into_owned();
        let session = connection.session();
        if method.index() == 0 {
            session.answer(request, Body::Json(&args));
            continue;
        }
        let last: u32 = args.trim_matches(['[', ']']).parse().unwrap_or(0);
        for number in 1..=last {
            session.item(request, Body::Json(&number.to_string()));
        }
        session.end(request);
    }
    Ok(())
}

async fn call(stream: TcpStream, last: u32) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::new(stream, Session::new(Arc::default(), ANYBODY));
    connection.session().call(&["greet"], Kind::Async, r#"["hello"]"#)?;
    connection.session().call(&["count"], Kind::Source, &format!("[{last}]"))?;
    connection.session().close();
    while let Some(event) = connection.next().await? {
        match event {
            Event::Answered { .. } => println!("answer: {}", String::from_utf8_lossy(connection.body())),
            Event::Item { .. } => println!("item: {}", String::from_utf8_lossy(connection.body())),
            Event::Failed { error, .. } => println!("failed: {error}"),
            Event::Ended { error: Some(error), .. } => println!("failed: {error}"),
            Event::Ended { error: None, .. } => println!("end"),
            Event::Called { .. } | Event::Goodbye => {}
        }
    }
    Ok(())
}
