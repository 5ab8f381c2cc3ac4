//! What is sealed for the owner: nobody else gets it, whatever they call, and it is nowhere on disk or in what the node says.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use ssb_keys::Keypair;
use ssb_keys::secret_file;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_muxrpc::Kind;
use ssb_privatebox::text;

use super::home::Home;
use super::home::Node;
use super::home::PATIENCE;
use super::home::text as as_text;
use super::line::Line;

/// What only private messages say.
const SECRET: &str = "between us alone";

/// What the owner's calls would change: those a stranger makes, too, but the owner does not.
const CHANGES: &[&str] = &[
    "publish",
    "private.publish",
    "add",
    "del",
    "undel",
    "createWriteStream",
    "rebuild",
    "friends.follow",
    "friends.block",
    "replicate.request",
    "replicate.block",
    "ebt.request",
    "ebt.block",
    "gossip.add",
    "gossip.remove",
    "gossip.connect",
    "gossip.disconnect",
    "gossip.reconnect",
    "gossip.enable",
    "gossip.disable",
    "conn.remember",
    "conn.forget",
    "conn.connect",
    "conn.disconnect",
    "conn.stage",
    "conn.unstage",
    "conn.start",
    "conn.stop",
];

/// What brings the owner plain text.
const PLAIN: &[&str] = &[
    "backlinks.read",
    "createFeedStream",
    "createLogStream",
    "createUserStream",
    "get",
    "links",
    "messagesByType",
    "private.read",
    "private.unbox",
    "query.read",
];

#[test]
fn a_stranger_gets_no_plain_text_whatever_they_call_with_whatever_options() {
    let home = Home::new();
    let node = home.start();
    let me = secret_file::load(&home.file("secret")).unwrap();
    let messages = Messages::publish(&home, &node);
    let methods = methods(&home, &node);
    let unbox = messages.secrets(&me).pop().unwrap();
    let calls: Vec<Call> =
        methods.iter().flat_map(|(path, kind)| messages.calls(path, *kind, &unbox)).collect();
    assert!(methods.len() > 85 && calls.len() > 25 * methods.len(), "{} calls", calls.len());

    let mut stranger = Line::dial(&home, &node, &Keypair::from_seed(&[66; 32]));
    stranger.open();
    let given = stranger.converse(&calls);

    let sealed = given.iter().filter(|(_, text)| text.contains(".box\"")).map(|((path, _), _)| path.as_str());
    let sealed: BTreeSet<&str> = sealed.collect();
    let replicating = BTreeSet::from(["createHistoryStream", "ebt.replicate", "ooo.stream"]);
    assert_eq!(sealed, replicating, "what strangers may have was asked for");
    for ((path, args), text) in &given {
        for secret in messages.secrets(&me) {
            assert!(!text.contains(&secret), "{path}{args} gives away {secret}: {text}");
        }
    }

    // The very same calls bring it to the owner.
    let mut owner = Line::dial(&home, &node, &me);
    owner.open();
    let calls: Vec<Call> = calls.into_iter().filter(|call| !CHANGES.contains(&call.path.as_str())).collect();
    let given = owner.converse(&calls);
    let plain = given.iter().filter(|(_, text)| text.contains(SECRET)).map(|((path, _), _)| path.as_str());
    assert_eq!(plain.collect::<BTreeSet<&str>>(), PLAIN.iter().copied().collect());
}

#[test]
fn nothing_on_disk_and_nothing_that_the_node_says_is_plain() {
    let home = Home::with_secret();
    // What an index has in memory is worth a file once it is of so many messages.
    let count = 1_200;
    let me = secret_file::load(&home.file("secret")).unwrap();
    import(&home, &boxed_feed(&me, count));
    let node = home.start_with(&["--new-feed", "--logging.level", "info"]);
    let messages = Messages::publish(&home, &node);
    let all = || home.answer(&node, &["private.read"]).matches(SECRET).count();
    let begun = Instant::now();
    while all() < count + messages.published.len() {
        assert!(begun.elapsed() < PATIENCE, "they are not there");
    }
    for args in [r#"["x",{"private":true}]"#, "[5]", r#"[{"query":[{"$near":1}]}]"#] {
        let mut stranger = Line::dial(&home, &node, &Keypair::from_seed(&[66; 32]));
        stranger.open();
        stranger
            .converse(&[Call::new("private.read", Kind::Source, args), Call::new("get", Kind::Async, args)]);
    }
    for words in [["get", "nonsense"], ["publish", SECRET], ["private.unbox", SECRET]] {
        home.call(&node, &words);
    }
    let said = node.stop_and_tell();

    assert!(said.contains("connection accepted"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    let contents = home.contents();
    let names: Vec<&str> = contents.keys().filter_map(|path| path.file_name()?.to_str()).collect();
    for family in ["opened-0-", "private-0-", "records", "types-0-"] {
        assert!(names.iter().any(|name| name.starts_with(family)), "no {family} in {names:?}");
    }
    for (path, bytes) in &contents {
        for secret in messages.secrets(&me) {
            let has = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!has, "{} has {secret}", path.display());
        }
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let is_log = path.parent().is_some_and(|folder| folder.ends_with("log"));
        assert!(!is_log || mode == 0o600, "{} has mode {mode:o}", path.display());
    }
    assert_eq!(home.mode("log"), 0o700);
}

#[test]
fn what_was_opened_once_is_there_after_a_start_and_after_another_secret_it_is_not() {
    let home = Home::with_secret();
    let me = secret_file::load(&home.file("secret")).unwrap();
    import(&home, &boxed_feed(&me, 1_100));
    let read = |node: &Node| home.answer(node, &["private.read"]).matches(SECRET).count();
    let whenever = |expected: usize| {
        let node = home.start();
        let begun = Instant::now();
        while read(&node) != expected {
            assert!(begun.elapsed() < PATIENCE, "it is not so");
        }
        assert!(node.stop().success());
    };

    whenever(1_100);
    whenever(1_100);
    fs::remove_file(home.file("secret")).unwrap();
    // There is one if anything was published.
    let _ = fs::remove_file(home.file("published-mark"));
    secret_file::create(&home.file("secret"), &Keypair::from_seed(&[4; 32])).unwrap();
    whenever(0);
    fs::remove_file(home.file("secret")).unwrap();
    secret_file::create(&home.file("secret"), &me).unwrap();
    whenever(1_100);
}

/// One call of somebody.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) args: String,
    /// What is said on it, if both sides may.
    pub(super) said: Vec<String>,
}

impl Call {
    fn new(path: &str, kind: Kind, args: &str) -> Self {
        Self { path: path.to_owned(), kind, args: args.to_owned(), said: Vec::new() }
    }
}

/// Private messages in the owner's own feed, and whom they mention.
struct Messages {
    me: String,
    /// Mentioned nowhere else.
    hidden: String,
    /// With key and receive time, as they were stored.
    published: Vec<Value>,
}

impl Messages {
    fn publish(home: &Home, node: &Node) -> Self {
        let (me, hidden) = (home.id(), Keypair::from_seed(&[77; 32]).id().to_string());
        let answers = [
            home.answer(
                node,
                &["publish", "--type", "post", "--text", SECRET, "--mentions.link", &hidden, "--recps", &me],
            ),
            home.answer(
                node,
                &["publish", "--type", "vote", "--text", SECRET, "--channel", "hidden", "--recps", &me],
            ),
            home.answer(
                node,
                &[
                    "publish",
                    "--type",
                    "contact",
                    "--text",
                    SECRET,
                    "--contact",
                    &hidden,
                    "--blocking",
                    "--recps",
                    &me,
                ],
            ),
        ];
        home.answer(node, &["publish", "--type", "post", "--text", "for everybody"]);
        let published = answers.map(|answer| serde_json::from_str(&answer).unwrap()).into();
        Self { me, hidden, published }
    }

    /// What must not come out: the text, whom it mentions, and what opens it.
    fn secrets(&self, me: &Keypair) -> Vec<String> {
        let key = |message: &Value| {
            let opened = text::open(message["value"]["content"].as_str().unwrap(), me).unwrap();
            opened.key().to_text().to_string()
        };
        let keys = self.published.iter().map(key);
        [SECRET.to_owned(), self.hidden.clone()].into_iter().chain(keys).collect()
    }

    /// A method with every kind of argument that any has.
    fn calls(&self, path: &str, kind: Kind, unbox: &str) -> Vec<Call> {
        let Self { me, hidden, .. } = self;
        let first = &self.published[0];
        let (id, boxed) = (first["key"].as_str().unwrap(), first["value"]["content"].as_str().unwrap());
        let all = r#""private":true"#;
        let everything = format!(
            r#""private":true,"meta":true,"values":true,"keys":true,"raw":true,"old":true,"limit":-1,"id":"{me}""#
        );
        let arguments = [
            String::new(),
            "null".to_owned(),
            "{}".to_owned(),
            "true".to_owned(),
            "0".to_owned(),
            "3".to_owned(),
            format!("{{{all}}}"),
            format!("{{{everything}}}"),
            format!(r#"{{{everything},"live":true}}"#),
            format!(r#"{{{all},"raw":true}}"#),
            format!(r#"{{{all},"live":true,"old":true}}"#),
            format!(r#"{{{all},"keys":false}}"#),
            format!(r#"{{{all},"meta":false,"values":true,"dest":"{hidden}"}}"#),
            format!(r#"{{{all},"values":true,"source":"{me}"}}"#),
            format!(r#"{{{all},"type":"post"}}"#),
            format!(r#"{{"id":"{me}","sequence":1,{all}}}"#),
            format!(r#"{{"id":"{id}",{all},"ooo":false}}"#),
            format!(r#"{{"id":"{id}",{all},"meta":true,"unbox":"{unbox}","ooo":false}}"#),
            format!(r#""{id}?unbox={unbox}""#),
            format!(r#""{id}""#),
            format!(r#""{me}""#),
            format!(r#""{hidden}""#),
            r#""post""#.to_owned(),
            format!(r#""{boxed}""#),
            first.to_string(),
            first["value"].to_string(),
            format!(r#"{{"query":[{{"$filter":{{"timestamp":{{"$gt":0}}}}}}],{all}}}"#),
            format!(r#"{{"query":[{{"$filter":{{"dest":"{hidden}"}}}}],{all}}}"#),
            format!(r#"{{"query":[{{"$filter":{{"source":"{me}"}}}}],{all}}}"#),
            format!(r#"{{"query":[{{"$filter":{{"value":{{"private":true}}}}}}],{all},"live":true}}"#),
            format!(r#"{{"source":"{me}","dest":"{hidden}",{all}}}"#),
            format!(r#"{{"version":3,"format":"classic",{all}}}"#),
            format!(r#"["{me}",1]"#),
            format!(r#"{{"type":"post","text":"x","recps":["{me}"]}},["{me}"]"#),
        ];
        let said = match path {
            // From the first message on.
            "ebt.replicate" => vec![format!(r#"{{"{me}":0}}"#)],
            "ooo.stream" => vec![format!(r#"{{"{id}":-1}}"#)],
            _ => Vec::new(),
        };
        let call =
            |argument: String| Call { said: said.clone(), ..Call::new(path, kind, &format!("[{argument}]")) };
        arguments.into_iter().map(call).collect()
    }
}

/// All methods and their kinds.
fn methods(home: &Home, node: &Node) -> BTreeMap<String, Kind> {
    fn add(manifest: &Value, before: &str, methods: &mut BTreeMap<String, Kind>) {
        for (name, kind) in manifest.as_object().unwrap() {
            let path = format!("{before}{name}");
            let kind = match kind.as_str() {
                Some("sync" | "async") => Kind::Async,
                Some("source") => Kind::Source,
                Some("sink") => Kind::Sink,
                Some("duplex") => Kind::Duplex,
                _ => {
                    add(kind, &format!("{path}."), methods);
                    continue;
                }
            };
            methods.insert(path, kind);
        }
    }
    let mut methods = BTreeMap::new();
    add(&serde_json::from_str(&home.answer(node, &["manifest"])).unwrap(), "", &mut methods);
    methods
}

/// A feed of so many messages that only somebody can open, as lines.
fn boxed_feed(recipient: &Keypair, count: usize) -> String {
    let author = Keypair::from_seed(&[55; 32]);
    let mut state = ValidationState::new(author.id());
    let plain = format!(r#"{{"type":"post","text":"{SECRET}"}}"#);
    let content = text::seal(plain.as_bytes(), &[recipient.id()], &[1; 32]).unwrap();
    let mut lines = String::new();
    for _ in 0..count {
        let message =
            draft::sign(&format!("\"{content}\""), &state, 1e12, &author, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        lines.push_str(message.json());
        lines.push('\n');
    }
    lines
}

fn import(home: &Home, lines: &str) {
    let file = home.beside("lines");
    fs::write(&file, lines).unwrap();
    let mut command = home.command(&["import", file.to_str().unwrap()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", as_text(&output.stderr));
}
