//! The secret file.

use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::secret_file;

use crate::script::Script;

/// Reads a secret file, of any text or of a good one that was edited: a key pair is whole, and no error, and nothing
/// that is printed, holds a byte of a secret.
///
/// Script: whether the rest is the text, or a seed and edits of the text made of it.
pub fn secret_file(data: &[u8]) {
    let script = &mut Script::new(data);
    if script.flag() {
        let text = String::from_utf8_lossy(script.rest()).into_owned();
        check(&text, None);
    } else {
        let keypair = Keypair::from_seed(&script.array());
        let mut text = secret_file::to_text(&keypair).as_bytes().to_vec();
        check(&String::from_utf8_lossy(&text), Some(&keypair));
        while !script.is_empty() {
            let at = script.short() % text.len().max(1);
            match script.below(3) {
                0 => text.iter_mut().skip(at).take(1).for_each(|byte| *byte = script.byte()),
                1 => drop(text.splice(at..at, script.run().iter().copied())),
                _ => drop(text.drain(at..text.len().min(at + 1 + script.below(256)))),
            }
        }
        check(&String::from_utf8_lossy(&text), None);
    }
}

fn check(text: &str, expected: Option<&Keypair>) {
    match secret_file::parse(text) {
        Ok(keypair) => {
            if let Some(expected) = expected {
                assert_eq!(keypair.id(), expected.id());
            }
            let secret = keypair.to_secret();
            let (seed, public) = secret.split_first_chunk::<32>().expect("64 bytes");
            assert_eq!(Keypair::from_seed(seed).id(), keypair.id());
            assert_eq!(keypair.id().as_bytes(), public);
            assert!(text.contains(&base64::encode(public)), "a key pair of another public key");

            let written = secret_file::to_text(&keypair);
            let again = secret_file::parse(&written).expect("what was written reads back");
            assert_eq!((again.id(), again.to_secret()), (keypair.id(), secret.clone()));
            assert_eq!(format!("{keypair:?}"), format!("Keypair {{ id: {}, .. }}", keypair.id()));
        }
        Err(error) => {
            assert!(expected.is_none(), "a good file: {error}");
            check_vocabulary(&format!("{error} {error:?}"));
        }
    }
}

/// Every word is one of ours, and so none of the file's.
fn check_vocabulary(printed: &str) {
    for word in printed.split(|char: char| !char.is_ascii_alphanumeric()) {
        assert!(VOCABULARY.split(' ').any(|ours| ours == word), "printed: {printed}");
    }
}

/// The words of all errors, displayed and debugged.
const VOCABULARY: &str = " not valid UTF 8 starts with a byte order mark holds no key is JSON between lines that start \
     field curve ed25519 missing or the base64 of fields private public and id do belong to one pair NotUtf8 \
     ByteOrderMark Empty NotJson Curve Field name Halves";
