//! Every method answers as ssb-server's does, over the same messages: values to the byte, errors with their names, streams
//! item by item. Where it does not, the table says so, and is checked to be right about it.

mod row;
mod rows;
mod side;

use std::collections::BTreeMap;
use std::fs;

use interop::Lab;
use interop::Node;
use interop::Stream;
use interop::fail;
use interop::javascript;
use row::Phase;
use row::Reads;
use row::Row;
use side::Outcome;
use side::Side;

/// How many combinations of a method and its arguments there are at least.
const ROWS_MIN: usize = 300;

#[test]
fn every_method_answers_as_ssb_server_s_does_but_for_the_listed_deviations() {
    let rows = rows::all();
    assert!(rows.len() >= ROWS_MIN, "{} rows", rows.len());
    let mut servers = Servers::start();
    let mut wrong = Vec::new();
    for phase in Phase::ALL {
        // What comes later builds on it.
        if !wrong.is_empty() {
            break;
        }
        servers.prepare(phase);
        let rows: Vec<&Row> = rows.iter().filter(|row| row.phase == phase).collect();
        // What changes something is called one by one, all else at once.
        let at_once = if phase.changes() { 1 } else { rows.len().max(1) };
        for rows in rows.chunks(at_once) {
            wrong.extend(servers.run(rows));
        }
        if phase == Phase::Live && wrong.is_empty() {
            wrong.extend(servers.tell_of_follows());
        }
    }
    if wrong.is_empty() {
        wrong.extend(servers.tell_of_changes());
    }
    let deviations = rows.iter().filter(|row| row.expect.deviation().is_some()).count();
    let alone = rows.iter().filter(|row| !row.expect.asks_both()).count();
    println!("{} rows: {deviations} deviate, {alone} of those are not asked of ssb-server", rows.len());
    if !wrong.is_empty() {
        fail(format_args!("{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n")));
    }
}

#[test]
fn every_deviation_is_in_the_documentation() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../ssb-node/README.md"));
    let readme = readme.expect("ssb-node has a README.md");
    let table: BTreeMap<&str, ()> = rows::all()
        .iter()
        .filter_map(|row| row.expect.deviation())
        .map(|deviation| (deviation, ()))
        .collect();

    for deviation in table.keys() {
        assert!(readme.contains(&format!("| {deviation} |")), "not in ssb-node/README.md: {deviation}");
    }
}

/// Both servers, and a third node for them to dial.
struct Servers {
    ours: Side,
    theirs: Side,
    _nodes: [Node; 3],
    _lab: Lab,
}

impl Servers {
    fn start() -> Self {
        let lab = Lab::new();
        let nodes = [lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"]), lab.ours("third", &[])];
        let [ours, theirs, third] = &nodes;
        let printed = javascript("feeds.js").output().expect("node runs");
        let mut names = side::names(&String::from_utf8(printed.stdout).expect("JSON"));
        names.insert("third".to_owned(), third.id());
        names.insert("third.address".to_owned(), third.address().to_owned());
        for node in [ours, theirs] {
            side::put_blobs(node);
        }
        names.extend(side::blob_names());
        let ours = Side::new(lab.naming_client(ours), ours, &names);
        let theirs = Side::new(lab.naming_client(theirs), theirs, &names);
        Self { ours, theirs, _nodes: nodes, _lab: lab }
    }

    fn prepare(&mut self, phase: Phase) {
        if phase == Phase::Reading {
            self.ours.survey();
            self.theirs.survey();
        }
    }

    /// What is wrong about these rows.
    fn run(&mut self, rows: &[&Row]) -> Vec<String> {
        let begun: Vec<(Stream, Option<Stream>)> = rows
            .iter()
            .map(|row| {
                let is_stream = row.reads != Reads::Answer;
                let ours = self.ours.begin(row.method, &row.args, is_stream);
                let theirs =
                    row.expect.asks_both().then(|| self.theirs.begin(row.method, &row.args, is_stream));
                (ours, theirs)
            })
            .collect();
        if rows.iter().any(|row| matches!(row.reads, Reads::Live(_))) {
            self.make_messages(&begun);
        }
        let judged = rows.iter().zip(begun).filter_map(|(row, (ours, theirs))| {
            let ours = outcome(&mut self.ours, ours, row);
            let theirs = theirs.map(|theirs| outcome(&mut self.theirs, theirs, row));
            if let Some(Outcome::Error(error) | Outcome::Items(_, Some(error))) = &theirs
                && error.ends_with("read ECONNRESET")
            {
                fail(format_args!("{row}, or what was called before its answer: ssb-server is gone"));
            }
            row.judge(&ours, theirs.as_ref())
        });
        judged.collect()
    }

    /// What is wrong about the changes of the table of peers that both tell of.
    fn tell_of_changes(&mut self) -> Option<String> {
        let steps = [
            ("gossip.add", "[\"net:127.0.0.1:1~shs:<G.key>\",\"manual\"]"),
            ("gossip.connect", "[\"<G>\"]"),
            ("gossip.connect", "[\"<third>\"]"),
            ("gossip.disconnect", "[\"<third>\"]"),
            ("gossip.remove", "[\"<G>\"]"),
        ];
        let [ours, theirs] = [&mut self.ours, &mut self.theirs].map(|side| {
            let changes = side.begin("gossip.changes", "[]", true);
            for (method, args) in steps {
                let step = side.begin(method, args, false);
                side.outcome(step, method, args);
            }
            side.live(changes, steps.len(), "gossip.changes")
        });
        (ours != theirs).then(|| format!("gossip.changes\n  ours    {ours:?}\n  theirs  {theirs:?}"))
    }

    /// What is wrong about what both tell of whom they follow.
    fn tell_of_follows(&mut self) -> Vec<String> {
        // How many items there are at first, and behind each step.
        let streams = [
            ("friends.hopStream", "[{\"live\":true}]", [1, 1, 1, 1, 1]),
            ("friends.hopStream", "[{\"live\":true,\"old\":false}]", [0, 1, 1, 1, 1]),
            ("friends.createFriendStream", "[{\"live\":true,\"meta\":true}]", [1, 2, 1, 1, 1]),
            ("friends.createFriendStream", "[{\"live\":true}]", [1, 2, 1, 1, 1]),
            ("friends.stream", "[]", [1, 1, 1, 1, 1]),
            ("replicate.upto", "[{\"live\":true}]", [2, 2, 0, 1, 1]),
        ];
        let steps = [
            ("friends.follow", "[\"<A>\",{}]"),
            ("friends.follow", "[\"<B>\",{}]"),
            ("friends.block", "[\"<A>\",{}]"),
            ("friends.follow", "[\"<A>\",{}]"),
        ];
        let [ours, theirs] = [&mut self.ours, &mut self.theirs].map(|side| {
            let open = streams.map(|(method, args, _)| side.begin(method, args, true));
            let mut told: Vec<Vec<String>> = Vec::new();
            for at in 0..=steps.len() {
                if let Some((method, args)) = at.checked_sub(1).and_then(|at| steps.get(at)) {
                    let step = side.begin(method, args, false);
                    side.outcome(step, method, args);
                }
                let each = streams.iter().zip(&open);
                told.extend(each.map(|((method, _, counts), stream)| {
                    side.next(*stream, counts.get(at).copied().unwrap_or(0), method)
                }));
            }
            told
        });
        let names = streams.iter().cycle().map(|(method, args, _)| format!("{method}{args}"));
        let all = names.zip(ours.into_iter().zip(theirs)).filter(|(_, (ours, theirs))| ours != theirs);
        all.map(|(name, (ours, theirs))| format!("{name}\n  ours    {ours:?}\n  theirs  {theirs:?}"))
            .collect()
    }

    // Live streams are open on both, and have sent what is stored: now there is something new.
    fn make_messages(&mut self, begun: &[(Stream, Option<Stream>)]) {
        assert!(begun.len() > 1, "live streams are read at once");
        for side in [&mut self.ours, &mut self.theirs] {
            for message in ["[<e1>]", "[<f1>]", "[<a6>]", "[<g1>]", "[<e2>]"] {
                let before = side.begin("whoami", "[]", false);
                side.outcome(before, "whoami", "whoami");
                let added = side.begin("add", message, false);
                assert!(matches!(side.outcome(added, "add", message), Outcome::Value(_)), "{message}");
            }
            side.survey();
        }
    }
}

fn outcome(side: &mut Side, stream: Stream, row: &Row) -> Outcome {
    match row.reads {
        Reads::Answer | Reads::Stream => side.outcome(stream, row.method, &row.to_string()),
        Reads::Live(count) => side.live(stream, count, row.method),
    }
}
