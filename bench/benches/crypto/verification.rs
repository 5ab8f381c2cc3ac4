//! Verification with kept multiples of authors' keys, and without.

use std::io;

use bench::rounds::Rounds;
use bench::table::Row;
use bench::table::Table;
use bench::table::spread;
use bench::usage;
use ssb_keys::Keypair;
use ssb_keys::verify::Claim;
use ssb_keys::verify::GROUP_LEN;
use ssb_keys::verify::KeyCache;
use ssb_keys::verify::verify_group;

/// How many authors there are, and how many signatures each has in a turn: so few that an author of whom nothing but the key
/// is known is not a busy one before the end.
const AUTHORS: u8 = 255;
const CLAIMS: u32 = 3;

/// How often a turn begins again, with what was known before it.
const TIMES: u32 = 19;

/// How many claims make an author busy, and more.
const BUSY: usize = 20;

/// How many times as fast it must be with multiples.
const LEAST: f64 = 1.4;

/// Both ways verify the same signatures of 750 bytes, in groups of 64 that share an inversion, with all keys known.
pub(super) fn measure(rounds: u32, table: &mut Table) -> io::Result<()> {
    if !keeps_multiples() {
        println!("verification keeps no multiples on this CPU: curve25519-dalek's AVX-512 code is faster");
        return Ok(());
    }
    let authors: Vec<Keypair> = (0..AUTHORS).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
    let messages: Vec<Vec<u8>> = (0..CLAIMS).map(|number| vec![number.to_le_bytes()[0]; 750]).collect();
    let claims: Vec<Claim<'_>> = messages
        .iter()
        .flat_map(|signed| {
            authors.iter().map(move |author| Claim {
                author: author.id(),
                signature: author.sign(signed),
                signed,
            })
        })
        .collect();
    let one_each = claims.get(..authors.len()).unwrap_or_default();
    let (mut known, mut busy) = (KeyCache::new(), KeyCache::new());
    verify(one_each, &mut known);
    (0..BUSY).for_each(|_| verify(one_each, &mut busy));

    let rates = Rounds::<2>::run(usize::try_from(rounds).map_err(io::Error::other)?, |side| {
        let mut seconds = 0.0;
        for _ in 0..TIMES {
            let mut keys = if side == 0 { busy.clone() } else { known.clone() };
            let start = usage::of_this_thread();
            verify(&claims, &mut keys);
            seconds += usage::of_this_thread() - start;
        }
        f64::from(TIMES * u32::from(AUTHORS) * CLAIMS) / seconds
    });
    let ratio = rates.compare(0, 1, |with, without| with / without);
    table.push(Row {
        job: "verification with multiples of authors' keys, signatures for a second of CPU".to_owned(),
        ours: format!("{:.0}", rates.median(0)),
        theirs: format!("without: {:.0}", rates.median(1)),
        ratio: spread(ratio),
        target: format!("{LEAST} times as many"),
        holds: ratio[0] >= LEAST,
    });
    Ok(())
}

fn verify(claims: &[Claim<'_>], keys: &mut KeyCache) {
    for group in claims.chunks(GROUP_LEN) {
        assert!(verify_group(group, keys).iter().all(Result::is_ok), "the signatures are good");
    }
}

/// As ssb-keys decides it.
fn keeps_multiples() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !(is_x86_feature_detected!("avx512ifma") && is_x86_feature_detected!("avx512vl"));
    #[cfg(not(target_arch = "x86_64"))]
    true
}
