//! The table: each job, both sides, the ratio, what was promised, and whether that holds.

use std::fmt;

use bench::data::Data;
use bench::javascript::STORES;
use bench::table::MIB;
use bench::table::Row;
use bench::table::Table;
use bench::table::mib;
use bench::table::seconds;
use bench::table::spread;
use bench::table::spread_of;

use crate::figures::Figures;
use crate::figures::Round;
use crate::million::Million;
use crate::million::Start;

/// Rows in the order in which they were measured.
#[derive(Default)]
pub(super) struct Report {
    table: Table,
}

impl Report {
    /// Everything that was measured in rounds.
    pub(super) fn compare(&mut self, data: &Data, rounds: &[Round]) {
        let job = |what: &str| format!("{what}, {}", data.count);
        self.times(job("validate, append, index"), "ingest.seconds", rounds, 6.0);
        let [share, low, high] =
            over(rounds, |round| round.ours.get("verify") / round.ours.get("ingest.seconds"));
        self.push(Row {
            job: job("the same"),
            ours: seconds(median_of(rounds, |round| round.ours.get("ingest.seconds"))),
            theirs: format!(
                "bare verification: {}",
                seconds(median_of(rounds, |round| round.ours.get("verify")))
            ),
            ratio: spread([share, low, high]),
            target: "0.5 of its speed".to_owned(),
            holds: share >= 0.5,
        });
        self.times(job("CPU to take in"), "ingest.cpu", rounds, if has_ifma() { 4.0 } else { 2.0 });
        self.times(job("get by id, p50"), "query.get.median", rounds, 15.0);
        let rate = over(rounds, |round| 1.0 / round.ours.get("query.gets.median"));
        self.alone(
            job("gets in one thread"),
            format!("{:.0} a second", rate[0]),
            "250,000",
            rate[0] >= 250_000.0,
        );
        for (what, name, least) in [
            ("full scan, fields located", "query.scan.median", 9.0),
            ("the longest feed", "query.feed.median", 10.0),
            ("all posts", "query.posts.median", 7.0),
            ("last 30 posts", "query.last.median", 7.0),
            ("last 30 posts, first question", "fresh.last.median", 7.0),
            ("backlinks of one message", "query.backlinks.median", 4.0),
            ("backlinks, first question", "fresh.backlinks.median", 4.0),
        ] {
            self.times(job(what), name, rounds, least);
        }
        self.sizes(job("disk with all indexes"), rounds);
    }

    /// How a node starts on the messages of the last round.
    pub(super) fn start(&mut self, data: &Data, start: &Start) {
        self.started(data.count, start, [0.05, 25.0 * MIB]);
    }

    /// A million messages, beside the rate of the rounds.
    pub(super) fn million(&mut self, million: &Million, rate: f64) {
        let rate_here = 1e6 / million.import.seconds;
        self.push(Row {
            job: "validate, append, index a million, from stdin".to_owned(),
            ours: format!("{rate_here:.0} a second"),
            theirs: format!("the rounds above: {rate:.0}"),
            ratio: format!("{:.2}", rate_here / rate),
            target: "within 20 %".to_owned(),
            holds: rate_here >= 0.8 * rate,
        });
        let memory = million.import.memory;
        self.alone("its peak of memory".to_owned(), mib(memory), "128 MiB", memory < 128.0 * MIB);
        let rebuild = million.rebuild;
        self.alone("all indexes anew, a million".to_owned(), seconds(rebuild), "3 s", rebuild < 3.0);
        self.started(1_000_000, &million.start, [0.15, 60.0 * MIB]);
    }

    fn started(&mut self, count: u32, start: &Start, [time_max, memory_max]: [f64; 2]) {
        let Start { answered, memory } = *start;
        let job = format!("start to first answer, {count}");
        self.alone(job, seconds(answered), &seconds(time_max), answered < time_max);
        self.alone(format!("idle memory, {count}"), mib(memory), &mib(memory_max), memory < memory_max);
    }

    /// A row of times: theirs are the best of JavaScript's in each round.
    fn times(&mut self, job: String, name: &str, rounds: &[Round], least: f64) {
        let ratio = over(rounds, |round| best(round, name).1 / round.ours.get(name));
        self.push(Row {
            job,
            ours: seconds(median_of(rounds, |round| round.ours.get(name))),
            theirs: their_best(rounds, name, seconds),
            ratio: spread(ratio),
            target: format!("{least} times faster"),
            holds: ratio[0] >= least,
        });
    }

    fn sizes(&mut self, job: String, rounds: &[Round]) {
        let name = "ingest.disk";
        let ratio = over(rounds, |round| best(round, name).1 / round.ours.get(name));
        self.push(Row {
            job,
            ours: mib(median_of(rounds, |round| round.ours.get(name))),
            theirs: their_best(rounds, name, mib),
            ratio: spread(ratio),
            target: "no more".to_owned(),
            holds: ratio[0] >= 1.0,
        });
    }

    fn alone(&mut self, job: String, ours: String, target: &str, holds: bool) {
        let (theirs, ratio) = (String::new(), String::new());
        self.push(Row { job, ours, theirs, ratio, target: target.to_owned(), holds });
    }

    fn push(&mut self, row: Row) {
        self.table.push(row);
    }
}

/// How many messages a second come in.
pub(super) fn ingest_rate(data: &Data, rounds: &[Round]) -> f64 {
    f64::from(data.count) / median_of(rounds, |round| round.ours.get("ingest.seconds"))
}

/// The best of JavaScript in a round, and who that is.
fn best(round: &Round, name: &str) -> (&'static str, f64) {
    let values = STORES.into_iter().zip(round.theirs.iter().map(|figures: &Figures| figures.get(name)));
    values.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap_or(("", f64::NAN))
}

fn their_best(rounds: &[Round], name: &str, print: impl Fn(f64) -> String) -> String {
    let who = rounds.first().map_or("", |round| best(round, name).0);
    format!("{who}: {}", print(median_of(rounds, |round| best(round, name).1)))
}

fn median_of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let [median, ..] = over(rounds, figure);
    median
}

/// Median, smallest and largest.
fn over(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> [f64; 3] {
    spread_of(rounds.iter().map(figure))
}

fn has_ifma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}
