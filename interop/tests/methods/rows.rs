//! The table: every method, with the arguments that it is called with.
//!
//! In arguments `<a1>` stands for the first message of feed A, `<a1.id>` for its id, `<A>` for the id of the feed (all of
//! them are made by `js/feeds.js`), `<me>` for the server's own id, `<place2>` and `<time2>` for where the third message of
//! the log is and when it came, and `<N>`, `<N.id>` for a feed and a message that nobody has.

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
    /// ssb-server crashes, or never answers: it is not asked.
    OursOnly { ours: &'static str, deviation: &'static str },
}

impl Phase {
    pub(crate) const ALL: [Self; 6] =
        [Self::Empty, Self::Adding, Self::Reading, Self::Live, Self::Gossip, Self::Publishing];

    /// Whether its rows must be called one by one.
    pub(crate) const fn changes(self) -> bool {
        matches!(self, Self::Adding | Self::Gossip | Self::Publishing)
    }
}

impl Expect {
    /// What the documentation calls it.
    pub(crate) const fn deviation(&self) -> Option<&'static str> {
        match self {
            Self::Same => None,
            Self::Deviates { deviation, .. } | Self::OursOnly { deviation, .. } => Some(deviation),
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
            (Expect::Deviates { ours: expected, theirs: expected_of_theirs, .. }, Some(theirs)) => {
                if ours == theirs {
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

/// All rows.
pub(crate) fn all() -> Vec<Row> {
    let mut table = Table { rows: Vec::new(), phase: Phase::Empty };
    empty(&mut table);
    adding(&mut table);
    table.phase = Phase::Reading;
    about_the_server(&mut table);
    about_feeds(&mut table);
    single_messages(&mut table);
    message_streams(&mut table);
    history_streams(&mut table);
    raw_streams(&mut table);
    refused_calls(&mut table);
    live_streams(&mut table);
    gossip(&mut table);
    publishing(&mut table);
    table.rows
}

/// Rows in the making.
struct Table {
    rows: Vec<Row>,
    phase: Phase,
}

impl Table {
    fn push(&mut self, method: &'static str, args: &str, reads: Reads, expect: Expect) {
        self.rows.push(Row { phase: self.phase, method, args: args.to_owned(), reads, expect });
    }

    /// Calls that both answer alike.
    fn calls(&mut self, method: &'static str, all: &[&str]) {
        for args in all {
            self.push(method, args, Reads::Answer, Expect::Same);
        }
    }

    /// Streams that are alike on both.
    fn streams(&mut self, method: &'static str, all: &[&str]) {
        for args in all {
            self.push(method, args, Reads::Stream, Expect::Same);
        }
    }

    /// A stream without end that is alike on both.
    fn live(&mut self, method: &'static str, args: &str, count: usize) {
        self.push(method, args, Reads::Live(count), Expect::Same);
    }

    /// Calls, or streams, that are not alike.
    fn deviates(
        &mut self,
        reads: Reads,
        deviation: &'static str,
        method: &'static str,
        all: &[(&str, &'static str, &'static str)],
    ) {
        for (args, ours, theirs) in all {
            self.push(method, args, reads, Expect::Deviates { ours, theirs, deviation });
        }
    }

    /// Calls, or streams, that end ssb-server or wait for ever there.
    fn ours_only(
        &mut self,
        reads: Reads,
        deviation: &'static str,
        method: &'static str,
        all: &[(&str, &'static str)],
    ) {
        for (args, ours) in all {
            self.push(method, args, reads, Expect::OursOnly { ours, deviation });
        }
    }
}

// As the documentation calls them.
const ENGINE: &str = "an argument that is missing or of a wrong type, where nothing checks it";
const EXTRA: &str = "one argument too many for an async method";
const PLACES: &str =
    "places in the log: `get` of a number, `gt` and so on of raw streams, `progress`, `status`";
const HUGE_LIMIT: &str = "a `limit` of more than 32 bits";
const NO_VALUES: &str = "`createHistoryStream` with `values: false`";

fn empty(table: &mut Table) {
    table.calls("getVectorClock", &["[]", "[null]", "[{}]"]);
    table.calls("getLatest", &["[\"<A>\"]"]);
    table.calls("getFeedState", &["[\"<A>\"]"]);
    table.calls("latestSequence", &["[\"<A>\"]"]);
    for method in ["createLogStream", "createFeedStream"] {
        table.streams(method, &["[]", "[{\"reverse\":true}]", "[{\"limit\":1}]"]);
    }
    table.streams("createUserStream", &["[{\"id\":\"<A>\"}]"]);
    table.streams("createHistoryStream", &["[{\"id\":\"<A>\"}]"]);
    table.streams("createRawLogStream", &["[{}]"]);
}

fn adding(table: &mut Table) {
    table.phase = Phase::Adding;
    table.calls(
        "add",
        &[
            "[]",
            "[null]",
            "[false]",
            "[0]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[\"x\"]",
            "[[]]",
            "[{}]",
            "[[<a1>]]",
            "[{\"content\":null}]",
            "[{\"content\":{}}]",
            "[{\"content\":\"x\"}]",
            "[{\"content\":\"x\",\"author\":5}]",
            "[{\"content\":\"x\",\"author\":\"<A.key>\"}]",
            "[{\"content\":\"x\",\"author\":\"<A>\"}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1,\"timestamp\":1}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1,\"timestamp\":1,\"hash\":\"sha256\"}]",
            // The first of a feed, and what is none.
            "[<bad.sequence-text>]",
            "[<bad.sequence-two>]",
            "[<bad.sequence-zero>]",
            "[<bad.sequence-negative>]",
            "[<bad.previous-text>]",
            "[<bad.previous-null>]",
            "[<bad.previous-empty>]",
            "[<bad.author-text>]",
            "[<bad.author-other>]",
            "[<bad.timestamp-text>]",
            "[<bad.timestamp-null>]",
            "[<bad.hash>]",
            "[<bad.signature-number>]",
            "[<bad.signature-text>]",
            "[<bad.signature-of-other>]",
            "[<bad.signature-longer>]",
            "[<bad.signature-curve>]",
            "[<bad.extra-key>]",
            "[<bad.extra-key-first>]",
            "[<bad.order>]",
            "[<bad.no-content>]",
            "[<bad.content-number>]",
            "[<bad.content-true>]",
            "[<bad.content-empty>]",
            "[<bad.content-array>]",
            "[<bad.content-clear>]",
            "[<bad.content-no-type>]",
            "[<bad.content-type-number>]",
            "[<bad.content-type-short>]",
            "[<bad.content-type-long>]",
            "[<bad.long>]",
            "[<bad.long-unicode>]",
            "[<bad.altered>]",
            "[<bad.stored>]",
            "[<a2>]",
            "[<a1>]",
            "[<a1>]",
            "[<bad.fork-first>]",
            "[<a3>]",
            "[<a2>]",
            "[<a3>]",
            "[<bad.fork-middle>]",
            "[<a1>]",
            "[<a4>]",
            "[<a5>]",
            // The next of a feed, and what is none.
            "[<bad.sequence-half>]",
            "[<bad.sequence-huge>]",
            "[<bad.fork-next>]",
            "[<bad.gap>]",
            "[<bad.next-long>]",
            "[<bad.next-unsigned>]",
            "[<bad.next-of-other>]",
            "[<b1>]",
            "[<c1>]",
            "[<b2>]",
            "[<d1>]",
            "[<c2>]",
            "[<b3>]",
            "[<c3>]",
            "[<d2>]",
            "[<d2>]",
            "[<b3>]",
        ],
    );
    table.ours_only(
        Reads::Answer,
        EXTRA,
        "add",
        &[("[<d2>,5]", "!Error: invalid message: expected sequence 3 but got:2in state:…")],
    );
}

fn about_the_server(table: &mut Table) {
    table.calls("whoami", &["[]", "[null]", "[5]", "[{\"x\":1}]", "[\"x\",5]"]);
    for (method, deviation, ours, theirs) in [
        ("version", "`version`", "\"0.…\"", "\"20.4.1\""),
        ("manifest", "`manifest`", "{…\"whoami\":\"sync\"…}", "{…\"blobs\":{…\"whoami\"…"),
    ] {
        for args in ["[]", "[null]", "[5]", "[{}]"] {
            let theirs = if method == "manifest" { "{\"auth\":\"async\",…\"blobs\":{…" } else { theirs };
            table.push(method, args, Reads::Answer, Expect::Deviates { ours, theirs, deviation });
        }
    }
    for args in ["[]", "[null]", "[5]", "[{}]"] {
        table.deviates(
            Reads::Answer,
            PLACES,
            "progress",
            &[(
                args,
                "{\"indexes\":{\"start\":12,\"current\":12,\"target\":12}}",
                "{\"indexes\":{\"start\":…,\"current\":…,\"target\":12},\"ooo\":{\"start\":0,\"current\":0,\"target\":0}}",
            )],
        );
        table.deviates(
            Reads::Answer,
            "`status`",
            "status",
            &[(
                args,
                "{\"progress\":{…},\"sync\":{\"since\":12,\"plugins\":{\"last\":12,…},\"sync\":true},\"gossip\":{},\"ooo\":{},\"node\":{…}}",
                "{\"progress\":{…},\"sync\":{\"since\":12,\"plugins\":{\"last\":…\"links2\":…},\"sync\":…},\"gossip\":{},\"ooo\":{}}",
            )],
        );
    }
    table.calls("help", &["[]", "[null]", "[5]", "[\"get\"]"]);
    table.deviates(
        Reads::Answer,
        "`help`, `gossip.help`",
        "gossip.help",
        &[("[]", "{\"description\":\"…\"remove\":…", "{\"description\":\"…\"rm\":…")],
    );
    for method in ["address", "multiserver.address"] {
        // Both listen on one host; a WebSocket is not there yet.
        let deviation = "`address`, `multiserver.address`";
        let ours = "\"net:127.0.0.1:<port>~shs:<me.key>;unix:<dir>/socket~noauth\"";
        let theirs =
            "\"net:127.0.0.1:<port>~shs:<me.key>;ws://127.0.0.1:…~shs:<me.key>;unix:<dir>/socket~noauth\"";
        for args in ["[]", "[null]", "[\"\"]", "[0]", "[false]", "[\"device\"]", "[\"device\",5]"] {
            table.deviates(Reads::Answer, deviation, method, &[(args, ours, theirs)]);
        }
        let ours = "\"net:127.0.0.1:<port>~shs:<me.key>\"";
        let theirs = "\"net:127.0.0.1:<port>~shs:<me.key>;ws://127.0.0.1:…~shs:<me.key>\"";
        for args in ["[\"local\"]", "[\"public\"]"] {
            table.deviates(Reads::Answer, deviation, method, &[(args, ours, theirs)]);
        }
        table.calls(method, &["[\"private\"]", "[\"x\"]", "[5]", "[true]", "[{}]", "[[]]", "[[\"device\"]]"]);
    }
    table.calls(
        "multiserver.parse",
        &[
            "[\"net:127.0.0.1:8008~shs:<A.key>\"]",
            "[\"net:127.0.0.1:8008~shs:<A.key>\",5]",
            "[\"net:127.0.0.1:8008~shs:<A.key>:<B.key>\"]",
            "[\"net:127.0.0.1:8008~shs:<A.key>:x\"]",
            "[\"net:127.0.0.1:8008~shs:x\"]",
            "[\"net:127.0.0.1:8008~noauth\"]",
            "[\"net:127.0.0.1:8008\"]",
            "[\"net:::1:8008~shs:<A.key>\"]",
            "[\"net:h.example:~shs:<A.key>\"]",
            "[\"net::8008~shs:<A.key>\"]",
            "[\"net:h.example~shs:<A.key>\"]",
            "[\"net:h.example:x~shs:<A.key>\"]",
            "[\"net:h!~x:1~shs:<A.key>\"]",
            "[\"onion:abc.onion:8008~shs:<A.key>\"]",
            "[\"ws://h.example:8989~shs:<A.key>\"]",
            "[\"x\"]",
            "[\"\"]",
            "[\";\"]",
            "[\"x;y;z\"]",
            "[\"net:h.example:1~shs:<A.key>;x;y\"]",
        ],
    );
    let each = "`multiserver.parse` of a list";
    table.deviates(
        Reads::Answer,
        each,
        "multiserver.parse",
        &[
            (
                "[\"net:h.example:1~shs:<A.key>;net:h.example:1~shs:<A.key>\"]",
                "[[{…}],[{…}]]",
                "[[{…}],null]",
            ),
            ("[\"unix:/x/socket~noauth\"]", "[[{\"name\":\"\",\"path\":\"/x/socket\"},{}]]", "[null]"),
            ("[\"x;y;z;x\"]", "[null,null,null,null]", "!TypeError: Cannot read properties…"),
            ("[\"net:h.example:1~shs:<A.key>~x\"]", "[null]", "!TypeError: Cannot read properties…"),
        ],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "multiserver.parse",
        &[
            ("[]", "!UsageError: Param 0 is required", "!TypeError: Cannot read properties of undefined…"),
            ("[null]", "!UsageError: Param 0 is required", "!TypeError: Cannot read properties of null…"),
            ("[5]", "!TypeError: Param 0 must by of type string", "!TypeError: str.split is not a function"),
            ("[{}]", "!TypeError: Param 0 must by of type string", "!TypeError: str.split is not a function"),
            (
                "[[\"x\"]]",
                "!TypeError: Param 0 must by of type string",
                "!TypeError: str.split is not a function",
            ),
        ],
    );
    table.calls(
        "auth",
        &[
            "[\"<me>\"]",
            "[\"<A>\"]",
            "[\"<N>\"]",
            "[\"x\"]",
            "[\"\"]",
            "[null]",
            "[5]",
            "[{}]",
            "[[]]",
            "[true]",
        ],
    );
    table.ours_only(Reads::Answer, "`auth` without an argument", "auth", &[("[]", "false")]);
}

fn about_feeds(table: &mut Table) {
    for method in ["getLatest", "latestSequence", "getFeedState"] {
        table.calls(
            method,
            &[
                "[\"<A>\"]",
                "[\"<B>\"]",
                "[\"<C>\"]",
                "[\"<D>\"]",
                "[\"<N>\"]",
                "[\"<A.key>\"]",
                "[\"<a1.id>\"]",
                "[\"<A>?x=1\"]",
                "[]",
                "[null]",
                "[\"\"]",
                "[0]",
                "[5]",
                "[1e300]",
                "[true]",
                "[false]",
                "[{}]",
                "[[]]",
                "[{\"id\":\"<A>\"}]",
            ],
        );
    }
    table.calls("getVectorClock", &["[]"]);
    // There the first argument is taken for the callback, if it is truthy.
    table.ours_only(Reads::Answer, EXTRA, "getLatest", &[("[\"<N>\",5]", "false")]);
    table.ours_only(Reads::Answer, EXTRA, "getFeedState", &[("[\"<N>\",5]", "{\"id\":null,\"sequence\":0}")]);
}

fn single_messages(table: &mut Table) {
    for id in
        ["<a1.id>", "<a2.id>", "<a3.id>", "<b1.id>", "<b2.id>", "<b3.id>", "<c1.id>", "<c3.id>", "<d1.id>"]
    {
        table.calls(
            "get",
            &[
                &format!("[\"{id}\"]"),
                &format!("[{{\"id\":\"{id}\"}}]"),
                &format!("[{{\"id\":\"{id}\",\"meta\":true}}]"),
                &format!("[{{\"id\":\"{id}\",\"private\":true}}]"),
            ],
        );
    }
    table.calls(
        "get",
        &[
            "[{\"id\":\"<b2.id>\",\"private\":true,\"meta\":true}]",
            "[{\"id\":\"<b2.id>\",\"private\":1,\"meta\":1}]",
            "[{\"id\":\"<b2.id>\",\"private\":true,\"unbox\":\"x\"}]",
            "[{\"id\":\"<a1.id>\",\"private\":true,\"unbox\":5}]",
            "[{\"id\":\"<a1.id>\",\"unbox\":\"x\"}]",
            "[{\"id\":\"<a1.id>\",\"meta\":\"x\"}]",
            "[{\"id\":\"<a1.id>\",\"meta\":0}]",
            "[{\"id\":\"<a1.id>\",\"meta\":null}]",
            "[{\"id\":\"<a1.id>\",\"meta\":false}]",
            "[{\"id\":\"<a1.id>\",\"meta\":{}}]",
            "[{\"id\":\"<a1.id>\",\"ooo\":false}]",
            "[\"<a1.id>?unbox=AAAA\"]",
            "[\"<a1.id>?unbox=\"]",
            "[\"<a1.id>?unbox=AAAA&meta=true\"]",
            "[{\"id\":\"<a1.id>?unbox=AAAA\"}]",
            "[\"<N.id>\"]",
            "[{\"id\":\"<N.id>\"}]",
            "[{\"id\":\"<N.id>\",\"ooo\":false,\"meta\":true}]",
            "[\"x\"]",
            "[\"<A>\"]",
            "[\"<A.key>\"]",
            "[\" <a1.id>\"]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":\"<A>\"}]",
            "[{\"id\":1.5}]",
            "[{\"id\":true}]",
            "[]",
            "[0]",
            "[false]",
            "[\"\"]",
            "[1.5]",
            "[true]",
            "[{\"id\":<place0>}]",
            "[<place1>]",
            "[<place7>]",
            "[{\"id\":<place2>,\"meta\":false}]",
        ],
    );
    let bad_key = "!Error: ssb-db.get: key *must* be a ssb message id or a flume offset";
    table.deviates(
        Reads::Answer,
        ENGINE,
        "get",
        &[
            ("[null]", "!UsageError: Param 0 is required", "!TypeError: Cannot read properties of null…"),
            ("[{}]", bad_key, "!TypeError: Cannot read properties of undefined…"),
            ("[[]]", bad_key, "!TypeError: Cannot read properties of undefined…"),
            ("[{\"id\":null}]", bad_key, "!TypeError: Cannot read properties of null…"),
            ("[{\"key\":\"<a1.id>\"}]", bad_key, "!TypeError: Cannot read properties of undefined…"),
        ],
    );
    table.deviates(
        Reads::Answer,
        "`get` with an id and a query without a key to unbox with",
        "get",
        &[
            ("[\"<a1.id>?x=1\"]", "{\"previous\":null…}", "!TypeError: Cannot read properties of undefined…"),
            ("[\"<a1.id>?\"]", "{\"previous\":null…}", "!TypeError: Cannot read properties of undefined…"),
        ],
    );
    table.deviates(
        Reads::Answer,
        PLACES,
        "get",
        &[
            ("[1e300]", bad_key, "!Error: aligned-block-file/file.get: requested block…"),
            ("[4294967295]", "!Error: the log has no message 4294967295", "!Error: past end:…"),
        ],
    );
    table.ours_only(
        Reads::Answer,
        PLACES,
        "get",
        &[
            ("[-1]", bad_key),
            ("[{\"id\":-1}]", bad_key),
            ("[{\"id\":999}]", "!Error: the log has no message 999"),
        ],
    );
    table.ours_only(Reads::Answer, EXTRA, "get", &[("[\"<a1.id>\",5]", "{\"previous\":null…}")]);
}

/// What all streams of messages understand, or refuse.
const STREAM_OPTIONS: &[&str] = &[
    "",
    "\"keys\":false",
    "\"values\":false",
    "\"keys\":false,\"values\":false",
    "\"keys\":0",
    "\"values\":null,\"sync\":\"x\"",
    "\"reverse\":true",
    "\"reverse\":1,\"limit\":2",
    "\"reverse\":true,\"keys\":false",
    "\"limit\":2",
    "\"limit\":0",
    "\"limit\":-1",
    "\"limit\":-2",
    "\"limit\":null",
    "\"live\":0",
    "\"live\":1",
    "\"live\":false,\"old\":true",
    "\"sync\":true",
    "\"private\":true",
    "\"private\":true,\"keys\":false",
    "\"private\":false",
    "\"private\":1,\"values\":false",
    "\"private\":\"x\"",
    "\"fillCache\":true",
    "\"unknown\":{}",
    "\"live\":\"x\"",
    "\"live\":{}",
    "\"reverse\":{}",
    "\"reverse\":\"true\"",
    "\"keys\":\"x\"",
    "\"values\":[]",
    "\"limit\":\"2\"",
    "\"limit\":true",
    "\"limit\":{}",
    "\"fillCache\":\"x\"",
];

fn message_streams(table: &mut Table) {
    for method in ["createLogStream", "createFeedStream"] {
        for options in STREAM_OPTIONS {
            table.streams(method, &[&format!("[{{{options}}}]")]);
        }
        table.streams(
            method,
            &["[]", "[null]", "[0]", "[\"\"]", "[false]", "[[]]", "[5]", "[\"x\"]", "[true]"],
        );
        table.streams(method, &["[{},5]", "[null,{\"limit\":1}]"]);
        table.deviates(
            Reads::Stream,
            HUGE_LIMIT,
            method,
            &[("[{\"limit\":1e300}]", "|{\"key\":…| end", "|| end")],
        );
    }
    for bound in ["gt", "gte", "lt", "lte"] {
        for at in ["<time0>", "<time5>", "<time12>", "0", "-1", "1e300", "null", "\"x\"", "[]", "true"] {
            table.streams("createLogStream", &[&format!("[{{\"{bound}\":{at},\"values\":false}}]")]);
        }
        for at in ["1000", "1003.25", "-1", "0", "1e300", "null", "\"x\""] {
            table.streams("createFeedStream", &[&format!("[{{\"{bound}\":{at},\"values\":false}}]")]);
        }
        for at in ["1", "2", "2.5", "0", "-3", "99", "1e300", "null", "\"1\""] {
            let args = format!("[{{\"id\":\"<A>\",\"{bound}\":{at},\"values\":false}}]");
            table.streams("createUserStream", &[&args]);
        }
    }
    let objects = "a bound of a stream that is an object";
    for method in ["createLogStream", "createFeedStream"] {
        table.ours_only(Reads::Stream, objects, method, &[("[{\"gt\":{}}]", "|| end")]);
    }
    table.ours_only(
        Reads::Stream,
        objects,
        "createUserStream",
        &[("[{\"id\":\"<A>\",\"lt\":{},\"limit\":0}]", "|| end")],
    );
    table.streams(
        "createLogStream",
        &[
            "[{\"gt\":<time2>,\"lte\":<time6>,\"keys\":false}]",
            "[{\"gt\":<time2>,\"lte\":<time6>,\"reverse\":true,\"limit\":2}]",
            "[{\"gte\":<time6>,\"lt\":<time2>}]",
        ],
    );
    for options in STREAM_OPTIONS.iter().filter(|options| !options.is_empty()) {
        table.streams("createUserStream", &[&format!("[{{\"id\":\"<B>\",{options}}}]")]);
    }
    table.streams(
        "createUserStream",
        &[
            "[{\"id\":\"<A>\"}]",
            "[{\"id\":\"<C>\"}]",
            "[{\"id\":\"<D>\"}]",
            "[{\"id\":\"<N>\"}]",
            "[{\"id\":\"<A>\",\"seq\":3}]",
            "[{\"id\":\"<A>\",\"gt\":1,\"lt\":4}]",
            "[{\"id\":\"<A>\",\"gte\":2,\"lte\":3,\"reverse\":true}]",
            "[{\"id\":\"<A>\",\"gt\":4,\"lt\":2}]",
            "[]",
            "[null]",
            "[\"\"]",
            "[0]",
            "[{}]",
            "[[]]",
            "[5]",
            "[true]",
            "[\"<A>\"]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":5}]",
            "[{\"id\":null}]",
            "[{\"id\":\"<a1.id>\"}]",
            "[{\"limit\":\"1\"}]",
        ],
    );
}

fn history_streams(table: &mut Table) {
    for options in [
        "",
        ",\"keys\":false",
        ",\"keys\":false,\"values\":false",
        ",\"keys\":true,\"values\":true",
        ",\"seq\":1",
        ",\"seq\":3",
        ",\"seq\":0",
        ",\"seq\":-1",
        ",\"seq\":1.5",
        ",\"seq\":5",
        ",\"seq\":6",
        ",\"seq\":99",
        ",\"seq\":1e300",
        ",\"seq\":null",
        ",\"sequence\":3",
        ",\"sequence\":\"x\"",
        ",\"sequence\":null",
        ",\"seq\":2,\"sequence\":4",
        ",\"limit\":2",
        ",\"limit\":0",
        ",\"limit\":-1",
        ",\"limit\":null",
        ",\"seq\":2,\"limit\":2,\"keys\":false",
        ",\"reverse\":true",
        ",\"gt\":1",
        ",\"lt\":3",
        ",\"private\":true",
        ",\"live\":false",
        ",\"live\":0",
        ",\"live\":1",
        ",\"unknown\":{}",
        ",\"seq\":\"2\"",
        ",\"limit\":\"2\"",
        ",\"live\":\"x\"",
        ",\"keys\":\"x\"",
        ",\"values\":\"x\"",
    ] {
        table.streams("createHistoryStream", &[&format!("[{{\"id\":\"<A>\"{options}}}]")]);
    }
    table.streams(
        "createHistoryStream",
        &[
            "[{\"id\":\"<B>\"}]",
            "[{\"id\":\"<C>\",\"keys\":false}]",
            "[{\"id\":\"<D>\"}]",
            "[{\"id\":\"<N>\"}]",
            "[{\"id\":\"<me>\"}]",
            "[]",
            "[null]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[[]]",
            "[{}]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":5}]",
            "[{\"id\":null}]",
            "[\"x\"]",
            "[\"<A>\"]",
            "[\"<A>\",2]",
            "[\"<A>\",2,true]",
            "[\"<A>\",\"x\"]",
            "[{\"id\":\"<A>\",\"limit\":1},5]",
        ],
    );
    table.ours_only(
        Reads::Stream,
        NO_VALUES,
        "createHistoryStream",
        &[(
            "[{\"id\":\"<A>\",\"values\":false,\"limit\":1}]",
            "|\"%9GXQkLy5lVpgL3Yq/8zMaRj+TlnwVZl5b5KBNWPzw5o=.sha256\"| end",
        )],
    );
}

fn raw_streams(table: &mut Table) {
    table.streams(
        "createRawLogStream",
        &[
            "[{}]",
            "[{\"keys\":false}]",
            "[{\"reverse\":true}]",
            "[{\"limit\":2}]",
            "[{\"limit\":0}]",
            "[{\"limit\":-1}]",
            "[{\"live\":true,\"limit\":5}]",
            "[{\"live\":1,\"limit\":1}]",
            "[{\"gt\":<place2>}]",
            "[{\"gte\":<place2>}]",
            "[{\"lt\":<place2>}]",
            "[{\"lte\":<place2>}]",
            "[{\"gt\":<place2>,\"lte\":<place5>}]",
            "[{\"gt\":-1,\"limit\":1}]",
            "[{\"sync\":false}]",
            "[[]]",
            "[5]",
            "[\"x\"]",
            "[{\"limit\":\"x\"}]",
            "[{\"live\":\"x\"}]",
            "[{\"reverse\":\"x\"}]",
        ],
    );
    table.deviates(
        Reads::Stream,
        "`createRawLogStream` with `values: false` or `seqs: false`",
        "createRawLogStream",
        &[
            (
                "[{\"values\":false}]",
                "|| !Error: a raw log stream cannot leave out its values",
                "|| !TypeError: …",
            ),
            (
                "[{\"seqs\":false}]",
                "|| !Error: a raw log stream cannot leave out its seqs",
                "|| !TypeError: …",
            ),
        ],
    );
    table.ours_only(
        Reads::Stream,
        "`createRawLogStream` without options",
        "createRawLogStream",
        &[("[]", "|{\"seq\":0,…| end"), ("[null]", "|{\"seq\":0,…| end")],
    );
    for options in [
        "",
        ",\"limit\":2",
        ",\"limit\":0",
        ",\"reverse\":true,\"limit\":1",
        ",\"keys\":false",
        ",\"values\":false",
        ",\"keys\":false,\"values\":false",
        ",\"seqs\":false",
        ",\"gt\":<place3>",
        ",\"lt\":<place3>,\"values\":false",
        ",\"private\":true",
    ] {
        table.streams("createLogStream", &[&format!("[{{\"raw\":true{options}}}]")]);
    }
    table.streams(
        "createLogStream",
        &["[{\"raw\":1,\"limit\":1}]", "[{\"raw\":0,\"limit\":1}]", "[{\"raw\":\"x\",\"limit\":\"x\"}]"],
    );
}

fn refused_calls(table: &mut Table) {
    table.calls("publish", &[&format!("[{{\"type\":\"post\",\"text\":\"{}\"}}]", "x".repeat(8192))]);
    // Nothing of this is stored: that is for the end, because each server signs with its own key.
    table.calls(
        "publish",
        &[
            "[]",
            "[null]",
            "[false]",
            "[0]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"text\":\"no type\"}]",
            "[{\"type\":5}]",
            "[{\"type\":\"\"}]",
            "[{\"type\":\"ab\"}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
            "[\"x\"]",
            "[\"not boxed\"]",
        ],
    );
}

fn live_streams(table: &mut Table) {
    table.phase = Phase::Live;
    // 13 messages are stored, and five come.
    for (options, count) in [
        ("\"live\":true", 19),
        ("\"live\":true,\"keys\":false", 19),
        ("\"live\":true,\"values\":false", 19),
        ("\"live\":true,\"private\":true", 19),
        ("\"live\":true,\"sync\":false", 18),
        ("\"live\":true,\"old\":false", 5),
        ("\"live\":true,\"old\":false,\"sync\":false", 5),
        ("\"old\":false", 5),
        ("\"old\":false,\"live\":false,\"values\":false", 5),
        ("\"live\":true,\"limit\":3", 9),
        ("\"live\":true,\"limit\":0", 6),
        ("\"live\":true,\"reverse\":true,\"limit\":1", 7),
    ] {
        table.live("createLogStream", &format!("[{{{options}}}]"), count);
        table.live("createFeedStream", &format!("[{{{options}}}]"), count);
    }
    for (options, count) in [
        ("\"live\":true", 3),
        ("\"live\":true,\"sync\":false", 2),
        ("\"live\":true,\"old\":false,\"keys\":false", 2),
        ("\"old\":false", 2),
        ("\"live\":true,\"gt\":1", 2),
    ] {
        table.live("createUserStream", &format!("[{{\"id\":\"<E>\",{options}}}]"), count);
    }
    table.live("createUserStream", "[{\"id\":\"<A>\",\"live\":true}]", 7);
    for (options, count) in [
        ("\"live\":true", 6),
        ("\"live\":true,\"seq\":4", 3),
        ("\"live\":true,\"limit\":2", 3),
        ("\"live\":true,\"old\":false", 1),
        ("\"old\":false", 1),
        ("\"live\":true,\"seq\":6,\"keys\":false", 1),
    ] {
        table.live("createHistoryStream", &format!("[{{\"id\":\"<A>\",{options}}}]"), count);
    }
    table.live("createHistoryStream", "[{\"id\":\"<E>\",\"live\":true,\"seq\":1,\"keys\":false}]", 2);
    let to_come = "a live `createHistoryStream` of what is yet to come";
    for (args, ours, theirs) in [
        ("[{\"id\":\"<F>\",\"live\":true,\"seq\":1}]", "|{\"key\":…| live", "|{\"previous\":null,…| live"),
        ("[{\"id\":\"<G>\",\"live\":true,\"keys\":false}]", "|{\"previous\":null,…| live", "|| live"),
    ] {
        table.deviates(Reads::Live(1), to_come, "createHistoryStream", &[(args, ours, theirs)]);
    }
    table.live("createRawLogStream", "[{\"live\":true}]", 18);
    for args in ["[]", "[null]", "[5]", "[{}]"] {
        table.live("createSequenceStream", args, 6);
    }
    table.live("createRawLogStream", "[{\"live\":1,\"reverse\":false}]", 18);
    table.live("createLogStream", "[{\"raw\":true,\"live\":true,\"keys\":false}]", 18);
}

fn gossip(table: &mut Table) {
    table.phase = Phase::Gossip;
    let missing = "!Error: must provide id:";
    table.calls("gossip.peers", &["[]", "[5]"]);
    table.calls(
        "gossip.add",
        &[
            "[]",
            "[null]",
            "[\"\"]",
            "[0]",
            "[true]",
            "[\"x\"]",
            "[\"x~y\"]",
            "[\"a:b:c\"]",
            "[\"net:h:1~shs:x\"]",
            "[\"foo:bar~baz\"]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"x\"}]",
            "[{\"address\":\"net:127.0.0.1:1~shs:<A.key>\"}]",
            "[\"<A>\"]",
            "[\"<me>\"]",
            "[\"net:127.0.0.1:1~shs:<me.key>\"]",
            "[\"net:127.0.0.1:1~shs:<me.key>\",\"manual\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"net:127.0.0.1:2~shs:<A.key>\",\"manual\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"friends\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",null]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",5]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",true]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"local\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"manual\"]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"}]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"},\"manual\"]",
            "[\"onion:abcdefghijklmnop.onion:1~shs:<C.key>\",\"pub\"]",
            "[{\"address\":\"net:127.0.0.1:1~shs:<D.key>\",\"key\":\"<D>\"},\"seed\"]",
        ],
    );
    table.calls("gossip.peers", &["[]"]);
    let id_only = "an address that names no peer that can be dialed, in `gossip.add`";
    table.deviates(
        Reads::Answer,
        id_only,
        "gossip.add",
        &[
            (
                "[\"foo:bar~shs:<E.key>\"]",
                "!Error: not a valid address:foo:bar~shs:…: address names no transport…",
                "{\"address\":\"foo:bar~shs:…",
            ),
            (
                "[{\"address\":\"net:127.0.0.1:1~shs:<A.key>\",\"key\":\"<F>\"}]",
                "!Error: not a valid address:{…}: address and key are of two peers",
                "{\"address\":…",
            ),
        ],
    );
    table.deviates(
        Reads::Answer,
        "`host:port:@key.ed25519` in `gossip.add`",
        "gossip.add",
        &[("[\"127.0.0.1:1:<E>\"]", "{\"host\":\"127.0.0.1\",…", "!Error: must provide id:{\"address\":…")],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.add",
        &[
            ("[5]", "!TypeError: Param 0 must by of type object", "!TypeError: Cannot create property…"),
            ("[{}]", "!Error: not a valid address:{}", "!TypeError: Cannot read properties of undefined…"),
            (
                "[[]]",
                "!TypeError: Param 0 must by of type object",
                "!TypeError: Cannot read properties of undefined…",
            ),
            (
                "[{\"host\":\"127.0.0.1\",\"port\":1}]",
                "!Error: not a valid address:{\"host\":…",
                "!TypeError: Cannot read properties of undefined…",
            ),
        ],
    );
    table.calls(
        "gossip.get",
        &[
            "[\"<A>\"]",
            "[\"<B>\"]",
            "[\"<C>\"]",
            "[{\"key\":\"<A>\"}]",
            "[{\"key\":\"<A>\",\"host\":\"x\"}]",
            "[\"<me>\"]",
            "[\"<third>\"]",
            "[\"\"]",
            "[\"x\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"key\":\"x\"}]",
            "[{\"key\":5}]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"<A>\",5]",
        ],
    );
    for method in ["gossip.get", "gossip.remove"] {
        table.deviates(
            Reads::Answer,
            ENGINE,
            method,
            &[
                (
                    "[]",
                    "!Error: must provide id:undefined",
                    "!TypeError: Cannot read properties of undefined…",
                ),
                ("[null]", "!Error: must provide id:null", "!TypeError: Cannot read properties of null…"),
            ],
        );
    }
    table.calls(
        "gossip.connect",
        &[
            "[null]",
            "[\"\"]",
            "[0]",
            "[\"x\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[\"x~y\"]",
            "[\"net:127.0.0.1:1~shs:x\"]",
            "[\"foo:bar~shs:<E.key>\"]",
            "[\"<N>\"]",
            "[\"<me>\"]",
            "[\"<third>\"]",
            "[\"<a1.id>\"]",
        ],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.connect",
        &[(
            "[]",
            "!Error: ssb-gossip.connect: address, or peer id must be provided",
            "!TypeError: cb is not a function",
        )],
    );
    let refused = "what the system says about a dial that fails";
    for args in [
        "[\"<A>\"]",
        "[\"<B>\"]",
        "[\"net:127.0.0.1:1~shs:<A.key>\"]",
        "[\"127.0.0.1:1:<B>\"]",
        "[{\"key\":\"<B>\"}]",
        "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"}]",
    ] {
        table.deviates(
            Reads::Answer,
            refused,
            "gossip.connect",
            &[(
                args,
                "!Error: could not connect to net:127.0.0.1:1~shs:…: Connection refused…",
                "!Error: connect ECONNREFUSED 127.0.0.1:1",
            )],
        );
    }
    table.calls("gossip.get", &["[\"<A>\"]", "[\"<B>\"]"]);
    table.deviates(
        Reads::Answer,
        "`gossip.connect` with the own address",
        "gossip.connect",
        &[("[\"net:127.0.0.1:1~shs:<me.key>\"]", "!Error: this address has the node's own key", "false")],
    );
    // With somebody who is there.
    table.deviates(
        Reads::Answer,
        "`gossip.connect` that succeeds",
        "gossip.connect",
        &[("[\"<third.address>\"]", "{\"id\":\"@…\",\"address\":\"net:…\"}", "{\"_events\":…")],
    );
    table.calls("gossip.get", &["[\"<third>\"]"]);
    table.calls("gossip.disconnect", &["[\"<third>\"]", "[\"<B>\"]", "[{\"key\":\"<C>\"}]"]);
    table.calls(
        "gossip.disconnect",
        &["[]", "[\"\"]", "[\"x\"]", "[5]", "[{}]", "[{\"key\":\"x\"}]", "[\"net:127.0.0.1:1~shs:<A.key>\"]"],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.disconnect",
        &[
            ("[null]", "!Error: must provide id:null", "!TypeError: Cannot read properties of null…"),
            (
                "[\"<N>\"]",
                "!Error: no known address for peer:…",
                "!TypeError: Cannot set properties of undefined…",
            ),
        ],
    );
    table.deviates(
        Reads::Answer,
        "`gossip.disconnect` of a peer that is not connected",
        "gossip.get",
        &[(
            "[\"<C>\"]",
            "{\"address\":…\"duration\":null}",
            "{\"address\":…\"state\":\"disconnecting\",\"stateChange\":<now>}",
        )],
    );
    table.calls(
        "gossip.remove",
        &["[\"<C>\"]", "[\"<C>\"]", "[\"<N>\"]", "[\"x\"]", "[5]", "[{}]", "[{\"key\":\"<D>\"}]"],
    );
    table.calls("gossip.get", &["[\"<C>\"]", "[\"<D>\"]"]);
    let _ = missing;
}

fn publishing(table: &mut Table) {
    table.phase = Phase::Publishing;
    table.calls(
        "publish",
        &[
            "[{\"type\":\"post\",\"text\":\"hello\"}]",
            "[{\"type\":\"post\",\"zebra\":1,\"apple\":{\"y\":[],\"x\":{}},\"10\":1,\"9\":2}]",
            "[{\"type\":\"abc\"}]",
            "[{\"type\":\"post\",\"text\":\"🦀 \\u00e9 \\u0000 \\u2028 \\ud83d\"}]",
            "[{\"type\":\"post\",\"numbers\":[0,-0,0.1,1e21,1e-7,123456789012345680000]}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
        ],
    );
    table.deviates(
        Reads::Answer,
        "content with `recps`",
        "publish",
        &[
            (
                "[{\"type\":\"post\",\"recps\":[\"<A>\"]}]",
                "!Error: content with recps is a private message…",
                "{\"key\":\"<id>\",…\"content\":\"….box\"…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":\"x\"}]",
                "!Error: content with recps is a private message…",
                "!Error: private message requested, but no boxers…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":[]}]",
                "!Error: content with recps is a private message…",
                "!Error: private message field \"recps\" requires…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":5}]",
                "!Error: content with recps is a private message…",
                "!Error: private message field \"recps\" expects…",
            ),
        ],
    );
    table.ours_only(Reads::Answer, EXTRA, "publish", &[("[{\"type\":\"post\"},5]", "{\"key\":\"<id>\",…")]);
}
