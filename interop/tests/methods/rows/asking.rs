//! Calls with one answer: about the server, about feeds, and for single messages.

use super::ENGINE;
use super::EXTRA;
use super::HELP;
use super::PLACES;
use super::Table;
use crate::row::Expect;
use crate::row::Reads;

pub(super) fn about_the_server(table: &mut Table) {
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
        // There it depends on how far the indexes are when it is asked.
        let ours = "{\"indexes\":{\"start\":12,\"current\":12,\"target\":12},\"ooo\":{\"start\":0,\"current\":0,\"target\":0}}";
        let theirs = "{\"indexes\":{\"start\":…,\"current\":…,\"target\":12},\"ooo\":{\"start\":0,\"current\":0,\"target\":0}}";
        table.push("progress", args, Reads::Answer, Expect::MayDeviate { ours, theirs, deviation: PLACES });
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
        HELP,
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

pub(super) fn about_feeds(table: &mut Table) {
    table.deviates(
        Reads::Answer,
        "`getAtSequence`",
        "getAtSequence",
        &[
            ("[[\"<A>\",1]]", "{\"key\":\"%…", "!Error: not in the manifest: getAtSequence"),
            ("[\"<A>:1\"]", "{\"key\":\"%…", "!Error: not in the manifest: getAtSequence"),
            ("[[\"<N>\",1]]", "!NotFoundError: Key not found…", "!Error: not in the manifest: getAtSequence"),
            ("[[\"<A>\",0]]", "!NotFoundError: Key not found…", "!Error: not in the manifest: getAtSequence"),
            ("[]", "!UsageError: Param 0 is required", "!Error: not in the manifest: getAtSequence"),
            (
                "[5]",
                "!TypeError: Param 0 must by of type [feedId, sequence]",
                "!Error: not in the manifest: getAtSequence",
            ),
        ],
    );
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

pub(super) fn single_messages(table: &mut Table) {
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
        "`get` with an `unbox` that is no key",
        "get",
        &[("[\"<b2.id>?unbox=AAAA\"]", "{\"previous\":…}", "!Error: flumeview-level.get: …")],
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
