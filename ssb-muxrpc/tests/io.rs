//! Sessions over loopback sockets.

#![cfg(test)]

use std::pin::pin;
use std::sync::Arc;

use smol::future;
use smol::io::AsyncReadExt;
use smol::io::AsyncWriteExt;
use smol::net::TcpListener;
use smol::net::TcpStream;
use ssb_muxrpc::Body;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::io::Connection;
use ssb_muxrpc::io::ConnectionError;
use ssb_muxrpc::limits::OUTBOX_LEN_MAX;

const ROLE: Role = Role::new(0);

fn session() -> Session {
    let methods = [Method::new("echo", Kind::Async), Method::new("count", Kind::Source)];
    Session::new(Arc::new(Methods::new(methods, Roles::of(&[ROLE])).unwrap()), ROLE)
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (one, two) = future::try_zip(TcpStream::connect(address), listener.accept()).await.unwrap();
    (one, two.0)
}

/// Answers and counts until the connection ends.
async fn serve(mut connection: Connection<TcpStream>) -> Result<(), ConnectionError> {
    while let Some(event) = connection.next().await? {
        let Event::Called { request, method, .. } = event else { continue };
        let args = String::from_utf8(connection.body().to_vec()).unwrap();
        if method.index() == 0 {
            connection.session().answer(request, Body::Json(&args));
            continue;
        }
        for number in 0..1000 {
            connection.session().item(request, Body::Json(&number.to_string()));
        }
        connection.session().end(request);
    }
    Ok(())
}

#[test]
fn calls_and_streams_cross_a_socket_until_both_said_goodbye() {
    smol::block_on(async {
        let (one, two) = sockets().await;
        let mut client = Connection::new(one, session());
        let asked = client.session().call(&["echo"], Kind::Async, "[1]").unwrap();
        client.session().call(&["count"], Kind::Source, "[]").unwrap();
        client.session().close();

        let work = async {
            let mut items = Vec::new();
            while let Some(event) = client.next().await? {
                match event {
                    Event::Answered { request, .. } => {
                        assert_eq!((request, client.body()), (asked, &b"[1]"[..]));
                    }
                    Event::Item { .. } => items.push(String::from_utf8(client.body().to_vec()).unwrap()),
                    _ => {}
                }
            }
            assert_eq!(items, (0..1000).map(|number| number.to_string()).collect::<Vec<_>>());
            Ok(())
        };

        future::try_zip(serve(Connection::new(two, session())), work).await.unwrap();
        assert!(client.session().is_finished());
    });
}

#[test]
fn dropping_a_future_at_any_await_loses_nothing() {
    smol::block_on(async {
        let (one, two) = sockets().await;
        let mut client = Connection::new(one, session());
        client.session().call(&["count"], Kind::Source, "[]").unwrap();
        client.session().close();

        let work = async {
            let mut items = 0;
            loop {
                // Each future is polled once and dropped, unless it was ready.
                let polled = future::poll_once(pin!(client.next())).await;
                match polled {
                    None => future::yield_now().await,
                    Some(Ok(Some(Event::Item { .. }))) => items += 1,
                    Some(Ok(Some(_))) => {}
                    Some(Ok(None)) => break,
                    Some(Err(error)) => return Err(error),
                }
            }
            assert_eq!(items, 1000);
            Ok(())
        };

        future::try_zip(serve(Connection::new(two, session())), work).await.unwrap();
    });
}

#[test]
fn a_peer_that_does_not_read_is_not_read_either() {
    smol::block_on(async {
        let (mut one, two) = sockets().await;
        let mut server = Connection::new(two, session());
        let mut caller = session();
        caller.call(&["echo"], Kind::Async, &format!("[\"{}\"]", "x".repeat(32 * 1024))).unwrap();
        let call = caller.outgoing().to_vec();

        let flood = async {
            // The numbers differ, else all but the first would be ignored.
            for number in 1..2000_i32 {
                let mut call = call.clone();
                call[5..9].copy_from_slice(&number.to_be_bytes());
                one.write_all(&call).await.unwrap();
            }
        };
        let serve = async {
            while let Some(event) = server.next().await.unwrap() {
                let Event::Called { request, .. } = event else { continue };
                let args = String::from_utf8(server.body().to_vec()).unwrap();
                server.session().answer(request, Body::Json(&args));
                assert!(server.session().buffered() <= OUTBOX_LEN_MAX + 33 * 1024);
            }
        };

        // 64 MB are more than sockets hold, so neither gets to its end: both wait, which is what is wanted.
        let (mut flood, mut serve) = (pin!(flood), pin!(serve));
        for _ in 0..2000 {
            assert!(future::poll_once(&mut flood).await.is_none());
            assert!(future::poll_once(&mut serve).await.is_none());
            future::yield_now().await;
        }
    });
}

#[test]
fn a_hang_up_ends_what_is_open() {
    smol::block_on(async {
        let (one, two) = sockets().await;
        let mut client = Connection::new(one, session());
        let request = client.session().call(&["echo"], Kind::Async, "[]").unwrap();
        client.flush().await.unwrap();

        two.shutdown(std::net::Shutdown::Write).unwrap();

        let error = RemoteError::parent_ended();
        assert_eq!(client.next().await.unwrap(), Some(Event::Failed { request, error }));
        assert_eq!(client.next().await.unwrap(), None);
    });
}

#[test]
fn a_broken_protocol_is_an_error_and_then_the_end() {
    smol::block_on(async {
        let (one, mut two) = sockets().await;
        let mut client = Connection::new(one, session());
        let request = client.session().call(&["echo"], Kind::Async, "[]").unwrap();

        two.write_all(&[3, 0, 0, 0, 1, 0, 0, 0, 1, 0]).await.unwrap();

        let error = client.next().await.unwrap_err();
        assert!(matches!(error, ConnectionError::Protocol(ProtocolError::UnknownBodyType)));
        let failed = Event::Failed { request, error: RemoteError::parent_ended() };
        assert_eq!(client.next().await.unwrap(), Some(failed));
        assert_eq!(client.next().await.unwrap(), None);
        drop(client);
        let mut rest = Vec::new();
        two.read_to_end(&mut rest).await.unwrap_or_default();
        assert!(rest.ends_with(&[0; 9]) || rest.is_empty());
    });
}
