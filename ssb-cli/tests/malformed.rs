//! Settings that cannot be used: each is told with its place, what was found and what belongs there, and nothing starts.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

/// A home in which nothing was started yet.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.0.path().join(".ssb")).unwrap();
        home
    }

    fn with_config(config: &[u8]) -> Self {
        let home = Self::new();
        fs::write(home.file("config"), config).unwrap();
        home
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(".ssb").join(name)
    }

    fn start(&self, words: &str) -> Command {
        let home = self.0.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
        command.arg("start").args(words.replace('~', home.to_str().unwrap()).split_whitespace());
        command.env_clear().env("HOME", home).current_dir(home);
        command
    }

    /// The exit code and what was said, the hint about where settings are read left out.
    fn refusal(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap().replace(self.0.path().to_str().unwrap(), "~");
        let what = said.strip_suffix("\n`ssb-cli --help` says where settings are read from.\n");
        let what = what.or(said.strip_suffix('\n')).unwrap_or(&said);
        let code = output.status.code().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{what}");
        assert!(!self.file("secret").exists(), "an identity was made: {what}");
        format!("{code} {what}")
    }
}

/// Says all that is not as expected, with what was said instead.
fn assert_refused(said: impl IntoIterator<Item = (String, String, &'static str)>) {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (case, said, expected) in said {
        rows += 1;
        if said != expected {
            wrong.push(format!("{case}\n  said      {said}\n  expected  {expected}"));
        }
    }
    assert!(rows > 0 && wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A file of settings and what is said of it.
const FILES: &[(&str, &str)] = &[
    (r#"{"port": 8008 "host": "x"}"#, r#"~/.ssb/config: line 1, column 15: expected `,` or `}`"#),
    (
        "{\n  // the port\n  \"port\": 8008,\n}",
        r#"~/.ssb/config: line 4, column 1: a comma stands before the closing bracket"#,
    ),
    (
        r#"{"port": 8008"#,
        r#"~/.ssb/config: line 1, column 13: the file ends inside a group: a `}` is missing"#,
    ),
    (
        r#"{port: 8008}"#,
        r#"~/.ssb/config: line 1, column 2: expected a name in double quotes, as in {"port": 8008}"#,
    ),
    (
        r#"{'port': 8008}"#,
        r#"~/.ssb/config: line 1, column 2: expected a name in double quotes, as in {"port": 8008}"#,
    ),
    (
        "{\"host\": \"a\nb\"}",
        r#"~/.ssb/config: line 2, column 1: a text goes on behind its line: write \n, or close it with `"`"#,
    ),
    (
        r#"{"port": 8008} {"host": "x"}"#,
        r#"~/.ssb/config: line 1, column 16: more stands behind the closing bracket of all settings"#,
    ),
    (r#"{"port": 08}"#, r#"~/.ssb/config: line 1, column 11: invalid number"#),
    (
        r#"{"port": NaN}"#,
        r#"~/.ssb/config: line 1, column 10: expected a value: a text in double quotes, a number, true, false, null, [...] or {...}"#,
    ),
    (r#"["port", 8008]"#, r#"~/.ssb/config: is not an object of settings, {"name": value}"#),
    (r#"8008"#, r#"~/.ssb/config: is not an object of settings, {"name": value}"#),
    (r#""port": 8008"#, r#"~/.ssb/config: line 1: looks like JSON, which begins with `{`"#),
    ("[caps\nshs = x", r#"~/.ssb/config: line 1: expected `[section]` alone on the line"#),
    ("port = 1\n[caps] \nshs = x", r#"~/.ssb/config: line 2: expected `[section]` alone on the line"#),
    (r#"= 8008"#, r#"~/.ssb/config: line 1: expected `name = value`"#),
    ("caps = x\n[caps]\nshs = y", r#"~/.ssb/config: line 2: the section has the name of a value"#),
    ("port\n", r#"~/.ssb/config: port is true; expected a port, a number from 0 to 65535"#),
    (r#"port = eighty"#, r#"~/.ssb/config: port is "eighty"; expected a port, a number from 0 to 65535"#),
    (r#"{"port": 70000}"#, r#"~/.ssb/config: port is 70000; expected a port, a number from 0 to 65535"#),
    (r#"{"port": -1}"#, r#"~/.ssb/config: port is -1; expected a port, a number from 0 to 65535"#),
    (r#"{"port": 1.5}"#, r#"~/.ssb/config: port is 1.5; expected a port, a number from 0 to 65535"#),
    (r#"{"port": "8008x"}"#, r#"~/.ssb/config: port is "8008x"; expected a port, a number from 0 to 65535"#),
    (r#"{"port": true}"#, r#"~/.ssb/config: port is true; expected a port, a number from 0 to 65535"#),
    (r#"{"port": [8008]}"#, r#"~/.ssb/config: port is [8008]; expected a port, a number from 0 to 65535"#),
    (
        r#"{"port": {"net": 8008}}"#,
        r#"~/.ssb/config: port is {"net":8008}; expected a port, a number from 0 to 65535"#,
    ),
    (r#"{"host": 5}"#, r#"~/.ssb/config: host is 5; expected the address or name of an interface"#),
    (r#"{"path": 5}"#, r#"~/.ssb/config: path is 5; expected the name of a directory"#),
    (r#"{"path": ""}"#, r#"~/.ssb/config: path is ""; expected the name of a directory"#),
    (r#"{"caps": "x"}"#, r#"~/.ssb/config: caps is a text of 1 character; expected a group of settings"#),
    (
        r#"{"caps": {"shs": "x"}}"#,
        r#"~/.ssb/config: caps.shs is a text of 1 character; expected 32 bytes in base64: 44 characters, the last one `=`, as encoders write them"#,
    ),
    (
        r#"{"caps": {"shs": 5}}"#,
        r#"~/.ssb/config: caps.shs is 5; expected 32 bytes in base64: 44 characters, the last one `=`, as encoders write them"#,
    ),
    (
        r#"{"caps": {"shs": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="}}"#,
        r#"~/.ssb/config: caps.shs is a text of 44 characters; expected 32 bytes in base64: 44 characters, the last one `=`, as encoders write them"#,
    ),
    (
        r#"{"caps": {"sign": "AAAA"}}"#,
        r#"~/.ssb/config: caps.sign is a text of 4 characters; expected 32 bytes in base64: 44 characters, the last one `=`, as encoders write them"#,
    ),
    (
        r#"{"master": "alice"}"#,
        r#"~/.ssb/config: master is "alice"; expected the id of a feed, @...=.ed25519, or a list of them"#,
    ),
    (
        r#"{"master": [5]}"#,
        r#"~/.ssb/config: master is [5]; expected the id of a feed, @...=.ed25519, or a list of them"#,
    ),
    (
        r#"{"friends": {"hops": -1}}"#,
        r#"~/.ssb/config: friends.hops is -1; expected a whole number of steps, 0 or more"#,
    ),
    (
        r#"{"friends": {"hops": "two"}}"#,
        r#"~/.ssb/config: friends.hops is "two"; expected a whole number of steps, 0 or more"#,
    ),
    (
        r#"{"friends": {"blocks": "two"}}"#,
        r#"~/.ssb/config: friends.blocks is "two"; expected transitive or first-person"#,
    ),
    (r#"{"friends": [2]}"#, r#"~/.ssb/config: friends is [2]; expected a group of settings"#),
    (
        r#"{"timers": {"handshake": "5s"}}"#,
        r#"~/.ssb/config: timers.handshake is "5s"; expected a time in milliseconds, from 0 to 2147483647"#,
    ),
    (
        r#"{"timers": {"inactivity": 0.5}}"#,
        r#"~/.ssb/config: timers.inactivity is 0.5; expected a time in milliseconds, from 0 to 2147483647"#,
    ),
    (
        r#"{"timers": {"ping": 2147483648}}"#,
        r#"~/.ssb/config: timers.ping is 2147483648; expected a time in milliseconds, from 0 to 2147483647"#,
    ),
    (r#"{"timers": 5000}"#, r#"~/.ssb/config: timers is 5000; expected a group of settings"#),
    (
        r#"{"timeout": "never"}"#,
        r#"~/.ssb/config: timeout is "never"; expected a time in milliseconds, from 0 to 2147483647"#,
    ),
    (
        r#"{"seeds": "a.example"}"#,
        r#"~/.ssb/config: seeds is "a.example"; expected the address of a peer, net:host:port~shs:key, or a list of them"#,
    ),
    (
        r#"{"seeds": [{"host": "a.example"}]}"#,
        r#"~/.ssb/config: seeds is [{"host":"a.example"}]; expected the address of a peer, net:host:port~shs:key, or a list of them"#,
    ),
    (r#"{"offline": "maybe"}"#, r#"~/.ssb/config: offline is "maybe"; expected true or false"#),
    (r#"{"gossip": {"local": "on"}}"#, r#"~/.ssb/config: gossip.local is "on"; expected true or false"#),
    (r#"{"gossip": false}"#, r#"~/.ssb/config: gossip is false; expected a group of settings"#),
    (r#"{"replicate": {"legacy": 1}}"#, r#"~/.ssb/config: replicate.legacy is 1; expected true or false"#),
    (
        r#"{"logging": {"level": "loud"}}"#,
        r#"~/.ssb/config: logging.level is "loud"; expected one of error, warning, notice, info"#,
    ),
    (r#"{"logging": "info"}"#, r#"~/.ssb/config: logging is "info"; expected a group of settings"#),
    (r#"{"connections": []}"#, r#"~/.ssb/config: connections is []; expected a group of settings"#),
    (
        r#"{"connections": {"incoming": "net"}}"#,
        r#"~/.ssb/config: connections.incoming is "net"; expected a group of settings"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": {"port": 8008}}}}"#,
        r#"~/.ssb/config: connections.incoming.net is {"port":8008}; expected a list of places to listen"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": ["a:8008"]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0] is "a:8008"; expected a group such as {scope, host, port, transform}"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"port": 8008}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].scope is missing; expected "device", "local", "public" or a list of them"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": "everywhere"}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].scope is "everywhere"; expected "device", "local", "public" or a list of them"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": ["public", 5]}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].scope is ["public",5]; expected "device", "local", "public" or a list of them"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": "public", "transform": "tls"}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].transform is "tls"; expected "shs" or "noauth""#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": "device", "port": 8008}, {"scope": "device", "port": 65536}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[1].port is 65536; expected a port, a number from 0 to 65535"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": "device", "host": 5}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].host is 5; expected the address or name of an interface"#,
    ),
    (
        r#"{"connections": {"incoming": {"net": [{"scope": "device", "external": {}}]}}}"#,
        r#"~/.ssb/config: connections.incoming.net[0].external is {}; expected the name of a host, or a list of them"#,
    ),
    (
        r#"{"connections": {"incoming": {"unix": [{"transform": "noauth"}]}}}"#,
        r#"~/.ssb/config: connections.incoming.unix[0].scope is missing; expected "device", "local", "public" or a list of them"#,
    ),
    (
        r#"{"connections": {"outgoing": {"net": "shs"}}}"#,
        r#"~/.ssb/config: connections.outgoing.net is "shs"; expected a list of {transform: "shs"}"#,
    ),
    (
        r#"{"connections": {"outgoing": {"net": [{"transform": "noauth"}]}}}"#,
        r#"~/.ssb/config: connections.outgoing.net[0].transform is "noauth"; expected "shs": peers prove who they are"#,
    ),
    (
        r#"{"connections": {"outgoing": {"onion": [{"transform": "tor"}]}}}"#,
        r#"~/.ssb/config: connections.outgoing.onion[0].transform is "tor"; expected "shs" or "noauth""#,
    ),
    (
        r#"{"host": "a.example", "connections": {"incoming": {"net": [{"scope": "public", "host": "b.example"}]}}}"#,
        r#"ssb-config: conflicting connection settings for: net host; ~/.ssb/config: host is "a.example", but ~/.ssb/config: connections.incoming.net has "b.example"; set only one of them"#,
    ),
    (
        r#"{"port": 1, "connections": {"incoming": {"net": [{"scope": "public", "host": "localhost", "port": 2}]}}}"#,
        r#"ssb-config: conflicting connection settings for: net port; ~/.ssb/config: port is 1, but ~/.ssb/config: connections.incoming.net has 2; set only one of them"#,
    ),
    (
        r#"{"ws": {"port": 1}, "connections": {"incoming": {"ws": [{"scope": "public", "host": "localhost", "port": 2}]}}}"#,
        r#"ssb-config: conflicting connection settings for: ws port; ~/.ssb/config: ws.port is 1, but ~/.ssb/config: connections.incoming.ws has 2; set only one of them"#,
    ),
];

#[test]
fn a_file_that_makes_no_sense_is_told_with_its_place_and_what_belongs_there() {
    let refusals = FILES.iter().map(|(file, expected)| {
        let home = Home::with_config(file.as_bytes());
        let said = home.refusal(&mut home.start(""));
        ((*file).to_owned(), said.trim_start_matches("78 Error: ").to_owned(), *expected)
    });

    assert_refused(refusals);
}

#[test]
fn a_file_that_is_no_text_or_too_much_of_it_is_told() {
    let deep = "{\"a\":".repeat(200) + &"}".repeat(200);
    let long = " ".repeat(1024 * 1024 + 1);
    let sections = format!("[{}]", ["a"; 33].join("."));
    let table: [(&str, &[u8], &str); 5] = [
        ("Latin-1", b"{\"host\": \"\xe9\"}", "78 Error: ~/.ssb/config: is not text: byte 10 is not UTF-8"),
        ("UTF-16", b"\xff\xfe{\0}\0", "78 Error: ~/.ssb/config: is not text: byte 0 is not UTF-8"),
        (
            "deep",
            deep.as_bytes(),
            "78 Error: ~/.ssb/config: line 1, column 636: nests deeper than 127 groups and lists",
        ),
        (
            "long",
            long.as_bytes(),
            "78 Error: ~/.ssb/config: is longer than 1048576 bytes, and so no file of settings",
        ),
        ("sections", sections.as_bytes(), "78 Error: ~/.ssb/config: line 1: sections nest too deep"),
    ];

    assert_refused(table.map(|(name, bytes, expected)| {
        let home = Home::with_config(bytes);
        (name.to_owned(), home.refusal(&mut home.start("")), expected)
    }));
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let directory = Home::new();
    fs::create_dir(directory.file("config")).unwrap();
    let circle = Home::new();
    symlink("config", circle.file("config")).unwrap();
    let named = Home::new();

    assert_refused([
        (
            "a directory".to_owned(),
            directory.refusal(&mut directory.start("")),
            "78 Error: ~/.ssb/config: cannot be read (is a directory)",
        ),
        (
            "a link to itself".to_owned(),
            circle.refusal(&mut circle.start("")),
            "78 Error: ~/.ssb/config: cannot be read (filesystem loop or indirection limit (e.g. symlink loop))",
        ),
        (
            "missing".to_owned(),
            named.refusal(&mut named.start("--config ~/none")),
            "78 Error: ~/none: cannot be read (entity not found)",
        ),
        (
            "missing, named by a variable".to_owned(),
            named.refusal(named.start("").env("ssb_config", "none")),
            "78 Error: none: cannot be read (entity not found)",
        ),
    ]);
}

#[test]
fn every_kind_of_file_is_named() {
    let files = [".ssbrc", ".config/ssb", ".config/ssb/config", ".ssb/config", "extra"];

    assert_refused(files.map(|name| {
        let home = Home::new();
        let path = home.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "port = x").unwrap();
        let said = home.refusal(home.start("").env("ssb_config", if name == "extra" { "extra" } else { "" }));
        let told = said
            == format!("78 Error: ~/{name}: port is \"x\"; expected a port, a number from 0 to 65535")
            || said == "78 Error: extra: port is \"x\"; expected a port, a number from 0 to 65535";
        (name.to_owned(), if told { String::new() } else { said }, "")
    }));
}

#[test]
fn words_that_make_no_sense_are_told() {
    let table = [
        ("--port x", "78 Error: option --port is \"x\"; expected a port, a number from 0 to 65535"),
        ("--port", "78 Error: option --port is true; expected a port, a number from 0 to 65535"),
        ("--port 1 --port 2", "78 Error: option --port is [1,2]; expected a port, a number from 0 to 65535"),
        (
            "-- --port x",
            "78 Error: option --port behind `--` is \"x\"; expected a port, a number from 0 to 65535",
        ),
        ("--path", "78 Error: option --path is true; expected the name of a directory"),
        ("--host 5", "78 Error: option --host is 5; expected the address or name of an interface"),
        ("--config", "78 Error: option --config is true; expected the name of a file"),
        ("--caps x", "78 Error: option --caps is a text of 1 character; expected a group of settings"),
        (
            "--caps.shs",
            "78 Error: option --caps.shs is true; expected 32 bytes in base64: 44 characters, the last one `=`, as \
             encoders write them",
        ),
        (
            "--logging.level debug",
            "78 Error: option --logging.level is \"debug\"; expected one of error, warning, notice, info",
        ),
        (
            "--new-feed word",
            "78 Error: option --new-feed is \"word\"; expected no value: write `--new-feed` behind all other words",
        ),
        (
            "-- --key x",
            "78 Error: option --key behind `--` is \"x\"; expected the id of a feed, @...=.ed25519",
        ),
        (
            "--a 1 --a.b 2",
            "64 Error: --a.b cannot be set: what stands before its last dot has a value of its own",
        ),
    ];

    assert_refused(table.map(|(words, expected)| {
        let home = Home::new();
        (words.to_owned(), home.refusal(&mut home.start(words)), expected)
    }));
}

#[test]
fn variables_that_make_no_sense_are_told() {
    let table = [
        ("ssb_port", "x", "78 Error: variable ssb_port is \"x\"; expected a port, a number from 0 to 65535"),
        ("SSB_port", "", "78 Error: variable SSB_port is \"\"; expected a port, a number from 0 to 65535"),
        (
            "ssb_friends__hops",
            "1.5",
            "78 Error: variable ssb_friends__hops is \"1.5\"; expected a whole number of steps, 0 or more",
        ),
        ("ssb_timers", "x", "78 Error: variable ssb_timers is \"x\"; expected a group of settings"),
    ];
    let home = Home::new();
    let not_text = home.refusal(home.start("").env("ssb_host", OsString::from_vec(vec![0xff])));

    assert_refused(table.map(|(name, value, expected)| {
        let home = Home::new();
        (format!("{name}={value}"), home.refusal(home.start("").env(name, value)), expected)
    }));
    assert_eq!(not_text, "78 Error: variable ssb_host is not UTF-8");
}

#[test]
fn without_a_home_the_way_out_is_told() {
    let home = Home::new();

    let said = home.refusal(home.start("").env_remove("HOME"));

    assert_eq!(
        said,
        "78 Error: there is no home directory (variable HOME); say where the node lives: --path DIR"
    );
}
