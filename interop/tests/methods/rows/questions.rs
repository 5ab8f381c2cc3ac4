//! Questions over content. `interop/tests/questions` asks many more of many messages; here is what deviates.

use super::ENGINE;
use super::HELP;
use super::Table;
use crate::row::Reads;

const BROKEN: &str = "a query that is none, or breaks while it runs";
const OVERLOOKED: &str = "an operator that is not known, beside one that is";
const EQUAL: &str =
    "`$eq`, and in `links2` and `backlinks` any operator that is no range, of a field of an index";

pub(super) fn questions(table: &mut Table) {
    table.streams("latest", &["[]", "[null]", "[{\"limit\":1}]"]);
    table.streams(
        "links",
        &[
            "[{\"dest\":\"<a1.id>\"}]",
            "[{\"source\":\"<A>\",\"values\":true}]",
            "[{\"rel\":\"contact\",\"keys\":false}]",
            "[]",
            "[5]",
        ],
    );
    table.streams(
        "query.read",
        &[
            "[{\"query\":[{\"$filter\":{\"value\":{\"author\":\"<A>\"}}},{\"$map\":\"key\"}]}]",
            "[{\"query\":[{\"$filter\":{\"value\":{\"content\":{\"type\":\"about\"}}}},{\"$map\":[\"value\",\"content\"]}]}]",
            "[{\"query\":[{\"$filter\":{\"value\":{\"content\":{\"$is\":\"string\"}}}},{\"$map\":\"key\"}]}]",
        ],
    );
    table.streams("links2.read", &["[{\"query\":[{\"$filter\":{\"source\":\"<A>\"}},{\"$map\":\"dest\"}]}]"]);
    table.streams("backlinks.read", &["[{\"query\":[{\"$filter\":{\"dest\":\"<B>\"}},{\"$map\":\"key\"}]}]"]);
    table.streams("backlinks.read", &["[{\"index\":\"none\"}]"]);
    // Nothing here is for the owners of these servers: `interop/tests/private.rs` asks of what is.
    table.calls(
        "private.unbox",
        &[
            "[]",
            "[5]",
            "[\"x\"]",
            "[{}]",
            "[<b2>]",
            "[{\"value\":<b2>}]",
            "[{\"key\":\"<b2.id>\",\"value\":<b2>}]",
        ],
    );
    table.streams(
        "private.read",
        &["[{}]", "[5]", "[\"x\"]", "[{\"query\":[{\"$filter\":{\"timestamp\":{\"$gt\":0}}}]}]"],
    );
    table.deviates(
        Reads::Stream,
        "`private.read` without options",
        "private.read",
        &[
            ("[]", "|| end", "|| !TypeError: Cannot set properties of undefined…"),
            ("[null]", "|| end", "|| !TypeError: Cannot set properties of null…"),
        ],
    );
    table.calls("query.explain", &["[]", "[{\"query\":[{\"$filter\":{\"value\":{\"author\":\"<A>\"}}}]}]"]);
    for (method, ours) in
        [("query.help", "{\"description\":\"ask about…"), ("links2.help", "{\"description\":\"ask what…")]
    {
        table.deviates(Reads::Answer, HELP, method, &[("[]", ours, "{\"description\":\"query …")]);
    }
    broken(table);
    better(table);
}

fn broken(table: &mut Table) {
    for (method, first) in [
        ("query.read", "{\"$filter\":{\"value\":{\"author\":\"<A>\"}}}"),
        ("links2.read", "{\"$filter\":{\"source\":\"<A>\"}}"),
        ("backlinks.read", "{\"$filter\":{\"dest\":\"<B>\"}}"),
        ("private.read", "{\"$filter\":{\"timestamp\":{\"$gt\":0}}}"),
    ] {
        for (stage, ours) in [
            ("{\"$limit\":5}", "|| !Error: unknown function:$limit"),
            ("{\"$filter\":{\"key\":{\"$near\":1}}}", "|| !Error: could not process:{\"$near\":1}"),
            ("{\"$reduce\":{\"$group\":[\"key\"]}}", "|| !Error: could not process:{\"$group\":[\"key\"]}"),
            ("{\"$map\":{\"key\":false}}", "|| !Error: could not process:false"),
            ("{}", "|| !Error: a stage of the query is empty"),
        ] {
            table.ours_only(
                Reads::Stream,
                BROKEN,
                method,
                &[(&format!("[{{\"query\":[{first},{stage}]}}]"), ours)],
            );
        }
    }
    table.ours_only(
        Reads::Stream,
        BROKEN,
        "query.read",
        &[
            ("[{\"query\":[]}]", "|| !Error: the query is empty"),
            (
                "[{\"query\":[{\"$reduce\":{\"x\":\"value\",\"c\":{\"$count\":true}}}]}]",
                "|| !Error: comparing objects or functions is not supported",
            ),
            (
                "[{\"query\":[{\"$map\":[\"value\",\"nothing\",0]}]}]",
                "|| !Error: the query asks for 0 of what is not there",
            ),
            ("[{\"limit\":\"x\"}]", "|| !UsageError: .0 of param limit must be of type \"number\""),
        ],
    );
    table.deviates(
        Reads::Answer,
        ENGINE,
        "query.explain",
        &[
            (
                "[{\"query\":[]}]",
                "!Error: the query is empty",
                "!TypeError: Cannot read properties of undefined…",
            ),
            ("[\"[\"]", "!SyntaxError: the query is not JSON", "!SyntaxError: …JSON…"),
        ],
    );
    table.deviates(
        Reads::Stream,
        ENGINE,
        "backlinks.read",
        &[("[null]", "|| !UsageError: Param 0 is required", "|| !TypeError: Cannot set properties of null…")],
    );
}

fn better(table: &mut Table) {
    table.ours_only(
        Reads::Stream,
        "`links` with all of `meta`, `keys` and `values` off",
        "links",
        &[("[{\"meta\":false,\"keys\":false}]", "|| !Error: at least one of…")],
    );
    table.ours_only(
        Reads::Stream,
        "a live query with `$reduce` or `$sort`",
        "query.read",
        &[(
            "[{\"query\":[{\"$reduce\":{\"$count\":true}}],\"live\":true}]",
            "|| !Error: a live query has no end…",
        )],
    );
    table.deviates(
        Reads::Stream,
        OVERLOOKED,
        "query.read",
        &[(
            "[{\"query\":[{\"$filter\":{\"value\":{\"author\":\"<A>\"},\"key\":{\"$gt\":\"%\",\"$near\":1}}}],\"limit\":1}]",
            "|| !Error: could not process:{\"$gt\":\"%\",\"$near\":1}",
            "|{\"key\":…| end",
        )],
    );
    table.ours_only(
        Reads::Stream,
        EQUAL,
        "query.read",
        &[("[{\"query\":[{\"$filter\":{\"value\":{\"author\":{\"$eq\":\"<A>\"},\"sequence\":1}}},{\"$map\":\"key\"}]}]", "|\"%…| end")],
    );
    table.ours_only(
        Reads::Stream,
        EQUAL,
        "links2.read",
        &[("[{\"query\":[{\"$filter\":{\"rel\":[{\"$in\":[\"contact\"]}]}},{\"$map\":\"dest\"}],\"limit\":1}]", "|\"@…| end")],
    );
}

pub(super) fn rebuilding(table: &mut Table) {
    table.calls("rebuild", &["[]"]);
}
