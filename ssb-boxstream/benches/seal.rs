//! Sealing a frame of 4 KiB against its two boxes, of 18 and 4,096 bytes, made with the same primitives.
//!
//! Rounds alternate in one run; the ratio is the median over the pairs.

#![expect(clippy::disallowed_types, clippy::indexing_slicing, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_keys::secretbox;

const ROUNDS: usize = 31;
const FRAMES: usize = 2000;

fn main() {
    let (key, nonce) = ([7; 32], [9; 24]);
    let body = vec![0x5a; 4096];
    let mut out = Vec::with_capacity(8192);
    let (mut frames, mut boxes, mut opens, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut sealer = Sealer::new(&key, &nonce);
        let frame = time(|| {
            out.clear();
            sealer.seal(black_box(&body), &mut out);
        });
        let (mut text, mut header) = (body.clone(), [0; 18]);
        let bare = time(|| {
            black_box(secretbox::seal(&key, &nonce, black_box(&mut header)));
            black_box(secretbox::seal(&key, &nonce, black_box(&mut text)));
        });
        opens.push(open_rate(&key, &nonce, &body));
        ratios.push(frame.as_secs_f64() / bare.as_secs_f64());
        frames.push(rate(frame));
        boxes.push(rate(bare));
    }
    println!(
        "ssb-boxstream seal: {:.0} MB/s; its two boxes alone: {:.0} MB/s; cost ratio {:.3} (target at most 1.100); open: {:.0} MB/s",
        median(&mut frames),
        median(&mut boxes),
        median(&mut ratios),
        median(&mut opens),
    );
}

fn open_rate(key: &[u8; 32], nonce: &[u8; 24], body: &[u8]) -> f64 {
    let (mut sealer, mut opener, mut wire) = (Sealer::new(key, nonce), Opener::new(key, nonce), Vec::new());
    for _ in 0..FRAMES {
        sealer.seal(body, &mut wire);
    }
    let start = Instant::now();
    let mut at = 0;
    while at < wire.len() {
        let (count, progress) = opener.open(&mut wire[at..]).expect("what was sealed opens");
        assert!(progress != Progress::Partial);
        at += count;
    }
    rate(start.elapsed())
}

fn time(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..FRAMES {
        work();
    }
    start.elapsed()
}

fn rate(elapsed: Duration) -> f64 {
    FRAMES as f64 * 4096.0 / 1e6 / elapsed.as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
