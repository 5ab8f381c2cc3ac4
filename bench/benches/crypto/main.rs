//! Ciphers and signatures: secret boxes on each back end, box streams beside JavaScript's, and verification in both ways.
//!
//! ```text
//! cargo bench -p bench --bench crypto
//! cargo bench -p bench --bench crypto -- --smoke         one round: does all of it run?
//! cargo bench -p bench --bench crypto -- --rounds 9
//! ```

mod boxes;
mod streams;
mod verification;

use std::env;
use std::io;

use bench::table::Table;
use bench::wish::Wish;
use interop::Lab;

fn main() -> io::Result<()> {
    let wish = Wish::read(env::args().skip(1))?;
    // Nothing of its network is used, but no other lab measures meanwhile.
    let _lab = Lab::for_measuring();
    println!("{}", cpu());
    let mut table = Table::default();
    boxes::measure(wish.rounds, &mut table)?;
    streams::measure(wish.rounds, &mut table)?;
    verification::measure(wish.rounds, &mut table)?;
    print!("{table}");
    Ok(())
}

/// What of this CPU decides which code runs.
fn cpu() -> String {
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("AVX-512 IFMA", is_x86_feature_detected!("avx512ifma")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let features: [(&str, bool); 0] = [];
    let features: Vec<String> = features
        .iter()
        .map(|(name, is_there)| format!("{} {name}", if *is_there { "with" } else { "without" }))
        .collect();
    format!("{}, {}", env::consts::ARCH, features.join(", "))
}
