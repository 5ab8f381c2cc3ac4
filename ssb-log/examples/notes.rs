//! Stores words as messages, follows them as they come, and asks for the newest: `notes DIRECTORY WORD ...`

use std::env;
use std::error::Error;
use std::future::poll_fn;
use std::path::Path;
use std::thread;

use futures_lite::future::block_on;
use ssb_keys::Keypair;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::indexer::Progress;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_msg::Signing;
use ssb_msg::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let directory = words.next().ok_or("where to?")?;
    let (mut store, _) = Store::open(Disk::open(Path::new(&directory))?)?;
    let me = Keypair::from_seed(&[7; 32]);

    let (reader, seen) = (store.reader(), store.reader().end());
    let follower = thread::spawn(move || block_on(follow(&reader, seen)));
    for word in words.chain(["the end".to_owned()]) {
        let text = json::compact(&json::Value::Text(json::Text::new(&word)));
        store.sign_next(&format!(r#"{{"type":"note","text":{text}}}"#), 1.0, &me, &Signing::plain(), 1.0)?;
        let _ = store.commit()?;
    }
    follower.join().map_err(|_| "the follower panicked")??;

    // Usually a thread of its own does this. Answers only take longer without it.
    let mut indexer = store.indexer();
    while indexer.work()? == Progress::More {}
    let notes = Query::new(Filter::of_type("note").and(Filter::author(me.id())));
    for note in store.reader().query(notes.descending().limit(3)).page(65_536)? {
        println!("{} is {:?}", note.id, note.fields().and_then(|fields| fields.of_content("text")));
    }
    Ok(())
}

async fn follow(reader: &Reader<Disk>, mut seen: Ordinal) -> Result<(), ssb_log::read::ReadError> {
    let mut follower = reader.follow();
    loop {
        let end = poll_fn(|context| follower.poll_past(context, seen)).await;
        for message in reader.page(seen..end, 65_536)? {
            println!("there is {}", message.json);
            if message.json.contains("the end") {
                return Ok(());
            }
            seen = message.ordinal.next().unwrap_or(end);
        }
    }
}
