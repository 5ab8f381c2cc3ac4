//! `ssb-cli start`: runs a node.

use ssb_keys::base64;
use ssb_node::node;
use ssb_node::node::Ready;
use ssb_node::node::StartError;

use super::migrate;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::print;

/// Runs a node until it is told to stop.
pub(super) fn run(settings: &Settings, words: &[String]) -> Result<(), Failure> {
    let config = &settings.node;
    for notice in &settings.notices {
        print::talk(notice);
    }
    for word in words {
        print::talk(&format!("start takes no words, only options: {word} has no effect"));
    }
    if config.new_feed {
        print::talk(
            "--new-feed: publishing is unlocked. If this feed is longer anywhere else, it now forks for good.",
        );
    }
    migrate::take_over(config)?;
    node::run(config, |ready| {
        // A node whose output nobody reads runs on.
        let _ = print::out(banner(settings, ready).as_bytes());
        for notice in &ready.notices {
            print::talk(notice);
        }
    })
    .map_err(|error| {
        let failure = Failure::of(&error).code(code(&error));
        match error {
            StartError::InUse { pid, .. } => failure.hint(second_instance(pid)),
            StartError::Log(ref error) if error.is_damage() => failure.hint(DAMAGED),
            _ => failure,
        }
    })
}

fn second_instance(pid: Option<u32>) -> String {
    let stop = pid.map_or_else(String::new, |pid| format!("stop it first (`kill {pid}`), or "));
    format!(
        "To talk to it, use the other commands, such as `ssb-cli whoami`. To run this one instead, {stop}say where a \
         second node may live: --path DIR --port PORT."
    )
}

/// What scripts and supervisors may want to tell apart.
fn code(error: &StartError) -> u8 {
    match error {
        StartError::InUse { .. } => codes::IN_USE,
        StartError::Listen { .. } => codes::UNAVAILABLE,
        StartError::Exposed { .. } => codes::CONFIG,
        StartError::Directory { .. }
        | StartError::Secret(_)
        | StartError::Mark(_)
        | StartError::Log(_)
        | StartError::Read(_)
        | StartError::Poisoned => codes::IO,
        _ => 1,
    }
}

/// The first two lines as ssb-server 16.0.1 has them, where blobs are served over HTTP, and where the node listens.
fn banner(settings: &Settings, ready: &Ready) -> String {
    let config = &settings.node;
    // Before the line that tells scripts that all is ready.
    let blobs = ready.blobs.as_ref().map_or_else(String::new, |place| format!("blobs at {place}\n"));
    format!(
        "ssb-cli {} {} logging.level:{}\nmy key ID: {}.ed25519\n{blobs}listening {}\n",
        env!("CARGO_PKG_VERSION"),
        config.path.display(),
        config.log_level,
        base64::encode(ready.id.as_bytes()),
        match ready.addresses.as_slice() {
            [] => "nowhere".to_owned(),
            addresses => format!("on {}", addresses.join(";")),
        },
    )
}

/// What to do about a log that is not as it was written.
const DAMAGED: &str =
    "`ssb-cli fsck` names everything that is wrong; `ssb-cli fsck --repair` keeps all that is whole.";

#[cfg(test)]
mod tests {
    use ssb_keys::FeedId;
    use ssb_node::config::Config;

    use super::*;

    #[test]
    fn the_first_lines_are_javascript_s() {
        let settings = Settings { node: Config::new("/home/alice/.ssb"), key: None, notices: Vec::new() };
        let addresses = ["net:10.0.0.1:8008~shs:a", "unix:/home/alice/.ssb/socket~noauth"].map(String::from);
        let blobs = Some("http://localhost:8989/blobs/get/".to_owned());
        let id = FeedId::from_bytes([0; 32]);
        let ready = Ready { id, addresses: addresses.into(), blobs, notices: Vec::new() };

        assert_eq!(
            banner(&settings, &ready),
            "ssb-cli 0.1.0 /home/alice/.ssb logging.level:notice\n\
             my key ID: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519\n\
             blobs at http://localhost:8989/blobs/get/\n\
             listening on net:10.0.0.1:8008~shs:a;unix:/home/alice/.ssb/socket~noauth\n"
        );
    }
}
