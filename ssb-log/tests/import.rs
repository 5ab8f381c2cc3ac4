//! Old logs of JavaScript, whole, cut and damaged.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use std::io::Cursor;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use ssb_log::import::BLOCK_LEN;
use ssb_log::import::Damage;
use ssb_log::import::Db2;
use ssb_log::import::Flume;
use ssb_log::import::Item;
use ssb_log::import::OpenError;
use ssb_log::import::RECORD_LEN_MAX;
use ssb_log::import::bipf;
use ssb_log::import::bipf::BIPF_DEPTH_MAX;
use ssb_log::import::bipf::BIPF_LEN_MAX;
use ssb_log::import::bipf::BipfError;

/// A log with offsets of so many bytes, and where each of its records ends.
fn flume(width: usize, records: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let (mut file, mut ends) = (Vec::new(), Vec::new());
    for data in records {
        let len = u32::try_from(data.len()).unwrap().to_be_bytes();
        file.extend([&len, data.as_slice(), &len].concat());
        let end = (file.len() + width) as u64;
        file.extend(&end.to_be_bytes()[8 - width..]);
        ends.push(file.len());
    }
    (file, ends)
}

fn walk(file: &[u8]) -> Vec<Item> {
    Flume::open(Cursor::new(file)).unwrap().map(Result::unwrap).collect()
}

fn texts(items: &[Item]) -> Vec<Vec<u8>> {
    let text = |item: &Item| match item {
        Item::Record(record) => Some(record.text().unwrap().into_owned()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

fn place(item: &Item) -> Range<u64> {
    match item {
        Item::Record(record) => record.offset()..record.offset() + record.framed_len(),
        Item::Deleted { offset, len } | Item::Damaged { offset, len, .. } | Item::Torn { offset, len } => {
            *offset..offset + len
        }
    }
}

fn three() -> Vec<Vec<u8>> {
    vec![b"{\"a\":1}".to_vec(), vec![b'x'; 300], b"{}".to_vec()]
}

#[test]
fn an_empty_file_is_an_empty_log_and_one_without_a_record_is_none() {
    assert!(walk(b"").is_empty());
    assert!(matches!(Flume::open(Cursor::new(b"a")), Err(OpenError::NoRecord)));
    assert!(matches!(Flume::open(Cursor::new([0; 5000])), Err(OpenError::NoRecord)));
}

#[test]
fn a_torn_end_is_told_and_all_before_it_is_there() {
    for width in [4, 6, 8] {
        let (file, ends) = flume(width, &three());
        for cut in ends[0]..file.len() {
            let items = walk(&file[..cut]);

            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(texts(&items), three()[..whole]);
            let torn = ends[whole - 1] as u64..cut as u64;
            assert_eq!(items.get(whole).map_or(torn.end..torn.end, place), torn, "width {width}, cut {cut}");
        }
    }
}

#[test]
fn a_damaged_start_hides_neither_the_width_nor_the_rest() {
    for width in [4, 6, 8] {
        let (mut file, ends) = flume(width, &three());
        file[2] ^= 1;

        let items = walk(&file);

        assert_eq!(texts(&items), three()[1..]);
        assert_eq!(items[0], Item::Damaged { offset: 0, len: ends[0] as u64, why: Damage::Unframed });
    }
}

#[test]
fn a_broken_end_that_looks_like_one_of_another_width_decides_nothing() {
    let (whole, ends) = flume(8, &[vec![b'a'], vec![b'b'], vec![b'c']]);
    let mut start = whole.clone();
    // Six bytes that say 15, where a record of one byte would end if offsets had six bytes.
    start[14] = 15;
    let mut end = whole;
    let last = ends[1];
    // The same with four bytes: no data, the length again, and where the file ends.
    end[last..].copy_from_slice(&[&[0; 13][..], &51_u32.to_be_bytes()].concat());

    assert_eq!(texts(&walk(&start)), [b"b", b"c"]);
    assert_eq!(texts(&walk(&end)), [b"a", b"b"]);
}

#[test]
fn a_deleted_record_is_zeros() {
    let (file, ends) = flume(4, &[vec![0; 9], b"{}".to_vec()]);

    let items = walk(&file);

    assert_eq!(items[0], Item::Deleted { offset: 0, len: ends[0] as u64 });
    assert_eq!(texts(&items), [b"{}"]);
}

#[test]
fn a_record_may_be_so_long_and_no_longer() {
    let (file, ends) =
        flume(4, &[vec![b'a'; RECORD_LEN_MAX], vec![b'a'; RECORD_LEN_MAX + 1], b"{}".to_vec()]);

    let items = walk(&file);

    assert_eq!(texts(&items), [vec![b'a'; RECORD_LEN_MAX], b"{}".to_vec()]);
    let (offset, end) = (ends[0] as u64, ends[1] as u64);
    assert_eq!(items[1], Item::Damaged { offset, len: end - offset, why: Damage::TooLong });
}

/// Blocks with these records.
fn db2(blocks: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut file = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        for data in block {
            file.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
            file.extend(data);
        }
        file.resize((number + 1) * BLOCK_LEN, 0);
    }
    file
}

/// `{"i":n}`
fn small(n: u8) -> Vec<u8> {
    vec![0x3d, 0x08, b'i', 0x22, n, 0, 0, 0]
}

/// A string that takes so many bytes.
fn string(len: usize) -> Vec<u8> {
    let tag = (len - 3) << 3;
    let mut bytes: Vec<u8> =
        [tag & 0x7f | 0x80, tag >> 7 & 0x7f | 0x80, tag >> 14].map(|byte| u8::try_from(byte).unwrap()).into();
    bytes.resize(len, b'x');
    bytes
}

fn walk_db2(file: &[u8]) -> Vec<Item> {
    Db2::open(Cursor::new(file)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn blocks_are_read_one_after_the_other() {
    let longest = string(BIPF_LEN_MAX);
    let file = db2(&[vec![small(1), vec![0; 8], small(2)], vec![longest], vec![small(3)]]);

    let items = walk_db2(&file);

    assert_eq!(items[1], Item::Deleted { offset: 10, len: 10 });
    let long = format!("\"{}\"", "x".repeat(BIPF_LEN_MAX - 3));
    assert_eq!(texts(&items), [br#"{"i":1}"#, &br#"{"i":2}"#[..], long.as_bytes(), br#"{"i":3}"#]);
    assert!(walk_db2(b"").is_empty());
}

#[test]
fn a_last_block_may_be_cut_anywhere() {
    let file = db2(&[vec![small(1)], vec![small(2), small(3)]]);
    for cut in (BLOCK_LEN..BLOCK_LEN + 30).chain([file.len() - 1, file.len()]) {
        let items = walk_db2(&file[..cut]);

        let whole = 1 + (cut - BLOCK_LEN).min(20) / 10;
        assert_eq!(texts(&items).len(), whole, "{cut}");
        let is_torn = matches!(items.last(), Some(Item::Torn { .. }));
        let within = !(cut - BLOCK_LEN).is_multiple_of(10) && cut - BLOCK_LEN < 20;
        assert_eq!(is_torn, within || cut == BLOCK_LEN + 21, "{cut}");
    }
}

#[test]
fn what_a_block_lost_is_told_and_the_next_block_is_read() {
    let whole = db2(&[vec![small(1), small(2)], vec![small(3)], vec![small(4)]]);
    let damaged = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        walk_db2(&file)
    };

    // Too long for the block; zero in the midst of it; a block without a record.
    for (at, bytes, offset, left) in
        [(10, &[255, 255][..], 10, 3), (0, &[0, 0], 0, 2), (BLOCK_LEN, &[0; 10], BLOCK_LEN, 3)]
    {
        let items = damaged(at, bytes);
        let len = BLOCK_LEN - offset % BLOCK_LEN;
        let expected = Item::Damaged { offset: offset as u64, len: len as u64, why: Damage::Unframed };
        assert!(items.contains(&expected), "{items:?}");
        assert_eq!(texts(&items).len(), left);
    }
    assert!(matches!(damaged(2 * BLOCK_LEN, &[255, 255]).last(), Some(Item::Torn { len: 65_536, .. })));
}

#[test]
fn what_is_not_bipf_is_told_by_what_is_wrong_with_it() {
    for (bytes, error) in [
        (&[][..], BipfError::Truncated { at: 0 }),
        (&[0x10, b'a'], BipfError::Truncated { at: 0 }),
        (&[0x80], BipfError::Truncated { at: 0 }),
        (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], BipfError::Tag { at: 0 }),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], BipfError::Truncated { at: 0 }),
        (&[0x0f, 0], BipfError::Reserved { at: 0 }),
        (&[0x1a, 0, 0, 0], BipfError::Scalar { at: 0 }),
        (&[0x23, 0, 0, 0, 0], BipfError::Scalar { at: 0 }),
        (&[0x0e, 3], BipfError::Scalar { at: 0 }),
        (&[0x16, 0, 0], BipfError::Scalar { at: 0 }),
        (&[0x0e, 2], BipfError::Undefined),
        (&[0x0d, 0x06], BipfError::Key { at: 1 }),
        (&[0x0d, 0x00], BipfError::Key { at: 1 }),
        (&[0x0c, 0x08, b'a'], BipfError::Truncated { at: 1 }),
        (&[0x06, 0x06], BipfError::Trailing { at: 1 }),
    ] {
        assert_eq!(bipf::to_json(bytes), Err(error), "{bytes:?}");
    }
}

#[test]
fn values_may_be_so_long_and_so_deep_and_no_more() {
    let nested = |depth: usize| {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            let number = bytes.len() << 3 | 4;
            let mut tag = vec![u8::try_from(number & 0x7f).unwrap()];
            if number > 0x7f {
                tag[0] |= 0x80;
                tag.push(u8::try_from(number >> 7).unwrap());
            }
            bytes.splice(0..0, tag);
        }
        bytes
    };

    assert!(bipf::to_json(&string(BIPF_LEN_MAX)).is_ok());
    let len = BIPF_LEN_MAX + 1;
    assert_eq!(bipf::to_json(&string(len)), Err(BipfError::TooLong { len }));
    assert!(bipf::to_json(&nested(BIPF_DEPTH_MAX)).is_ok());
    assert_eq!(bipf::to_json(&nested(BIPF_DEPTH_MAX + 1)), Err(BipfError::TooDeep));
}

proptest! {
    #[test]
    fn however_a_log_is_damaged_its_items_lie_side_by_side_and_what_is_whole_is_found(
        width in prop_oneof![Just(4_usize), Just(6), Just(8)],
        records in vec(vec(1_u8.., 1..40), 2..12),
        at in any::<prop::sample::Index>(),
        noise in vec(any::<u8>(), 1..30),
    ) {
        let (mut file, ends) = flume(width, &records);
        let from = at.index(file.len());
        let to = (from + noise.len()).min(file.len());
        file[from..to].copy_from_slice(&noise[..to - from]);

        let whole: Vec<&Vec<u8>> = records
            .iter()
            .enumerate()
            .filter(|(n, _)| ends[*n] <= from || n.checked_sub(1).map_or(0, |n| ends[n]) >= to)
            .map(|(_, record)| record)
            .collect();

        // One frame alone may be noise that looks like a frame of another width.
        let log = Flume::open(Cursor::new(&file));
        if log.is_err() && whole.len() < 2 {
            return Ok(());
        }
        let items: Vec<Item> = log.unwrap().map(Result::unwrap).collect();

        let mut end = 0;
        for item in &items {
            prop_assert_eq!(place(item).start, end);
            end = place(item).end;
        }
        prop_assert_eq!(end, file.len() as u64);
        let found = texts(&items);
        if whole.len() >= 2 {
            for record in whole {
                prop_assert!(found.contains(record));
            }
        }
    }

    #[test]
    fn whatever_the_bytes_of_a_value_an_answer_is_json(bytes in vec(any::<u8>(), 0..60)) {
        if let Ok(text) = bipf::to_json(&bytes) {
            let value = ssb_msg::json::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(ssb_msg::json::compact(&value), text);
        }
    }
}
