//! Secret boxes, made on every back end that this CPU can run.

use ssb_kernel::Backend;
use ssb_kernel::Cipher;
use ssb_kernel::Forged;

use crate::script::Script;

/// Seals and opens boxes under one key: every back end does what the crates salsa20 and poly1305 do, and opens nothing in
/// which a bit was altered.
///
/// Script: the key, then boxes: the front of the nonce and its rest, the length of the text, a run that it repeats, and
/// which bit is altered.
pub fn kernel_equal(data: &[u8]) {
    let script = &mut Script::new(data);
    let key = script.array();
    let mut ciphers: Vec<Cipher> = Backend::available().map(|backend| Cipher::on(backend, &key)).collect();
    while !script.is_empty() {
        let nonce = nonce(script);
        let plain = text(script);
        // Without anything that was kept from the box before.
        let mut sealed = plain.clone();
        let tag = Cipher::on(Backend::PORTABLE, &key).seal(&nonce, &mut sealed);
        let (mut altered, mut altered_tag) = (sealed.clone(), tag);
        let bit = script.short() % (8 * (altered.len() + altered_tag.len()));
        altered
            .iter_mut()
            .chain(&mut altered_tag)
            .skip(bit / 8)
            .take(1)
            .for_each(|byte| *byte ^= 1 << (bit % 8));

        for cipher in &mut ciphers {
            let mut text = plain.clone();
            assert_eq!(cipher.seal(&nonce, &mut text), tag, "{cipher:?}");
            assert!(text == sealed, "{cipher:?} seals otherwise");

            assert_eq!(cipher.open(&nonce, &mut text, &tag), Ok(()), "{cipher:?}");
            assert!(text == plain, "{cipher:?} opens otherwise");

            text.clone_from(&altered);
            assert_eq!(cipher.open(&nonce, &mut text, &altered_tag), Err(Forged), "{cipher:?}");
            assert!(text == altered, "{cipher:?} opened what was altered");
        }
    }
}

/// Few fronts, so that what is kept for one is used.
fn nonce(script: &mut Script<'_>) -> [u8; 24] {
    let mut nonce = [script.byte() % 4; 24];
    nonce[16..].copy_from_slice(&script.array::<8>());
    nonce
}

fn text(script: &mut Script<'_>) -> Vec<u8> {
    let len = script.short() % (LEN_MAX + 1);
    let run = script.run();
    let text = if run.is_empty() { &[0] } else { run };
    text.iter().copied().cycle().take(len).collect()
}

/// More than a box stream ever seals at once.
const LEN_MAX: usize = 4200;
