//! Parsing, hashing and verifying messages against ed25519-dalek's `verify_strict` alone, on one core.
//!
//! Rounds alternate in one run; the ratio is the median over the pairs. Same back end, 750-byte messages of 256 authors
//! in groups of 64. The other side is handed the signing texts and parsed keys and signatures: it does nothing but verify.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use ed25519_dalek::Signature as DalekSignature;
use ed25519_dalek::VerifyingKey;
use ssb_keys::Keypair;
use ssb_keys::verify::GROUP_LEN;
use ssb_keys::verify::KeyCache;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_msg::json;
use ssb_msg::verify_group;

const ROUNDS: usize = 11;
const MESSAGES: usize = 4096;
const MESSAGE_LEN: usize = 750;

struct Strict {
    key: VerifyingKey,
    signature: DalekSignature,
    signed: String,
}

fn main() {
    let wires = wires();
    let strict: Vec<Strict> = wires.iter().map(|wire| prepare(wire)).collect();
    let mut keys = KeyCache::new();

    let (mut pipeline, mut parsing, mut verifying) = (Vec::new(), Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let ours = time(|| {
            for group in wires.chunks(GROUP_LEN) {
                let group =
                    group.iter().map(|wire| Unverified::parse(black_box(wire)).expect("it is a message"));
                let messages = verify_group(group.collect(), &Signing::plain(), &mut keys);
                assert!(black_box(messages).iter().all(Result::is_ok), "a signature is bad");
            }
        });
        let theirs = time(|| {
            for strict in &strict {
                let verdict =
                    strict.key.verify_strict(black_box(strict.signed.as_bytes()), &strict.signature);
                assert!(verdict.is_ok(), "a signature is bad");
            }
        });
        let parse = time(|| {
            for wire in &wires {
                assert!(black_box(Unverified::parse(black_box(wire))).is_ok(), "it is no message");
            }
        });
        ratios.push(theirs.as_secs_f64() / ours.as_secs_f64());
        pipeline.push(rate(ours));
        verifying.push(rate(theirs));
        parsing.push(rate(parse));
    }
    println!(
        "ssb-msg parse, id, verify: {:.0}/s; ed25519-dalek verify_strict: {:.0}/s; ratio {:.2} (target 0.85)",
        median(&mut pipeline),
        median(&mut verifying),
        median(&mut ratios)
    );
    println!("ssb-msg parse and id alone: {:.0}/s", median(&mut parsing));
}

/// Messages of exactly [`MESSAGE_LEN`] bytes.
fn wires() -> Vec<Vec<u8>> {
    let authors: Vec<Keypair> = (0..=255).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
    let wire = |(n, author): (usize, &Keypair)| {
        let feed = ValidationState::new(author.id());
        let sign = |text: &str| {
            let content = format!(
                r#"{{"type":"post","n":{n},"text":"{text}","root":null,"mentions":[{{"link":"{}","name":"x"}}]}}"#,
                author.id()
            );
            let message = draft::sign(&content, &feed, 1_491_901_740_000.5, author, &Signing::plain());
            message.expect("the content is valid").compact().to_vec()
        };
        let missing = MESSAGE_LEN - sign("").len();
        let line = "A line as people write them: some words, \\\"quotes\\\", a break.\\n";
        let text = line.repeat(missing / line.len()) + &"x".repeat(missing % line.len());
        sign(&text)
    };
    let wires: Vec<Vec<u8>> = (0..MESSAGES).zip(authors.iter().cycle()).map(wire).collect();
    assert!(wires.iter().all(|wire| wire.len() == MESSAGE_LEN), "messages have other lengths");
    wires
}

fn prepare(wire: &[u8]) -> Strict {
    let message = Unverified::parse(wire).expect("it is a message");
    let pretty = json::pretty(&json::parse(wire).expect("it is JSON"));
    let (unsigned, _) = pretty.rsplit_once(",\n  \"signature\"").expect("the signature is last");
    Strict {
        key: VerifyingKey::from_bytes(message.author().as_bytes()).expect("the key is a point"),
        signature: DalekSignature::from_bytes(message.signature().as_bytes()),
        signed: format!("{unsigned}\n}}"),
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn rate(elapsed: Duration) -> f64 {
    MESSAGES as f64 / elapsed.as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().expect("there were rounds")
}
