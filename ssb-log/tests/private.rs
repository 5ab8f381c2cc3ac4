//! What was sealed for the owner of a key: they see it, nobody else does, and each message is tried once.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod shared;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::base64;
use ssb_log::Decision;
use ssb_log::Opener;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::Stored;
use ssb_log::check::Check;
use ssb_log::compact;
use ssb_log::indexer::FLUSH_LEN;
use ssb_log::indexer::Progress;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::query::Target;
use ssb_log::storage::Directory as _;
use ssb_log::storage::Storage as _;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::content::Relation;
use ssb_privatebox::box2;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::seal_for_many;
use ssb_privatebox::text;

use shared::NOW;
use shared::author;
use shared::open;

/// Whose log it is.
const ME: u8 = 1;

/// What nobody but the recipients may see.
const SECRET: &str = "between us";

fn recipients(numbers: &[u8]) -> Vec<FeedId> {
    numbers.iter().map(|number| author(*number).id()).collect()
}

/// Stores messages of feed 2, each received a second after the other, and returns them.
fn publish<'a>(store: &mut Store<Memory>, contents: impl IntoIterator<Item = &'a str>) -> Vec<Message> {
    let mut received = f64::from(store.reader().end().get()).mul_add(1000.0, NOW);
    let messages = contents.into_iter().map(|content| {
        received += 1000.0;
        store.sign_next(content, received, &author(2), &Signing::plain(), received).unwrap()
    });
    let messages = messages.collect();
    let _ = store.commit().unwrap();
    messages
}

fn sealed(plain: &str, numbers: &[u8]) -> String {
    format!("\"{}\"", text::seal(plain.as_bytes(), &recipients(numbers), &[7; 32]).unwrap())
}

/// The id of a message that nobody has.
fn nowhere(n: u8) -> MessageId {
    MessageId::from_bytes([n; 32])
}

/// What is in the messages of [`filled`] that are for the owner.
fn plain() -> [String; 3] {
    let (root, friend) = (nowhere(9), author(5).id());
    [
        format!(r#"{{"type":"post","text":"{SECRET} 1","root":"{root}"}}"#),
        format!(r##"{{"type":"vote","text":"{SECRET} 2","channel":"hidden","vote":{{"link":"{friend}"}}}}"##),
        format!(r#"{{"type":"contact","text":"{SECRET} 3","contact":"{friend}","blocking":true}}"#),
    ]
}

/// Ten messages: for everybody, for the owner (at 1, 4 and 7), for others.
fn filled(memory: Memory) -> Store<Memory> {
    let mut store = open(memory);
    let plain = plain();
    let mut contents = vec![r#"{"type":"post","text":"for all"}"#.to_owned()];
    for plain in &plain {
        contents.push(sealed(plain, &[3, ME]));
        contents.push(sealed(plain, &[3, 4]));
        contents.push(r#"{"type":"post","text":"for all"}"#.to_owned());
    }
    publish(&mut store, contents.iter().map(String::as_str));
    store
}

/// Where the messages of [`filled`] are that are for the owner.
const MINE: [u32; 3] = [1, 4, 7];

fn unlocked(memory: Memory, who: u8) -> Store<Memory> {
    let mut store = open(memory);
    store.unlock(Opener::new(author(who))).unwrap();
    store
}

fn index(store: &Store<Memory>) {
    let mut indexer = store.indexer();
    while indexer.work().unwrap() == Progress::More {}
    assert_eq!(indexer.behind(), 0);
    indexer.finish(1).unwrap();
}

fn found(reader: &Reader<Memory>, filter: Filter) -> Vec<u32> {
    let collect = |query: Query| {
        let mut answer = reader.query(query);
        let mut places = Vec::new();
        while !answer.is_over() {
            places.extend(answer.page(512).unwrap().iter().map(|stored| stored.ordinal.get()));
        }
        places
    };
    let ascending = collect(Query::new(filter.clone()));
    let mut descending = collect(Query::new(filter).descending());
    descending.reverse();
    assert_eq!(ascending, descending);
    ascending
}

fn opened(messages: &[Stored]) -> Vec<u32> {
    let opened = messages.iter().filter(|stored| stored.shown().contains(SECRET));
    opened.map(|stored| stored.ordinal.get()).collect()
}

#[test]
fn the_owner_sees_what_is_for_them_by_every_way_of_reading_and_nobody_else_sees_any() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    for is_indexed in [false, true] {
        let store = unlocked(memory.clone(), ME);
        if is_indexed {
            index(&store);
        }
        let all = Ordinal::ZERO..Ordinal::new(10);
        let places: Vec<Ordinal> = (0..10).map(Ordinal::new).collect();
        let feed = author(2).id();
        let ways = |reader: &Reader<Memory>| {
            let mut backwards = reader.page_back(all.clone(), usize::MAX).unwrap();
            backwards.reverse();
            let ids: Vec<MessageId> = backwards.iter().map(|stored| stored.id).collect();
            [
                reader.page(all.clone(), usize::MAX).unwrap(),
                backwards,
                places.iter().map(|at| reader.read(*at).unwrap()).collect(),
                reader.read_all(&places).into_iter().map(Result::unwrap).collect(),
                reader.feed_page(&feed, 1, usize::MAX).unwrap(),
                ids.iter().map(|id| reader.get(id).unwrap().unwrap()).collect(),
                reader.query(Query::new(Filter::all())).page(usize::MAX).unwrap(),
            ]
        };

        for messages in ways(&store.private_reader()) {
            assert_eq!(opened(&messages), MINE);
            for (stored, plain) in MINE.iter().map(|at| &messages[*at as usize]).zip(plain()) {
                assert!(!stored.json.contains(SECRET) && stored.json.contains(".box\""));
                assert!(stored.shown().contains(&format!(r#""content":{plain},"#)), "{}", stored.shown());
            }
        }
        for reader in [store.reader(), store.private_reader().sealed()] {
            for messages in ways(&reader) {
                assert_eq!(messages.len(), 10);
                assert!(
                    messages.iter().all(|stored| stored.opened.is_none() && stored.shown() == stored.json)
                );
            }
        }
    }
}

#[test]
fn each_message_is_tried_once_however_often_it_is_read() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    let mut store = unlocked(memory.clone(), ME);
    let reader = store.private_reader();
    let read_twice = || {
        for _ in 0..2 {
            assert_eq!(opened(&reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap())[..3], MINE);
        }
    };

    // Before the index has come to them, then by the index, then after it.
    read_twice();
    assert_eq!(reader.trials(), 6);
    index(&store);
    read_twice();
    assert_eq!(reader.trials(), 6);
    publish(&mut store, [sealed("{}", &[ME]).as_str(), sealed("{}", &[4]).as_str()]);
    index(&store);
    read_twice();

    assert_eq!(reader.trials(), 8);
    drop(store);
    let again = unlocked(memory, ME);
    index(&again);
    let reader = again.private_reader();
    assert_eq!(opened(&reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap()), MINE);
    assert_eq!(reader.trials(), 0, "it was remembered");
}

#[test]
fn junk_costs_one_look_a_message_and_none_for_what_looks_like_no_box() {
    let memory = Memory::new();
    let mut store = unlocked(memory, ME);
    let suffix = |n: u8| if n.is_multiple_of(2) { "box" } else { "box2" };
    let junk: Vec<String> =
        (0..200_u8).map(|n| format!("\"{}.{}\"", base64::encode(&[n; 150]), suffix(n))).collect();
    publish(&mut store, junk.iter().map(String::as_str));
    // Another format, and what is none.
    let others =
        [format!("\"{}.box3\"", base64::encode(&[1; 150])), r#"{"type":"post","text":"x.box"}"#.to_owned()];
    publish(&mut store, others.iter().map(String::as_str));

    index(&store);

    let reader = store.private_reader();
    for _ in 0..3 {
        assert_eq!(found(&reader, Filter::opened()), [0; 0]);
        assert_eq!(reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap().len(), 202);
    }
    assert_eq!(reader.trials(), 200);
}

#[test]
fn queries_find_what_is_for_the_owner_whether_or_not_it_is_indexed() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    let friend = Target::Feed(author(5).id());
    for is_indexed in [false, true] {
        let store = unlocked(memory.clone(), ME);
        if is_indexed {
            index(&store);
        }
        for (filter, with, without) in [
            (Filter::of_type("post"), vec![0, 1, 3, 6, 9], vec![0, 3, 6, 9]),
            (Filter::of_type("vote"), vec![4], vec![]),
            (Filter::links_to(friend), vec![4, 7], vec![]),
            (Filter::root(nowhere(9)), vec![1], vec![]),
            (Filter::channel("#hidden"), vec![4], vec![]),
            (Filter::contacts(), vec![7], vec![]),
            (Filter::opened(), MINE.to_vec(), vec![]),
            (Filter::opened().and(Filter::of_type("post")), vec![1], vec![]),
            (Filter::of_type("post").or(Filter::of_type("vote")).and(Filter::opened()), vec![1, 4], vec![]),
            (Filter::author(author(2).id()).and(Filter::opened()), MINE.to_vec(), vec![]),
            (Filter::opened().or(Filter::of_type("post")), vec![0, 1, 3, 4, 6, 7, 9], vec![0, 3, 6, 9]),
            (Filter::opened().not().and(Filter::of_type("post")), vec![0, 3, 6, 9], vec![0, 3, 6, 9]),
        ] {
            assert_eq!(found(&store.private_reader(), filter.clone()), with, "{filter:?} {is_indexed}");
            assert_eq!(found(&store.reader(), filter.clone()), without, "{filter:?} {is_indexed}");
        }
    }
}

#[test]
fn a_query_goes_on_with_what_comes_for_the_owner() {
    let mut store = filled(Memory::new());
    store.unlock(Opener::new(author(ME))).unwrap();
    let mut answer = store.private_reader().query(Query::new(Filter::of_type("vote")));
    assert_eq!(opened(&answer.page(usize::MAX).unwrap()), [4]);
    assert!(answer.is_over());

    publish(&mut store, [sealed(&plain()[1], &[4]).as_str(), sealed(&plain()[1], &[ME]).as_str()]);

    assert_eq!(opened(&answer.page(usize::MAX).unwrap()), [11]);
}

#[test]
fn nothing_on_disk_is_plain_or_opens_a_message_without_the_secret() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    let store = unlocked(memory.clone(), ME);
    index(&store);
    let names = memory.list().unwrap();
    assert!(
        ["opened-0-10", "private-0-10"].iter().all(|name| names.contains(&(*name).to_owned())),
        "{names:?}"
    );
    let reader = store.private_reader();
    let keys = MINE.map(|at| {
        let stored = reader.read(Ordinal::new(at)).unwrap();
        Opener::new(author(ME)).open(&stored.fields().unwrap()).unwrap().key().clone()
    });

    for name in names {
        let bytes = memory.bytes(&name).unwrap();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let friend = author(5).id();
        for needle in [SECRET.as_bytes(), b"\"vote\"", b"hidden", friend.as_bytes(), &friend.as_bytes()[..8]]
        {
            assert!(!has(needle), "{name} has {needle:?}");
        }
        for key in &keys {
            // As it is kept, without the count of slots.
            let text = key.to_text();
            let bytes = base64::decode(&text).unwrap();
            assert!(!has(&bytes[1..]) && !has(text.as_bytes()), "{name} has a key");
        }
    }
}

#[test]
fn a_box2_is_tried_once_remembered_and_found_by_what_it_says() {
    let memory = Memory::new();
    let mut store = unlocked(memory.clone(), ME);
    let previous = publish(&mut store, [r#"{"type":"post","text":"for all"}"#]).pop().unwrap().id();
    let direct = RecipientKey::direct(&author(2), author(ME).id()).unwrap();
    publish(&mut store, [box2_after(previous, &plain()[0], &direct).as_str()]);

    index(&store);

    let reader = store.private_reader();
    assert_eq!(reader.trials(), 1);
    assert_eq!(found(&reader, Filter::of_type("post")), [0, 1]);
    assert_eq!(found(&store.reader(), Filter::of_type("post")), [0]);
    let stored = reader.read(Ordinal::new(1)).unwrap();
    assert!(stored.shown().contains(SECRET) && stored.shown().contains(".box2"));
    assert!(!stored.json.contains(SECRET));
    drop(store);
    let again = unlocked(memory, ME);
    assert!(again.private_reader().read(Ordinal::new(1)).unwrap().shown().contains(SECRET));
    assert_eq!(again.private_reader().trials(), 0);
}

#[test]
fn with_a_new_key_all_is_tried_anew_and_without_it_again() {
    let memory = Memory::new();
    let mut store = unlocked(memory.clone(), ME);
    let previous = publish(&mut store, [sealed(&plain()[0], &[ME]).as_str()]).pop().unwrap().id();
    let group = RecipientKey::group(&[9; 32]);
    publish(&mut store, [box2_after(previous, &plain()[1], &group).as_str()]);
    index(&store);
    assert_eq!(found(&store.private_reader(), Filter::opened()), [0]);
    drop(store);

    for (keys, expected) in [(vec![group.clone()], vec![0, 1]), (vec![], vec![0])] {
        let mut store = open(memory.clone());
        store.unlock(Opener::with_keys(author(ME), &keys)).unwrap();
        index(&store);
        assert_eq!(found(&store.private_reader(), Filter::opened()), expected);
        assert_eq!(store.private_reader().trials(), 2);
    }
}

/// Content of a box2 in feed 2, behind a message.
fn box2_after(previous: MessageId, plain: &str, recipient: &RecipientKey) -> String {
    let place = Place::new(author(2).id(), Some(previous));
    let recipients = std::slice::from_ref(recipient);
    format!("\"{}\"", box2::text::seal(plain.as_bytes(), &place, recipients, &[7; 32]).unwrap())
}

#[test]
fn another_owner_begins_anew() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    index(&unlocked(memory.clone(), ME));

    let store = unlocked(memory.clone(), 4);
    assert!(
        !memory
            .list()
            .unwrap()
            .iter()
            .any(|name| name.starts_with("opened-") || name.starts_with("private-"))
    );
    index(&store);

    let others = [2, 5, 8];
    assert_eq!(found(&store.private_reader(), Filter::opened()), others);
    assert_eq!(store.private_reader().trials(), 6);
    drop(store);
    let store = unlocked(memory, ME);
    assert_eq!(found(&store.private_reader(), Filter::opened()), MINE);
}

#[test]
fn a_store_that_is_not_unlocked_leaves_the_files_of_its_owner_alone() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    index(&unlocked(memory.clone(), ME));

    let mut store = open(memory.clone());
    publish(&mut store, [r#"{"type":"post"}"#]);
    index(&store);
    drop(store);

    let store = unlocked(memory, ME);
    index(&store);
    assert_eq!(found(&store.private_reader(), Filter::opened()), MINE);
    assert_eq!(store.private_reader().trials(), 0);
}

#[test]
fn damaged_files_are_named_by_a_check_and_made_anew() {
    for family in ["opened", "private"] {
        let memory = Memory::new();
        drop(filled(memory.clone()));
        index(&unlocked(memory.clone(), ME));
        let name = format!("{family}-0-10");
        let mut bytes = memory.bytes(&name).unwrap();
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        memory.put(&name, &bytes);

        let mut keys = ssb_keys::verify::KeyCache::new();
        let mut check = Check::begin(&memory).unwrap();
        while check.work(|group| ssb_msg::verify_group(group, &Signing::plain(), &mut keys)).unwrap() {}
        let named: Vec<_> = check.defects().iter().map(|defect| defect.path.clone()).collect();
        assert_eq!(named, [memory.path(&name)]);
        drop(check);

        let store = unlocked(memory.clone(), ME);
        index(&store);
        assert_eq!(found(&store.private_reader(), Filter::of_type("vote")), [4], "{family}");
        assert_eq!(
            opened(&store.private_reader().page(Ordinal::ZERO..Ordinal::new(10), 9999).unwrap()),
            MINE
        );
    }
}

#[test]
fn a_file_that_is_damaged_while_it_is_read_costs_another_look() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    let store = unlocked(memory.clone(), ME);
    index(&store);
    let file = memory.open("opened-0-10").unwrap();
    file.write_at(60 + 53 + 20, &[1, 2, 3]).unwrap();

    let reader = store.private_reader();
    assert_eq!(opened(&reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap()), MINE);
    assert_eq!(reader.trials(), 6 + 1);
}

#[test]
fn indexes_are_forgotten_and_made_anew() {
    let memory = Memory::new();
    drop(filled(memory.clone()));
    let store = unlocked(memory.clone(), ME);
    index(&store);

    let mut indexer = store.indexer();
    indexer.forget().unwrap();
    assert!(
        !memory
            .list()
            .unwrap()
            .iter()
            .any(|name| name.starts_with("opened-") || name.starts_with("private-"))
    );
    assert_eq!(indexer.behind(), 10);
    assert_eq!(found(&store.private_reader(), Filter::opened()), MINE);
    index(&store);

    assert_eq!(found(&store.private_reader(), Filter::opened()), MINE);
    let sealed_indexer = &mut open_again(store, &memory).indexer();
    sealed_indexer.forget().unwrap();
    assert!(
        !memory
            .list()
            .unwrap()
            .iter()
            .any(|name| name.starts_with("opened-") || name.starts_with("private-"))
    );
}

fn open_again(store: Store<Memory>, memory: &Memory) -> Store<Memory> {
    drop(store);
    open(memory.clone())
}

#[test]
fn what_is_deleted_is_not_opened_any_more_and_a_compaction_moves_nothing() {
    let memory = Memory::new();
    let mut store = filled(memory.clone());
    store.unlock(Opener::new(author(ME))).unwrap();
    index(&store);
    let feed = author(2).id();

    store.decide(&[Decision::Delete { feed, from: 5, upto: 5 }], NOW).unwrap();

    let left = [1, 7];
    assert_eq!(found(&store.private_reader(), Filter::opened()), left);
    let mut compactor = store.compactor();
    while compactor.work(usize::MAX).unwrap() == compact::Progress::More {}
    store.finish_compaction(compactor).unwrap();
    assert_eq!(found(&store.private_reader(), Filter::opened()), left);
    drop(store);
    let store = unlocked(memory, ME);
    index(&store);
    assert_eq!(found(&store.private_reader(), Filter::opened()), left);
    assert_eq!(store.private_reader().trials(), 0);
    // One that is made anew does not look at what is gone.
    store.indexer().forget().unwrap();
    index(&store);
    assert_eq!(store.private_reader().trials(), 5);
}

#[test]
fn what_was_said_in_private_of_others_counts_like_what_everybody_heard() {
    let memory = Memory::new();
    let mut store = open(memory.clone());
    let [one, two, three] = [5, 6, 7].map(|number| author(number).id());
    let word = |feed: &FeedId, what: &str| format!(r#"{{"type":"contact","contact":"{feed}",{what}}}"#);
    publish(
        &mut store,
        [
            word(&one, r#""following":true"#).as_str(),
            sealed(&word(&one, r#""blocking":true"#), &[ME]).as_str(),
            sealed(&word(&two, r#""following":true"#), &[ME, 4]).as_str(),
            word(&two, r#""blocking":true"#).as_str(),
            sealed(&word(&three, r#""blocking":true"#), &[4]).as_str(),
        ],
    );
    store.unlock(Opener::new(author(ME))).unwrap();
    index(&store);

    let contacts = |store: &Store<Memory>| {
        let mut contacts: Vec<(FeedId, Relation)> =
            store.contacts().unwrap().into_iter().map(|(_, said)| (said.contact, said.relation)).collect();
        contacts.sort_by_key(|(feed, _)| *feed);
        contacts
    };
    let mut expected = vec![(one, Relation::Block), (two, Relation::Block)];
    expected.sort_by_key(|(feed, _)| *feed);
    assert_eq!(contacts(&store), expected);
    // The last word counts, wherever it stands, and also if the index has not come to it.
    publish(
        &mut store,
        [
            word(&one, r#""following":false"#).as_str(),
            sealed(&word(&two, r#""following":true"#), &[ME]).as_str(),
        ],
    );
    let mut expected = vec![(one, Relation::Neutral), (two, Relation::Follow)];
    expected.sort_by_key(|(feed, _)| *feed);
    assert_eq!(contacts(&store), expected);
    let mut open_words = contacts(&open_again(store, &memory));
    open_words.retain(|(feed, _)| *feed == two);
    assert_eq!(open_words, [(two, Relation::Block)], "whoever has not the key hears what everybody does");
}

#[test]
fn whoever_says_something_of_others_in_private_is_named_and_what_of_it_holds() {
    let memory = Memory::new();
    let mut store = filled(memory.clone());
    let friend = author(5).id();
    store.unlock(Opener::new(author(ME))).unwrap();
    let mut indexer = store.indexer();
    while indexer.work().unwrap() == Progress::More {}
    let named: Vec<FeedId> = indexer.secretive().into_iter().collect();
    assert_eq!(named, [author(2).id()]);
    assert!(indexer.secretive().is_empty());

    let words = |store: &Store<Memory>, end: u32| {
        let words = store.private_reader().private_words(&author(2).id(), Ordinal::new(end)).unwrap();
        words.into_iter().map(|said| (said.contact, said.relation)).collect::<Vec<_>>()
    };
    assert_eq!(words(&store, 10), [(friend, Relation::Block)]);
    assert_eq!(words(&store, 7), []);
    // Everybody hears something else then.
    publish(&mut store, [format!(r#"{{"type":"contact","contact":"{friend}","following":true}}"#).as_str()]);
    assert_eq!(words(&store, 10), [(friend, Relation::Block)]);
    assert_eq!(words(&store, 11), []);
    assert_eq!(store.reader().private_words(&author(2).id(), Ordinal::new(10)), Ok(vec![]));
    let place = |reader: Reader<Memory>| {
        let id = reader.read(Ordinal::new(7)).unwrap().id;
        reader.place_of(&id).unwrap().unwrap().contact
    };
    assert_eq!((place(store.private_reader()), place(store.reader())), (Some(friend), None));
}

#[test]
fn boxes_cut_anywhere_and_for_any_number_of_recipients_are_looked_at_and_only_whole_ones_open() {
    let me = author(ME).id();
    let mut contents = Vec::new();
    let mut whole = Vec::new();
    for count in [0_usize, 1, 7, 8, 100] {
        let mut boxed = match count {
            0 => seal_for_many(b"{}", &[author(3).id()], &[1; 32]).unwrap(),
            count => {
                let mut all = vec![author(3).id(); count - 1];
                all.push(me);
                seal_for_many(b"{}", &all, &[1; 32]).unwrap()
            }
        };
        if count == 0 {
            // Nobody's slot is left.
            boxed.drain(56..56 + 49);
        } else {
            whole.push(u32::try_from(contents.len()).unwrap());
        }
        contents.push(format!("\"{}.box\"", base64::encode(&boxed)));
        let cuts: Vec<usize> = (0..boxed.len()).filter(|len| count < 100 || len.is_multiple_of(97)).collect();
        contents.extend(cuts.iter().map(|len| format!("\"{}.box\"", base64::encode(&boxed[..*len]))));
    }
    let mut store = unlocked(Memory::new(), ME);
    publish(&mut store, contents.iter().map(String::as_str).filter(|content| content.len() > 6));
    // A box of no bytes at all is no message, and stands in none.
    let skipped = |at: &u32| contents[..*at as usize].iter().filter(|content| content.len() <= 6).count();
    let whole: Vec<u32> = whole.iter().map(|at| at - u32::try_from(skipped(at)).unwrap()).collect();

    assert_eq!(found(&store.private_reader(), Filter::opened()), whole);
    index(&store);

    assert_eq!(found(&store.private_reader(), Filter::opened()), whole);
}

#[test]
fn a_log_longer_than_a_file_of_the_index_is_looked_at_whole() {
    let memory = Memory::new();
    let mut store = unlocked(memory.clone(), ME);
    let mine = sealed(r#"{"type":"post"}"#, &[ME]);
    let count = FLUSH_LEN + 50;
    for from in (0..count).step_by(2_000) {
        let contents = (from..count.min(from + 2_000)).map(|at| match at % 1_000 {
            0 => mine.as_str(),
            _ => r#"{"type":"post"}"#,
        });
        publish(&mut store, contents);
    }
    let expected: Vec<u32> = (0..count).step_by(1_000).collect();

    index(&store);

    assert_eq!(found(&store.private_reader(), Filter::opened()), expected);
    drop(store);
    let store = unlocked(memory, ME);
    assert_eq!(found(&store.private_reader(), Filter::opened()), expected);
    assert_eq!(store.private_reader().trials(), 0);
}

#[test]
fn content_that_names_recipients_is_never_signed() {
    let mut store = unlocked(Memory::new(), ME);
    let me = Keypair::from_seed(&[ME; 32]);
    for recipients in [r#"["@x"]"#, "[]", r#""@x""#, "\"\"", "0", "false", "true", "{}"] {
        let content = format!(r#"{{"type":"post","text":"{SECRET}","recps":{recipients}}}"#);

        let refused = store.sign_next(&content, NOW, &me, &Signing::plain(), NOW).unwrap_err();

        assert_eq!(refused, ssb_log::store::PublishError::Draft(ssb_msg::draft::DraftError::Recipients));
    }
    let _ = store.commit().unwrap();
    assert!(store.reader().is_empty());
}
