//! Replays seeds.

use std::fs;

/// Runs `body` on the files named as arguments.
pub fn replay(body: fn(&[u8])) {
    for path in std::env::args_os().skip(1) {
        body(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn replay_seeds(target: &str, body: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{} is empty", folder.display());
        for seed in seeds {
            // Shown if it panics.
            println!("{}", seed.display());
            body(&fs::read(&seed).unwrap());
        }
    }

    macro_rules! targets {
        ($($name:ident)*) => {
            const TARGETS: &[&str] = &[$(stringify!($name)),*];

            $(#[test]
            fn $name() {
                replay_seeds(stringify!($name), crate::$name);
            })*
        };
    }

    targets! {
        address_parse bipf_read blob_wants box2_open boxstream_open ebt_note flume_read json_number kernel_equal lan_beacon
        leveldb_read log_ops log_recover message_chain message_parse muxrpc_decode muxrpc_session peer privatebox_open
        query_parse
        replicator secret_file shs_handshake
    }

    fn names_in(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_target_and_every_folder_of_seeds_is_replayed() {
        assert_eq!(names_in("fuzz_targets"), TARGETS);
        assert_eq!(names_in("seeds"), TARGETS);
    }
}
