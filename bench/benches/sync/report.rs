//! What was promised, and what was measured.

use std::fmt;

use bench::data::Data;
use bench::table::MIB;
use bench::table::Row;
use bench::table::Table;
use bench::table::mib;
use bench::table::seconds;
use bench::table::spread;
use bench::table::spread_of;

use crate::Round;
use crate::Turn;
use crate::replication::Replication;
use crate::side::Side;

#[derive(Default)]
pub(super) struct Report {
    table: Table,
}

impl Report {
    /// Everything that was measured in rounds.
    pub(super) fn compare(&mut self, data: &Data, rounds: &[Round]) {
        let job = |what: &str| format!("{what}, {}", data.count);
        let rate = |turn: &Turn| f64::from(data.count) / turn.own.seconds;
        self.rates(job("EBT to an empty node of one's own kind, messages a second"), rounds, 5.0, rate);
        for (place, side) in [(1, Side::Server), (2, Side::Modern)] {
            self.mixed(job("EBT from JavaScript to ours, CPU of both"), side, rounds, place);
        }
        let history = |turn: &Turn| turn.history;
        self.rates(job("the longest feed by createHistoryStream, messages a second"), rounds, 10.0, history);
        let handshakes = |turn: &Turn| turn.handshakes;
        self.rates("strangers for a second of CPU".to_owned(), rounds, 1.7, handshakes);
    }

    /// The peak of the receiver's memory.
    pub(super) fn million(&mut self, done: &Replication) {
        self.table.push(Row {
            job: "EBT of a million, peak of the receiver's memory".to_owned(),
            ours: format!("{} ({})", mib(done.memory), seconds(done.seconds)),
            theirs: String::new(),
            ratio: String::new(),
            target: "128 MiB".to_owned(),
            holds: done.memory < 128.0 * MIB,
        });
    }

    /// A row of rates: theirs are the best of JavaScript's in each round.
    fn rates(&mut self, job: String, rounds: &[Round], least: f64, rate: impl Fn(&Turn) -> f64) {
        let ours = |[ours, ..]: &Round| rate(ours);
        let best = |[_, server, modern]: &Round| {
            let [server, modern] = [server, modern].map(&rate);
            if modern > server { (Side::Modern, modern) } else { (Side::Server, server) }
        };
        let ratio = spread_of(rounds.iter().map(|round| ours(round) / best(round).1));
        let who = rounds.first().map(|round| best(round).0.name()).unwrap_or_default();
        let [median, ..] = spread_of(rounds.iter().map(|round| best(round).1));
        let [mine, ..] = spread_of(rounds.iter().map(ours));
        self.table.push(Row {
            job,
            ours: format!("{mine:.0}"),
            theirs: format!("{who}: {median:.0}"),
            ratio: spread(ratio),
            target: format!("{least} times as many"),
            holds: ratio[0] >= least,
        });
    }

    /// What we take while JavaScript sends.
    fn mixed(&mut self, job: String, side: Side, rounds: &[Round], place: usize) {
        let turns = || rounds.iter().filter_map(|round| round.get(place)).map(|turn| &turn.to_ours);
        let ratio = spread_of(turns().map(|done| done.receiver / done.sender));
        let [ours, ..] = spread_of(turns().map(|done| done.receiver));
        let [theirs, ..] = spread_of(turns().map(|done| done.sender));
        let [wall, ..] = spread_of(turns().map(|done| done.seconds));
        self.table.push(Row {
            job,
            ours: format!("{} (of {} by the clock)", seconds(ours), seconds(wall)),
            theirs: format!("{}: {}", side.name(), seconds(theirs)),
            ratio: spread(ratio),
            target: "less than 0.33".to_owned(),
            holds: ratio[0] < 1.0 / 3.0,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, server, modern] = Side::ALL.map(Side::version);
        writeln!(f, "JavaScript is {server} and {modern}\n")?;
        self.table.fmt(f)
    }
}
