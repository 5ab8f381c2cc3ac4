//! Whoever's key was used in two places hears of it.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

use super::home::Home;
use super::home::PATIENCE;

#[test]
fn an_owner_whose_key_was_used_in_two_places_hears_of_it() {
    let (alice, bob) = (Home::with_secret(), Home::new());
    let me = Keypair::from_seed(&[1; 32]);
    let mut state = ValidationState::new(me.id());
    let mut elsewhere = String::new();
    for n in 0..3 {
        let content = r#"{"type":"post","text":"elsewhere"}"#;
        let message = draft::sign(content, &state, f64::from(n), &me, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        writeln!(elsewhere, "{}", message.json()).unwrap();
    }
    fs::write(bob.beside("feed"), elsewhere).unwrap();
    assert!(bob.command(&["import", bob.beside("feed").to_str().unwrap()]).status().unwrap().success());
    let bobs = bob.start();
    bob.answer(&bobs, &["publish", "--type", "contact", "--contact", &alice.id(), "--following"]);
    let key = bob.id();
    let key = key.trim_start_matches('@').trim_end_matches(".ed25519");
    let seed = format!("net:127.0.0.1:{}~shs:{key}", bobs.port);

    let alices = alice.start_with(&["--new-feed", "--offline"]);
    alice.answer(&alices, &["publish", "--type", "post", "--text", "here"]);
    alices.stop();
    let alices = alice.start_with(&["--seeds", &seed]);

    let begun = Instant::now();
    loop {
        let status = alice.answer(&alices, &["status"]);
        if status.contains(&format!("\"{}\": ", alice.id())) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{status}");
        thread::sleep(Duration::from_millis(100));
    }
    let said = alices.stop_and_tell();
    assert!(said.contains("the own feed has forked: its key was used in two places"), "{said}");
}
