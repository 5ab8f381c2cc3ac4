//! A transcript taken apart, and what stands here for what stood there.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

/// A command and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Where it stands.
    pub(crate) line: usize,
    /// What changed before it.
    pub(crate) scene: Option<String>,
    /// Whether no node runs meanwhile.
    pub(crate) is_stopped: bool,
    /// The words behind the program's name.
    pub(crate) words: Vec<String>,
    /// What stands on standard input.
    pub(crate) stdin: Option<String>,
    /// A variable that is set for it.
    pub(crate) variable: Option<(String, String)>,
    /// What came on standard output.
    pub(crate) stdout: String,
    /// What came on standard error.
    pub(crate) stderr: String,
    /// The exit code; `None` if it was running still.
    pub(crate) code: Option<i32>,
}

impl Entry {
    /// The message of an error that JavaScript prints as an object.
    pub(crate) fn message(&self) -> Option<String> {
        let line = self.stderr.lines().find_map(|line| line.trim().strip_prefix("message: "))?;
        let quote = line.chars().next()?;
        let inner = line.trim_end_matches(',').strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.replace("\\'", "'"))
    }
}

/// Takes a transcript apart.
pub(crate) fn parse(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut entry = Entry::default();
    let mut is_stopped = false;
    let mut reading = Reading::Between;
    for (index, line) in text.lines().enumerate() {
        match reading {
            Reading::Between => {
                if let Some(command) = line.strip_prefix("$ ssb-server") {
                    (entry.words, entry.line) = (words(command), index + 1);
                    entry.is_stopped = is_stopped;
                    reading = Reading::Stdout;
                } else if let Some(input) = line.strip_prefix("(stdin) ") {
                    entry.stdin = Some(input.to_owned());
                } else if let Some((name, value)) =
                    line.strip_prefix("(variable) ").and_then(|pair| pair.split_once('='))
                {
                    entry.variable = Some((name.to_owned(), value.to_owned()));
                } else if let Some(scene) = line.strip_prefix('(').and_then(|line| line.strip_suffix(')')) {
                    is_stopped = scene.starts_with("the node is stopped");
                    entry.scene = Some(scene.to_owned());
                }
            }
            _ if line.starts_with("[exit ") => {
                let code = line.trim_start_matches("[exit ").trim_end_matches(']');
                entry.code = code.parse().ok();
                entries.push(std::mem::take(&mut entry));
                reading = Reading::Between;
            }
            Reading::Stdout if line == "[stderr]" => reading = Reading::Stderr,
            Reading::Stdout => entry.stdout.push_str(&format!("{line}\n")),
            Reading::Stderr => entry.stderr.push_str(&format!("{line}\n")),
        }
    }
    entries
}

enum Reading {
    Between,
    Stdout,
    Stderr,
}

/// As a shell splits them: single quotes keep words together. `a{9}` is nine times `a`.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(repeated));
        }
    }
    words
}

fn repeated(word: &str) -> String {
    let count =
        word.strip_prefix("a{").and_then(|rest| rest.strip_suffix('}')).and_then(|count| count.parse().ok());
    count.map_or_else(|| word.to_owned(), |count| "a".repeat(count))
}

/// Which of our ids, times and ports stands for which of theirs.
#[derive(Debug)]
pub(crate) struct Mapping {
    ports: Vec<(&'static str, String)>,
    home: String,
    keys: BTreeMap<String, String>,
    keys_back: BTreeMap<String, String>,
    times: BTreeMap<Time, String>,
}

impl Mapping {
    /// Only the ports are known yet: theirs and ours.
    pub(crate) fn new(ports: Vec<(&'static str, String)>, home: &Path) -> Self {
        let home = home.to_string_lossy().into_owned();
        Self { ports, home, keys: BTreeMap::new(), keys_back: BTreeMap::new(), times: BTreeMap::new() }
    }

    /// Their text with what is ours in it. Ids that nobody met yet stay.
    pub(crate) fn to_ours(&self, theirs: &str) -> String {
        let mut ours = String::new();
        for piece in pieces(theirs) {
            match piece {
                Piece::Plain(text) => ours.push_str(&self.ports_to_ours(text)),
                Piece::Key(key) => ours.push_str(self.keys.get(key).map_or(key, String::as_str)),
                Piece::Time(time) => ours.push_str(&self.time_to_ours(time)),
            }
        }
        // Directories that are not the node's.
        ours.replace("<js>", &format!("{}/js", self.home))
    }

    /// Whether our output is theirs; learns which of our ids and times are which of theirs.
    pub(crate) fn compare(&mut self, theirs: &str, ours: &str) -> Result<(), String> {
        let ours = ours.replace(&self.home, "~");
        let mut our_lines = ours.lines();
        for theirs in theirs.lines() {
            if theirs.starts_with("[... stdout cut, ") {
                return Ok(());
            }
            let Some(ours) = our_lines.next() else {
                return Err(format!("standard output ends before: {theirs}"));
            };
            self.compare_line(theirs, ours)?;
        }
        our_lines.next().map_or(Ok(()), |line| Err(format!("standard output goes on: {line}")))
    }

    fn compare_line(&mut self, theirs: &str, ours: &str) -> Result<(), String> {
        let differs = || Err(format!("standard output: {ours}\n          there: {theirs}"));
        if let Some((theirs, len)) = theirs.split_once("...[cut, line of ") {
            let len = len.strip_suffix(" chars]").and_then(|len| len.parse().ok());
            let is_same = ours.starts_with(theirs) || is_sealed_alike(theirs, ours, len);
            return if is_same { Ok(()) } else { differs() };
        }
        let (their_pieces, our_pieces) = (pieces(theirs), pieces(ours));
        if their_pieces.len() != our_pieces.len() {
            return differs();
        }
        for pair in their_pieces.into_iter().zip(our_pieces) {
            let is_same = match pair {
                (Piece::Plain(theirs), Piece::Plain(ours)) => self.ports_to_ours(theirs) == ours,
                (Piece::Key(theirs), Piece::Key(ours)) => self.learn(theirs, ours),
                (Piece::Time(theirs), Piece::Time(ours)) => {
                    *self.times.entry(Time::new(theirs)).or_insert_with(|| ours.to_owned()) == ours
                }
                _ => false,
            };
            if !is_same {
                return differs();
            }
        }
        Ok(())
    }

    /// One of theirs is one of ours, and the other way round.
    fn learn(&mut self, theirs: &str, ours: &str) -> bool {
        let known = self.keys.entry(theirs.to_owned()).or_insert_with(|| ours.to_owned());
        let back = self.keys_back.entry(ours.to_owned()).or_insert_with(|| theirs.to_owned());
        known == ours && back == theirs
    }

    /// A time between those of the same messages. Commands name none exactly: what was claimed there is, by chance, not
    /// what was received, and here it may be.
    fn time_to_ours(&self, theirs: &str) -> String {
        let time = Time::new(theirs);
        let number = |(_, ours): (&Time, &String)| ours.parse::<f64>().ok();
        let before = self.times.range(..&time).next_back().and_then(number);
        let behind = self.times.range((Bound::Excluded(&time), Bound::Unbounded)).next().and_then(number);
        match (before, behind) {
            (Some(before), Some(behind)) => f64::midpoint(before, behind).to_string(),
            _ => theirs.to_owned(),
        }
    }

    fn ports_to_ours(&self, theirs: &str) -> String {
        let mut ours = String::new();
        let is_word = |char: char| char.is_ascii_alphanumeric();
        for part in theirs.split_inclusive(|char| !is_word(char)) {
            let word = part.trim_end_matches(|char| !is_word(char));
            let port = self.ports.iter().find(|(port, _)| *port == word).map_or(word, |(_, ours)| ours);
            ours.push_str(port);
            ours.push_str(part.get(word.len()..).unwrap_or_default());
        }
        ours
    }
}

/// Whether both lines have something sealed, which is random, in the same place and as long. Of theirs the beginning is known, and
/// how long it was.
fn is_sealed_alike(theirs: &str, ours: &str, len: Option<usize>) -> bool {
    let names = ["\"content\": \"", "\"cyphertext\": \""];
    let place = |line: &str| names.iter().find_map(|name| line.find(name).map(|at| at + name.len()));
    let is_sealed = ours.trim_end_matches(',').ends_with(".box\"");
    is_sealed && place(theirs).is_some() && place(theirs) == place(ours) && len == Some(ours.chars().count())
}

/// A time, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Time(String);

impl Time {
    /// All have as many digits before the dot, and so sort as text.
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A part of a text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Plain(&'a str),
    /// The base64 of 32 or 33 bytes, or of a signature.
    Key(&'a str),
    /// Milliseconds since 1970.
    Time(&'a str),
}

/// Cuts a text before and behind each key and time.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    let run = |from: usize, is_in: fn(u8) -> bool| {
        text.as_bytes().get(from..).unwrap_or_default().iter().take_while(|byte| is_in(**byte)).count()
    };
    while at < text.len() {
        let base64 = run(at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
        let behind = text.get(at + base64..).unwrap_or_default();
        let key_len = match base64 {
            43 if behind.starts_with('=') => 44,
            // What opens a message.
            44 if !behind.starts_with('=') => 44,
            86 if behind.starts_with("==") => 88,
            _ => 0,
        };
        let digits = run(at, |byte| byte.is_ascii_digit());
        let fraction =
            if behind.starts_with('.') { run(at + digits + 1, |byte| byte.is_ascii_digit()) } else { 0 };
        let time_len = match (digits, fraction) {
            (13, 0) if base64 == 13 => 13,
            (13, fraction) if base64 == 13 => 14 + fraction,
            _ => 0,
        };
        let len = key_len.max(time_len);
        if len == 0 {
            at += base64.max(1);
            continue;
        }
        if plain_from < at {
            pieces.extend(text.get(plain_from..at).map(Piece::Plain));
        }
        let piece = text.get(at..at + len).unwrap_or_default();
        pieces.push(if key_len > 0 { Piece::Key(piece) } else { Piece::Time(piece) });
        at += len;
        plain_from = at;
    }
    if plain_from < text.len() {
        pieces.extend(text.get(plain_from..).map(Piece::Plain));
    }
    pieces
}
