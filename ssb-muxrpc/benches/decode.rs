//! How fast items of 64 KiB are received, compared with copying them once. Rounds of both alternate in one run, so that
//! whatever else the machine does hits both; the ratio of their medians is what counts (wanted: at least 0.5).

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use ssb_muxrpc::Body;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Role;
use ssb_muxrpc::Session;
use ssb_muxrpc::encode;
use ssb_muxrpc::packet::Packet;

const ITEMS: usize = 256;
const ITEM_LEN: usize = 64 * 1024;
const ROUNDS: usize = 60;
/// What one read of a box stream brings at most.
const PIECE_LEN: usize = 64 * 1024;

fn main() {
    let wire = wire();
    let mut session = Session::new(Arc::new(Methods::default()), Role::new(0));
    let source = session.call(&["blobs", "get"], Kind::Source, "[]").expect("a new session");
    assert_eq!(source.number(), 1);

    let mut copies = Vec::new();
    let mut receives = Vec::new();
    for _ in 0..ROUNDS {
        copies.push(time(|| copy(&wire)));
        receives.push(time(|| receive(&mut session, &wire)));
    }
    let (copy, receive) = (median(copies), median(receives));
    println!("copying once:  {:8.0} MiB/s", rate(copy));
    println!("receiving:     {:8.0} MiB/s", rate(receive));
    println!("ratio:         {:8.2}", copy.as_secs_f64() / receive.as_secs_f64());
}

fn wire() -> Vec<u8> {
    let item = vec![7; ITEM_LEN];
    let packet = Packet { stream: true, end: false, number: -1, body: Body::Binary(&item) };
    let mut wire = Vec::new();
    for _ in 0..ITEMS {
        encode::packet(&packet, &mut wire).expect("the body is not empty");
    }
    wire
}

fn copy(wire: &[u8]) {
    let mut buffer = Vec::with_capacity(ITEM_LEN);
    for piece in wire.chunks(PIECE_LEN) {
        buffer.clear();
        buffer.extend_from_slice(black_box(piece));
        black_box(&buffer);
    }
}

fn receive(session: &mut Session, wire: &[u8]) {
    let mut items = 0;
    for mut piece in wire.chunks(PIECE_LEN) {
        while !piece.is_empty() {
            let (count, event) = session.receive(black_box(piece)).expect("the wire is sound");
            piece = piece.get(count..).unwrap_or_default();
            if let Some(Event::Item { .. }) = event {
                black_box(session.body());
                items += 1;
            }
        }
    }
    assert_eq!(items, ITEMS);
}

#[expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]
fn time(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn rate(time: Duration) -> f64 {
    let mib = u32::try_from(ITEMS * ITEM_LEN / (1024 * 1024)).expect("a few MiB");
    f64::from(mib) / time.as_secs_f64()
}
