//! `help`, `gossip.help` and so on: what the methods are for, in the shape that ssb-server's command line reads (ssb-db 20.4.1,
//! ssb-gossip 1.1.1, ssb-friends 4.3.0). The words are ours.

/// `help`: the methods of the log.
pub(crate) const ROOT: &str = concat!(
    r#"{"description":"messages: publish, store and read them","commands":{"#,
    r#""createLogStream":{"type":"source","description":"all messages, in the order in which this node got them","args":{"#,
    r#""gte":{"type":"timestamp","description":"received at this time or later","optional":true},"#,
    r#""lte":{"type":"timestamp","description":"received at this time or earlier","optional":true},"#,
    r#""gt":{"type":"timestamp","description":"received after this time","optional":true},"#,
    r#""lt":{"type":"timestamp","description":"received before this time","optional":true},"#,
    r#""reverse":{"type":"boolean","test":"boolean","description":"newest first","optional":true},"#,
    r#""live":{"type":"boolean","test":"boolean","description":"go on with new messages as they come","optional":true},"#,
    r#""old":{"type":"boolean","test":"boolean","description":"begin with the messages that are there","optional":true},"#,
    r#""keys":{"type":"boolean","description":"with the ids of the messages","optional":true},"#,
    r#""values":{"type":"boolean","description":"with the messages themselves","optional":true}}},"#,
    r#""get":{"type":"async","description":"one message by its id","args":{"#,
    r#""id":{"type":"string","test":{}},"#,
    r#""private":{"type":"boolean","description":"decrypt it, if it is for this node","default":false},"#,
    r#""meta":{"type":"boolean","description":"with its id and when it was received","default":false}}},"#,
    r#""publish":{"type":"async","description":"sign and store a message of the own feed","args":{}},"#,
    r#""add":{"type":"async","description":"store a message that was signed elsewhere","args":{}},"#,
    r#""status":{"type":"sync","description":"how the node is doing","args":{}},"#,
    r#""progress":{"type":"sync","description":"how far the indexes are","args":{}},"#,
    r#""version":{"type":"sync","description":"which version runs","args":{}},"#,
    r#""whoami":{"type":"sync","description":"the id of this node","args":{}},"#,
    r#""createHistoryStream":{"type":"source","description":"the messages of one feed, in their order","args":{"#,
    r#""id":{"type":"FeedId","optional":false,"description":"whose feed"},"#,
    r#""seq":{"type":"SequenceNumber","optional":true,"description":"the sequence of the first message"},"#,
    r#""limit":{"type":"number","description":"the most messages","optional":true},"#,
    r#""keys":{"type":"boolean","description":"with the ids of the messages","optional":true},"#,
    r#""values":{"type":"boolean","description":"with the messages themselves","optional":true}}}}}"#,
);

macro_rules! with_peer {
    ($name:literal, $kind:literal, $what:literal) => {
        concat!(
            "\"",
            $name,
            "\":{\"type\":\"",
            $kind,
            "\",\"description\":\"",
            $what,
            "\",\"args\":{",
            r#""id":{"type":"FeedId","optional":true,"description":"the id of the peer"},"#,
            r#""address":{"type":"MultiServerAddress","optional":true,"description":"where the peer is"}}},"#,
        )
    };
}

/// `gossip.help`: the methods of the table of peers, those that there are, by their names.
pub(crate) const GOSSIP: &str = concat!(
    r#"{"description":"known peers, and the connections with them","commands":{"#,
    with_peer!("add", "sync", "know a peer"),
    with_peer!("remove", "sync", "forget a peer"),
    with_peer!("connect", "async", "dial a peer"),
    with_peer!("disconnect", "async", "end the connections with a peer"),
    r#""changes":{"type":"source","description":"what changes in the table of peers, as it happens","args":{}},"#,
    r#""reconnect":{"type":"sync","description":"end the connections with all peers","args":{}},"#,
    r#""enable":{"type":"sync","description":"dial peers of a kind by itself: seed, local, friends or global; or learn them from pub messages","args":{}},"#,
    r#""disable":{"type":"sync","description":"do not do so any more, until the node stops","args":{}}}}"#,
);

/// `ooo.help`: the methods for single messages.
pub(crate) const OOO: &str = concat!(
    r#"{"description":"single messages of feeds that are not here, by their ids","commands":{"#,
    r#""get":{"type":"async","description":"ask all peers for a message","args":{"#,
    r#""id":{"type":"MessageId","description":"the id of the message","optional":false},"#,
    r#""timeout":{"type":"number","description":"how many milliseconds to wait, 5000 unless the configuration (ooo.timeout) says otherwise; 0 is an hour","optional":true}}}}}"#,
);

macro_rules! relation {
    ($name:literal, $what:literal) => {
        concat!(
            "\"",
            $name,
            "\":{\"type\":\"async\",\"description\":\"",
            $what,
            "\",\"args\":{",
            r#""source":{"type":"FeedId","description":"who says it"},"#,
            r#""dest":{"type":"FeedId","description":"of whom"}}},"#,
        )
    };
}

macro_rules! stream_of_graph {
    ($name:literal, $what:literal, $more:expr) => {
        concat!(
            "\"",
            $name,
            "\":{\"type\":\"source\",\"description\":\"",
            $what,
            "\",\"args\":{",
            $more,
            r#""live":{"type":"boolean","description":"go on with what changes","optional":true},"#,
            r#""old":{"type":"boolean","description":"begin with what there is","optional":true}}},"#,
        )
    };
}

/// `friends.help`, with the methods that there are.
pub(crate) const FRIENDS: &str = concat!(
    r#"{"description":"who follows and blocks whom","commands":{"#,
    relation!("isFollowing", "whether a feed follows another"),
    relation!("isBlocking", "whether a feed blocks another"),
    r#""follow":{"type":"async","description":"follow a feed, or with state: false not any more","args":{"#,
    r#""id":{"type":"FeedId","description":"which"},"#,
    r#""state":{"type":"boolean","description":"whether to follow it","default":true}}},"#,
    r#""block":{"type":"async","description":"block a feed, or with state: false not any more","args":{"#,
    r#""id":{"type":"FeedId","description":"which"},"#,
    r#""state":{"type":"boolean","description":"whether to block it","default":true},"#,
    r#""reason":{"type":"string","description":"why","optional":true}}},"#,
    r#""hops":{"type":"async","description":"how far all feeds are","args":{"#,
    r#""start":{"type":"FeedId","description":"from whom to count, this node if it is not said","optional":true},"#,
    r#""max":{"type":"number","description":"up to how many hops","optional":true},"#,
    r#""reverse":{"type":"boolean","description":"how far it is from them","optional":true}}},"#,
    stream_of_graph!("hopStream", "how far all feeds are, and what changes in that", ""),
    stream_of_graph!(
        "createFriendStream",
        "the same, feed by feed",
        r#""meta":{"type":"boolean","description":"with their hops","optional":true},"#
    ),
    stream_of_graph!("graphStream", "what changes in who follows and blocks whom", ""),
    r#""stream":{"type":"source","description":"who follows and blocks whom, and what changes in that","args":{}},"#,
    r#""graph":{"type":"async","description":"who follows (1), blocks (-1) or neither (-2) whom","args":{}},"#,
    r#""get":{"type":"async","description":"the same with true, false and null","args":{"#,
    r#""source":{"type":"FeedId","description":"who says it","optional":true},"#,
    r#""dest":{"type":"FeedId","description":"of whom","optional":true}}}}}"#,
);

macro_rules! of_blob {
    ($name:literal, $what:literal) => {
        concat!(
            "\"",
            $name,
            "\":{\"type\":\"async\",\"description\":\"",
            $what,
            "\",\"args\":{",
            ID_OF_BLOB!(),
            "}},"
        )
    };
}

macro_rules! ID_OF_BLOB {
    () => {
        r#""id":{"type":"BlobId","description":"the id of the blob","optional":false}"#
    };
}

/// `blobs.help`.
pub(crate) const BLOBS: &str = concat!(
    r#"{"description":"files that messages point at","commands":{"#,
    r#""add":{"type":"sink","description":"store a blob","args":{"#,
    r#""id":{"type":"BlobId","description":"the id of the blob, if it is to be no other","optional":true}}},"#,
    r#""get":{"type":"source","description":"the bytes of a blob","args":{"#,
    ID_OF_BLOB!(),
    r#","size":{"type":"number","description":"only if it has so many bytes","optional":true},"#,
    r#""max":{"type":"number","description":"only if it has no more bytes","optional":true}}},"#,
    r#""getSlice":{"type":"source","description":"some of the bytes of a blob","args":{"#,
    ID_OF_BLOB!(),
    r#","size":{"type":"number","description":"only if it has so many bytes","optional":true},"#,
    r#""max":{"type":"number","description":"only if it has no more bytes","optional":true},"#,
    r#""start":{"type":"number","description":"the place of the first byte","optional":false},"#,
    r#""end":{"type":"number","description":"the place behind the last byte","optional":false}}},"#,
    of_blob!("has", "whether a blob is here"),
    of_blob!("size", "how many bytes a blob has, if it is here"),
    of_blob!("meta", "what is known of a blob: its size, since when it is here, and who brought it"),
    of_blob!("rm", "remove a blob"),
    of_blob!("want", "have a blob brought here, and hear when it is"),
    of_blob!("push", "have peers take a blob"),
    of_blob!("pin", "keep a blob, whatever the quota"),
    of_blob!("unpin", "a blob need not be kept"),
    r#""changes":{"type":"source","description":"the ids of blobs, as they come","args":{}},"#,
    r#""ls":{"type":"source","description":"all blobs","args":{"#,
    r#""meta":{"type":"boolean","description":"with their sizes, and since when they are here","optional":true},"#,
    r#""long":{"type":"boolean","description":"the same","optional":true},"#,
    r#""old":{"type":"boolean","description":"begin with the blobs that are here","optional":true},"#,
    r#""live":{"type":"boolean","description":"go on with new blobs as they come","optional":true}}}}}"#,
);

/// `query.help`.
pub(crate) const QUERY: &str = concat!(
    r#"{"description":"ask about messages with map-filter-reduce","commands":{"#,
    r#""read":{"type":"source","description":"the messages that a query finds, and what it makes of them","args":{"#,
    r#""query":{"type":"JSONString","description":"a list of $filter, $map, $reduce and $sort","optional":false},"#,
    r#""limit":{"type":"number","description":"the most items","optional":true},"#,
    r#""reverse":{"type":"boolean","description":"in the other direction","optional":true},"#,
    r#""live":{"type":"boolean","description":"go on with new messages as they come","optional":true},"#,
    r#""old":{"type":"boolean","description":"begin with the messages that are there","optional":true}}},"#,
    r#""explain":{"type":"sync","description":"in the order of which index they come","args":{"#,
    r#""query":{"type":"JSONString","description":"a list of $filter, $map, $reduce and $sort","optional":false}}}}}"#,
);

/// `links2.help`.
pub(crate) const LINKS2: &str = concat!(
    r#"{"description":"ask what messages point at","commands":{"#,
    r#""read":{"type":"source","description":"the links that a query finds","args":{"#,
    r#""query":{"type":"MapFilterReduce","description":"a list of stages, of which the first is a $filter of source, rel or dest"}}}}}"#,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Rpc;
    use serde_json::Value;

    #[test]
    fn help_tells_of_methods_that_there_are_and_of_their_kind() {
        for (help, namespace) in [
            (ROOT, ""),
            (GOSSIP, "gossip."),
            (FRIENDS, "friends."),
            (QUERY, "query."),
            (LINKS2, "links2."),
            (BLOBS, "blobs."),
        ] {
            let help: Value = serde_json::from_str(help).unwrap();
            let commands = help["commands"].as_object().unwrap();
            assert!(!commands.is_empty());
            for (name, command) in commands {
                let path = format!("{namespace}{name}");
                let rpc = Rpc::ALL.iter().find(|rpc| rpc.path() == path).expect("there is such a method");
                assert_eq!(command["type"], rpc.kind().as_str(), "{path}");
            }
        }
    }
}
