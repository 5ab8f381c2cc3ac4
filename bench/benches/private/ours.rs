//! Our side: a store in a process of its own, as db.js has one, that is its owner's.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use bench::data::Data;
use bench::javascript::lines;
use interop::Lab;
use serde_json::Value;
use serde_json::json;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_log::Disk;
use ssb_log::Opener;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::indexer::Progress;
use ssb_log::query::Order;
use ssb_log::query::view::Question;
use ssb_log::query::view::View;

use crate::Figure;

/// Set for a process that answers a question: which.
pub(super) const CHILD: &str = "SSB_BENCH_PRIVATE_CHILD";

const PAGE_LEN: usize = 64 * 1024;

/// Takes all messages in, and makes all indexes.
pub(super) fn take_in(lab: &Lab, dir: &Path, data: &Data) -> io::Result<()> {
    let mut command = lab.our_program();
    command.arg("import").arg(data.messages()).arg("--path").arg(dir).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{command:?}: {status}")));
    }
    run("index", dir, data).map(drop)
}

/// Lets a process of its own answer.
pub(super) fn ask(question: &str, dir: &Path, data: &Data) -> io::Result<Figure> {
    if question == "tried" {
        // On a copy: the other questions are answered with their index.
        let copy = dir.with_extension("copy");
        bench::wish::clear(&copy)?;
        fs::create_dir_all(copy.join("log"))?;
        for entry in fs::read_dir(dir.join("log"))? {
            let entry = entry?;
            let name = entry.file_name();
            let is_private =
                ["opened-", "private-"].iter().any(|family| name.to_string_lossy().starts_with(family));
            if !is_private && name != "lock" {
                fs::copy(entry.path(), copy.join("log").join(name))?;
            }
        }
        return figure(&run("log", &copy, data)?);
    }
    figure(&run(question, dir, data)?)
}

/// What a process printed.
pub(super) fn figure(lines: &[Value]) -> io::Result<Figure> {
    let figure = lines.iter().find_map(|line| {
        Some(Figure { opened: line.get("items")?.as_u64()?, seconds: line.get("first")?.as_f64()? })
    });
    figure.ok_or_else(|| io::Error::other("no figure was printed"))
}

fn run(question: &str, dir: &Path, data: &Data) -> io::Result<Vec<Value>> {
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
    let me = owner(&Data::of(&folder, 0))?;
    let (mut store, _) = Store::open(Disk::open(&log)?).map_err(io::Error::other)?;
    store.unlock(Opener::new(me))?;
    let reader = store.private_reader();
    let begun = Instant::now();
    let opened = match question.to_str() {
        Some("index") => {
            let mut indexer = store.indexer();
            while indexer.work().map_err(io::Error::other)? == Progress::More {}
            indexer.finish(1).map_err(io::Error::other)?;
            0
        }
        Some("log") => all(&reader),
        Some("read") => private(&reader),
        _ => return Err(io::Error::other("what is the question?")),
    };
    println!("{}", json!({ "items": opened, "first": begun.elapsed().as_secs_f64() }));
    Ok(())
}

fn all(reader: &Reader<Disk>) -> usize {
    let (mut at, mut opened) = (Ordinal::ZERO, 0);
    loop {
        let page = reader.page(at..reader.end(), PAGE_LEN).expect("the log is sound");
        let Some(next) = page.last().and_then(|stored| stored.ordinal.next()) else { return opened };
        opened += page.iter().filter(|stored| black_box(stored.shown()) != stored.json).count();
        at = next;
    }
}

fn private(reader: &Reader<Disk>) -> usize {
    let query = ssb_msg::json::parse(br#"[{"$filter":{"timestamp":{"$gt":0}}}]"#).expect("this is JSON");
    let question = Question::parse(View::Private, &query, Order::Ascending).expect("this is a query");
    let mut walk = reader.walk(question, reader.end()).expect("the log is sound");
    let mut opened = 0;
    while !walk.is_over() {
        opened += black_box(walk.page(PAGE_LEN).expect("the log is sound")).len();
    }
    opened
}

/// Who has the longest feed, as db.js picks them.
fn owner(data: &Data) -> io::Result<Keypair> {
    let meta: Value = serde_json::from_slice(&fs::read(data.meta())?)?;
    let (hot, _) = data.notable()?;
    let feeds = meta.get("feeds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let feed = feeds.iter().find(|feed| feed.get("id").and_then(Value::as_str) == Some(&hot.to_string()));
    let seed = feed.and_then(|feed| feed.get("seed")?.as_str()).unwrap_or_default();
    let me = Keypair::from_seed(&base64::decode_array(seed).map_err(io::Error::other)?);
    if me.id() == hot { Ok(me) } else { Err(io::Error::other("the seed is another one's")) }
}
