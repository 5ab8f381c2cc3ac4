//! `ssb-cli <method>`: calls a method of the running node, as ssb-server 16.0.1 does through muxrpcli 3.1.2.

use std::io;
use std::io::IsTerminal as _;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::secret_file;
use ssb_keys::secret_file::LoadError;
use ssb_msg::json;
use ssb_node::client::CallError;
use ssb_node::client::Client;
use ssb_node::client::ConnectError;
use ssb_node::client::Kind;
use ssb_node::config::Config;
use ssb_node::config::Listen;
use ssb_node::config::Place;
use ssb_node::config::Transform;

use super::blobs;
use super::explain;
use super::manifest;
use super::manifest::Found;
use super::manifest::Manifest;
use super::manifest::unshortened;
use crate::args;
use crate::args::Call;
use crate::config::Settings;
use crate::failure::Failure;
use crate::minimist::Value;
use crate::print;

/// How long connecting and the handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest JSON that is read from standard input, in bytes. A node takes calls of 64 KiB, few methods more.
const INPUT_LEN_MAX: usize = 1024 * 1024;

/// The method whose answer has a text for people.
const IN_WORDS: &[&str] = &["why"];

/// Names of errors that are about how a method was called; their message says all (muxrpcli 3.1.2).
const USAGE_ERRORS: [&str; 3] = ["UsageError", "BadParamError", "BadArgError"];

/// Makes the call and prints what comes of it.
pub(super) fn run(call: &Call, settings: &Settings) -> Result<(), Failure> {
    // Whoever has no node yet is told how to get one.
    if call.method == "help" && !settings.node.path.join(manifest::FILE_NAME).exists() {
        return print::out(args::help().as_bytes());
    }
    let directory = &settings.node.path;
    let me = identity(&call.method, settings)?;
    let manifest = Manifest::read(directory)?;
    let (path, kind) = match manifest.find(&call.method) {
        Found::Method(path, kind) => (path, kind),
        Found::Group(names) => return print::out((names.join("|") + "\n").as_bytes()),
        Found::Missing(_) if call.method == "help" => return print::out(args::help().as_bytes()),
        Found::Missing(names) => return Err(missing(&call.method, &names, &manifest)),
        Found::Uncallable(kind) => {
            return Err(Failure::new(format!("Invalid Manifest: {kind} is not a valid method-type")));
        }
    };
    if call.wants_help {
        let mut client = connect(settings, &me).ok();
        let docs = client.as_mut().and_then(|client| explain::ask(client, &path, &manifest));
        client.into_iter().for_each(Client::close);
        return print::out(explain::text(&call.method, &path, kind, docs.as_ref()).as_bytes());
    }
    if path == ["blobs", "add"] {
        let input = blobs::Input::open(call)?;
        let mut client = connect(settings, &me)?;
        let added = blobs::add(&mut client, input);
        client.close();
        return added;
    }
    let args = arguments(call)?;

    let mut client = connect(settings, &me)?;
    let result = match kind {
        Kind::Source if path == ["blobs", "get"] => blobs::get(&mut client, call, &args),
        Kind::Source => print_source(&mut client, &path, &args),
        Kind::Sink => {
            client.sink(&path, &args, &mut io::stdin().lock()).map_err(|error| call_failure(&error))
        }
        _ => print_answer(&mut client, &path, &args),
    };
    client.close();
    result
}

/// Who calls. `word` is what was to be done.
fn identity(word: &str, settings: &Settings) -> Result<Keypair, Failure> {
    // Only `start` makes an identity: a mistyped path must not.
    secret_file::load(&settings.node.path.join("secret")).map_err(|error| secret_failure(word, &error))
}

/// The running node, for a command of ours.
pub(super) fn open(word: &str, settings: &Settings) -> Result<Client, Failure> {
    connect(settings, &identity(word, settings)?)
}

/// What a node answers.
pub(super) fn ask(client: &mut Client, path: &[&str], args: &str) -> Result<json::Value, Failure> {
    let answer = client.call(path, args).map_err(|error| call_failure(&error))?.to_json();
    json::parse_within(answer.as_bytes(), print::ANSWER_LEN_MAX)
        .map_err(|error| Failure::new(format!("Error: the node's answer cannot be read: {error}")))
}

fn connect(settings: &Settings, me: &Keypair) -> Result<Client, Failure> {
    let (node, server) = (&settings.node, settings.key.unwrap_or(me.id()));
    if listens_on_its_socket_only(node) {
        let socket = node.path.join("socket");
        return Client::connect_unix(&socket, server).map_err(|error| {
            Failure::new(format!("Error: Could not connect to ssb-server {}", socket.display()))
                .hint(format!("Use the \"start\" command to start it.\nIts socket says: {error}."))
        });
    }
    let host = node.host.as_deref().unwrap_or("localhost");
    Client::connect_net(host, node.port, &node.network, me, server, CONNECT_TIMEOUT)
        .map_err(|error| unconnected(error, host, server, node))
}

fn listens_on_its_socket_only(node: &Config) -> bool {
    let has =
        |wanted: fn(&Listen) -> bool| node.incoming.as_ref().is_some_and(|places| places.iter().any(wanted));
    let by_handshake = |place: &Listen| place.transform == Transform::Shs && place.place != Place::Unix;
    has(|place| *place == Listen::unix()) && !has(by_handshake)
}

fn print_answer(client: &mut Client, path: &[&str], args: &str) -> Result<(), Failure> {
    let answer = client.call(path, args).map_err(|error| call_failure(&error))?;
    let told = (path == IN_WORDS).then(|| json::parse(answer.to_json().as_bytes()).ok()).flatten();
    match told.as_ref().and_then(|told| told.get("text")).and_then(json::Value::as_text) {
        Some(text) => print::out(text.decode().as_bytes()),
        None => print::out((print::pretty(&answer)? + "\n").as_bytes()),
    }
}

fn print_source(client: &mut Client, path: &[&str], args: &str) -> Result<(), Failure> {
    let mut printed = Ok(());
    let ended = client.source(path, args, |item| {
        printed = print::item(&item).and_then(|bytes| print::out(&bytes));
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    printed?;
    ended.map_err(|error| call_failure(&error))
}

/// The text of the array of arguments.
fn arguments(call: &Call) -> Result<String, Failure> {
    let from_stdin = call.positionals.first().is_some_and(|first| first.as_text() == Some("."));
    if from_stdin && !io::stdin().is_terminal() {
        let mut text = Vec::new();
        let limit = u64::try_from(INPUT_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let read = io::stdin().lock().take(limit).read_to_end(&mut text);
        read.map_err(|error| Failure::new(format!("Error: standard input cannot be read ({error})")))?;
        let value = json::parse_within(&text, INPUT_LEN_MAX).map_err(|error| {
            Failure::new(format!("Error: standard input is not JSON: {error}"))
                .hint("With `.` the argument of the call is read from standard input, as JSON.")
        })?;
        return Ok(format!("[{}]", json::compact(&value)));
    }
    let mut args: Vec<json::Value> = call.positionals.iter().map(Value::to_json).collect();
    if !call.options.is_empty() {
        args.push(call.options.to_json());
    }
    Ok(json::compact(&json::Value::Array(args)))
}

fn secret_failure(method: &str, error: &LoadError) -> Failure {
    let failure = Failure::of(error);
    if error.is_missing() {
        return failure.hint(format!(
            "`ssb-cli start` makes an identity; `ssb-cli {method}` needs one. If yours is elsewhere, name its \
             directory: --path DIR."
        ));
    }
    failure
}

fn missing(name: &str, names: &[&str], manifest: &Manifest) -> Failure {
    let failure = Failure::new(format!("missing command: {name}\n{}", names.join("|")));
    match (unshortened(name), manifest.nearest(name)) {
        (Some(method), _) => {
            failure.hint(format!("`{name}` is short for {method}, a method that this node does not have."))
        }
        (None, Some(nearest)) => failure.hint(format!("Did you mean `{nearest}`?")),
        (None, None) => {
            failure.hint("These are the methods of the node; `ssb-cli --help` lists the other commands.")
        }
    }
}

fn unconnected(error: ConnectError, host: &str, server: FeedId, config: &Config) -> Failure {
    let what = format!("Error: Could not connect to ssb-server {host}:{}", config.port);
    let network = base64::encode(config.network.as_bytes());
    match error {
        ConnectError::Unresolved(kind) => {
            Failure::new(what).hint(format!("The host {host} has no address ({kind}). Check --host."))
        }
        ConnectError::Unreachable(kind) => Failure::new(what + "\nUse the \"start\" command to start it.")
            .hint(format!("Nobody listens there ({kind}). If it runs elsewhere, say where: --host, --port.")),
        ConnectError::TimedOut => Failure::new(what).hint(format!(
            "Whatever listens there said nothing for {} seconds. Check --host and --port.",
            CONNECT_TIMEOUT.as_secs()
        )),
        ConnectError::NoAnswer => Failure::new(what).hint(format!(
            "Something listens there, but it does not answer to the network key {network}:\nit is on another \
             network (check caps.shs), or no Scuttlebutt node (check --port)."
        )),
        ConnectError::Rejected => Failure::new(what).hint(format!(
            "A node of this network listens there, but it is not {server}, or it refuses us.\nCheck that --path \
             is the node's own directory, or say whose node it is: `-- --key ID`."
        )),
        other => Failure::new(what).hint(format!("{other}.")),
    }
}

pub(super) fn call_failure(error: &CallError) -> Failure {
    match error {
        CallError::Remote(remote) if USAGE_ERRORS.contains(&remote.name()) => Failure::new(remote.message()),
        CallError::Remote(remote) => {
            let failure = Failure::new(format!("Error: {}", remote.message()));
            match remote.message().ends_with("is not in list of allowed methods") {
                true => failure.hint(STRANGER),
                false => failure,
            }
        }
        other => Failure::of(other),
    }
}

const STRANGER: &str = "This node takes you for a stranger: the secret in --path is not its own, and its settings do not name \
                        your id in `master`.";

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::args::Line;
    use crate::args::Task;

    fn args(words: &str) -> String {
        let line = Line::read(words.split_whitespace().map(OsString::from)).unwrap();
        match line.task() {
            Task::Call(call) => arguments(&call).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_become_arguments_and_options_one_object_behind_them() {
        assert_eq!(args("whoami"), "[]");
        assert_eq!(args("whoami --verbose --port 1"), "[]");
        assert_eq!(args("get %a=.sha256"), r#"["%a=.sha256"]"#);
        assert_eq!(args("x 1 a --b --c 0.10 2"), r#"[1,"a",2,{"b":true,"c":0.1}]"#);
        assert_eq!(
            args("publish --type about --about @a.ed25519 --num 5 --nested.a.b 1 --flag --no-neg"),
            r#"[{"type":"about","about":"@a.ed25519","num":5,"nested":{"a":{"b":1}},"flag":true,"neg":false}]"#
        );
    }
}
