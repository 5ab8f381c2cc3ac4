//! One of the two servers: what is its own is put into arguments, and taken out of answers.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs;
use std::time::Duration;
use std::time::Instant;

use interop::Answer;
use interop::Client;
use interop::Node;
use interop::PATIENCE;
use interop::Stream;
use interop::fail;
use interop::json;
use interop::receive_time;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

/// A server, and the table's connection to it.
#[derive(Debug)]
pub(crate) struct Side {
    client: Client,
    /// What stands for what, in arguments: `<a1.id>`, `<me>`.
    names: BTreeMap<String, String>,
    /// The same backwards, in answers. Longer texts first.
    own: Vec<(String, String)>,
    /// Where the messages of its log are, in its own numbers.
    places: Vec<String>,
}

/// What came back for a row, comparable between the sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A call's value.
    Value(String),
    /// A call's error.
    Error(String),
    /// A stream's items, and how it ended.
    Items(Vec<String>, Option<String>),
    /// A live stream's items, so far.
    Live(Vec<String>),
}

impl Side {
    pub(crate) fn new(client: Client, node: &Node, names: &BTreeMap<String, String>) -> Self {
        let mut names = names.clone();
        names.insert("me".to_owned(), node.id());
        names.insert("me.key".to_owned(), node.key().to_owned());
        let own = vec![
            (node.dir().display().to_string(), "<dir>".to_owned()),
            (node.key().to_owned(), "<me.key>".to_owned()),
            (format!(":{}~", node.port()), ":<port>~".to_owned()),
        ];
        Self { client, names, own, places: Vec::new() }
    }

    /// Learns where the messages of the log are, and when they came.
    pub(crate) fn survey(&mut self) {
        self.places.clear();
        let items = self.client.collect("createRawLogStream", "[{}]").expect("the log can be read");
        for (n, item) in items.iter().enumerate() {
            let place =
                item.strip_prefix("{\"seq\":").and_then(|rest| rest.split_once(',')).expect("a place").0;
            self.places.push(place.to_owned());
            self.names.insert(format!("place{n}"), place.to_owned());
            let (_, stored) = item.split_once("\"value\":").expect("a value");
            let stored = stored.strip_suffix('}').expect("an object");
            self.names.insert(format!("time{n}"), receive_time(stored));
        }
    }

    /// Starts a call or a stream.
    pub(crate) fn begin(&mut self, method: &str, args: &str, is_stream: bool) -> Stream {
        let args = self.fill(args);
        if is_stream { self.client.open(method, &args) } else { self.client.begin(method, &args) }
    }

    /// What comes back, all of it.
    pub(crate) fn outcome(&mut self, stream: Stream, method: &str, row: &str) -> Outcome {
        let mut items = Vec::new();
        loop {
            match self.client.next(stream, PATIENCE) {
                Some(Answer::Value(value)) => return Outcome::Value(self.comparable(&value, method)),
                Some(Answer::Error(error)) => return Outcome::Error(self.comparable(&error, method)),
                Some(Answer::Item(item)) => items.push(self.comparable(&item, method)),
                Some(Answer::End(end)) => {
                    return Outcome::Items(items, end.map(|end| self.comparable(&end, method)));
                }
                other => fail(format_args!("{row}: after {} items {other:?}", items.len())),
            }
        }
    }

    /// So many items of a live stream, which is stopped then.
    pub(crate) fn live(&mut self, stream: Stream, count: usize, method: &str) -> Outcome {
        let mut items = Vec::new();
        let start = Instant::now();
        while items.len() < count {
            match self.client.next(stream, LIVE_PATIENCE.saturating_sub(start.elapsed())) {
                Some(Answer::Item(item)) => items.push(self.comparable(&item, method)),
                Some(Answer::End(end)) => return Outcome::Items(items, end),
                _ => break,
            }
        }
        // What was to come before this is answered has come.
        self.client.call("whoami", "[]").expect("the server answers");
        while let Some(Answer::Item(item)) = self.client.next(stream, Duration::ZERO) {
            items.push(self.comparable(&item, method));
        }
        self.client.abort(stream);
        Outcome::Live(items)
    }

    /// The next items of a live stream, in no order.
    pub(crate) fn next(&mut self, stream: Stream, count: usize, method: &str) -> Vec<String> {
        let items = (0..count).map(|_| match self.client.next(stream, LIVE_PATIENCE) {
            Some(Answer::Item(item)) => sorted(&self.comparable(&item, method)),
            other => fail(format_args!("{method}: {other:?}")),
        });
        let mut items: Vec<String> = items.collect();
        items.sort();
        items
    }

    fn fill(&self, args: &str) -> String {
        let mut filled = String::new();
        let mut rest = args;
        while let Some((before, name)) = rest.split_once('<') {
            let (name, after) =
                name.split_once('>').unwrap_or_else(|| fail(format_args!("no name in {args}")));
            let value =
                self.names.get(name).unwrap_or_else(|| fail(format_args!("nothing is called {name}")));
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled + rest
    }

    fn comparable(&self, text: &str, method: &str) -> String {
        let mut text = text.to_owned();
        for (own, name) in &self.own {
            text = text.replace(own, name);
        }
        match method {
            "publish" | "private.publish" => published(&text),
            // The words are each one's own.
            "help" => cut(&text, "\"description\":\"", "\"", "<words>"),
            "createRawLogStream" | "createSequenceStream" | "createLogStream" => {
                without_receive_times(&self.with_ordinal(&text))
            }
            "progress" | "status" => self.with_last_ordinal(&text),
            // When each of the files was written.
            "blobs.ls" => cut(&text, "\"ts\":", "}", "<time>"),
            _ if method.starts_with("gossip.") => without_measurements(&text),
            _ => without_receive_times(&text),
        }
    }

    // Places are ordinals in answers of both.
    fn with_ordinal(&self, text: &str) -> String {
        let ordinal = |place: &str| self.places.iter().position(|own| own == place).map(|at| at.to_string());
        if let Some(whole) = ordinal(text) {
            return whole;
        }
        let first = text.strip_prefix("{\"seq\":").and_then(|rest| rest.split_once(','));
        if let Some((at, (_, rest))) = first.and_then(|first| Some((ordinal(first.0)?, first))) {
            return format!("{{\"seq\":{at},{rest}");
        }
        let last = text.strip_suffix('}').and_then(|rest| rest.rsplit_once(",\"seq\":"));
        match last.and_then(|last| Some((ordinal(last.1)?, last))) {
            Some((at, (rest, _))) => format!("{rest},\"seq\":{at}}}"),
            None => text.to_owned(),
        }
    }

    fn with_last_ordinal(&self, text: &str) -> String {
        let Some(last) = self.places.last() else { return text.to_owned() };
        let at = self.places.len() - 1;
        let text = text.replace(&format!(":{last},"), &format!(":{at},"));
        text.replace(&format!(":{last}}}"), &format!(":{at}}}"))
    }
}

/// Reads what `js/feeds.js` printed.
pub(crate) fn names(text: &str) -> BTreeMap<String, String> {
    let names = json(text);
    let names = names.as_object().expect("an object");
    let mut names: BTreeMap<String, String> =
        names.iter().map(|(name, text)| (name.clone(), text.as_str().expect("a text").to_owned())).collect();
    names.insert("N".to_owned(), format!("@{NOBODY}.ed25519"));
    names.insert("N.key".to_owned(), NOBODY.to_owned());
    names.insert("N.id".to_owned(), format!("%{NOBODY}.sha256"));
    names
}

/// The blobs that both have.
const BLOBS: [(&str, &[u8]); 3] =
    [("blob", b"hello"), ("blob.long", &[7; 150_000]), ("blob.spare", b"to be removed")];

/// What stands for their ids, and for those of blobs that are nowhere.
pub(crate) fn blob_names() -> Vec<(String, String)> {
    let others = [("blob.none", &b"nobody has it"[..]), ("blob.empty", b"")];
    let all = BLOBS.into_iter().chain(others);
    all.map(|(name, bytes)| (name.to_owned(), BlobId::from_bytes(sha256(bytes)).to_string())).collect()
}

/// Puts the blobs where both nodes look for them.
pub(crate) fn put_blobs(node: &Node) {
    for (_, bytes) in BLOBS {
        let digits: String = sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (first, rest) = digits.split_at(2);
        let shelf = node.dir().join("blobs/sha256").join(first);
        let put = fs::create_dir_all(&shelf).and_then(|()| fs::write(shelf.join(rest), bytes));
        put.expect("the lab is writable");
    }
}

// With the keys of objects in one order.
fn sorted(text: &str) -> String {
    json(text).to_string()
}

/// 32 zero bytes.
const NOBODY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// How long the items of a live stream may take.
const LIVE_PATIENCE: Duration = Duration::from_secs(10);

// The receive time of a stored message follows its signature.
fn without_receive_times(text: &str) -> String {
    let mut pieces: VecDeque<&str> = text.split(STORED).collect();
    let mut out = pieces.pop_front().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find([',', '}']).unwrap_or(piece.len());
        let (time, mut rest) = piece.split_at(end);
        out.push_str(STORED);
        out.push_str("<received>");
        // A feed stream sorts by the claimed time, or by this one if it is earlier.
        if let Some(behind) = rest.strip_prefix(&format!(",\"rts\":{time}")) {
            out.push_str(",\"rts\":<received>");
            rest = behind;
        }
        out.push_str(rest);
    }
    out
}

const STORED: &str = ".sig.ed25519\"},\"timestamp\":";

// Each node publishes with a key of its own, when it likes.
fn published(text: &str) -> String {
    let text = cut(text, "\"key\":\"", "\"", "<id>");
    let text = cut(&text, "\"previous\":", ",", "<previous>");
    let text = cut(&text, "\"signature\":\"", "\"", "<signature>");
    let text = cut(&text, "\"timestamp\":", ",}", "<time>");
    measured(&text)
}

// What is sealed is random, but for its length.
fn measured(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\"content\":\"") else { return text.to_owned() };
    let Some((boxed, behind)) = rest.split_once(".box\"") else { return text.to_owned() };
    format!("{before}\"content\":\"<{}>.box\"{behind}", boxed.len())
}

// What a node finds out about its peers, and when.
fn without_measurements(text: &str) -> String {
    let mut text = cut(text, "\"stateChange\":", ",}", "<now>");
    for name in ["\"rtt\":{", "\"skew\":{"] {
        text = cut(&text, name, "}", "<measured>");
    }
    for name in ["\"mean\":", "\"stdev\":", "\"sum\":", "\"sqsum\":"] {
        text = cut(&text, name, ",}", "<measured>");
    }
    cut(&text, "\"error\":\"", "\"", "<why>")
}

// Everything between `start` and the next of `ends` becomes `name`.
fn cut(text: &str, start: &str, ends: &str, name: &str) -> String {
    let mut pieces = text.split(start);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|character| ends.contains(character)).unwrap_or(piece.len());
        let (_, rest) = piece.split_at(end);
        out.push_str(start);
        out.push_str(name);
        out.push_str(rest);
    }
    out
}
