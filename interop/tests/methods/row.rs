//! One call or stream of the table, and the judgement on what came of it.

use std::fmt;

use crate::side::Outcome;

/// One call or stream.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) phase: Phase,
    pub(crate) method: &'static str,
    pub(crate) args: String,
    pub(crate) reads: Reads,
    pub(crate) expect: Expect,
}

/// When a row is called: rows of one phase do not disturb each other, or come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before there is any message.
    Empty,
    /// Messages are added.
    Adding,
    /// All is there, and nothing changes.
    Reading,
    /// Streams that go on, while more messages come.
    Live,
    /// Blobs are there, and some are removed.
    Blobs,
    /// Peers come and go.
    Gossip,
    /// The servers publish, each with its own key.
    Publishing,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// One answer.
    Answer,
    /// A stream to its end.
    Stream,
    /// So many items of a stream without one.
    Live(usize),
}

/// What is expected. In texts `…` stands for anything.
#[derive(Debug)]
pub(crate) enum Expect {
    /// Both answer the same.
    Same,
    /// Each answers in its own way.
    Deviates { ours: &'static str, theirs: &'static str, deviation: &'static str },
    /// The same, but by chance both may answer alike.
    MayDeviate { ours: &'static str, theirs: &'static str, deviation: &'static str },
    /// ssb-server crashes, or never answers: it is not asked.
    OursOnly { ours: &'static str, deviation: &'static str },
}

impl Phase {
    pub(crate) const ALL: [Self; 7] =
        [Self::Empty, Self::Adding, Self::Reading, Self::Live, Self::Blobs, Self::Gossip, Self::Publishing];

    /// Whether its rows must be called one by one.
    pub(crate) const fn changes(self) -> bool {
        matches!(self, Self::Adding | Self::Blobs | Self::Gossip | Self::Publishing)
    }
}

impl Expect {
    /// What the documentation calls it.
    pub(crate) const fn deviation(&self) -> Option<&'static str> {
        match self {
            Self::Same => None,
            Self::Deviates { deviation, .. }
            | Self::MayDeviate { deviation, .. }
            | Self::OursOnly { deviation, .. } => Some(deviation),
        }
    }

    /// Whether ssb-server is asked, too.
    pub(crate) const fn asks_both(&self) -> bool {
        !matches!(self, Self::OursOnly { .. })
    }
}

impl Row {
    /// What is wrong with these outcomes, if anything.
    pub(crate) fn judge(&self, ours: &Outcome, theirs: Option<&Outcome>) -> Option<String> {
        match (&self.expect, theirs) {
            (Expect::Same, Some(theirs)) => (ours != theirs).then(|| {
                let (ours, theirs) = apart(&shown(ours), &shown(theirs));
                format!("{self}\n  ours    {ours}\n  theirs  {theirs}")
            }),
            (
                Expect::Deviates { ours: expected, theirs: expected_of_theirs, .. }
                | Expect::MayDeviate { ours: expected, theirs: expected_of_theirs, .. },
                Some(theirs),
            ) => {
                if ours == theirs && matches!(self.expect, Expect::Deviates { .. }) {
                    return Some(format!("{self}: there is no deviation any more: {}", shown(ours)));
                }
                let right = is_like(expected, ours) && is_like(expected_of_theirs, theirs);
                (!right).then(|| {
                    format!("{self}, which deviates\n  ours    {}\n  theirs  {}", shown(ours), shown(theirs))
                })
            }
            (Expect::OursOnly { ours: expected, .. }, _) => (!is_like(expected, ours))
                .then(|| format!("{self}, ours alone\n  expected {expected}\n  ours     {}", shown(ours))),
            (_, None) => Some(format!("{self}: ssb-server was not asked")),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.method, self.args)
    }
}

// One line: a value as it is, an error behind `!`, items between bars, and how they ended.
fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value.clone(),
        Outcome::Error(error) => format!("!{error}"),
        Outcome::Items(items, None) => format!("|{}| end", items.join("|")),
        Outcome::Items(items, Some(error)) => format!("|{}| !{error}", items.join("|")),
        Outcome::Live(items) => format!("|{}| live", items.join("|")),
    }
}

// Long texts from where they begin to differ.
fn apart(ours: &str, theirs: &str) -> (String, String) {
    let same = ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count();
    let cut = |text: &str| text.chars().skip(same.saturating_sub(40)).take(240).collect();
    (cut(ours), cut(theirs))
}

fn is_like(pattern: &str, outcome: &Outcome) -> bool {
    let text = shown(outcome);
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
        last = Some(piece);
    }
    // What is not followed by `…` is the end.
    rest.is_empty() || last.is_some_and(|last| last.is_empty() || text.ends_with(last))
}
