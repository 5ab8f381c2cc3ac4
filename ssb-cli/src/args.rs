//! The command line: which command, and which options are whose.
//!
//! Options before `--` are read twice, as JavaScript does: as settings, the strongest, and as arguments of the call.
//! [Names of settings](SETTINGS) are kept out of the call, where JavaScript passes them on and so breaks it. Options
//! after `--` are settings only, the weakest.

use std::ffi::OsString;

use clap::Arg;
use clap::ArgAction;
use clap::Command;

use crate::failure::Failure;
use crate::minimist;
use crate::minimist::Parsed;
use crate::minimist::Value;

/// The options that are settings whatever the command, and so never part of a call. A call that needs a field of such
/// a name gets its argument as JSON on standard input.
pub(crate) const SETTINGS: [&str; 10] =
    ["path", "host", "port", "ws", "caps", "config", "connections", "verbose", "logging", "friends"];

/// A command line.
#[derive(Debug)]
pub(crate) struct Line {
    /// What the words before `--` say.
    pub(crate) before: Parsed,
    /// What the words after it say, if there is one.
    pub(crate) after: Option<Parsed>,
    /// The words after it.
    pub(crate) words_after: Vec<String>,
    /// The first word, whatever it is.
    first: Option<String>,
    /// Whether the short `-h` is among the words: a request for help with our own commands, an option `h` of a call.
    has_short_help: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    /// Print this.
    Print(String),
    /// Run a node.
    Start,
    /// Print the settings.
    Config(ConfigView),
    /// Take messages in.
    Import(Import),
    /// Give messages out.
    Export(Export),
    /// Take the logs of a JavaScript node in.
    Migrate(Migrate),
    /// Check the log.
    Fsck(Fsck),
    /// Give back the space of what was deleted.
    Compact,
    /// Tell of peers; whether as JSON.
    Peers(bool),
    /// Tell who has a feed up to where.
    Heads(Heads),
    /// Tell how far replication is.
    Sync(Sync),
    /// Call a method.
    Call(Call),
}

/// Whose feed to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    /// Its id; the own feed if it was not said.
    pub(crate) feed: Option<String>,
    /// Whether it is told as JSON.
    pub(crate) as_json: bool,
}

/// How long to look at replication.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sync {
    /// Whether to end when nothing more is to come.
    pub(crate) until_idle: bool,
    /// Within so many seconds, as it was typed.
    pub(crate) within: Option<Value>,
}

/// How to check the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fsck {
    /// Whether what is wrong is repaired.
    pub(crate) repairs: bool,
    /// Whether the outcome is told as JSON.
    pub(crate) as_json: bool,
}

/// What to take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The file; `-` for standard input. None if it was not said.
    pub(crate) file: Option<String>,
    /// Whether the outcome is told as JSON.
    pub(crate) as_json: bool,
}

/// Whose logs to take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Migrate {
    /// The directory; the node's own if it was not said.
    pub(crate) from: Option<String>,
    /// Whether the outcome is told as JSON.
    pub(crate) as_json: bool,
}

/// What to give out, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Export {
    /// Of which feed.
    pub(crate) feed: Option<Value>,
    /// Behind which message.
    pub(crate) since: Option<Value>,
    /// Whether blobs go with them.
    pub(crate) with_blobs: bool,
}

/// How to look at the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigView {
    /// Merged, as JavaScript prints them.
    Merged,
    /// Each with where it was set, in a table.
    Sources,
    /// The same as JSON.
    SourcesJson,
}

/// A call of a method.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// The method as it was typed, dotted.
    pub(crate) method: String,
    /// The positionals behind it.
    pub(crate) positionals: Vec<Value>,
    /// The options, settings left out.
    pub(crate) options: minimist::Group,
    /// Whether to explain it rather than make it.
    pub(crate) wants_help: bool,
}

impl Line {
    /// Reads the words behind the program's name.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let words: Vec<String> = words
            .map(OsString::into_string)
            .collect::<Result<_, _>>()
            .map_err(|word| Failure::new(format!("Error: argument {word:?} is not valid UTF-8")))?;
        let cut = words.iter().position(|word| word == "--");
        let before = words.get(..cut.unwrap_or(words.len())).unwrap_or_default();
        let after = cut.and_then(|cut| words.get(cut + 1..));
        let parse = |words| minimist::parse(words).map_err(|error| Failure::new(format!("Error: {error}")));
        Ok(Self {
            before: parse(before)?,
            after: after.map(parse).transpose()?,
            words_after: after.unwrap_or_default().to_vec(),
            first: before.first().cloned(),
            has_short_help: before.iter().any(|word| word == "-h"),
        })
    }

    /// What it asks for.
    pub(crate) fn task(&self) -> Task {
        let wants_help = self.before.options.get("help").is_some();
        match self.first.as_deref() {
            Some("--version" | "-V") => return Task::Print(rendered(&["--version"])),
            Some("start" | "server") if wants_help || self.has_short_help => {
                return Task::Print(rendered(&["start", "--help"]));
            }
            Some("start" | "server") => return Task::Start,
            _ => {}
        }
        const OWN: [&str; 8] = ["import", "export", "migrate", "fsck", "compact", "peers", "heads", "sync"];
        if let Some(name) = self.first.as_deref().filter(|first| OWN.contains(first)) {
            return match name {
                _ if wants_help || self.has_short_help => Task::Print(rendered(&[name, "--help"])),
                "peers" | "heads" | "sync" => self.look(name),
                _ => self.transfer(name),
            };
        }
        if let Some("config" | "conf") = self.before.positionals.first().and_then(Value::as_text) {
            return if wants_help || self.has_short_help {
                Task::Print(rendered(&["config", "--help"]))
            } else {
                Task::Config(self.config_view())
            };
        }
        let Some((method, rest)) = self.before.positionals.split_first() else {
            return Task::Print(help());
        };
        Task::Call(Call {
            method: method.as_text().map_or_else(|| ssb_msg::json::compact(&method.to_json()), str::to_owned),
            positionals: rest.to_vec(),
            options: self.before.options.without(|name| SETTINGS.contains(&name)),
            wants_help,
        })
    }

    /// Options that are neither settings nor those of a call.
    pub(crate) fn own_options(&self) -> &'static [&'static str] {
        match self.task() {
            Task::Config(_) => &["sources", "json"],
            Task::Import(_) | Task::Migrate(_) => &["json"],
            Task::Peers(_) | Task::Heads(_) => &["json"],
            Task::Sync(_) => &["until-idle", "within"],
            Task::Export(_) => &["feed", "since", "with-blobs"],
            Task::Fsck(_) => &["repair", "json"],
            _ => &[],
        }
    }

    /// The words behind `start`, which mean nothing.
    pub(crate) fn idle_words(&self) -> Vec<String> {
        self.before.positionals.iter().skip(1).map(|word| ssb_msg::json::compact(&word.to_json())).collect()
    }

    fn look(&self, name: &str) -> Task {
        let option = |name| self.before.options.get(name).cloned();
        let json = option("json");
        match name {
            "peers" => Task::Peers(json.is_some()),
            "heads" => {
                let (feed, as_json) = self.word_and_json();
                Task::Heads(Heads { feed, as_json })
            }
            _ => Task::Sync(Sync { until_idle: option("until-idle").is_some(), within: option("within") }),
        }
    }

    /// The word behind the command, and whether `--json` was said. In JavaScript's words, `--json WORD` is an option with a value.
    fn word_and_json(&self) -> (Option<String>, bool) {
        let word = self.before.positionals.get(1);
        let word = word.map(|word| {
            word.as_text().map_or_else(|| ssb_msg::json::compact(&word.to_json()), str::to_owned)
        });
        let json = self.before.options.get("json").cloned();
        let behind = || json.as_ref().and_then(Value::as_text).map(str::to_owned);
        (word.or_else(behind), json.is_some())
    }

    fn transfer(&self, name: &str) -> Task {
        let option = |name| self.before.options.get(name).cloned();
        if name == "export" {
            let (feed, since) = (option("feed"), option("since"));
            return Task::Export(Export { feed, since, with_blobs: option("with-blobs").is_some() });
        }
        if name == "compact" {
            return Task::Compact;
        }
        if name == "fsck" {
            let (repairs, as_json) = (option("repair").is_some(), option("json").is_some());
            return Task::Fsck(Fsck { repairs, as_json });
        }
        let (file, as_json) = self.word_and_json();
        if name == "migrate" {
            return Task::Migrate(Migrate { from: file, as_json });
        }
        Task::Import(Import { file, as_json })
    }

    fn config_view(&self) -> ConfigView {
        match (self.before.options.get("sources"), self.before.options.get("json")) {
            (None, _) => ConfigView::Merged,
            (Some(_), None) => ConfigView::Sources,
            (Some(_), Some(_)) => ConfigView::SourcesJson,
        }
    }

    /// Whether the node is started under its old name.
    pub(crate) fn uses_old_name(&self) -> bool {
        self.first.as_deref() == Some("server")
    }
}

/// The help of the program.
pub(crate) fn help() -> String {
    rendered(&["--help"])
}

/// What clap answers to words it knows to ask for text.
fn rendered(words: &[&str]) -> String {
    let words = ["ssb-cli"].iter().chain(words);
    command().try_get_matches_from(words).map_or_else(|text| text.render().to_string(), |_| String::new())
}

fn command() -> Command {
    Command::new("ssb-cli")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A Secure Scuttlebutt node, and the commands to talk to it")
        .override_usage(
            "ssb-cli start [options]\n       ssb-cli <method> [arguments] [--options] [-- settings]",
        )
        .disable_help_subcommand(true)
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .arg(setting(
            "host",
            "HOST",
            "Where the node listens [default: all interfaces; calls go to localhost]",
        ))
        .arg(setting("port", "PORT", "The port it listens on [default: 8008]"))
        .arg(setting("caps.shs", "KEY", "The key of the network, base64 [default: the main network]"))
        .arg(setting("config", "FILE", "One more file of settings"))
        .after_help(AFTER_HELP)
        // Our own list of them says more.
        .subcommand(start().hide(true))
        .subcommand(config().hide(true))
        .subcommand(import().hide(true))
        .subcommand(export().hide(true))
        .subcommand(migrate().hide(true))
        .subcommand(fsck().hide(true))
        .subcommand(compact().hide(true))
        .subcommand(peers().hide(true))
        .subcommand(heads().hide(true))
        .subcommand(sync().hide(true))
}

fn peers() -> Command {
    Command::new("peers")
        .about(
            "Lists the peers of the running node: who is connected, who is known, and what went wrong last",
        )
        .override_usage("ssb-cli peers [--json] [--path DIR]")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .after_help(PEERS_AFTER_HELP)
}

fn heads() -> Command {
    Command::new("heads")
        .about("Says up to where the running node has a feed, and up to where its peers have it")
        .override_usage("ssb-cli heads [FEED] [--json] [--path DIR]")
        .arg(Arg::new("feed").value_name("FEED").help("The id of a feed [default: the own one]"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
}

fn sync() -> Command {
    Command::new("sync")
        .about("Shows how far the running node is with what its peers have")
        .override_usage("ssb-cli sync [--until-idle] [--within SECONDS] [--path DIR]")
        .arg(
            Arg::new("until-idle")
                .long("until-idle")
                .action(ArgAction::SetTrue)
                .help("End when all is here that connected peers have"),
        )
        .arg(setting("within", "SECONDS", "Give up after so long"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .after_help(SYNC_AFTER_HELP)
}

fn import() -> Command {
    Command::new("import")
        .about("Takes messages in from a file, while no node runs in the directory")
        .override_usage("ssb-cli import FILE|- [--json] [--path DIR]")
        .arg(Arg::new("file").value_name("FILE").help("Messages, one a line; - for standard input"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Tell the outcome as JSON"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .arg(setting("caps.sign", "KEY", "The message-signing key of the network, if it has one"))
        .after_help(IMPORT_AFTER_HELP)
}

fn export() -> Command {
    Command::new("export")
        .about("Writes messages to standard output, while no node runs in the directory")
        .override_usage("ssb-cli export [--feed ID] [--since N] [--with-blobs] [--path DIR]")
        .arg(setting("feed", "ID", "Only the messages of this feed, in its order"))
        .arg(setting("since", "N", "Only what comes behind the first N of them"))
        .arg(
            Arg::new("with-blobs")
                .long("with-blobs")
                .action(ArgAction::SetTrue)
                .help("And the blobs that are here to which they refer"),
        )
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .after_help(EXPORT_AFTER_HELP)
}

fn migrate() -> Command {
    Command::new("migrate")
        .about("Takes in the logs of a JavaScript node, while no node runs in the directory")
        .override_usage("ssb-cli migrate [DIR] [--json] [--path DIR]")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .help("The data directory of that node [default: that of --path]"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Tell the outcome as JSON"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .arg(setting("caps.sign", "KEY", "The message-signing key of the network, if it has one"))
        .after_help(MIGRATE_AFTER_HELP)
}

fn fsck() -> Command {
    let flag = |name, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("fsck")
        .about("Checks the log down to the signatures, while no node runs in the directory")
        .override_usage("ssb-cli fsck [--repair] [--json] [--path DIR]")
        .arg(flag("repair", "Keep all that is whole in a new log; the rest goes to files beside it"))
        .arg(flag("json", "Tell the outcome as JSON"))
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .arg(setting("caps.sign", "KEY", "The message-signing key of the network, if it has one"))
        .after_help(FSCK_AFTER_HELP)
}

fn compact() -> Command {
    Command::new("compact")
        .about("Gives back the space of what was deleted, while no node runs in the directory")
        .override_usage("ssb-cli compact [--path DIR]")
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .after_help(COMPACT_AFTER_HELP)
}

fn config() -> Command {
    let flag = |name, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("config")
        .about("Prints the settings that start and calls would use")
        .override_usage("ssb-cli config [--sources [--json]] [options] [-- weaker options]")
        .arg(flag("sources", "Say of each setting where it was set"))
        .arg(flag("json", "With --sources: as JSON, a list of {key, value, source}"))
        .after_help(CONFIG_AFTER_HELP)
}

fn start() -> Command {
    Command::new("start")
        .about("Runs a node until it is interrupted")
        .override_usage("ssb-cli start [options] [-- weaker options]")
        .arg(setting("path", "DIR", "Where identity, log and settings live [default: ~/.ssb]"))
        .arg(setting("host", "HOST", "Listen on this interface only"))
        .arg(setting("port", "PORT", "Listen on this port [default: 8008]"))
        .arg(setting("caps.shs", "KEY", "The key of the network, base64 [default: the main network]"))
        .arg(setting("caps.sign", "KEY", "The message-signing key of the network, if it has one"))
        .arg(setting("friends.hops", "N", "Replicate feeds up to so many follows away [default: 2]"))
        .arg(setting("logging.level", "LEVEL", "error, warning, notice or info [default: notice]"))
        .arg(setting("config", "FILE", "One more file of settings"))
        .arg(
            Arg::new("new-feed")
                .long("new-feed")
                .action(ArgAction::SetTrue)
                .help("Publish although this feed may be longer elsewhere; see below"),
        )
        .after_help(START_AFTER_HELP)
}

fn setting(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

const AFTER_HELP: &str = "\
Commands:
  start       Runs a node (`ssb-cli start --help` says more)
  config      Prints the settings; with --sources, also where each was set. Short: conf
  import      Takes messages in from a file; export writes them to one
  migrate     Takes in the logs of ssb-server or ssb-db2; start does so by itself
  fsck        Checks the log down to the signatures; with --repair, mends it
  compact     Gives back the space of deleted messages; a running node does so by itself
  peers       Lists peers: who is connected, who is known, and what went wrong last
  heads       Says up to where a feed is here, and up to where peers have it
  sync        Shows how far replication is; with --until-idle, waits until all is here
  why         Says of a feed why it does or does not arrive, and who has how much of it
  blobs.add   Stores a file, or standard input, as a blob, and prints its id; blobs.get writes one to
              standard output
  <method>    Calls a method of the running node, by its dotted name. Which there are, the node
              writes to manifest.json beside its log; a wrong name lists them. Short names:
              log (createLogStream), logt (messagesByType), feed (createFeedStream), hist and
              history (createHistoryStream)

Examples:
  ssb-cli start
  ssb-cli whoami
  ssb-cli publish --type post --text \"My First Post!\"
  ssb-cli log --limit 5 --reverse
  ssb-cli get %c3YK...=.sha256
  echo '{\"type\":\"post\",\"text\":\"from a pipe\"}' | ssb-cli publish .

Words behind a method are its arguments, and all options together are one more, an object: `--limit 5`
is a number, `--live` is true, `--no-keys` is false, `--address.host x` is nested, an option given
twice is a list. With `.` the only argument is the JSON on standard input.

Settings (path, host, port, ws, caps, config, connections, verbose, logging, friends) are no part of
the call. They are read, strongest first, from options, variables such as ssb_port and ssb_caps__shs,
the file of --config, .ssbrc here or above, ~/.ssbrc, config in --path, ~/.ssb/config, ~/.config/ssb,
/etc/ssbrc, /etc/ssb/config, and options behind `--`. The variable ssb_appname replaces `ssb` in all of
them. `ssb-cli config --sources` says what is set, and where.

Results are JSON on standard output, errors go to standard error. The exit code of calls is 0 or 1.";

const PEERS_AFTER_HELP: &str = "\
The kind says who a peer is: seed (named in the settings), local (in this network), friends (its feed is replicated), global (any
other), or stranger (it dialed us, and is not known). `gossip.add`, `gossip.connect` and `gossip.remove` change the list.";

const SYNC_AFTER_HELP: &str = "\
The command only looks: the node replicates by itself. All is here when at least one peer is connected, all that are have said
what they have, and nothing of that is missing. Peers that are asked the old way, with createHistoryStream, never say so: they have
sent all when nothing came for 5 seconds. On a terminal there is a bar, elsewhere a line now and then.

Exit codes with --until-idle: 0 all is here · 65 a peer has more of some feed, and does not send it · 69 no peer is connected, for
10 seconds · 75 the time is over

Examples:
  ssb-cli sync
  ssb-cli sync --until-idle --within 600 && ssb-cli log --limit 5 --reverse";

const FSCK_AFTER_HELP: &str = "\
Every record is read, every message parsed, its id computed, its signature verified and its place in its feed checked, on all
cores; and every file of an index read. Each defect is named with its file and offset. The exit code is 65 if there is any.

With --repair, the log is written anew with all that is sound. Nothing is thrown away: what is broken goes to a file cut-...
in the log's folder, and whole messages whose predecessor is lost go to a file adrift as lines for `ssb-cli import`. A node
asks its peers for what is lost, its own messages too, and publishes nothing before those are back.

Examples:
  ssb-cli fsck
  ssb-cli fsck --repair --path ~/old";

const COMPACT_AFTER_HELP: &str = "\
What `ssb-cli del` deleted is not shown any more, but its bytes stay in the file until the log is compacted. A running node
does that by itself once an eighth of the log is gone; this does it now. It needs room for a second copy of the log.";

const CONFIG_AFTER_HELP: &str = "\
Prints, as JSON, everything that files, variables and options say together, and the defaults: what
`ssb-server config` prints, without the secret key. No node needs to run. If a setting cannot be used,
the rest is printed all the same; what is wrong goes to standard error, and the exit code is 78.

With --sources, a setting's source is a file, a variable or an option; `default` is built in, and what
is `derived` follows from other settings, or from the addresses of this machine.

Examples:
  ssb-cli config
  ssb-cli config --sources
  ssb_port=9009 ssb-cli conf --path ~/.ssb-test";

const IMPORT_AFTER_HELP: &str = "\
A line is a message, or an object with `key`, `value` and `timestamp`, as `export` writes it. Every message is
verified. Messages may come in any order and any number of times: what is here already is left as it is, and what comes
before the messages it follows waits for them. What could not be taken is told in the end, with the reason and the first
line of each; the exit code is 65 then. Blobs come in as `export --with-blobs` writes them.

Examples:
  ssb-cli import messages.jsonl
  ssb-cli export --path ~/old | ssb-cli import -";

const EXPORT_AFTER_HELP: &str = "\
A line is an object with `key`, `value` and `timestamp`, in the order in which the messages were received. Nothing secret is
among them: what is encrypted stays so.

With --with-blobs, lines follow that are pieces of blobs, 64 KiB each: `blob` (the id), `size` (of all of it), `at` (where the piece
begins) and `bytes` (base64). What encrypted messages refer to is not among them.

Examples:
  ssb-cli export > /media/stick/messages.jsonl
  ssb-cli export --with-blobs | gzip > /media/stick/all.jsonl.gz
  ssb-cli export --feed @8aEQ...=.ed25519 --since 120";

const MIGRATE_AFTER_HELP: &str = "\
Reads flume/log.offset (ssb-server, ssb-db) and db2/log.bipf (ssb-db2), whichever are there, and never writes to them: the
old program can still be started on them. Every message is verified. Then the feeds there and here are compared; those that
are not as long here are named, with the reason and the offset. Stop the old program first. Whoever interrupts a migration
starts it again; what is here already is known.

`start` does this by itself, once, for the logs in its own directory.

The secret and the keyring of another directory are not copied, and publishing stays locked for a copied secret (`ssb-cli
start --help`). Never publish from the old program again once this node has.

The exit code is 65 if something was refused or a feed differs, 66 if there is no old log.

Examples:
  ssb-cli migrate
  ssb-cli migrate ~/.ssb-old --json";

const START_AFTER_HELP: &str = "\
If there is a log of ssb-server (flume/) or ssb-db2 (db2/) in the directory, the first start takes its messages in, and
leaves it as it is; `ssb-cli migrate --help` says more.

The first start in an empty directory makes a new identity, the file `secret`. Back it up, show it to
nobody, and never use it in two places at once: two nodes that publish with one key fork the feed, and
everybody stops reading it.

A secret that was copied here, or a log shorter than what was published before, locks publishing: the
feed may be longer elsewhere. It unlocks by itself when a peer has sent the feed back. If no peer has
it, because nothing was ever published with this key,

  ssb-cli start --new-feed

says so once and is remembered. If that is a mistake, the feed forks for good: what you publish next
contradicts what your friends have, and no program can mend it.

Exit codes: 64 the words contradict each other · 69 the port is in use or not ours to have · 70 a
mistake of the node, please report it · 74 the directory, the secret or the log cannot be used ·
75 another node runs in the directory · 78 the settings cannot be used · 130 a second signal

Examples:
  ssb-cli start
  ssb-cli start --port 9009 --path ~/.ssb-test --logging.level info";

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        Line::read(words.split_whitespace().map(OsString::from)).unwrap()
    }

    fn call(words: &str) -> Call {
        match line(words).task() {
            Task::Call(call) => call,
            other => panic!("{other:?}"),
        }
    }

    fn options(words: &str) -> String {
        ssb_msg::json::compact(&call(words).options.to_json())
    }

    #[test]
    fn the_first_word_decides() {
        assert_eq!(line("start --port 1").task(), Task::Start);
        assert_eq!(line("server").task(), Task::Start);
        assert_eq!(call("--port 9 whoami x").method, "whoami");
        assert_eq!(call("blobs.get 5").positionals, [Value::Number(5.0)]);
        assert!(matches!(line("--version").task(), Task::Print(text) if text == "ssb-cli 0.1.0\n"));
    }

    #[test]
    fn settings_are_no_part_of_the_call() {
        let words =
            "publish --type post --port 8 --caps.shs x --text hi --path p --host h --ws.port 9 -- --key k";

        assert_eq!(options(words), r#"{"type":"post","text":"hi"}"#);
        assert_eq!(options("whoami --verbose"), "{}");
        assert_eq!(options("x --key k --a.path 1"), r#"{"key":"k","a":{"path":1}}"#);
    }

    #[test]
    fn the_directory_to_migrate_may_stand_on_either_side_of_json() {
        let task =
            |from: Option<&str>, as_json| Task::Migrate(Migrate { from: from.map(str::to_owned), as_json });
        assert_eq!(line("migrate").task(), task(None, false));
        assert_eq!(line("migrate --json").task(), task(None, true));
        assert_eq!(line("migrate old --json").task(), task(Some("old"), true));
        assert_eq!(line("migrate --json old").task(), task(Some("old"), true));
    }

    #[test]
    fn those_who_look_say_at_what() {
        let heads =
            |feed: Option<&str>, as_json| Task::Heads(Heads { feed: feed.map(str::to_owned), as_json });
        let sync = |until_idle, within| Task::Sync(Sync { until_idle, within });
        assert_eq!(line("peers --port 1").task(), Task::Peers(false));
        assert_eq!(line("peers --json").task(), Task::Peers(true));
        assert_eq!(line("heads").task(), heads(None, false));
        assert_eq!(line("heads --json @a=.ed25519").task(), heads(Some("@a=.ed25519"), true));
        assert_eq!(line("sync").task(), sync(false, None));
        assert_eq!(line("sync --until-idle --within 5").task(), sync(true, Some(Value::Number(5.0))));
        assert_eq!(call("gossip.peers").method, "gossip.peers");
        for name in ["peers", "heads", "sync"] {
            assert!(
                matches!(line(&format!("{name} -h")).task(), Task::Print(help) if help.contains("Usage: ssb-cli"))
            );
        }
    }

    #[test]
    fn help_teaches() {
        let Task::Print(all) = line("--help").task() else { panic!("no help") };
        assert!(all.contains("ssb-cli publish --type post"), "{all}");
        let Task::Print(none) = line("").task() else { panic!("no help") };
        assert_eq!(none, all);
        let Task::Print(start) = line("start --port 1 --help").task() else { panic!("no help") };
        assert!(start.contains("the feed forks for good"), "{start}");
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_definitions() {
        command().debug_assert();
    }
}
