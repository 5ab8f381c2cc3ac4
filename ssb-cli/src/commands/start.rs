//! `ssb-cli start`: runs a node.

use ssb_keys::base64;
use ssb_node::node;
use ssb_node::node::Ready;

use crate::config::Settings;
use crate::failure::Failure;
use crate::print;

/// Runs a node until it is told to stop.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let config = &settings.node;
    for notice in &settings.notices {
        print::talk(notice);
    }
    if config.new_feed {
        print::talk(
            "--new-feed: publishing is unlocked. If this feed is longer anywhere else, it now forks for good.",
        );
    }
    node::run(config, |ready| {
        // A node whose output nobody reads runs on.
        let _ = print::out(banner(settings, ready).as_bytes());
        for notice in &ready.notices {
            print::talk(notice);
        }
    })
    .map_err(|error| Failure::of(&error))
}

/// The first two lines as ssb-server 16.0.1 has them, and where the node listens.
fn banner(settings: &Settings, ready: &Ready) -> String {
    let config = &settings.node;
    format!(
        "ssb-cli {} {} logging.level:{}\nmy key ID: {}.ed25519\nlistening on {}\n",
        env!("CARGO_PKG_VERSION"),
        config.path.display(),
        config.log_level,
        base64::encode(ready.id.as_bytes()),
        ready.addresses.join(";"),
    )
}

#[cfg(test)]
mod tests {
    use ssb_keys::FeedId;
    use ssb_node::config::Config;

    use super::*;

    #[test]
    fn the_first_lines_are_javascript_s() {
        let settings = Settings { node: Config::new("/home/alice/.ssb"), key: None, notices: Vec::new() };
        let addresses = ["net:10.0.0.1:8008~shs:a", "unix:/home/alice/.ssb/socket~noauth"].map(String::from);
        let ready =
            Ready { id: FeedId::from_bytes([0; 32]), addresses: addresses.into(), notices: Vec::new() };

        assert_eq!(
            banner(&settings, &ready),
            "ssb-cli 0.1.0 /home/alice/.ssb logging.level:notice\n\
             my key ID: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519\n\
             listening on net:10.0.0.1:8008~shs:a;unix:/home/alice/.ssb/socket~noauth\n"
        );
    }
}
