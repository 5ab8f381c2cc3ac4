//! What `ssb-cli config` prints is what ssb-server's own prints, wherever settings come from.

use std::fs;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use interop::Lab;
use interop::Process;
use interop::fail;
use interop::javascript;

/// Files, variables, and words behind `config`; PORT stands for a port.
struct Setup {
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
}

const NONE: Setup = Setup { files: &[], variables: &[], words: &[] };

#[test]
fn a_config_file_in_json() {
    agree(&Setup {
        files: &[(
            ".ssb/config",
            r#"{ // mine
             "host": "127.0.0.1", "port": PORT, "ws": {"port": 9999}, "friends": {"hops": 3}, "9": "first", "seeds": [],
             "logging": {"level": "info"}, "gossip": {"local": false}, "plugins": {"ssb-x": true}, "x": 1.50}"#,
        )],
        ..NONE
    });
}

#[test]
fn a_config_file_in_ini() {
    let files = &[(
        ".ssb/config",
        "; mine\nport = PORT\nhost = 127.0.0.1\nflag\n[friends]\nhops = 3\n[a.b]\nc[] = 1\nc[] = x",
    )];
    agree(&Setup { files, ..NONE });
}

#[test]
fn no_host_and_so_every_interface() {
    agree(&Setup { words: &["--", "--port", "PORT"], ..NONE });
}

#[test]
fn variables() {
    agree(&Setup {
        variables: &[
            ("ssb_port", "PORT"),
            ("SSB_host", "127.0.0.1"),
            ("ssb_caps__invite", "x"),
            ("ssb_a__b__c", "1"),
        ],
        ..NONE
    });
}

#[test]
fn options_before_and_behind_the_dashes() {
    agree(&Setup {
        files: &[(".ssb/config", r#"{"host": "127.0.0.1", "x": {"from": "file", "file": true}}"#)],
        words: &[
            "word",
            "5",
            "--port",
            "PORT",
            "--x.from",
            "option",
            "--no-party",
            "--l=1",
            "--l=2",
            "--",
            "--y",
            "z",
            "--x.weak",
            "1",
            "w",
        ],
        ..NONE
    });
}

#[test]
fn another_appname_and_all_kinds_of_files() {
    agree(&Setup {
        files: &[
            (".mine/config", r#"{"host": "127.0.0.1", "a": 1, "b": 1, "o": {"a": [1, 2]}}"#),
            (".minerc", "port = PORT\nb = 2\nc = 2"),
            (".config/mine/config", r#"{"a": 3, "d": 3, "o": {"a": [3]}}"#),
            ("work/.minerc", r#"{"e": 5, "c": 3}"#),
            ("work/extra", r#"{"c": 4, "o": {"b": null}}"#),
            (".ssb/config", r#"{"port": 1}"#),
        ],
        variables: &[("ssb_appname", "mine"), ("mine_config", "extra"), ("ssb_port", "2")],
        words: &[],
    });
}

#[test]
fn incoming_connections_that_name_their_places() {
    agree(&Setup {
        files: &[(
            ".ssb/config",
            r#"{"port": PORT, "connections": {"incoming": {
                "net": [{"scope": "device", "host": "localhost", "port": 1, "transform": "shs"},
                        {"scope": ["public", "local"], "host": "127.0.0.1", "external": ["a.example"], "transform": "shs"}],
                "unix": [{"scope": "device", "transform": "noauth"}],
                "ws": [{"scope": "public", "host": "127.0.0.1", "port": 9998, "transform": "shs"}]
            }}}"#,
        )],
        // The first port is one that only root may have, and the node is started on the other alone.
        words: &[],
        ..NONE
    });
}

#[test]
fn the_same_conflicts_are_refused_with_the_same_words() {
    let lab = Lab::new();
    const FILE: &str = r#"{"host": "a", "port": 1, "ws": {"port": 2}, "connections": {"incoming": {
        "net": [{"scope": "public", "host": "b", "port": 3}], "ws": [{"scope": "public", "host": "b", "port": 4}]}}}"#;
    let setup = Setup { files: &[(".ssb/config", FILE)], ..NONE };
    let home = setup.write(&lab, "");
    let words = "ssb-config: conflicting connection settings for: net host, net port, ws port";

    for program in [javascript(BIN), lab.our_program()] {
        let output = setup.command(&lab, program, &home, "").arg("start").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}

const BIN: &str = "node_modules/ssb-server/bin.js";

impl Setup {
    fn write(&self, lab: &Lab, port: &str) -> std::path::PathBuf {
        let home = lab.dir("home");
        for (name, text) in self.files {
            let path = home.join(name);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the lab is writable");
            fs::write(path, text.replace("PORT", port)).expect("the lab is writable");
        }
        fs::create_dir_all(home.join("work")).expect("the lab is writable");
        home
    }

    fn command(&self, lab: &Lab, program: Command, home: &Path, port: &str) -> Command {
        let mut command = lab.tame(program);
        command
            .current_dir(home.join("work"))
            .env("HOME", home)
            .env_remove("ssb_appname")
            .stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value.replace("PORT", port))));
        command
    }
}

/// Starts our node with the settings, and has both programs print them.
fn agree(setup: &Setup) {
    let lab = Lab::new();
    let port = free_port();
    let home = setup.write(&lab, &port);
    let command = |program| setup.command(&lab, program, &home, &port);
    let mut start = command(lab.our_program());
    // Other places of the set-up need not be free here, or ours to have.
    let only = format!(
        r#"{{"connections":{{"incoming":{{"net":[{{"scope":"public","host":"127.0.0.1","port":{port}}}]}}}}}}"#
    );
    fs::write(home.join("only"), only).expect("the lab is writable");
    let listens_elsewhere = setup.files.iter().any(|(_, text)| text.contains("incoming"));
    if listens_elsewhere {
        start.arg("start").arg("--config").arg(home.join("only"));
    } else {
        start.arg("start").args(["--port", &port, "--gossip.local", "false"]);
    }
    let node = Process::start("ours", &mut start);
    node.find_line("line 'listening on'", |line| line.starts_with("listening on ").then_some(()));

    let words = || setup.words.iter().map(|word| word.replace("PORT", &port));
    let print = |program| {
        let output = command(program).arg("config").args(words()).output().expect("it runs");
        // ssb-server prints, and then crashes on options of its own command.
        if output.stdout.is_empty() {
            fail(format_args!("{}", String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (theirs, ours) = (print(javascript(BIN)), print(lab.our_program()));

    let public = theirs.lines().filter(|line| !line.starts_with("    \"private\": ")).collect::<Vec<_>>();
    assert_eq!(public.len() + 1, theirs.lines().count(), "there is one secret key in {theirs}");
    assert_eq!(ours, public.join("\n") + "\n");
}

/// A port nobody uses now.
fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.expect("loopback has a free port").port().to_string()
}
