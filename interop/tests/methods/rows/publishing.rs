//! What is published, and what is not.

use super::CREATE;
use super::ENGINE;
use super::EXTRA;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

pub(super) fn refused_calls(table: &mut Table) {
    table.calls("publish", &[&format!("[{{\"type\":\"post\",\"text\":\"{}\"}}]", "x".repeat(8192))]);
    // Nothing of this is stored: that is for the end, because each server signs with its own key.
    table.calls(
        "publish",
        &[
            "[]",
            "[null]",
            "[false]",
            "[0]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"text\":\"no type\"}]",
            "[{\"type\":5}]",
            "[{\"type\":\"\"}]",
            "[{\"type\":\"ab\"}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
            "[\"x\"]",
            "[\"not boxed\"]",
        ],
    );
}

pub(super) fn publishing(table: &mut Table) {
    table.phase = Phase::Publishing;
    table.calls(
        "publish",
        &[
            "[{\"type\":\"post\",\"text\":\"hello\"}]",
            "[{\"type\":\"post\",\"zebra\":1,\"apple\":{\"y\":[],\"x\":{}},\"10\":1,\"9\":2}]",
            "[{\"type\":\"abc\"}]",
            "[{\"type\":\"post\",\"text\":\"🦀 \\u00e9 \\u0000 \\u2028 \\ud83d\"}]",
            "[{\"type\":\"post\",\"numbers\":[0,-0,0.1,1e21,1e-7,123456789012345680000]}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
        ],
    );
    private(table);
    create(table);
    table.ours_only(Reads::Answer, EXTRA, "publish", &[("[{\"type\":\"post\"},5]", "{\"key\":\"<id>\",…")]);
}

fn private(table: &mut Table) {
    for recps in [
        "[\"<A>\"]",
        "\"<A>\"",
        "[\"<A>\",\"<B>\"]",
        "[\"<A>\",\"<A>\"]",
        "[\"<A>\",\"<B>\",\"<C>\",\"<D>\",\"<E>\",\"<F>\",\"<me>\"]",
        "[\"<A>\",\"<B>\",\"<C>\",\"<D>\",\"<E>\",\"<F>\",\"<G>\",\"<me>\"]",
        "\"x\"",
        "[]",
        "[\"x\"]",
        "[\"<A>\",null]",
        "[\"<A>\",5,{\"link\":\"<B>\"}]",
        "[\"<A.key>\"]",
        "[\"<A>?x=1\"]",
        "[\"<a1.id>\"]",
        "null",
        "5",
        "true",
        "{}",
        "{\"link\":\"<A>\"}",
    ] {
        table.calls(
            "publish",
            &[&format!("[{{\"type\":\"post\",\"text\":\"☃\",\"recps\":{recps},\"z\":0.10}}]")],
        );
    }
    let long = format!("[{{\"type\":\"post\",\"text\":\"{}\",\"recps\":[\"<A>\"]}}]", "x".repeat(6000));
    table.calls("publish", &[&long]);
    // Of what is sealed nobody sees the type.
    for content in ["", "\"type\":5,", "\"type\":\"a\",", "\"type\":\"\",", "\"10\":1,\"9\":2,"] {
        table.calls("publish", &[&format!("[{{{content}\"recps\":[\"<A>\"]}}]")]);
    }
    for content in ["{\"type\":\"post\"}", "{\"recps\":[\"<B>\"]}", "\"text\"", "5", "[1, 2]", "null", "{}"] {
        table.calls("private.publish", &[&format!("[{content},[\"<A>\",\"<me>\"]]")]);
    }
    // From here on ssb-server publishes what our node refuses.
    let expects = "!Error: private message field \"recps\" expects…";
    table.deviates(
        Reads::Answer,
        "`recps` that are `false`, `0` or an empty text",
        "publish",
        &[
            ("[{\"type\":\"post\",\"recps\":false}]", expects, "{\"key\":\"<id>\",…\"recps\":false…"),
            ("[{\"type\":\"post\",\"recps\":0}]", expects, "{\"key\":\"<id>\",…\"recps\":0…"),
            ("[{\"type\":\"post\",\"recps\":\"\"}]", expects, "{\"key\":\"<id>\",…\"recps\":\"\"…"),
        ],
    );
    table.deviates(
        Reads::Answer,
        "a recipient whose key is none",
        "publish",
        &[(
            "[{\"type\":\"post\",\"recps\":[\"<N>\"]}]",
            "!Error: recipient @…=.ed25519 has an unusable key",
            "!TypeError: p must be an instance of TypedArray",
        )],
    );
    let failed = "!Error: failed to encrypt: …";
    table.deviates(
        Reads::Answer,
        "`private.publish` for recipients that are none, or too many",
        "private.publish",
        &[
            ("[{\"type\":\"post\"},[]]", failed, "{\"key\":\"<id>\",…"),
            ("[{\"type\":\"post\"},\"<A>\"]", failed, "!TypeError: failed to encrypt"),
            ("[{\"type\":\"post\"},[\"x\"]]", failed, "!TypeError: failed to encrypt"),
            ("[{\"type\":\"post\"},[\"<N>\"]]", failed, "!TypeError: failed to encrypt"),
            (
                "[{\"type\":\"post\"},[\"<A>\",\"<A>\",\"<A>\",\"<A>\",\"<A>\",\"<A>\",\"<A>\",\"<A>\"]]",
                failed,
                "!Error: failed to encrypt",
            ),
            ("[{\"type\":\"post\"}]", failed, "!TypeError: cb is not a function"),
        ],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "private.publish",
        &[("[]", "!UsageError: Param 0 is required", "!TypeError: cb is not a function")],
    );
}

/// Of ssb-db2, which is no part of ssb-server.
fn create(table: &mut Table) {
    let unsupported = "!Error: create() does not support …";
    let not_sealed = "!Error: create() failed to encrypt content: …";
    table.ours_only(
        Reads::Answer,
        CREATE,
        "db.create",
        &[
            ("[]", "!UsageError: Param 0 is required"),
            ("[{}]", "!Error: create() requires a `content`"),
            ("[{\"content\":{\"type\":\"post\"},\"feedFormat\":\"x\"}]", unsupported),
            ("[{\"content\":{\"type\":\"post\"},\"recps\":[\"<A>\"],\"encryptionFormat\":\"x\"}]", unsupported),
            ("[{\"content\":{\"type\":\"post\"},\"recps\":[\"x\"],\"encryptionFormat\":\"box2\"}]", not_sealed),
            ("[{\"content\":{\"type\":\"post\"},\"recps\":[\"<N>\"],\"encryptionFormat\":\"box2\"}]", not_sealed),
            (
                "[{\"content\":{\"type\":\"post\"},\"recps\":false,\"encryptionFormat\":\"box2\"}]",
                "!Error: private message field \"recps\" expects…",
            ),
            ("[{\"content\":{\"type\":\"post\"}}]", "{\"key\":\"%…\"content\":{\"type\":\"post\"}…"),
            (
                "[{\"content\":{\"type\":\"post\"},\"recps\":[\"<A>\"]}]",
                "{\"key\":\"%…\"content\":\"….box\"…",
            ),
            (
                "[{\"content\":{\"type\":\"post\"},\"recps\":[\"<A>\",\"<me>\"],\"encryptionFormat\":\"box2\"}]",
                "{\"key\":\"%…\"content\":\"….box2\"…",
            ),
        ],
    );
}

pub(super) fn removing(table: &mut Table) {
    let bad = ["[]", "[null]", "[0]", "[\"\"]", "[\"x\"]", "[5]", "[{}]", "[[\"<a1.id>\"]]", "[\"<N.id>\"]"];
    table.calls("del", &bad);
    table.ours_only(
        Reads::Answer,
        "`del` of the own feed",
        "del",
        &[("[\"<me>\"]", "!Error: the own feed cannot be deleted: …")],
    );
    let gone = "`del`";
    table.ours_only(Reads::Answer, gone, "del", &[("[\"<b2.id>\"]", "false")]);
    table.ours_only(
        Reads::Answer,
        gone,
        "undel",
        &[
            ("[\"<a1.id>\"]", "!Error: %….sha256 was not deleted here"),
            ("[\"<b2.id>\"]", "true"),
            ("[\"<N>\"]", "!Error: @….ed25519 was not deleted here"),
            ("[]", "!UsageError: Param 0 is required"),
        ],
    );
    table.ours_only(Reads::Answer, gone, "del", &[("[\"<B>\"]", "[\"%…")]);
    table.ours_only(Reads::Answer, gone, "add", &[("[<b1>]", "!Error: its feed was deleted here; undel…")]);
    table.ours_only(Reads::Answer, gone, "undel", &[("[\"<B>\"]", "true")]);
    table.ours_only(Reads::Answer, gone, "add", &[("[<b1>]", "{\"key\":\"%…")]);
}
