//! `ssb-cli sync`: how far replication is, as it goes, until all is here or for as long as somebody looks.

use std::io;
use std::io::IsTerminal as _;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use indicatif::HumanBytes;
use indicatif::HumanDuration;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use ssb_msg::json::Value;
use ssb_node::client::Client;

use super::call;
use super::peers;
use crate::args::Sync;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::minimist;
use crate::print;

/// From one question to the node to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// For so long nobody may be connected before that is a failure: a node that has just started dials within a second or two.
const ALONE_MAX: Duration = Duration::from_secs(10);

/// From one line to the next where nobody sees a bar.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// How many peers are named that could not be reached.
const TROUBLES_MAX: usize = 3;

/// Shows progress, and ends when nothing more is to come, if that is what was wanted.
pub(super) fn run(wish: &Sync, settings: &Settings) -> Result<(), Failure> {
    let within = wish.within.as_ref().map(seconds).transpose()?;
    let mut client = call::open("sync", settings)?;
    let mut watch = Watch::new(wish.until_idle, within, Instant::now());
    let mut screen = Screen::new(io::stderr().is_terminal());
    let verdict = loop {
        let progress = match call::ask(&mut client, &["replicate", "progress"], "[]") {
            Ok(answer) => Progress::of(&answer),
            Err(failure) => {
                screen.clear();
                return Err(failure);
            }
        };
        let now = Instant::now();
        let verdict = watch.judge(progress, now);
        screen.show(&watch.so_far(now), now);
        if let Some(verdict) = verdict {
            break verdict;
        }
        thread::sleep(PAUSE);
    };
    screen.clear();
    let result = tell(&verdict, &watch.so_far(Instant::now()), &mut client);
    client.close();
    result
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// All is here that is to come.
    Idle,
    /// Nobody is connected.
    Alone,
    /// The time is over.
    Late,
}

fn tell(verdict: &Verdict, so_far: &SoFar, client: &mut Client) -> Result<(), Failure> {
    match verdict {
        Verdict::Idle if so_far.progress.stuck == 0 => print::out(format!("{}\n", so_far.whole()).as_bytes()),
        Verdict::Idle => {
            let Progress { stuck, missing, .. } = so_far.progress;
            let (feeds, messages) = (counted(stuck, "feed"), counted(missing, "message"));
            Err(Failure::new(format!("Error: {feeds} did not arrive whole, for want of {messages}"))
                .hint("`ssb-cli why FEED` says of a feed what its peers did with it.")
                .code(codes::DATA))
        }
        Verdict::Alone => {
            let known = call::ask(client, &["peers"], "[]").unwrap_or(Value::Null);
            let troubles: String =
                peers::troubles(&known, TROUBLES_MAX).iter().map(|line| format!("{line}\n")).collect();
            Err(Failure::new("Error: no peer is connected")
                .hint(format!(
                    "{troubles}`ssb-cli gossip.connect ADDRESS` connects to one; `ssb-cli peers` lists those that are known."
                ))
                .code(codes::UNAVAILABLE))
        }
        Verdict::Late => Err(Failure::new(format!("Error: the time is over: {}", so_far.line()))
            .hint("The node goes on; this command only looks.")
            .code(codes::LATE)),
    }
}

/// What `replicate.progress` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    is_idle: bool,
    peers: u64,
    settled: u64,
    feeds: u64,
    owed: u64,
    stuck: u64,
    missing: u64,
    stored: u64,
    received: u64,
}

impl Progress {
    fn of(answer: &Value) -> Self {
        let number = |group: &str, name: &str| match answer.get(group).and_then(|group| group.get(name)) {
            Some(Value::Number(number)) => format!("{number:.0}").parse().unwrap_or_default(),
            _ => 0,
        };
        Self {
            is_idle: answer.get("idle") == Some(&Value::Bool(true)),
            peers: number("peers", "connected"),
            settled: number("peers", "settled"),
            feeds: number("feeds", "wanted"),
            owed: number("feeds", "owed"),
            stuck: number("feeds", "stuck"),
            missing: number("messages", "missing"),
            stored: number("messages", "stored"),
            received: number("bytes", "received"),
        }
    }
}

/// Judges what it sees; it has no clock and no screen.
#[derive(Debug)]
struct Watch {
    until_idle: bool,
    within: Option<Duration>,
    begun: Instant,
    /// Since when nobody is connected.
    alone: Option<Instant>,
    first: Option<Progress>,
    last: Progress,
}

impl Watch {
    fn new(until_idle: bool, within: Option<Duration>, begun: Instant) -> Self {
        Self { until_idle, within, begun, alone: None, first: None, last: Progress::default() }
    }

    /// Takes in what the node says. `None` to go on.
    fn judge(&mut self, progress: Progress, now: Instant) -> Option<Verdict> {
        self.first.get_or_insert(progress);
        self.last = progress;
        self.alone = if progress.peers > 0 { None } else { self.alone.or(Some(now)) };
        let is_alone = self.alone.is_some_and(|since| now.duration_since(since) >= ALONE_MAX);
        if self.until_idle && progress.is_idle {
            Some(Verdict::Idle)
        } else if self.until_idle && is_alone {
            Some(Verdict::Alone)
        } else if self.within.is_some_and(|within| now.duration_since(self.begun) >= within) {
            Some(Verdict::Late)
        } else {
            None
        }
    }

    fn so_far(&self, now: Instant) -> SoFar {
        let first = self.first.unwrap_or_default();
        SoFar {
            progress: self.last,
            messages: self.last.stored.saturating_sub(first.stored),
            bytes: self.last.received.saturating_sub(first.received),
            passed: now.duration_since(self.begun),
        }
    }
}

/// What happened since the command began.
#[derive(Clone, Copy, Debug)]
struct SoFar {
    progress: Progress,
    messages: u64,
    bytes: u64,
    passed: Duration,
}

impl SoFar {
    fn line(&self) -> String {
        let Progress { feeds, owed, missing, peers, settled, .. } = self.progress;
        let (done, total) = (feeds.saturating_sub(owed), self.messages.saturating_add(missing));
        let waiting = match peers {
            0 => ", no peer is connected".to_owned(),
            _ if settled < peers => {
                format!(", {} of {peers} peers have not said yet what they have", peers - settled)
            }
            _ => String::new(),
        };
        let (messages, bytes) = (self.messages, HumanBytes(self.bytes));
        format!("{done} of {feeds} feeds, {messages} of {total} messages, {bytes}{waiting}")
    }

    fn whole(&self) -> String {
        let (feeds, peers) = (counted(self.progress.feeds, "feed"), counted(self.progress.peers, "peer"));
        let (messages, bytes) = (counted(self.messages, "message"), HumanBytes(self.bytes));
        format!(
            "all is here: {feeds}; {messages} ({bytes}) came from {peers} in {}",
            HumanDuration(self.passed)
        )
    }

    /// How far the bar is, of how much. It is never full before all is here.
    fn bar(&self) -> (u64, u64) {
        let Progress { is_idle, missing, .. } = self.progress;
        let ahead = if is_idle { missing } else { missing.max(1) };
        (self.messages, self.messages.saturating_add(ahead))
    }
}

/// A bar for people who look at it, a line now and then for others.
enum Screen {
    Bar(ProgressBar),
    Lines { last: Option<(Instant, String)> },
}

impl Screen {
    fn new(is_terminal: bool) -> Self {
        if !is_terminal {
            return Self::Lines { last: None };
        }
        let style = ProgressStyle::with_template("{bar:30} {msg}").expect("the template is fixed");
        Self::Bar(ProgressBar::new(1).with_style(style))
    }

    fn show(&mut self, so_far: &SoFar, now: Instant) {
        let line = so_far.line();
        match self {
            Self::Bar(bar) => {
                let (done, total) = so_far.bar();
                let left = if done > 0 && done < total {
                    format!(", {:#} left", HumanDuration(bar.eta()))
                } else {
                    String::new()
                };
                bar.set_message(line + &left);
                bar.set_length(total);
                bar.set_position(done);
            }
            Self::Lines { last } => {
                let is_due = last
                    .as_ref()
                    .is_none_or(|(at, said)| now.duration_since(*at) >= LINE_PAUSE && *said != line);
                if is_due {
                    print::talk(&line);
                    *last = Some((now, line));
                }
            }
        }
    }

    fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn seconds(value: &minimist::Value) -> Result<Duration, Failure> {
    match value {
        minimist::Value::Number(seconds) if *seconds >= 0.0 => {
            Duration::try_from_secs_f64(*seconds).map_err(|_| no_seconds())
        }
        _ => Err(no_seconds()),
    }
}

fn no_seconds() -> Failure {
    Failure::new("Error: --within has to be a number of seconds").code(codes::USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_msg::json;

    fn some() -> Progress {
        Progress {
            peers: 2,
            settled: 2,
            feeds: 10,
            owed: 3,
            missing: 50,
            stored: 100,
            received: 1_000,
            ..Progress::default()
        }
    }

    fn later(begun: Instant, seconds: u64) -> Instant {
        begun + Duration::from_secs(seconds)
    }

    #[test]
    fn what_the_node_answers_is_read() {
        let answer = r#"{"idle":true,"peers":{"connected":2,"settled":1},"feeds":{"wanted":10,"owed":3,"stuck":1},
            "messages":{"start":1,"held":5,"missing":50,"stored":100},"bytes":{"received":1000,"waiting":0}}"#;

        let progress = Progress::of(&json::parse(answer.as_bytes()).unwrap());

        assert_eq!(progress, Progress { is_idle: true, settled: 1, stuck: 1, ..some() });
    }

    #[test]
    fn it_ends_when_nothing_more_is_to_come_if_that_is_wanted() {
        let begun = Instant::now();
        for (until_idle, expected) in [(true, Some(Verdict::Idle)), (false, None)] {
            let mut watch = Watch::new(until_idle, None, begun);
            assert_eq!(watch.judge(some(), begun), None);

            assert_eq!(watch.judge(Progress { is_idle: true, ..some() }, later(begun, 9)), expected);
        }
    }

    #[test]
    fn who_is_alone_for_too_long_is_told_so() {
        let begun = Instant::now();
        let mut watch = Watch::new(true, None, begun);
        let alone = Progress { peers: 0, ..some() };
        assert_eq!(watch.judge(alone, begun), None);
        assert_eq!(watch.judge(alone, later(begun, 9)), None);
        assert_eq!(watch.judge(some(), later(begun, 10)), None);
        assert_eq!(watch.judge(alone, later(begun, 11)), None);
        assert_eq!(watch.judge(alone, later(begun, 20)), None);

        assert_eq!(watch.judge(alone, later(begun, 21)), Some(Verdict::Alone));
    }

    #[test]
    fn time_is_over_when_it_was_said_to_be() {
        let begun = Instant::now();
        let mut watch = Watch::new(true, Some(Duration::from_secs(5)), begun);
        assert_eq!(watch.judge(some(), later(begun, 4)), None);

        assert_eq!(watch.judge(some(), later(begun, 5)), Some(Verdict::Late));
    }

    #[test]
    fn the_bar_is_full_when_all_is_here_and_not_before() {
        let begun = Instant::now();
        let mut watch = Watch::new(true, None, begun);
        let none = Progress { owed: 0, missing: 0, ..some() };
        watch.judge(none, begun);
        assert_eq!(watch.so_far(begun).bar(), (0, 1));
        watch.judge(Progress { stored: 105, ..none }, begun);
        assert_eq!(watch.so_far(begun).bar(), (5, 6));

        watch.judge(Progress { stored: 105, is_idle: true, ..none }, begun);

        assert_eq!(watch.so_far(begun).bar(), (5, 5));
    }

    #[test]
    fn what_is_counted_begins_with_the_command() {
        let begun = Instant::now();
        let mut watch = Watch::new(true, None, begun);
        watch.judge(some(), begun);
        assert_eq!(watch.so_far(begun).line(), "7 of 10 feeds, 0 of 50 messages, 0 B");

        let now = Progress { settled: 1, owed: 1, missing: 20, stored: 130, received: 31_720, ..some() };
        watch.judge(now, later(begun, 3));

        let so_far = watch.so_far(later(begun, 3));
        assert_eq!(
            so_far.line(),
            "9 of 10 feeds, 30 of 50 messages, 30.00 KiB, 1 of 2 peers have not said yet what they have"
        );
        assert_eq!(so_far.bar(), (30, 50));
        assert_eq!(
            so_far.whole(),
            "all is here: 10 feeds; 30 messages (30.00 KiB) came from 2 peers in 3 seconds"
        );
    }
}
