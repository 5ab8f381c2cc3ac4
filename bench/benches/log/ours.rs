//! Our side: `ssb-cli import`, and questions to ssb-log in a process of their own, as db.js is one.

use std::env;
use std::ffi::OsStr;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use bench::data::Data;
use bench::javascript::lines;
use bench::usage;
use bench::usage::Usage;
use interop::Lab;
use serde_json::Value;
use serde_json::json;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::indexer::Progress;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::query::Target;

/// Set for a process that answers questions: which.
pub(super) const CHILD: &str = "SSB_BENCH_LOG_CHILD";

const PAGE_LEN: usize = 256 * 1024;

/// `ssb-cli import FILE`, from the start of the process to its end: then all is indexed, too.
pub(super) fn import(lab: &Lab, dir: &Path, data: &Data) -> io::Result<Usage> {
    let mut command = lab.our_program();
    command.arg("import").arg(data.messages()).arg("--path").arg(dir).stdin(Stdio::null());
    usage::of(command.stdout(Stdio::null()), &dir.join("log"))
}

/// Lets a process of its own answer.
pub(super) fn ask(question: &str, dir: &Path, data: &Data) -> io::Result<Vec<Value>> {
    let mut command = Command::new(env::current_exe()?);
    command.env(CHILD, question).arg(dir.join("log")).arg(&data.folder);
    lines(&mut command)
}

/// What such a process does.
pub(super) fn answer(question: &OsStr) -> io::Result<()> {
    let mut words = env::args_os().skip(1).map(PathBuf::from);
    let (Some(log), Some(folder)) = (words.next(), words.next()) else {
        return Err(io::Error::other("which log, which data?"));
    };
    let data = Data::of(&folder, 0);
    let disk = Disk::open(&log)?;
    let start = Instant::now();
    let (store, _) = Store::open(disk).map_err(io::Error::other)?;
    match question.to_str() {
        Some("query") => Questions::new(&store, &data)?.all(&data.ids()?),
        Some("fresh") => Questions::new(&store, &data)?.first(),
        Some("rebuild") => {
            rebuild(&store)?;
            println!("{}", json!({ "seconds": start.elapsed().as_secs_f64() }));
        }
        _ => return Err(io::Error::other("what is the question?")),
    }
    Ok(())
}

/// Makes all indexes that are missing, down to their files.
fn rebuild(store: &Store<Disk>) -> io::Result<()> {
    let mut indexer = store.indexer();
    while indexer.work().map_err(io::Error::other)? == Progress::More {}
    indexer.finish(1).map_err(io::Error::other)
}

struct Questions {
    reader: Reader<Disk>,
    hot: FeedId,
    voted: MessageId,
}

impl Questions {
    fn new(store: &Store<Disk>, data: &Data) -> io::Result<Self> {
        let (hot, voted) = data.notable()?;
        Ok(Self { reader: store.reader(), hot, voted })
    }

    fn all(&self, ids: &[MessageId]) {
        let id = |n: usize| ids.get((n * 7919 + 13) % ids.len()).expect("the remainder is below the length");
        measure("get", 2000, |n| usize::from(self.get(id(n))));
        let count = 100_000;
        let start = Instant::now();
        let found = (0..count).filter(|n| self.get(id(*n))).count();
        let seconds = start.elapsed().as_secs_f64() / f64::from(u32::try_from(found).expect("few"));
        println!("{}", json!({ "name": "gets", "items": found, "median": seconds }));
        measure("feed", 5, |_| self.feed());
        measure("scan", 3, |_| self.scan());
        measure("posts", 3, |_| self.count(Query::new(Filter::of_type("post"))));
        measure("last", 50, |_| self.last());
        measure("backlinks", 20, |_| self.backlinks());
    }

    fn first(&self) {
        measure("last", 1, |_| self.last());
        measure("backlinks", 1, |_| self.backlinks());
    }

    fn get(&self, id: &MessageId) -> bool {
        self.reader.get(id).expect("the log is sound").is_some_and(|stored| stored.fields().is_some())
    }

    fn feed(&self) -> usize {
        let (mut sequence, mut count) = (1, 0);
        loop {
            let page = self.reader.feed_page(&self.hot, sequence, PAGE_LEN).expect("the log is sound");
            if page.is_empty() {
                return count;
            }
            count += page.iter().filter(|stored| black_box(stored.fields()).is_some()).count();
            sequence += u32::try_from(page.len()).expect("few");
        }
    }

    fn scan(&self) -> usize {
        let (mut at, mut count) = (Ordinal::ZERO, 0);
        loop {
            let page = self.reader.page(at..self.reader.end(), PAGE_LEN).expect("the log is sound");
            let Some(next) = page.last().and_then(|stored| stored.ordinal.next()) else { return count };
            count += page.iter().filter(|stored| black_box(stored.fields()).is_some()).count();
            at = next;
        }
    }

    fn last(&self) -> usize {
        self.count(Query::new(Filter::of_type("post")).descending().limit(30))
    }

    fn backlinks(&self) -> usize {
        self.count(Query::new(Filter::links_to(Target::Message(self.voted))))
    }

    fn count(&self, query: Query) -> usize {
        let mut answer = self.reader.query(query);
        let mut count = 0;
        while !answer.is_over() {
            let page = answer.page(PAGE_LEN).expect("the log is sound");
            count += page.iter().filter(|stored| black_box(stored.fields()).is_some()).count();
        }
        count
    }
}

fn measure(name: &str, runs: usize, mut ask: impl FnMut(usize) -> usize) {
    let (mut times, mut items) = (Vec::with_capacity(runs), 0);
    for n in 0..runs {
        let start = Instant::now();
        items = black_box(ask(n));
        times.push(start.elapsed().as_secs_f64());
    }
    let first = times.first().copied();
    times.sort_by(f64::total_cmp);
    println!("{}", json!({ "name": name, "items": items, "first": first, "median": times.get(runs / 2) }));
}
