//! The table.

use std::fmt;

use bench::data::Data;
use bench::table::Row;
use bench::table::Table;
use bench::table::seconds;
use bench::table::spread;
use bench::table::spread_of;

use crate::Figure;
use crate::Round;

/// How many times JavaScript's rate.
const TARGET: f64 = 5.0;

/// A row for each question.
pub(super) struct Report(Table);

impl Report {
    pub(super) fn of(data: &Data, rounds: &[Round]) -> Self {
        let mut report = Self(Table::default());
        let opened = rounds.first().map_or(0, |round| round.read.opened);
        let all = [|round: &Round| round.log, |round: &Round| round.tried, |round: &Round| round.their_log];
        let read = [|round: &Round| round.read, |round: &Round| round.their_read];
        // Both have to have found the same.
        for figure in all.iter().chain(&read) {
            assert!(
                rounds.iter().all(|round| figure(round).opened == opened),
                "not all opened {opened}: {rounds:?}"
            );
        }
        let job = |what: &str| format!("{what}, {opened} of {}", data.count);
        let [log, tried, their_log] = all;
        let [read, their_read] = read;
        report.row(job("the whole log, opened"), rounds, log, their_log);
        report.row(job("the same, each sealed message tried"), rounds, tried, their_log);
        report.row(job("what is for the owner"), rounds, read, their_read);
        report
    }

    fn row(
        &mut self,
        job: String,
        rounds: &[Round],
        ours: fn(&Round) -> Figure,
        theirs: fn(&Round) -> Figure,
    ) {
        let ratio = spread_of(rounds.iter().map(|round| theirs(round).seconds / ours(round).seconds));
        let [our_time, ..] = spread_of(rounds.iter().map(|round| ours(round).seconds));
        let [their_time, ..] = spread_of(rounds.iter().map(|round| theirs(round).seconds));
        self.0.push(Row {
            job,
            ours: seconds(our_time),
            theirs: format!("ssb-db: {}", seconds(their_time)),
            ratio: spread(ratio),
            target: format!("{TARGET} times faster"),
            holds: ratio[0] >= TARGET,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
