//! Live questions are cursors: as many as there may be take little memory, and none misses what comes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod shared;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Wake;
use std::task::Waker;

use ssb_keys::Keypair;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::indexer::Progress;
use ssb_log::memory::Memory;
use ssb_log::query::Answer;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::tail::Follower;
use ssb_msg::Signing;

use shared::NOW;

const CURSORS: usize = 200_000;

/// How much one may take, in bytes: the answer, the follower, and what an allocator adds.
const CURSOR_LEN_MAX: usize = 1_024;

/// Counts how many were woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// How much memory this process has, in bytes, where the system tells.
fn resident() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    pages.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4_096)
}

fn publish(store: &mut Store<Memory>, content: &str) {
    store.sign_next(content, NOW, &Keypair::from_seed(&[1; 32]), &Signing::plain(), NOW).unwrap();
    let _ = store.commit().unwrap();
}

#[test]
fn a_new_message_wakes_two_hundred_thousand_cursors_and_each_finds_it() {
    let (mut store, _) = Store::open(Memory::new()).unwrap();
    publish(&mut store, r#"{"type":"vote"}"#);
    let mut indexer = store.indexer();
    while indexer.work().unwrap() == Progress::More {}
    let (reader, woken) = (store.reader(), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let before = resident();
    let mut cursors: Vec<(Answer<Memory>, Follower)> = Vec::with_capacity(CURSORS);
    for n in 0..CURSORS {
        let kind = if n % 2 == 0 { "post" } else { "about" };
        let mut answer = reader.query(Query::new(Filter::of_type(kind)));
        assert_eq!(answer.page(usize::MAX), Ok(Vec::new()));
        let mut follower = reader.follow();
        assert!(follower.poll_past(&mut context, reader.end()).is_pending());
        cursors.push((answer, follower));
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = after.saturating_sub(before) / CURSORS;
        assert!(each <= CURSOR_LEN_MAX, "{each} bytes a cursor");
    }

    publish(&mut store, r#"{"type":"post"}"#);

    assert_eq!(woken.0.load(Ordering::Relaxed), CURSORS);
    for (n, (answer, follower)) in cursors.iter_mut().enumerate() {
        assert!(follower.poll_past(&mut context, Ordinal::new(1)).is_ready());
        let found = answer.page(usize::MAX).unwrap().len();
        assert_eq!(found, usize::from(n % 2 == 0));
    }
}
