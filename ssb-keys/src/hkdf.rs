//! HKDF with SHA-256, in its two steps (RFC 5869).

use ::hmac::Hmac;
use ::hmac::KeyInit as _;
use ::hmac::Mac as _;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Gathers what is secret in `material` into a key for [`expand`]. The salt may be known to everybody.
pub fn extract(salt: &[u8], material: &[u8]) -> Zeroizing<[u8; HASH_LEN]> {
    authenticate(salt, [material])
}

/// `N` bytes that follow from a key, and have nothing in common for two different `info`.
///
/// `N` is at most 8,160: more does not compile.
pub fn expand<const N: usize>(key: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= BLOCKS_MAX * HASH_LEN, "HKDF makes 255 blocks at most") };
    let mut bytes = Zeroizing::new([0; N]);
    let mut last: Option<Zeroizing<[u8; HASH_LEN]>> = None;
    for (number, chunk) in (1..=u8::MAX).zip(bytes.chunks_mut(HASH_LEN)) {
        let before = last.as_ref().map_or(&[][..], |block| block.as_slice());
        let block = authenticate(key, [before, info, &[number]]);
        chunk.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
        last = Some(block);
    }
    bytes
}

fn authenticate<'a>(key: &[u8], pieces: impl IntoIterator<Item = &'a [u8]>) -> Zeroizing<[u8; HASH_LEN]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    pieces.into_iter().for_each(|piece| mac.update(piece));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

const HASH_LEN: usize = 32;
const BLOCKS_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    // RFC 5869, appendix A: the cases with SHA-256.

    #[test]
    fn the_first_case_of_rfc_5869() {
        let (salt, info) = (counting::<13>(0x00), counting::<10>(0xf0));

        let key = extract(&salt, &[0x0b; 22]);

        assert_eq!(hex(key.as_slice()), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        assert_eq!(
            hex(expand::<42>(&key, &info).as_slice()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    #[test]
    fn the_second_case_of_rfc_5869_is_longer_than_a_block() {
        let [material, salt, info] = [0x00, 0x60, 0xb0].map(counting::<80>);

        let key = extract(&salt, &material);

        assert_eq!(hex(key.as_slice()), "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
        assert_eq!(
            hex(expand::<82>(&key, &info).as_slice()),
            concat!(
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71",
                "cc30c58179ec3e87c14c01d5c1f3434f1d87"
            )
        );
    }

    #[test]
    fn the_third_case_of_rfc_5869_has_neither_salt_nor_info() {
        let key = extract(&[], &[0x0b; 22]);

        assert_eq!(hex(key.as_slice()), "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
        assert_eq!(
            hex(expand::<42>(&key, &[]).as_slice()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    #[test]
    fn the_longest_output_starts_as_any_other() {
        let longest = expand::<8160>(&[7; 32], b"info");

        assert_eq!(longest[..40], expand::<40>(&[7; 32], b"info")[..]);
    }

    fn counting<const N: usize>(first: u8) -> [u8; N] {
        core::array::from_fn(|at| first + u8::try_from(at).unwrap())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
