//! What a bench is asked to do, and the folders that it does it in.

use std::fs;
use std::io;
use std::path::Path;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How many messages.
    pub count: u32,
    /// How often all sides take their turn.
    pub rounds: u32,
    /// Whether our side does it with a million, too.
    pub million: bool,
}

impl Wish {
    /// Reads the words of a command line.
    ///
    /// # Errors
    ///
    /// A word that means nothing.
    pub fn read(words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut wish = Self { count: 100_000, rounds: 3, million: false };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                // What cargo passes.
                "--bench" => {}
                "--smoke" => (wish.count, wish.rounds) = (10_000, 1),
                "--million" => wish.million = true,
                "--rounds" => {
                    let count = words.next().and_then(|count| count.parse().ok());
                    wish.rounds = count.ok_or_else(|| io::Error::other("--rounds takes a number"))?;
                }
                _ => return Err(io::Error::other(format!("what is {word}?"))),
            }
        }
        Ok(wish)
    }
}

/// Removes a folder, if there is one.
///
/// # Errors
///
/// As of [`fs::remove_dir_all`].
pub fn clear(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
