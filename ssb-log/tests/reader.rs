//! Questions over the messages, and following what comes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod shared;

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::memory::Memory;
use ssb_log::read::ReadError;

use shared::NOW;
use shared::author;
use shared::feed;
use shared::open;

/// Ten messages of two feeds in turn, received a second apart.
fn ten() -> Store<Memory> {
    let mut store = open(Memory::new());
    let both = feed(1, 5).into_iter().zip(feed(2, 5)).flat_map(|(one, two)| [one, two]);
    for (message, at) in both.zip(0_u32..) {
        store.offer(&message, NOW + f64::from(at) * 1000.0).unwrap();
    }
    let _ = store.commit().unwrap();
    store
}

fn all(reader: &Reader<Memory>) -> std::ops::Range<Ordinal> {
    Ordinal::ZERO..reader.end()
}

fn numbers(page: &[ssb_log::Stored]) -> Vec<u32> {
    page.iter().map(|stored| stored.ordinal.get()).collect()
}

#[test]
fn a_message_is_found_by_id_by_sequence_and_by_place() {
    let store = ten();
    let reader = store.reader();
    let message = feed(2, 3).remove(2);

    let stored = reader.get(&message.id()).unwrap().unwrap();

    assert_eq!((stored.ordinal, stored.id), (Ordinal::new(5), message.id()));
    assert_eq!(stored.received, NOW + 5000.0);
    assert_eq!(stored.json, message.json());
    assert_eq!(reader.by_sequence(&author(2).id(), 3), Some(stored.ordinal));
    assert_eq!(reader.read(stored.ordinal), Ok(stored));
    for behind in [10, u32::MAX] {
        assert_eq!(reader.read(Ordinal::new(behind)), Err(ReadError::Absent));
    }
    assert_eq!(reader.get(&feed(3, 1)[0].id()), Ok(None));
}

#[test]
fn the_feeds_are_a_vector_clock() {
    let store = ten();
    let reader = store.reader();

    let clock: Vec<_> = reader.feeds().iter().map(|latest| (latest.feed, latest.sequence)).collect();

    assert_eq!(clock, [(author(1).id(), 5), (author(2).id(), 5)]);
    assert_eq!(reader.latest(&author(2).id()), Some(reader.feeds()[1]));
    assert_eq!(reader.latest(&author(3).id()), None);
}

#[test]
fn whose_message_it_is_needs_no_reading() {
    let store = ten();
    let reader = store.reader();

    let number = reader.author(Ordinal::new(3)).unwrap();

    assert_eq!(reader.feed_id(number), Some(author(2).id()));
    assert_eq!(reader.feed_number(&author(2).id()), Some(number));
    assert_eq!(reader.author(Ordinal::new(10)), None);
}

#[test]
fn pages_go_both_ways_within_their_budget() {
    let store = ten();
    let reader = store.reader();
    let one = 52 + reader.read(Ordinal::new(4)).unwrap().json.len();

    assert_eq!(numbers(&reader.page(all(&reader), usize::MAX).unwrap()), (0..10).collect::<Vec<_>>());
    assert_eq!(numbers(&reader.page(Ordinal::new(4)..reader.end(), 3 * one).unwrap()), [4, 5, 6]);
    assert_eq!(numbers(&reader.page(Ordinal::new(4)..reader.end(), 3 * one - 1).unwrap()), [4, 5]);
    assert_eq!(numbers(&reader.page(Ordinal::new(4)..Ordinal::new(5), usize::MAX).unwrap()), [4]);
    assert_eq!(numbers(&reader.page(all(&reader), 0).unwrap()), [0]);
    assert_eq!(numbers(&reader.page_back(all(&reader), 3 * one).unwrap()), [9, 8, 7]);
    assert_eq!(numbers(&reader.page_back(all(&reader), 3 * one - 1).unwrap()), [9, 8]);
    assert_eq!(numbers(&reader.page_back(all(&reader), 0).unwrap()), [9]);
    assert_eq!(numbers(&reader.page_back(Ordinal::ZERO..Ordinal::new(99), usize::MAX).unwrap()).len(), 10);
}

#[test]
fn empty_ranges_have_empty_pages() {
    let store = ten();
    let reader = store.reader();

    for range in [
        Ordinal::new(10)..Ordinal::new(20),
        Ordinal::new(5)..Ordinal::new(5),
        Ordinal::new(6)..Ordinal::new(2),
    ] {
        assert_eq!(reader.page(range.clone(), 100), Ok(Vec::new()));
        assert_eq!(reader.page_back(range, 100), Ok(Vec::new()));
    }
}

#[test]
fn a_page_of_a_feed_starts_at_a_sequence() {
    let store = ten();
    let reader = store.reader();
    let len = reader.read(Ordinal::new(4)).unwrap().json.len();

    assert_eq!(numbers(&reader.feed_page(&author(1).id(), 3, usize::MAX).unwrap()), [4, 6, 8]);
    assert_eq!(numbers(&reader.feed_page(&author(1).id(), 3, 2 * len).unwrap()), [4, 6]);
    assert_eq!(numbers(&reader.feed_page(&author(1).id(), 3, 0).unwrap()), [4]);
    assert_eq!(numbers(&reader.feed_page(&author(1).id(), 6, usize::MAX).unwrap()), [0; 0]);
    assert_eq!(numbers(&reader.feed_page(&author(1).id(), u32::MAX, usize::MAX).unwrap()), [0; 0]);
}

#[test]
fn receive_times_bound_a_range() {
    let store = ten();
    let reader = store.reader();
    let at = |seconds: f64| NOW + seconds * 1000.0;
    let range = |range: std::ops::Range<Ordinal>| range.start.get()..range.end.get();

    assert_eq!(range(reader.received(at(2.0)..at(5.0)).unwrap()), 2..5);
    assert_eq!(range(reader.received(at(2.0)..=at(5.0)).unwrap()), 2..6);
    assert_eq!(range(reader.received((Bound::Excluded(at(2.0)), Bound::Unbounded)).unwrap()), 3..10);
    assert_eq!(range(reader.received(at(1.5)..at(2.5)).unwrap()), 2..3);
    assert_eq!(range(reader.received(..).unwrap()), 0..10);
    assert_eq!(range(reader.received(at(5.0)..at(2.0)).unwrap()), 5..5);
    assert_eq!(range(reader.received(at(99.0)..).unwrap()), 10..10);
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_commit_wakes_a_follower_once_when_all_of_it_can_be_read() {
    let mut store = open(Memory::new());
    let reader = store.reader();
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = Context::from_waker(&waker);
    let mut follower = reader.follow();
    assert_eq!(follower.poll_past(&mut context, Ordinal::ZERO), Poll::Pending);

    for message in feed(1, 3) {
        store.offer(&message, NOW).unwrap();
    }
    assert_eq!(counter.0.load(Ordering::SeqCst), 0);
    let _ = store.commit().unwrap();

    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(follower.poll_past(&mut context, Ordinal::ZERO), Poll::Ready(Ordinal::new(3)));
    assert!(reader.author(Ordinal::new(2)).is_some());
}

#[test]
fn readers_in_other_threads_see_every_message_once_and_whole() {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(ssb_log::Disk::open(directory.path()).unwrap());
    let messages = feed(1, 60);

    let readers: Vec<_> = (0..2)
        .map(|_| {
            let reader = store.reader();
            std::thread::spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
                let mut context = Context::from_waker(&waker);
                let mut follower = reader.follow();
                let (mut seen, mut texts) = (Ordinal::ZERO, Vec::new());
                while texts.len() < 60 {
                    let Poll::Ready(end) = follower.poll_past(&mut context, seen) else {
                        std::thread::park();
                        continue;
                    };
                    let latest = reader.feeds()[0];
                    assert!(latest.ordinal.get() + 1 >= end.get(), "the index is behind");
                    for stored in reader.page(seen..end, usize::MAX).unwrap() {
                        assert_eq!(reader.get(&stored.id).unwrap().unwrap().ordinal, stored.ordinal);
                        texts.push(stored.json);
                    }
                    seen = end;
                }
                texts
            })
        })
        .collect();
    for batch in messages.chunks(3) {
        for message in batch {
            store.offer(message, NOW).unwrap();
        }
        let _ = store.commit().unwrap();
    }

    let expected: Vec<String> = messages.iter().map(|message| message.json().to_owned()).collect();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), expected);
    }
}
