//! The table of known peers.

use super::ENGINE;
use super::NEWER;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

pub(super) fn gossip(table: &mut Table) {
    table.phase = Phase::Gossip;
    table.calls("gossip.peers", &["[]", "[5]"]);
    table.calls(
        "gossip.add",
        &[
            "[]",
            "[null]",
            "[\"\"]",
            "[0]",
            "[true]",
            "[\"x\"]",
            "[\"x~y\"]",
            "[\"a:b:c\"]",
            "[\"net:h:1~shs:x\"]",
            "[\"foo:bar~baz\"]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"x\"}]",
            "[{\"address\":\"net:127.0.0.1:1~shs:<A.key>\"}]",
            "[\"<A>\"]",
            "[\"<me>\"]",
            "[\"net:127.0.0.1:1~shs:<me.key>\"]",
            "[\"net:127.0.0.1:1~shs:<me.key>\",\"manual\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"net:127.0.0.1:2~shs:<A.key>\",\"manual\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"friends\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",null]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",5]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",true]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"local\"]",
            "[\"net:127.0.0.1:1~shs:<A.key>\",\"manual\"]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"}]",
            "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"},\"manual\"]",
            "[\"onion:abcdefghijklmnop.onion:1~shs:<C.key>\",\"pub\"]",
            "[{\"address\":\"net:127.0.0.1:1~shs:<D.key>\",\"key\":\"<D>\"},\"seed\"]",
        ],
    );
    table.calls("gossip.peers", &["[]"]);
    let id_only = "an address that names no peer that can be dialed, in `gossip.add`";
    table.deviates(
        Reads::Answer,
        id_only,
        "gossip.add",
        &[
            (
                "[\"foo:bar~shs:<E.key>\"]",
                "!Error: not a valid address:foo:bar~shs:…: address names no transport…",
                "{\"address\":\"foo:bar~shs:…",
            ),
            (
                "[{\"address\":\"net:127.0.0.1:1~shs:<A.key>\",\"key\":\"<F>\"}]",
                "!Error: not a valid address:{…}: address and key are of two peers",
                "{\"address\":…",
            ),
        ],
    );
    table.deviates(
        Reads::Answer,
        "`host:port:@key.ed25519` in `gossip.add`",
        "gossip.add",
        &[("[\"127.0.0.1:1:<E>\"]", "{\"host\":\"127.0.0.1\",…", "!Error: must provide id:{\"address\":…")],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.add",
        &[
            ("[5]", "!TypeError: Param 0 must by of type object", "!TypeError: Cannot create property…"),
            ("[{}]", "!Error: not a valid address:{}", "!TypeError: Cannot read properties of undefined…"),
            (
                "[[]]",
                "!TypeError: Param 0 must by of type object",
                "!TypeError: Cannot read properties of undefined…",
            ),
            (
                "[{\"host\":\"127.0.0.1\",\"port\":1}]",
                "!Error: not a valid address:{\"host\":…",
                "!TypeError: Cannot read properties of undefined…",
            ),
        ],
    );
    table.calls(
        "gossip.get",
        &[
            "[\"<A>\"]",
            "[\"<B>\"]",
            "[\"<C>\"]",
            "[{\"key\":\"<A>\"}]",
            "[{\"key\":\"<A>\",\"host\":\"x\"}]",
            "[\"<me>\"]",
            "[\"<third>\"]",
            "[\"\"]",
            "[\"x\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"key\":\"x\"}]",
            "[{\"key\":5}]",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "[\"<A>\",5]",
        ],
    );
    for method in ["gossip.get", "gossip.remove"] {
        table.deviates(
            Reads::Answer,
            ENGINE,
            method,
            &[
                (
                    "[]",
                    "!Error: must provide id:undefined",
                    "!TypeError: Cannot read properties of undefined…",
                ),
                ("[null]", "!Error: must provide id:null", "!TypeError: Cannot read properties of null…"),
            ],
        );
    }
    table.calls(
        "gossip.connect",
        &[
            "[null]",
            "[\"\"]",
            "[0]",
            "[\"x\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[\"x~y\"]",
            "[\"net:127.0.0.1:1~shs:x\"]",
            "[\"foo:bar~shs:<E.key>\"]",
            "[\"<N>\"]",
            "[\"<me>\"]",
            "[\"<third>\"]",
            "[\"<a1.id>\"]",
        ],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.connect",
        &[(
            "[]",
            "!Error: ssb-gossip.connect: address, or peer id must be provided",
            "!TypeError: cb is not a function",
        )],
    );
    let refused = "what the system says about a dial that fails";
    for args in [
        "[\"<A>\"]",
        "[\"<B>\"]",
        "[\"net:127.0.0.1:1~shs:<A.key>\"]",
        "[\"127.0.0.1:1:<B>\"]",
        "[{\"key\":\"<B>\"}]",
        "[{\"host\":\"127.0.0.1\",\"port\":1,\"key\":\"<B>\"}]",
    ] {
        table.deviates(
            Reads::Answer,
            refused,
            "gossip.connect",
            &[(
                args,
                "!Error: could not connect to net:127.0.0.1:1~shs:…: Connection refused…",
                "!Error: connect ECONNREFUSED 127.0.0.1:1",
            )],
        );
    }
    table.calls("gossip.get", &["[\"<A>\"]", "[\"<B>\"]"]);
    table.deviates(
        Reads::Answer,
        "`gossip.connect` with the own address",
        "gossip.connect",
        &[("[\"net:127.0.0.1:1~shs:<me.key>\"]", "!Error: this address has the node's own key", "false")],
    );
    // With somebody who is there.
    table.deviates(
        Reads::Answer,
        "`gossip.connect` that succeeds",
        "gossip.connect",
        &[("[\"<third.address>\"]", "{\"id\":\"@…\",\"address\":\"net:…\"}", "{\"_events\":…")],
    );
    table.calls("gossip.get", &["[\"<third>\"]"]);
    table.calls("gossip.disconnect", &["[\"<third>\"]", "[\"<B>\"]", "[{\"key\":\"<C>\"}]"]);
    table.calls(
        "gossip.disconnect",
        &["[]", "[\"\"]", "[\"x\"]", "[5]", "[{}]", "[{\"key\":\"x\"}]", "[\"net:127.0.0.1:1~shs:<A.key>\"]"],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "gossip.disconnect",
        &[
            ("[null]", "!Error: must provide id:null", "!TypeError: Cannot read properties of null…"),
            (
                "[\"<N>\"]",
                "!Error: no known address for peer:…",
                "!TypeError: Cannot set properties of undefined…",
            ),
        ],
    );
    table.deviates(
        Reads::Answer,
        "`gossip.disconnect` of a peer that is not connected",
        "gossip.get",
        &[(
            "[\"<C>\"]",
            "{\"address\":…\"duration\":null}",
            "{\"address\":…\"state\":\"disconnecting\",\"stateChange\":<now>}",
        )],
    );
    table.calls(
        "gossip.remove",
        &["[\"<C>\"]", "[\"<C>\"]", "[\"<N>\"]", "[\"x\"]", "[5]", "[{}]", "[{\"key\":\"<D>\"}]"],
    );
    table.calls("gossip.get", &["[\"<C>\"]", "[\"<D>\"]"]);
    habits(table);
    conn(table);
}

/// What the node does by itself.
fn habits(table: &mut Table) {
    table.calls("gossip.enable", &["[\"pub\"]", "[\"friends\"]", "[true]"]);
    table.calls(
        "gossip.disable",
        &["[]", "[null]", "[\"\"]", "[\"global\"]", "[\"friends\"]", "[\"seed\"]", "[\"pub\"]", "[true]"],
    );
    for method in ["gossip.enable", "gossip.disable"] {
        table.deviates(
            Reads::Answer,
            "`gossip.enable`, `gossip.disable` of a type that there is not",
            method,
            &[
                ("[\"x\"]", "!Error: there is no gossip type x; …", "\"…abled gossip type x\""),
                ("[5]", "!Error: there is no gossip type 5; …", "\"…abled gossip type 5\""),
                ("[{}]", "!Error: there is no gossip type {}; …", "\"…abled gossip type [object Object]\""),
            ],
        );
    }
}

/// Peers as ssb-conn has them, which is no part of ssb-server.
fn conn(table: &mut Table) {
    let no_address = "!Error: The given address is not a valid multiserver-address";
    for method in
        ["conn.remember", "conn.forget", "conn.connect", "conn.disconnect", "conn.stage", "conn.unstage"]
    {
        table.ours_only(
            Reads::Answer,
            NEWER,
            method,
            &[("[]", no_address), ("[5]", no_address), ("[\"<A>\"]", no_address)],
        );
    }
    for (method, args, ours) in [
        (
            "conn.remember",
            "[\"net:127.0.0.1:1~shs:<E.key>\",{\"type\":\"pub\",\"autoconnect\":false}]",
            "false",
        ),
        (
            "conn.remember",
            "[\"net:127.0.0.1:1~shs:<E.key>\",5]",
            "!Error: The given connection data should have been an object",
        ),
        ("conn.dbPeers", "[]", "[[\"net:…\",{\"key\":\"@…\"autoconnect\":false}]…]"),
        ("conn.forget", "[\"net:127.0.0.1:1~shs:<E.key>\"]", "false"),
        ("conn.stage", "[\"net:127.0.0.1:1~shs:<E.key>\",{\"type\":\"internet\"}]", "true"),
        ("conn.stage", "[\"net:127.0.0.1:1~shs:<E.key>\"]", "false"),
        ("conn.unstage", "[\"net:127.0.0.1:1~shs:<E.key>\"]", "true"),
        ("conn.unstage", "[\"net:127.0.0.1:1~shs:<E.key>\"]", "false"),
        (
            "conn.connect",
            "[\"net:127.0.0.1:1~shs:<A.key>\"]",
            "!Error: could not connect to net:127.0.0.1:1~shs:…",
        ),
        ("conn.disconnect", "[\"net:127.0.0.1:1~shs:<A.key>\"]", "false"),
        ("conn.stop", "[]", "false"),
        ("conn.start", "[]", "false"),
    ] {
        table.ours_only(Reads::Answer, NEWER, method, &[(args, ours)]);
    }
}
