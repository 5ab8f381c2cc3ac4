//! Private messages beside ssb-db: how fast the owner reads what was sealed for them, among all that was not.
//!
//! ```text
//! cargo bench -p bench --bench private                 100,000 messages, one in ten of them sealed for somebody
//! cargo bench -p bench --bench private -- --smoke      10,000, one round: does all of it run?
//! cargo bench -p bench --bench private -- --rounds 5
//! ```

mod ours;
mod report;

use std::env;
use std::io;

use bench::data::Data;
use bench::javascript;
use bench::wish::Wish;
use bench::wish::clear;
use interop::Lab;

use self::report::Report;

/// What db.js calls ssb-db with ssb-private1 and ssb-private.
const THEIRS: &str = "ssb-db-private";

/// What a side measured: how many messages it opened, and seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figure {
    pub(crate) opened: u64,
    pub(crate) seconds: f64,
}

/// What was asked in a round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    /// All messages, in the order of the log, with what is for the owner in plain text.
    pub(crate) log: Figure,
    pub(crate) their_log: Figure,
    /// The same, of a log at which no index has looked: each sealed message is tried.
    pub(crate) tried: Figure,
    /// What is for the owner alone.
    pub(crate) read: Figure,
    pub(crate) their_read: Figure,
}

fn main() -> io::Result<()> {
    if let Some(question) = env::var_os(ours::CHILD) {
        return ours::answer(&question);
    }
    let wish = Wish::read(env::args().skip(1))?;
    let lab = Lab::for_measuring();
    let data = Data::made(wish.count)?;
    let (our_dir, their_dir) = (lab.dir("ours"), lab.dir(THEIRS));
    clear(&their_dir)?;
    eprintln!("both sides take in {} messages", data.count);
    ours::take_in(&lab, &our_dir, &data)?;
    javascript::run(THEIRS, "ingest", &data, &their_dir)?;
    let mut rounds = Vec::new();
    for number in 1..=wish.rounds {
        eprintln!("round {number} of {}", wish.rounds);
        let ours = |question| ours::ask(question, &our_dir, &data);
        let theirs = |question| ours::figure(&javascript::run(THEIRS, question, &data, &their_dir)?);
        // Every question is the first of its process.
        rounds.push(Round {
            log: ours("log")?,
            their_log: theirs("log")?,
            tried: ours("tried")?,
            read: ours("read")?,
            their_read: theirs("read")?,
        });
    }
    print!("{}", Report::of(&data, &rounds));
    Ok(())
}
