//! Box streams: ours, and pull-box-stream's on sodium-native.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use bench::javascript;
use bench::table::Row;
use bench::table::Table;
use bench::table::spread;
use bench::table::spread_of;
use bench::usage;
use interop::Process;
use serde_json::Value;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;

/// What goes through in a turn, in writes of 64 KiB: 256 MiB.
const TURN_MIB: u32 = 256;
const WRITE_LEN: usize = 64 * 1024;
const WRITES: u32 = TURN_MIB * 16;

/// How many times as fast as JavaScript's a stream must be.
const LEAST: f64 = 2.4;

const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 24] = [9; 24];

/// What a turn took, and what came out of it.
#[derive(Clone, Copy)]
struct Turn {
    bytes: u64,
    seconds: f64,
    cpu: f64,
}

/// One direction, then both ends of it, in turns.
pub(super) fn measure(rounds: u32, table: &mut Table) -> io::Result<()> {
    let mut other_side = Process::start("box.js", &mut javascript::driver("box.js")?);
    other_side.find_line("start", |line| (line == "ready").then_some(()));
    for (job, ours) in [("seal", seal as fn() -> Turn), ("seal-and-open", seal_and_open)] {
        // The first turn of a job finds nothing compiled.
        theirs(&mut other_side, job);
        let mut turns = Vec::new();
        for _ in 0..rounds {
            let turn = [ours(), theirs(&mut other_side, job)];
            assert_eq!(turn[0].bytes, turn[1].bytes, "both do the same");
            turns.push(turn);
        }
        for (what, seconds) in [
            ("MB/s by the clock", (|turn| turn.seconds) as fn(&Turn) -> f64),
            ("MB for a second of CPU", |turn| turn.cpu),
        ] {
            table.push(row(&format!("box stream, {job}, {what}"), &turns, seconds));
        }
    }
    Ok(())
}

fn row(job: &str, turns: &[[Turn; 2]], seconds: fn(&Turn) -> f64) -> Row {
    let rate = |turn: &Turn| f64::from(TURN_MIB) * 1.048_576 / seconds(turn);
    let ratio = spread_of(turns.iter().map(|[ours, theirs]| rate(ours) / rate(theirs)));
    let [ours, ..] = spread_of(turns.iter().map(|[ours, _]| rate(ours)));
    let [theirs, ..] = spread_of(turns.iter().map(|[_, theirs]| rate(theirs)));
    Row {
        job: job.to_owned(),
        ours: format!("{ours:.0}"),
        theirs: format!("pull-box-stream: {theirs:.0}"),
        ratio: spread(ratio),
        target: format!("{LEAST} times as many"),
        holds: ratio[0] >= LEAST,
    }
}

fn theirs(process: &mut Process, job: &str) -> Turn {
    process.say(&format!("{job} {TURN_MIB}"));
    process.find_line("figures", |line| {
        let figures: Value = serde_json::from_str(line).ok()?;
        let figure = |name| figures.get(name)?.as_f64();
        let bytes = figures.get("bytes")?.as_u64()?;
        Some(Turn { bytes, seconds: figure("seconds")?, cpu: figure("cpu")? })
    })
}

fn seal() -> Turn {
    let (mut sealer, mut wire) = (Sealer::new(&KEY, &NONCE), Vec::new());
    let mut turn = turn(|write| {
        wire.clear();
        sealer.seal(write, &mut wire);
        black_box(&wire).len()
    });
    wire.clear();
    sealer.goodbye(&mut wire);
    turn.bytes += wire.len() as u64;
    turn
}

fn seal_and_open() -> Turn {
    let (mut sealer, mut opener, mut wire) =
        (Sealer::new(&KEY, &NONCE), Opener::new(&KEY, &NONCE), Vec::new());
    turn(|write| {
        wire.clear();
        sealer.seal(write, &mut wire);
        let (mut rest, mut opened) = (wire.as_mut_slice(), 0);
        while !rest.is_empty() {
            let (count, progress) = opener.open(rest).expect("what was sealed opens");
            if let Progress::Plain(body) = progress {
                opened += black_box(body).len();
            }
            rest = rest.get_mut(count..).expect("no more is used up than there is");
        }
        opened
    })
}

fn turn(mut through: impl FnMut(&[u8]) -> usize) -> Turn {
    let (write, mut bytes) = (vec![0x5a; WRITE_LEN], 0);
    let (start, cpu) = (Instant::now(), usage::of_this_thread());
    for _ in 0..WRITES {
        bytes += through(black_box(&write)) as u64;
    }
    Turn { bytes, seconds: start.elapsed().as_secs_f64(), cpu: usage::of_this_thread() - cpu }
}
