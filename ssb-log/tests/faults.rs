//! What is acknowledged survives, whichever call fails and whenever power is lost.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use ssb_log::Decision;
use ssb_log::Opener;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::faulty::Faulty;
use ssb_log::faulty::Times;
use ssb_log::indexer::Progress;
use ssb_log::log::AppendError;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::storage::Directory;
use ssb_msg::Message;
use ssb_privatebox::text;

use shared::NOW;
use shared::author;

/// Commits all messages, two at a time; returns how many commits succeeded, and the first error.
fn run<D: Directory>(directory: D, messages: &[Message]) -> (usize, Option<AppendError>) {
    let Ok((mut store, _)) = Store::open(directory) else { return (0, None) };
    let mut acknowledged = 0;
    let mut failed = None;
    for batch in messages.chunks(2) {
        for message in batch {
            // After a failure the feed has not moved, so what comes next is early.
            let _ = store.offer(message, NOW);
        }
        match store.commit() {
            Ok(_) => acknowledged += batch.len(),
            Err(error) => {
                failed.get_or_insert(error);
                assert_eq!(store.reader().len() as usize, acknowledged);
                assert_eq!(store.commit(), Err(AppendError::Poisoned));
                // Reading goes on, unless that fails too.
                break;
            }
        }
    }
    (acknowledged, failed)
}

fn check_recovered(memory: Memory, messages: &[Message], acknowledged: usize) {
    let (store, _) = Store::open(memory).unwrap();
    let texts = shared::texts(&store);
    assert!(texts.len() >= acknowledged, "{} of {acknowledged} are left", texts.len());
    for (text, message) in texts.iter().zip(messages) {
        assert_eq!(text, message.json());
    }
    // And the indexes say the same.
    let latest = store.reader().latest(&messages[0].author());
    assert_eq!(latest.map_or(0, |latest| latest.sequence as usize), texts.len());
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost() {
    let messages = shared::feed(1, 6);
    for times in [Times::Once, Times::Forever] {
        let mut call = 0;
        loop {
            let memory = Memory::new();
            let faulty = Faulty::new(memory.clone(), call, times);
            let (acknowledged, failed) = run(faulty.clone(), &messages);
            let done = faulty.calls() <= call;
            if done {
                assert_eq!((acknowledged, failed), (6, None));
            }

            check_recovered(memory.crash(), &messages, acknowledged);
            check_recovered(memory.crash_torn(|sector| sector.is_multiple_of(2)), &messages, acknowledged);
            check_recovered(memory.crash_torn(|sector| !sector.is_multiple_of(2)), &messages, acknowledged);
            check_recovered(memory, &messages, acknowledged);

            if done {
                break;
            }
            call += 1;
        }
        assert!(call > 10, "a run makes {call} calls");
    }
}

#[test]
fn whichever_call_of_a_repair_fails_the_next_one_succeeds() {
    let (mut bytes, messages) = shared::committed(&[2, 1]);
    bytes.truncate(bytes.len() - 3);
    let mut call = 0;
    loop {
        let memory = Memory::new();
        memory.put("records", &bytes);
        let faulty = Faulty::new(memory.clone(), call, Times::Once);
        let opened = Store::open(faulty.clone()).is_ok();

        let after = memory.crash();
        check_recovered(after.clone(), &messages, 2);
        assert_eq!(after.bytes("records").unwrap().len(), bytes.len() - tail_len(&bytes, &after));
        if opened {
            break;
        }
        call += 1;
    }
    assert!(call > 8, "a repair makes {call} calls");
}

/// What was kept of the tail is all of it.
fn tail_len(bytes: &[u8], after: &Memory) -> usize {
    let names = after.list().unwrap();
    let name = names.iter().rfind(|name| name.starts_with("cut-")).unwrap();
    let kept = after.bytes(name).unwrap();
    assert!(bytes.ends_with(&kept));
    kept.len()
}

#[test]
fn a_full_disk_stops_writing_and_not_reading() {
    let messages = shared::feed(1, 2);
    let memory = Memory::new();
    let mut store = shared::open(memory.clone());
    store.offer(&messages[0], NOW).unwrap();
    let _ = store.commit().unwrap();
    drop(store);
    // Opening makes some calls; the write of the commit is the next one.
    let counting = Faulty::new(memory.clone(), u64::MAX, Times::Once);
    drop(shared::open(counting.clone()));
    let mut store = shared::open(Faulty::new(memory, counting.calls(), Times::Once));

    store.offer(&messages[1], NOW).unwrap();
    assert!(matches!(store.commit(), Err(AppendError::Io(_))));

    assert_eq!(store.commit(), Err(AppendError::Poisoned));
    assert_eq!(store.state(&messages[0].author()).sequence(), 1);
    assert_eq!(store.reader().get(&messages[0].id()).unwrap().unwrap().json, messages[0].json());
    assert_eq!(store.reader().get(&messages[1].id()), Ok(None));
}

/// Indexes what is there, a file for every two messages and one in the end, and asks for all posts, as key 1 if it is `private`.
fn index<D: Directory>(directory: D, messages: &[Message], private: bool) -> Option<usize> {
    let (mut store, _) = Store::open(directory).ok()?;
    if private {
        store.unlock(Opener::new(author(1))).ok()?;
    }
    let mut indexer = store.indexer();
    for batch in messages.chunks(2) {
        for message in batch {
            let _ = store.offer(message, NOW);
        }
        let _ = store.commit();
        // Whatever fails, queries find what there is.
        while indexer.work() == Ok(Progress::More) {}
        let _ = indexer.finish(1);
    }
    while indexer.work() == Ok(Progress::More) {}
    let _ = indexer.finish(1);
    let reader = if private { store.private_reader() } else { store.reader() };
    let mut answer = reader.query(Query::new(Filter::of_type("post")));
    let found = answer.page(usize::MAX).ok()?.len();
    assert_eq!(u32::try_from(found).unwrap(), reader.len());
    for stored in store.reader().page(Ordinal::ZERO..store.reader().end(), usize::MAX).ok()? {
        assert_eq!(store.reader().get(&stored.id).ok()?.as_ref(), Some(&stored));
    }
    Some(found)
}

/// Lets each call of [`index`] fail.
fn index_with_faults(messages: &[Message], private: bool) {
    for times in [Times::Once, Times::Forever] {
        let mut call = 0;
        loop {
            let memory = Memory::new();
            let faulty = Faulty::new(memory.clone(), call, times);
            let found = index(faulty.clone(), messages, private);
            let done = faulty.calls() <= call;
            if done {
                assert_eq!(found, Some(messages.len()));
            }

            for after in [
                memory.crash(),
                memory.crash_torn(|sector| sector.is_multiple_of(2)),
                memory.crash_torn(|sector| !sector.is_multiple_of(2)),
                memory,
            ] {
                let (store, _) = Store::open(after.clone()).unwrap();
                let there = store.reader().len() as usize;
                drop(store);
                assert_eq!(index(after, &[], private), Some(there));
            }
            if done {
                break;
            }
            call += 1;
        }
        assert!(call > 100, "a run makes {call} calls");
    }
}

#[test]
fn whichever_call_of_indexing_fails_queries_find_all_there_is() {
    index_with_faults(&shared::feed(1, 10), false);
}

#[test]
fn whichever_call_of_indexing_fails_its_owner_finds_what_is_sealed_for_them() {
    let post = |n: u32| format!(r#"{{"type":"post","text":"hello {n}"}}"#);
    let sealed = |n| format!("\"{}\"", text::seal(post(n).as_bytes(), &[author(1).id()], &[7; 32]).unwrap());
    let contents = (1..=5).map(|n| if n % 3 == 0 { post(n) } else { sealed(n) });
    index_with_faults(&shared::feed_of(&author(2), contents), true);
}

/// Writes two feeds, deletes of one and forgets the other, and compacts, all as far as it gets. Returns how many messages were
/// acknowledged, and how many decisions.
fn delete<D: Directory>(directory: D, feeds: &[Vec<Message>; 2]) -> (usize, usize) {
    let (mut acknowledged, mut decided) = (0, 0);
    let Ok((mut store, _)) = Store::open(directory) else { return (0, 0) };
    let [kept, forgotten] = feeds;
    for message in kept.iter().chain(forgotten) {
        let _ = store.offer(message, NOW);
    }
    if store.commit().is_err() {
        return (0, 0);
    }
    acknowledged += kept.len() + forgotten.len();
    let mut indexer = store.indexer();
    while indexer.work() == Ok(Progress::More) {}
    let _ = indexer.finish(1);
    for decision in decisions(feeds) {
        if store.decide(&[decision], NOW).is_err() {
            return (acknowledged, decided);
        }
        decided += 1;
    }
    let mut compactor = store.compactor();
    let copied = (0..3).try_for_each(|_| compactor.work(500).map(drop));
    if copied.is_ok() {
        let _ = store.finish_compaction(compactor);
    }
    let _ = indexer.finish(1);
    (acknowledged, decided)
}

fn decisions([kept, forgotten]: &[Vec<Message>; 2]) -> [Decision; 2] {
    [
        Decision::Delete { feed: kept[0].author(), from: 2, upto: 3 },
        Decision::Forget { feed: forgotten[0].author() },
    ]
}

#[test]
fn whichever_call_of_a_deletion_or_compaction_fails_what_is_acknowledged_counts() {
    let feeds = [shared::feed(1, 4), shared::feed(2, 3)];
    let is_gone = |message: &Message, decided: usize| {
        let first = message.author() == feeds[0][0].author();
        (first && decided >= 1 && [2, 3].contains(&message.sequence())) || (!first && decided >= 2)
    };
    for times in [Times::Once, Times::Forever] {
        let mut call = 0;
        loop {
            let memory = Memory::new();
            let faulty = Faulty::new(memory.clone(), call, times);
            let (acknowledged, decided) = delete(faulty.clone(), &feeds);
            let done = faulty.calls() <= call;
            if done {
                assert_eq!((acknowledged, decided), (7, 2));
            }

            for after in [
                memory.crash(),
                memory.crash_torn(|sector| sector.is_multiple_of(2)),
                memory.crash_torn(|sector| !sector.is_multiple_of(2)),
                memory,
            ] {
                let store = Store::open(after).unwrap().0;
                let reader = store.reader();
                let found = shared::texts(&store);
                // What was not acknowledged may have come to pass, too: of messages some of the first.
                let is_outcome = (decided..=2).any(|decided| {
                    let all = feeds.iter().flatten().filter(|message| !is_gone(message, decided));
                    found.iter().map(String::as_str).eq(all.map(Message::json))
                });
                let all = feeds.iter().flatten().map(Message::json);
                let is_prefix = acknowledged == 0 && found.iter().zip(all).all(|(text, json)| text == json);
                assert!(is_outcome || is_prefix, "call {call}: {found:?}");
                for message in feeds.iter().flatten() {
                    let here = found.iter().any(|text| text == message.json());
                    assert_eq!(reader.get(&message.id()).unwrap().is_some(), here);
                }
            }
            if done {
                break;
            }
            call += 1;
        }
        assert!(call > 60, "a run makes {call} calls");
    }
}
