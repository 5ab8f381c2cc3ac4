//! Nodes that exchange messages over loopback, ours and JavaScript's, each a process of its own.
//!
//! ```text
//! cargo bench -p bench --bench sync                     100,000 messages
//! cargo bench -p bench --bench sync -- --million        and a million, our side alone
//! cargo bench -p bench --bench sync -- --smoke          10,000, one round: does all of it run?
//! cargo bench -p bench --bench sync -- --rounds 5
//! ```

mod dialer;
mod million;
mod replication;
mod report;
mod side;

use std::env;
use std::io;

use bench::data::Data;
use bench::wish::Wish;
use interop::Lab;

use self::replication::Replication;
use self::report::Report;
use self::side::Running;
use self::side::Side;

fn main() -> io::Result<()> {
    let wish = Wish::read(env::args().skip(1))?;
    let lab = Lab::for_measuring();
    let data = Data::made(wish.count)?;
    // With no rounds there is the million alone.
    for side in Side::ALL.into_iter().filter(|_| wish.rounds > 0) {
        eprintln!("{}: takes in {} messages to send", side.version(), data.count);
        side.fill(&lab, &source(side), &data)?;
    }
    let mut rounds = Vec::new();
    for number in 1..=wish.rounds {
        let mut round = Vec::new();
        for side in Side::ALL {
            eprintln!("round {number} of {}: {}", wish.rounds, side.version());
            round.push(turn(&lab, side, &data)?);
        }
        rounds.push(Round::try_from(round).map_err(|_| io::Error::other("a side is missing"))?);
    }
    let mut report = Report::default();
    if wish.rounds > 0 {
        report.compare(&data, &rounds);
    }
    if wish.million {
        report.million(&million::measure(&lab, &Data::made(1_000_000)?)?);
    }
    print!("{report}");
    Ok(())
}

/// What all sides measured, in the order of [`Side::ALL`].
type Round = [Turn; 3];

/// What one side measured in a round.
struct Turn {
    /// From this side to another node of it.
    own: Replication,
    /// From this side to ours.
    to_ours: Replication,
    /// Messages a second of one feed that is read to its end.
    history: f64,
    /// Connections from strangers for a second of this side's CPU.
    handshakes: f64,
}

/// One side as sender: to its like, to us, to a reader of one feed, to strangers.
fn turn(lab: &Lab, side: Side, data: &Data) -> io::Result<Turn> {
    let mut sender = Running::start(lab, side, &source(side), data)?;
    sender.wait_for_indexes(data)?;
    let own = replication::measure(lab, &mut sender, side, data)?;
    let to_ours = match side {
        Side::Ours => own,
        _ => replication::measure(lab, &mut sender, Side::Ours, data)?,
    };
    let history = dialer::history(&mut sender, data)?;
    let handshakes = dialer::handshakes(lab, &mut sender)?;
    sender.stop();
    Ok(Turn { own, to_ours, history, handshakes })
}

/// The folder of a sender.
fn source(side: Side) -> String {
    format!("{}-source", side.name())
}
