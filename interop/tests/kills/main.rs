//! Nothing that was acknowledged is lost, whenever the power goes.
//!
//! Nodes die while several programs publish, imports while they store, and some of both while they start. What is on disk
//! is looked at after each death. No JavaScript is needed.
//!
//! ```text
//! cargo test -p interop --test kills                                              50 deaths
//! SSB_KILLS=1000 cargo test --release -p interop --test kills -- --nocapture      more of them
//! ```

mod check;
mod load;

use std::env;
use std::time::Duration;
use std::time::Instant;

use interop::Lab;
use interop::random;

use self::check::Home;
use self::load::Feeds;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let kills = env::var("SSB_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(50);
    let lab = if cfg!(debug_assertions) { Lab::new() } else { Lab::for_measuring() };
    let mut home = Home::new(lab.dir("ours"));
    // The first import lives: how long it takes says when others may die.
    let mut import_takes = None;
    let start = Instant::now();

    for round in 0..kills {
        match round % 6 {
            0 => load::die_starting(&lab, some_time(40)),
            1 | 2 | 4 | 5 => home.published(load::publish(&lab, some_time(80))),
            _ => {
                let feeds = Feeds::new(round);
                let begun = Instant::now();
                let is_whole = load::import(&lab, &feeds, import_takes.map(some_time_of));
                if is_whole {
                    // So that most die, at any moment of their work, and some do not.
                    import_takes = Some(begun.elapsed().mul_f64(1.1));
                }
                home.imported(feeds, is_whole);
            }
        }
        home.check_new();
        if (round + 1) % ROUNDS_BETWEEN_LOOKS == 0 {
            home.check_all();
            println!("{:>6.1} s, {} kills: {home}", start.elapsed().as_secs_f64(), round + 1);
        }
    }

    home.check_all();
    println!("{:>6.1} s, {kills} kills: {home}", start.elapsed().as_secs_f64());
    home.assert_worth_it(kills);
}

/// Everything is looked at, and the indexes made anew, after so many deaths.
const ROUNDS_BETWEEN_LOOKS: u32 = 50;

fn some_time(up_to_ms: u64) -> Duration {
    Duration::from_millis(random() % up_to_ms)
}

fn some_time_of(longest: Duration) -> Duration {
    let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(random() % nanos)
}
