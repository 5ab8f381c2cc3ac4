//! Randomness of the operating system.

/// `N` fresh random bytes.
///
/// # Panics
///
/// If the system has no randomness to give: nothing secret can be made then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    bytes
}
