//! The table: every method, with the arguments that it is called with.
//!
//! In arguments `<a1>` stands for the first message of feed A, `<a1.id>` for its id, `<A>` for the id of the feed (all of
//! them are made by `js/feeds.js`), `<me>` for the server's own id, `<place2>` and `<time2>` for where the third message of
//! the log is and when it came, `<N>`, `<N.id>` for a feed and a message that nobody has,
//! and `<blob>` and so on for blobs.

mod adding;
mod asking;
mod blobs;
mod friends;
mod gossip;
mod publishing;
mod questions;
mod streams;

use crate::row::Expect;
use crate::row::Phase;
use crate::row::Reads;
use crate::row::Row;

/// All rows.
pub(crate) fn all() -> Vec<Row> {
    let mut table = Table { rows: Vec::new(), phase: Phase::Empty };
    adding::empty(&mut table);
    adding::adding(&mut table);
    table.phase = Phase::Reading;
    asking::about_the_server(&mut table);
    asking::about_feeds(&mut table);
    asking::single_messages(&mut table);
    streams::message_streams(&mut table);
    streams::history_streams(&mut table);
    streams::raw_streams(&mut table);
    questions::questions(&mut table);
    publishing::refused_calls(&mut table);
    streams::live_streams(&mut table);
    friends::friends(&mut table);
    blobs::blobs(&mut table);
    gossip::gossip(&mut table);
    publishing::publishing(&mut table);
    publishing::removing(&mut table);
    questions::rebuilding(&mut table);
    table.rows
}

/// Rows in the making.
struct Table {
    rows: Vec<Row>,
    phase: Phase,
}

impl Table {
    fn push(&mut self, method: &'static str, args: &str, reads: Reads, expect: Expect) {
        self.rows.push(Row { phase: self.phase, method, args: args.to_owned(), reads, expect });
    }

    /// Calls that both answer alike.
    fn calls(&mut self, method: &'static str, all: &[&str]) {
        for args in all {
            self.push(method, args, Reads::Answer, Expect::Same);
        }
    }

    /// Streams that are alike on both.
    fn streams(&mut self, method: &'static str, all: &[&str]) {
        for args in all {
            self.push(method, args, Reads::Stream, Expect::Same);
        }
    }

    /// A stream without end that is alike on both.
    fn live(&mut self, method: &'static str, args: &str, count: usize) {
        self.push(method, args, Reads::Live(count), Expect::Same);
    }

    /// Calls, or streams, that are not alike.
    fn deviates(
        &mut self,
        reads: Reads,
        deviation: &'static str,
        method: &'static str,
        all: &[(&str, &'static str, &'static str)],
    ) {
        for (args, ours, theirs) in all {
            self.push(method, args, reads, Expect::Deviates { ours, theirs, deviation });
        }
    }

    /// Calls, or streams, that end ssb-server or wait for ever there.
    fn ours_only(
        &mut self,
        reads: Reads,
        deviation: &'static str,
        method: &'static str,
        all: &[(&str, &'static str)],
    ) {
        for (args, ours) in all {
            self.push(method, args, reads, Expect::OursOnly { ours, deviation });
        }
    }
}

// As the documentation calls them.
const ENGINE: &str = "an argument that is missing or of a wrong type, where nothing checks it";
const CREATE: &str = "`db.create`, and a message of box2";
const EXTRA: &str = "one argument too many for an async method";
const HELP: &str = "`help`, `gossip.help`, `friends.help`, `query.help`, `links2.help`, `blobs.help`";
const NEWER: &str =
    "`conn.*`, `friends.graph`, `friends.graphStream`, `ebt.clock`, and ours: `peers`, `replicate.progress`";
const PLACES: &str =
    "places in the log: `get` of a number, `gt` and so on of raw streams, `progress`, `status`";
const HUGE_LIMIT: &str = "a `limit` of more than 32 bits";
const NO_VALUES: &str = "`createHistoryStream` with `values: false`";
