//! The log of a node beside the stores of JavaScript: how fast messages come in, how fast they are found, how much that takes.
//!
//! ```text
//! cargo bench -p bench --bench log                     100,000 messages
//! cargo bench -p bench --bench log -- --million        and a million, our side alone
//! cargo bench -p bench --bench log -- --smoke          10,000, one round: does all of it run?
//! cargo bench -p bench --bench log -- --rounds 5
//! ```

mod figures;
mod million;
mod ours;
mod report;
mod verification;

use std::env;
use std::io;

use bench::data::Data;
use bench::javascript;
use bench::javascript::STORES;
use bench::wish::Wish;
use bench::wish::clear;
use interop::Lab;

use self::figures::Figures;
use self::figures::Round;
use self::report::Report;

fn main() -> io::Result<()> {
    if let Some(question) = env::var_os(ours::CHILD) {
        return ours::answer(&question);
    }
    let wish = Wish::read(env::args().skip(1))?;
    let lab = Lab::for_measuring();
    let data = Data::made(wish.count)?;
    let mut rounds = Vec::new();
    for number in 1..=wish.rounds {
        eprintln!("round {number} of {} with {} messages", wish.rounds, data.count);
        rounds.push(round(&lab, &data)?);
    }
    let mut report = Report::default();
    report.compare(&data, &rounds);
    if wish.million {
        let rate = report::ingest_rate(&data, &rounds);
        report.million(&million::measure(&lab, &Data::made(1_000_000)?)?, rate);
    }
    report.start(&data, &million::start(&lab, &lab.dir("ours"))?);
    print!("{report}");
    Ok(())
}

/// Every side once, in turns: in come the messages, then the questions.
fn round(lab: &Lab, data: &Data) -> io::Result<Round> {
    let dirs = STORES.map(|store| lab.dir(store));
    let our_dir = lab.dir("ours");
    for dir in dirs.iter().chain([&our_dir]) {
        clear(dir)?;
    }
    let (mut ours, mut theirs) = (Figures::default(), STORES.map(|_| Figures::default()));
    ours.ingest(&ours::import(lab, &our_dir, data)?);
    for ((store, dir), figures) in STORES.iter().zip(&dirs).zip(&mut theirs) {
        figures.add("ingest", &javascript::run(store, "ingest", data, dir)?);
    }
    ours.set("verify", verification::seconds(data)?);
    for mode in ["query", "fresh"] {
        ours.add(mode, &ours::ask(mode, &our_dir, data)?);
        for ((store, dir), figures) in STORES.iter().zip(&dirs).zip(&mut theirs) {
            figures.add(mode, &javascript::run(store, mode, data, dir)?);
        }
    }
    Ok(Round { ours, theirs })
}
