//! Questions over ten thousand messages: ssb-server's answers are ours, item by item, in its order, down to the times of
//! receiving.
//!
//! Both servers have the same log. What deviates on purpose is in the table of `tests/methods`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "helpers of tests fail tests"
)]

mod messages;
mod rows;

use std::fs;
use std::time::Duration;
use std::time::Instant;

use interop::Answer;
use interop::Client;
use interop::Lab;
use interop::Node;
use interop::PATIENCE;
use interop::Stream;
use interop::eventually;
use interop::fail;
use messages::Messages;
use rows::Row;

/// How many questions there are at least.
const ROWS_MIN: usize = 500;

/// How many are asked at once.
const AT_ONCE: usize = 12;

#[test]
fn every_question_is_answered_as_ssb_server_answers_it() {
    let messages = Messages::make();
    let rows = rows::all(&messages);
    let lab = Lab::for_measuring();
    let mut servers = Servers::start(&lab, &messages);
    assert!(rows.len() >= ROWS_MIN, "{} rows", rows.len());
    let mut wrong = Vec::new();

    for rows in rows.chunks(AT_ONCE) {
        wrong.extend(servers.compare(rows));
    }
    servers.check_twins();
    let live = rows::live(&messages);
    wrong.extend(servers.compare_live(&live, &messages));

    println!("{} questions, {} of them live", rows.len() + live.len(), live.len());
    if !wrong.is_empty() {
        fail(format_args!("{} of {} rows:\n{}", wrong.len(), rows.len() + live.len(), wrong.join("\n")));
    }
}

struct Servers {
    ours: Client,
    theirs: Client,
    _nodes: [Node; 2],
}

impl Servers {
    fn start(lab: &Lab, messages: &Messages) -> Self {
        for name in ["ours", "theirs"] {
            let folder = lab.dir(name).join("flume");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("log.offset"), &messages.log).unwrap();
        }
        let nodes = [lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"])];
        let [ours, theirs] = &nodes;
        let (mut ours, mut theirs) = (lab.naming_client(ours), lab.naming_client(theirs));
        for client in [&mut ours, &mut theirs] {
            let clock = client.call("getVectorClock", "[]").unwrap();
            assert_eq!(clock.matches("@").count(), messages::FEEDS, "{clock}");
            eventually("all indexes", || {
                let status = client.call("status", "[]").unwrap();
                status.contains("\"sync\":true").then_some(())
            });
        }
        Self { ours, theirs, _nodes: nodes }
    }

    /// What is wrong about these rows.
    fn compare(&mut self, rows: &[Row]) -> Vec<String> {
        let begun: Vec<[Stream; 2]> = rows
            .iter()
            .map(|row| [&mut self.ours, &mut self.theirs].map(|client| begin(client, row)))
            .collect();
        let judged = rows.iter().zip(begun).filter_map(|(row, [ours, theirs])| {
            let ours = outcome(&mut self.ours, ours, row);
            let theirs = outcome(&mut self.theirs, theirs, row);
            (ours != theirs).then(|| difference(row, &ours, &theirs))
        });
        judged.collect()
    }

    /// Of two messages under one key ssb-server knows the later only. Nothing is left out here.
    fn check_twins(&mut self) {
        let args =
            r#"[{"query":[{"$filter":{"value":{"timestamp":1500000000000,"content":{"type":"twin"}}}}]}]"#;
        let [ours, theirs] =
            [&mut self.ours, &mut self.theirs].map(|client| client.collect("query.read", args).unwrap());
        assert_eq!((ours.len(), theirs.len()), (2, 1), "ours {ours:?}, theirs {theirs:?}");
        assert_eq!(ours.last(), theirs.last());
    }

    /// As [`compare`](Self::compare), while messages come.
    fn compare_live(&mut self, rows: &[Row], messages: &Messages) -> Vec<String> {
        let begun: Vec<[Stream; 2]> = rows
            .iter()
            .map(|row| [&mut self.ours, &mut self.theirs].map(|client| begin(client, row)))
            .collect();
        let mut outcomes = Vec::new();
        for (place, client) in [&mut self.ours, &mut self.theirs].into_iter().enumerate() {
            client.call("whoami", "[]").unwrap();
            for message in &messages.later {
                client
                    .call("add", &format!("[{message}]"))
                    .unwrap_or_else(|error| panic!("{error}: {message}"));
            }
            outcomes.push(begun.iter().map(|streams| arrived(client, streams[place])).collect::<Vec<_>>());
        }
        let judged = rows.iter().enumerate().filter_map(|(n, row)| {
            let (ours, theirs) = (&outcomes[0][n], &outcomes[1][n]);
            (ours != theirs).then(|| difference(row, ours, theirs))
        });
        judged.collect()
    }
}

fn begin(client: &mut Client, row: &Row) -> Stream {
    if row.is_stream { client.open(row.method, &row.args) } else { client.begin(row.method, &row.args) }
}

/// All that comes back, as lines.
fn outcome(client: &mut Client, stream: Stream, row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match client.next(stream, PATIENCE) {
            Some(Answer::Value(value)) => lines.push(value),
            Some(Answer::Item(item)) => {
                lines.push(item);
                continue;
            }
            Some(Answer::Error(error)) => lines.push(format!("error {error}")),
            Some(Answer::End(end)) => lines.push(format!("end {end:?}")),
            other => fail(format_args!("{}{}: after {} items {other:?}", row.method, row.args, lines.len())),
        }
        return lines;
    }
}

/// What came of a live stream until it was quiet for a while.
fn arrived(client: &mut Client, stream: Stream) -> Vec<String> {
    let (mut lines, start) = (Vec::new(), Instant::now());
    while start.elapsed() < PATIENCE {
        match client.next(stream, QUIET) {
            Some(Answer::Item(item)) => lines.push(without_own_times(&item)),
            Some(other) => {
                lines.push(format!("{other:?}"));
                break;
            }
            None => break,
        }
    }
    lines
}

/// How long nothing comes of a stream that has nothing more to give.
const QUIET: Duration = Duration::from_millis(300);

/// New messages are received by each server when they are: times of now are taken out.
fn without_own_times(item: &str) -> String {
    let mut pieces = item.split(':');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find([',', '}', ']']).unwrap_or(piece.len());
        let (value, rest) = piece.split_at(end);
        let is_now = value.parse::<f64>().is_ok_and(|time| (1.7e12..1e13).contains(&time));
        out = format!("{out}:{}{rest}", if is_now { "<now>" } else { value });
    }
    out
}

fn difference(row: &Row, ours: &[String], theirs: &[String]) -> String {
    let at = ours.iter().zip(theirs).take_while(|(one, two)| one == two).count();
    let shown = |lines: &[String]| {
        let line = lines.get(at).map_or("nothing", String::as_str);
        format!("{} lines; {at}: {}", lines.len(), line.chars().take(600).collect::<String>())
    };
    format!("{}{}\n  ours    {}\n  theirs  {}", row.method, row.args, shown(ours), shown(theirs))
}
