//! Secret boxes whose bytes are known.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "helpers of tests fail tests")]

use ssb_kernel::Backend;
use ssb_kernel::Cipher;

#[test]
fn vectors_the_box_of_nacl() {
    for backend in Backend::available() {
        let (key, nonce) = (array(KEY), array(NONCE));
        let mut text = unhex(PLAIN);

        let tag = Cipher::on(backend, &key).seal(&nonce, &mut text);

        assert_eq!([tag.as_slice(), &text].concat(), unhex(BOX), "{backend:?}");
        assert_eq!(Cipher::on(backend, &key).open(&nonce, &mut text, &tag), Ok(()), "{backend:?}");
        assert_eq!(text, unhex(PLAIN), "{backend:?}");
    }
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    unhex(hex).try_into().unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

// "Cryptography in NaCl" (D. J. Bernstein, 2009), section 10.
const KEY: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const PLAIN: &str = "
    be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc
    e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31
    0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde
    048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864
    5e0705";
const BOX: &str = "
    f3ffc7703f9400e52a7dfb4b3d3305d9
    8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a
    c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738
    b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da
    99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74
    e355a5";
