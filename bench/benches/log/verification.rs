//! What verification alone takes: the least that a node could need.

use std::fs;
use std::io;
use std::thread;
use std::time::Instant;

use bench::data::Data;
use ssb_keys::FeedId;
use ssb_keys::Signature;
use ssb_keys::verify::Claim;
use ssb_keys::verify::KeyCache;
use ssb_keys::verify::verify_group;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Value;

/// How many threads verify: as many as an import has.
const THREADS: usize = 2;

/// How many signatures share an inversion.
const GROUP_LEN: usize = 64;

/// How long all signatures take on two threads, with all keys known and all bytes at hand.
pub(super) fn seconds(data: &Data) -> io::Result<f64> {
    let text = fs::read_to_string(data.messages())?;
    let signed: Vec<Signed> = text.lines().map(Signed::read).collect::<Option<_>>().ok_or_else(unusual)?;
    let claims: Vec<Claim<'_>> = signed.iter().map(Signed::claim).collect();
    let mut known = KeyCache::new();
    let _ = verify_group(claims.get(..claims.len().min(2000)).unwrap_or_default(), &mut known);
    let start = Instant::now();
    let sound = thread::scope(|scope| {
        let halves = claims.chunks(claims.len().div_ceil(THREADS));
        let workers: Vec<_> = halves
            .map(|half| {
                scope.spawn(move || {
                    let mut keys = KeyCache::new();
                    half.chunks(GROUP_LEN)
                        .all(|group| verify_group(group, &mut keys).iter().all(Result::is_ok))
                })
            })
            .collect();
        workers.into_iter().all(|worker| worker.join().unwrap_or(false))
    });
    let seconds = start.elapsed().as_secs_f64();
    if sound { Ok(seconds) } else { Err(unusual()) }
}

struct Signed {
    author: FeedId,
    signature: Signature,
    bytes: String,
}

impl Signed {
    fn read(line: &str) -> Option<Self> {
        let Value::Object(fields) = json::parse(line.as_bytes()).ok()? else { return None };
        let text = |key| fields.get(key)?.as_text().map(|text| text.decode().into_owned());
        let (author, signature) = (text("author")?, text("signature")?);
        let rest = fields.iter().filter(|(key, _)| key.decode() != "signature");
        let rest = Object::from_pairs(rest.map(|(key, value)| (key.clone(), value.clone())));
        Some(Self {
            author: FeedId::parse(&author).ok()?,
            signature: Signature::parse(&signature).ok()?,
            bytes: json::pretty(&Value::Object(rest)),
        })
    }

    fn claim(&self) -> Claim<'_> {
        Claim { author: self.author, signature: self.signature, signed: self.bytes.as_bytes() }
    }
}

fn unusual() -> io::Error {
    io::Error::other("the generated messages are not what they were")
}
