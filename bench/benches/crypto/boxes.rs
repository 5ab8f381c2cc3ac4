//! Secret boxes, as ssb-kernel seals them on each back end.

use std::hint::black_box;
use std::io;

use bench::rounds::Rounds;
use bench::table::Row;
use bench::table::Table;
use bench::table::seconds;
use bench::table::spread;
use bench::usage;
use ssb_kernel::Backend;
use ssb_kernel::Cipher;

/// A header of a box stream, a few words, a message, a whole body of a box stream.
const LENS: [usize; 4] = [18, 64, 1024, 4096];

/// How many bytes a turn seals, with what a box costs beside its text.
const TURN_LEN: usize = 32 << 20;
const BOX_LEN: usize = 500;

/// The best back end beside the portable one.
pub(super) fn measure(rounds: u32, table: &mut Table) -> io::Result<()> {
    let best = Backend::best();
    for len in LENS {
        let sides = [best, Backend::PORTABLE];
        let times = Rounds::<2>::run(usize::try_from(rounds).map_err(io::Error::other)?, |side| {
            time_of_a_box(sides.get(side).copied().unwrap_or(best), len)
        });
        let ratio = times.compare(1, 0, |portable, best| portable / best);
        table.push(Row {
            job: format!("a secret box of {len} bytes, on {}", best.name()),
            ours: seconds(times.median(0)),
            theirs: format!("{}: {}", Backend::PORTABLE.name(), seconds(times.median(1))),
            ratio: spread(ratio),
            target: "no slower".to_owned(),
            holds: ratio[0] >= 1.0,
        });
    }
    Ok(())
}

/// CPU seconds.
#[expect(clippy::cast_precision_loss, reason = "a turn has few boxes")]
fn time_of_a_box(backend: Backend, len: usize) -> f64 {
    let (mut cipher, mut text, mut nonce) = (Cipher::on(backend, &[7; 32]), vec![0x5a; len], 0_u64);
    let count = TURN_LEN / (len + BOX_LEN);
    let start = usage::of_this_thread();
    for _ in 0..count {
        nonce += 1;
        let mut bytes = [9; 24];
        bytes[16..].copy_from_slice(&nonce.to_be_bytes());
        black_box(cipher.seal(&bytes, black_box(&mut text)));
    }
    (usage::of_this_thread() - start) / count as f64
}
