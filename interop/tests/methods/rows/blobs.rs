//! Blobs that both have: `<blob>` is the bytes `hello`, `<blob.long>` more than two pieces, `<blob.spare>` is removed, `<blob.none>`
//! nobody has, and `<blob.empty>` has no bytes.

use super::ENGINE;
use super::HELP;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

const EMPTY: &str = "`blobs.get` and `getSlice` of nothing: the empty blob, or a part behind the end";
const NO_RANGE: &str = "`blobs.getSlice` with bounds that are no whole numbers";

pub(super) fn blobs(table: &mut Table) {
    table.phase = Phase::Blobs;
    about(table);
    getting(table);
    listing(table);
    wanting(table);
    removing(table);
    table.deviates(
        Reads::Answer,
        HELP,
        "blobs.help",
        &[("[]", "{\"description\":\"files that messages …", "{\"description\":\"retrive, …")],
    );
}

fn about(table: &mut Table) {
    for method in ["blobs.has", "blobs.size"] {
        table.calls(
            method,
            &[
                "[\"<blob>\"]",
                "[\"<blob.long>\"]",
                "[\"<blob.none>\"]",
                "[{\"id\":\"<blob>\"}]",
                "[[\"<blob>\",\"<blob.none>\"]]",
                "[[\"<blob>\",\"x\"]]",
                "[[null]]",
                "[[5]]",
                "[[{\"id\":\"<blob>\"}]]",
                "[[[\"<blob>\"]]]",
            ],
        );
    }
    table.calls("blobs.has", &["[\"<blob.empty>\"]", "[[\"<blob>\",\"<blob.none>\",\"<blob.empty>\"]]"]);
    table.deviates(
        Reads::Answer,
        "`blobs.size` of the empty blob",
        "blobs.size",
        &[("[\"<blob.empty>\"]", "0", "null"), ("[[\"<blob>\",\"<blob.empty>\"]]", "[5,0]", "[5,null]")],
    );
    let others = [
        "[null]",
        "[\"x\"]",
        "[\"\"]",
        "[5]",
        "[true]",
        "[{}]",
        "[{\"key\":\"<blob>\"}]",
        "[\"<blob>?unbox=x\"]",
        "[\"<a1.id>\"]",
    ];
    table.calls("blobs.has", &others);
    let refused =
        others.map(|args| (args, "!Error: not a valid id:null", "!TypeError: cb is not a function"));
    table.deviates(Reads::Answer, ENGINE, "blobs.size", &refused);
    table.deviates(
        Reads::Answer,
        ENGINE,
        "blobs.has",
        &[("[]", "!Error: invalid id:null", "!TypeError: cb is not a function")],
    );
    table.ours_only(Reads::Answer, "`blobs.has` of no ids", "blobs.has", &[("[[]]", "[]")]);
    table.calls("blobs.size", &["[[]]"]);
    let (there, manifest) =
        ("!TypeError: Cannot read properties of undefined…", "!Error: not in the manifest…");
    table.deviates(
        Reads::Answer,
        MORE,
        "blobs.meta",
        &[
            (
                "[\"<blob>\"]",
                "{\"id\":\"&…\",\"size\":5,\"ts\":…,\"own\":false,\"from\":null,\"pinned\":…}",
                there,
            ),
            ("[\"<blob.none>\"]", "null", there),
            ("[]", "!Error: not a valid id:null", there),
        ],
    );
    for method in ["blobs.pin", "blobs.unpin"] {
        table.deviates(
            Reads::Answer,
            MORE,
            method,
            &[
                ("[\"<blob>\"]", "true", manifest),
                ("[\"<blob.none>\"]", "false", manifest),
                ("[5]", "!Error: not a valid id:null", manifest),
            ],
        );
    }
}

fn getting(table: &mut Table) {
    table.streams(
        "blobs.get",
        &[
            "[\"<blob>\"]",
            "[\"<blob.long>\"]",
            "[\"<blob.none>\"]",
            "[\"x\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"id\":\"<blob>\"}]",
            "[{\"key\":\"<blob>\"}]",
            "[{\"hash\":\"<blob>\"}]",
            "[{\"id\":\"\",\"key\":\"<blob>\"}]",
            "[{\"id\":\"x\",\"key\":\"<blob>\"}]",
            "[{\"id\":\"<blob.none>\"}]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":\"<blob>\",\"size\":5}]",
            "[{\"id\":\"<blob>\",\"size\":4}]",
            "[{\"id\":\"<blob>\",\"size\":\"5\"}]",
            "[{\"id\":\"<blob>\",\"size\":null,\"max\":null}]",
            "[{\"id\":\"<blob>\",\"size\":{}}]",
            "[{\"id\":\"<blob>\",\"size\":[4,null,[5]]}]",
            "[{\"id\":\"<blob>\",\"max\":5}]",
            "[{\"id\":\"<blob>\",\"max\":4}]",
            "[{\"id\":\"<blob>\",\"max\":\"4\"}]",
            "[{\"id\":\"<blob>\",\"max\":\"x\"}]",
            "[{\"id\":\"<blob>\",\"max\":true}]",
            "[{\"id\":\"<blob>\",\"size\":5,\"max\":4}]",
            "[{\"id\":\"<blob>\",\"start\":1,\"end\":3}]",
            "[\"<blob>?unbox=x\"]",
            "[\"<a1.id>\"]",
        ],
    );
    let mandatory = "|| !Error: multiblob.get: {id} is mandatory";
    let stumbles = "|| !TypeError: Cannot read properties of …";
    table.deviates(
        Reads::Stream,
        ENGINE,
        "blobs.get",
        &[("[]", mandatory, stumbles), ("[null]", mandatory, stumbles)],
    );
    table.ours_only(
        Reads::Stream,
        EMPTY,
        "blobs.get",
        &[("[\"<blob.empty>\"]", "|| end"), ("[{\"id\":\"<blob.empty>\"}]", "|| end")],
    );
    table.streams(
        "blobs.getSlice",
        &[
            "[\"<blob>\"]",
            "[5]",
            "[{}]",
            "[{\"id\":\"x\",\"start\":0,\"end\":1}]",
            "[{\"id\":\"<blob>\"}]",
            "[{\"id\":\"<blob>\",\"start\":1}]",
            "[{\"id\":\"<blob>\",\"end\":1}]",
            "[{\"id\":\"<blob>\",\"start\":\"x\",\"end\":1}]",
            "[{\"id\":\"<blob>\",\"start\":1,\"end\":3}]",
            "[{\"key\":\"<blob>\",\"start\":0,\"end\":99}]",
            "[{\"hash\":\"<blob>\",\"start\":0,\"end\":0}]",
            "[{\"id\":\"<blob>\",\"start\":null,\"end\":null}]",
            "[{\"id\":\"<blob>\",\"start\":1,\"end\":2,\"size\":4}]",
            "[{\"id\":\"<blob>\",\"start\":1,\"end\":2,\"max\":4}]",
            "[{\"id\":\"<blob.none>\",\"start\":1,\"end\":2}]",
            "[{\"id\":\"<blob.long>\",\"start\":1,\"end\":140000}]",
        ],
    );
    table.ours_only(
        Reads::Stream,
        EMPTY,
        "blobs.getSlice",
        &[
            ("[{\"id\":\"<blob>\",\"start\":3,\"end\":3}]", "|| end"),
            ("[{\"id\":\"<blob>\",\"start\":4,\"end\":2}]", "|| end"),
            ("[{\"id\":\"<blob>\",\"start\":9,\"end\":12}]", "|| end"),
            ("[{\"id\":\"<blob.empty>\",\"start\":0,\"end\":1}]", "|| end"),
        ],
    );
    let start = "|| !Error: multiblob.getSlice: {start} must be a number";
    table.ours_only(
        Reads::Stream,
        NO_RANGE,
        "blobs.getSlice",
        &[
            ("[{\"id\":\"<blob>\",\"start\":-2,\"end\":3}]", start),
            ("[{\"id\":\"<blob>\",\"start\":1.5,\"end\":3}]", start),
            ("[{\"id\":\"<blob>\",\"start\":\"1\",\"end\":\"3\"}]", start),
            ("[{\"id\":\"<blob>\",\"start\":true,\"end\":3}]", start),
        ],
    );
}

fn listing(table: &mut Table) {
    table.streams(
        "blobs.ls",
        &[
            "[]",
            "[null]",
            "[{}]",
            "[5]",
            "[\"x\"]",
            "[{\"meta\":true}]",
            "[{\"long\":1}]",
            "[{\"size\":\"x\"}]",
            "[{\"meta\":0,\"long\":\"\"}]",
            "[{\"live\":false}]",
            "[{\"live\":1}]",
            "[{\"old\":true}]",
        ],
    );
}

/// What is wanted and not here is answered when it has come; `interop/tests/blobs` has that.
fn wanting(table: &mut Table) {
    for method in ["blobs.want", "blobs.push"] {
        table.calls(
            method,
            &[
                "[\"<blob>\"]",
                "[{\"id\":\"<blob>\"}]",
                "[null]",
                "[\"x\"]",
                "[5]",
                "[{}]",
                "[[]]",
                "[[\"<blob>\"]]",
            ],
        );
    }
    table.ours_only(
        Reads::Answer,
        "`blobs.want` of the empty blob",
        "blobs.want",
        &[("[\"<blob.empty>\"]", "true")],
    );
    let nothing = |why| [("[]", why, "!TypeError: cb is not a function")];
    table.deviates(Reads::Answer, ENGINE, "blobs.want", &nothing("!Error: invalid id:null"));
    table.deviates(Reads::Answer, ENGINE, "blobs.push", &nothing("!Error: invalid hash:null"));
}

fn removing(table: &mut Table) {
    table.calls(
        "blobs.rm",
        &[
            "[\"<blob.none>\"]",
            "[[\"<blob>\"]]",
            "[[\"<blob>\",5]]",
            "[[]]",
            "[\"<blob.spare>\"]",
            "[\"<blob.spare>\"]",
            "[{\"id\":\"<blob.long>\"}]",
        ],
    );
    table.streams("blobs.ls", &["[]"]);
    let refused = ["[]", "[null]", "[\"x\"]", "[5]", "[{}]"]
        .map(|args| (args, "!Error: not valid id:null", "!TypeError: cb is not a function"));
    table.deviates(Reads::Answer, ENGINE, "blobs.rm", &refused);
}

const MORE: &str = "`blobs.meta`, and ours: `blobs.pin`, `blobs.unpin`";
