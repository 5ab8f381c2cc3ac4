//! The real ssb-client, driven by `js/client.js`.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::lab::Node;
use crate::message::json;
use crate::process::Process;
use crate::programs::javascript;
use crate::wait::PATIENCE;
use crate::wait::fail;

/// One connection of ssb-client to a node.
#[derive(Debug)]
pub struct Client {
    process: Process,
    last: u64,
    waiting: BTreeMap<u64, VecDeque<Answer>>,
}

/// A call or stream that may still be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(u64);

/// What came back for a [`Stream`]. Bodies are the JSON text that JavaScript makes of what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A call succeeded.
    Value(String),
    /// A call failed, with the error's message.
    Error(String),
    /// A source sent something.
    Item(String),
    /// A source ended, of itself or with an error's message.
    End(Option<String>),
    /// The connection is gone.
    Hangup,
}

impl Client {
    /// Publishes a content, and returns the message with its key and receive time.
    ///
    /// # Panics
    ///
    /// When it cannot be published.
    #[track_caller]
    pub fn publish(&mut self, content: &str) -> String {
        self.call("publish", &format!("[{content}]")).unwrap_or_else(|error| fail(error))
    }

    /// Lets the node dial another one, and waits for the connection.
    ///
    /// # Panics
    ///
    /// When it fails.
    #[track_caller]
    pub fn dial(&mut self, to: &Node) {
        let dialed = self.call("gossip.connect", &format!(r#"["{}"]"#, to.address()));
        dialed.unwrap_or_else(|error| fail(error));
    }

    /// Connects, with a key file or as a stranger.
    ///
    /// # Errors
    ///
    /// ssb-client's message when it cannot connect.
    pub fn connect(
        address: &str,
        shs: &str,
        secret: Option<&Path>,
        manifest: Option<&str>,
    ) -> Result<Self, String> {
        let mut options: Vec<&OsStr> = Vec::new();
        if let Some(secret) = secret {
            options.extend([OsStr::new("--keys"), secret.as_os_str()]);
        }
        if let Some(manifest) = manifest {
            options.extend(["--manifest", manifest].map(OsStr::new));
        }
        Self::connect_with(address, shs, &options)
    }

    /// Connects with options of `js/client.js`.
    ///
    /// # Errors
    ///
    /// ssb-client's message when it cannot connect.
    pub fn connect_with(address: &str, shs: &str, options: &[&OsStr]) -> Result<Self, String> {
        let mut command = javascript("client.js");
        command.args(["--addr", address, "--shs", shs]).args(options);
        let process = Process::start("ssb-client", &mut command);
        process
            .find_line("connection", |line| {
                let line = json(line);
                match line.get("failed") {
                    Some(message) => Some(Err(text(message))),
                    None => line.get("connected").map(|_| Ok(())),
                }
            })
            .map(|()| Self { process, last: 0, waiting: BTreeMap::new() })
    }

    /// Calls an async or sync method. `args` is the JSON array of arguments, as text.
    ///
    /// # Errors
    ///
    /// The message of the error that came back.
    ///
    /// # Panics
    ///
    /// When nothing comes back.
    #[track_caller]
    pub fn call(&mut self, method: &str, args: &str) -> Result<String, String> {
        let call = self.begin(method, args);
        match self.next(call, PATIENCE) {
            Some(Answer::Value(value)) => Ok(value),
            Some(Answer::Error(message)) => Err(message),
            other => fail(format_args!("{method}{args} was answered by {other:?}")),
        }
    }

    /// Reads a source to its end.
    ///
    /// # Errors
    ///
    /// The message with which it ended.
    ///
    /// # Panics
    ///
    /// When it does not end.
    #[track_caller]
    pub fn collect(&mut self, method: &str, args: &str) -> Result<Vec<String>, String> {
        let source = self.open(method, args);
        let mut items = Vec::new();
        loop {
            match self.next(source, PATIENCE) {
                Some(Answer::Item(item)) => items.push(item),
                Some(Answer::End(None)) => return Ok(items),
                Some(Answer::End(Some(message))) => return Err(message),
                other => fail(format_args!("{method}{args}: after {} items {other:?}", items.len())),
            }
        }
    }

    /// Calls without waiting for the answer.
    pub fn begin(&mut self, method: &str, args: &str) -> Stream {
        self.send("call", method, args)
    }

    /// Opens a source.
    pub fn open(&mut self, method: &str, args: &str) -> Stream {
        self.send("source", method, args)
    }

    /// Sends items into a sink, which ssb-client then takes for done. `items` is a JSON array, as text.
    ///
    /// # Errors
    ///
    /// The message of the error that came back.
    ///
    /// # Panics
    ///
    /// When nothing comes back.
    #[track_caller]
    pub fn pour(&mut self, method: &str, items: &str) -> Result<(), String> {
        self.last += 1;
        let (id, sink) = (self.last, Stream(self.last));
        self.process.say(&format!(r#"{{"id":{id},"sink":"{method}","args":[],"items":{items}}}"#));
        match self.next(sink, PATIENCE) {
            Some(Answer::Value(_)) => Ok(()),
            Some(Answer::Error(message)) => Err(message),
            other => fail(format_args!("{method} was answered by {other:?}")),
        }
    }

    /// Stops reading a source.
    pub fn abort(&mut self, source: Stream) {
        self.process.say(&format!(r#"{{"abort":{}}}"#, source.0));
    }

    /// What comes next on `stream`, if it comes in time.
    #[track_caller]
    pub fn next(&mut self, stream: Stream, within: Duration) -> Option<Answer> {
        let start = Instant::now();
        loop {
            if let Some(answer) = self.waiting.get_mut(&stream.0).and_then(VecDeque::pop_front) {
                return Some(answer);
            }
            // What the node had answered was printed before the hang-up was.
            if self.waiting.contains_key(&HANGUP) {
                return Some(Answer::Hangup);
            }
            match self.process.line(within.saturating_sub(start.elapsed())) {
                Ok(line) => self.sort(&json(&line)),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Answer::Hangup),
            }
        }
    }

    /// The next item of a source.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing.
    #[track_caller]
    pub fn item(&mut self, source: Stream) -> String {
        match self.next(source, PATIENCE) {
            Some(Answer::Item(item)) => item,
            other => fail(format_args!("expected an item, got {other:?}")),
        }
    }

    /// Says goodbye and waits until the node has, too.
    ///
    /// # Panics
    ///
    /// When the node does not.
    #[track_caller]
    pub fn close(mut self) {
        self.process.hush();
        self.process.find_line("goodbye", |line| json(line).get("closed").map(|_| ()));
        self.process.ended();
    }

    fn send(&mut self, kind: &str, method: &str, args: &str) -> Stream {
        self.last += 1;
        let id = self.last;
        self.process.say(&format!(r#"{{"id":{id},"{kind}":"{method}","args":{args}}}"#));
        Stream(id)
    }

    fn sort(&mut self, line: &Value) {
        let id = line.get("id").and_then(Value::as_u64).unwrap_or(HANGUP);
        let answer = if let Some(value) = line.get("value") {
            Answer::Value(text(value))
        } else if let Some(item) = line.get("item") {
            Answer::Item(text(item))
        } else if let Some(message) = line.get("error") {
            Answer::Error(text(message))
        } else if let Some(end) = line.get("end") {
            Answer::End(end.as_str().map(str::to_owned))
        } else {
            Answer::Hangup
        };
        self.waiting.entry(id).or_default().push_back(answer);
    }
}

/// Not the id of any call: those start at 1.
const HANGUP: u64 = 0;

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
