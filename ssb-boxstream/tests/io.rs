//! The adapters for streams.

#![cfg(feature = "io")]

use std::io::ErrorKind;

use smol::io::AsyncReadExt as _;
use smol::io::AsyncWriteExt as _;
use smol::io::Cursor;
use ssb_boxstream::Opener;
use ssb_boxstream::Sealer;
use ssb_boxstream::io::BoxReader;
use ssb_boxstream::io::BoxWriter;

const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 24] = [9; 24];

fn sealed(plain: &[u8]) -> Vec<u8> {
    smol::block_on(async {
        let mut wire = Vec::new();
        let mut writer = BoxWriter::new(Cursor::new(&mut wire), Sealer::new(&KEY, &NONCE));
        writer.write_all(plain).await.expect("a vector takes everything");
        writer.close().await.expect("a vector takes everything");
        wire
    })
}

fn read(wire: &[u8]) -> (Vec<u8>, Result<usize, ErrorKind>) {
    smol::block_on(async {
        let mut plain = Vec::new();
        let mut reader = BoxReader::new(wire, Opener::new(&KEY, &NONCE));
        let result = reader.read_to_end(&mut plain).await.map_err(|error| error.kind());
        (plain, result)
    })
}

#[test]
fn a_reader_reads_what_a_writer_wrote() {
    for len in [0, 1, 4096, 4097, 100_000] {
        let plain: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).expect("below 251")).collect();
        assert_eq!(read(&sealed(&plain)), (plain, Ok(len)));
    }
}

#[test]
fn an_end_without_goodbye_is_an_error_after_all_that_came_whole() {
    let wire = sealed(&[1; 5000]);
    let cut = wire.get(..wire.len() - 1).expect("not empty");

    assert_eq!(read(cut), (vec![1; 5000], Err(ErrorKind::UnexpectedEof)));
}

#[test]
fn a_forged_frame_is_an_error_after_all_that_came_whole() {
    let mut wire = sealed(&[1; 5000]);
    *wire.last_mut().expect("not empty") ^= 1;

    assert_eq!(read(&wire), (vec![1; 5000], Err(ErrorKind::InvalidData)));
}

#[test]
fn after_the_goodbye_nothing_is_read() {
    let mut wire = sealed(b"all");
    wire.extend_from_slice(&[0xee; 100]);

    assert_eq!(read(&wire), (b"all".to_vec(), Ok(3)));
}
