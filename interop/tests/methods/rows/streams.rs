//! Streams of messages, to their end or live.

use super::ENGINE;
use super::HUGE_LIMIT;
use super::NO_VALUES;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

pub(super) fn message_streams(table: &mut Table) {
    for method in ["createLogStream", "createFeedStream"] {
        for options in STREAM_OPTIONS {
            table.streams(method, &[&format!("[{{{options}}}]")]);
        }
        table.streams(
            method,
            &["[]", "[null]", "[0]", "[\"\"]", "[false]", "[[]]", "[5]", "[\"x\"]", "[true]"],
        );
        table.streams(method, &["[{},5]", "[null,{\"limit\":1}]"]);
        table.deviates(
            Reads::Stream,
            HUGE_LIMIT,
            method,
            &[("[{\"limit\":1e300}]", "|{\"key\":…| end", "|| end")],
        );
    }
    for bound in ["gt", "gte", "lt", "lte"] {
        for at in ["<time0>", "<time5>", "<time12>", "0", "-1", "1e300", "null", "\"x\"", "[]", "true"] {
            table.streams("createLogStream", &[&format!("[{{\"{bound}\":{at},\"values\":false}}]")]);
        }
        for at in ["1000", "1003.25", "-1", "0", "1e300", "null", "\"x\""] {
            table.streams("createFeedStream", &[&format!("[{{\"{bound}\":{at},\"values\":false}}]")]);
        }
        for at in ["1", "2", "2.5", "0", "-3", "99", "1e300", "null", "\"1\""] {
            let args = format!("[{{\"id\":\"<A>\",\"{bound}\":{at},\"values\":false}}]");
            table.streams("createUserStream", &[&args]);
        }
    }
    let objects = "a bound of a stream that is an object";
    for method in ["createLogStream", "createFeedStream"] {
        table.ours_only(Reads::Stream, objects, method, &[("[{\"gt\":{}}]", "|| end")]);
    }
    table.ours_only(
        Reads::Stream,
        objects,
        "createUserStream",
        &[("[{\"id\":\"<A>\",\"lt\":{},\"limit\":0}]", "|| end")],
    );
    table.streams(
        "createLogStream",
        &[
            "[{\"gt\":<time2>,\"lte\":<time6>,\"keys\":false}]",
            "[{\"gt\":<time2>,\"lte\":<time6>,\"reverse\":true,\"limit\":2}]",
            "[{\"gte\":<time6>,\"lt\":<time2>}]",
        ],
    );
    by_type(table);
    for options in STREAM_OPTIONS.iter().filter(|options| !options.is_empty()) {
        table.streams("createUserStream", &[&format!("[{{\"id\":\"<B>\",{options}}}]")]);
    }
    table.streams(
        "createUserStream",
        &[
            "[{\"id\":\"<A>\"}]",
            "[{\"id\":\"<C>\"}]",
            "[{\"id\":\"<D>\"}]",
            "[{\"id\":\"<N>\"}]",
            "[{\"id\":\"<A>\",\"seq\":3}]",
            "[{\"id\":\"<A>\",\"gt\":1,\"lt\":4}]",
            "[{\"id\":\"<A>\",\"gte\":2,\"lte\":3,\"reverse\":true}]",
            "[{\"id\":\"<A>\",\"gt\":4,\"lt\":2}]",
            "[]",
            "[null]",
            "[\"\"]",
            "[0]",
            "[{}]",
            "[[]]",
            "[5]",
            "[true]",
            "[\"<A>\"]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":5}]",
            "[{\"id\":null}]",
            "[{\"id\":\"<a1.id>\"}]",
            "[{\"limit\":\"1\"}]",
        ],
    );
}

pub(super) fn history_streams(table: &mut Table) {
    for options in [
        "",
        ",\"keys\":false",
        ",\"keys\":false,\"values\":false",
        ",\"keys\":true,\"values\":true",
        ",\"seq\":1",
        ",\"seq\":3",
        ",\"seq\":0",
        ",\"seq\":-1",
        ",\"seq\":1.5",
        ",\"seq\":5",
        ",\"seq\":6",
        ",\"seq\":99",
        ",\"seq\":1e300",
        ",\"seq\":null",
        ",\"sequence\":3",
        ",\"sequence\":\"x\"",
        ",\"sequence\":null",
        ",\"seq\":2,\"sequence\":4",
        ",\"limit\":2",
        ",\"limit\":0",
        ",\"limit\":-1",
        ",\"limit\":null",
        ",\"seq\":2,\"limit\":2,\"keys\":false",
        ",\"reverse\":true",
        ",\"gt\":1",
        ",\"lt\":3",
        ",\"private\":true",
        ",\"live\":false",
        ",\"live\":0",
        ",\"live\":1",
        ",\"unknown\":{}",
        ",\"seq\":\"2\"",
        ",\"limit\":\"2\"",
        ",\"live\":\"x\"",
        ",\"keys\":\"x\"",
        ",\"values\":\"x\"",
    ] {
        table.streams("createHistoryStream", &[&format!("[{{\"id\":\"<A>\"{options}}}]")]);
    }
    table.streams(
        "createHistoryStream",
        &[
            "[{\"id\":\"<B>\"}]",
            "[{\"id\":\"<C>\",\"keys\":false}]",
            "[{\"id\":\"<D>\"}]",
            "[{\"id\":\"<N>\"}]",
            "[{\"id\":\"<me>\"}]",
            "[]",
            "[null]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[[]]",
            "[{}]",
            "[{\"id\":\"x\"}]",
            "[{\"id\":5}]",
            "[{\"id\":null}]",
            "[\"x\"]",
            "[\"<A>\"]",
            "[\"<A>\",2]",
            "[\"<A>\",2,true]",
            "[\"<A>\",\"x\"]",
            "[{\"id\":\"<A>\",\"limit\":1},5]",
        ],
    );
    table.ours_only(
        Reads::Stream,
        NO_VALUES,
        "createHistoryStream",
        &[(
            "[{\"id\":\"<A>\",\"values\":false,\"limit\":1}]",
            "|\"%9GXQkLy5lVpgL3Yq/8zMaRj+TlnwVZl5b5KBNWPzw5o=.sha256\"| end",
        )],
    );
}

pub(super) fn raw_streams(table: &mut Table) {
    table.streams(
        "createRawLogStream",
        &[
            "[{}]",
            "[{\"keys\":false}]",
            "[{\"reverse\":true}]",
            "[{\"limit\":2}]",
            "[{\"limit\":0}]",
            "[{\"limit\":-1}]",
            "[{\"live\":true,\"limit\":5}]",
            "[{\"live\":1,\"limit\":1}]",
            "[{\"gt\":<place2>}]",
            "[{\"gte\":<place2>}]",
            "[{\"lt\":<place2>}]",
            "[{\"lte\":<place2>}]",
            "[{\"gt\":<place2>,\"lte\":<place5>}]",
            "[{\"gt\":-1,\"limit\":1}]",
            "[{\"sync\":false}]",
            "[[]]",
            "[5]",
            "[\"x\"]",
            "[{\"limit\":\"x\"}]",
            "[{\"live\":\"x\"}]",
            "[{\"reverse\":\"x\"}]",
        ],
    );
    table.deviates(
        Reads::Stream,
        "`createRawLogStream` with `values: false` or `seqs: false`",
        "createRawLogStream",
        &[
            (
                "[{\"values\":false}]",
                "|| !Error: a raw log stream cannot leave out its values",
                "|| !TypeError: …",
            ),
            (
                "[{\"seqs\":false}]",
                "|| !Error: a raw log stream cannot leave out its seqs",
                "|| !TypeError: …",
            ),
        ],
    );
    table.ours_only(
        Reads::Stream,
        "`createRawLogStream` without options",
        "createRawLogStream",
        &[("[]", "|{\"seq\":0,…| end"), ("[null]", "|{\"seq\":0,…| end")],
    );
    for options in [
        "",
        ",\"limit\":2",
        ",\"limit\":0",
        ",\"reverse\":true,\"limit\":1",
        ",\"keys\":false",
        ",\"values\":false",
        ",\"keys\":false,\"values\":false",
        ",\"seqs\":false",
        ",\"gt\":<place3>",
        ",\"lt\":<place3>,\"values\":false",
        ",\"private\":true",
    ] {
        table.streams("createLogStream", &[&format!("[{{\"raw\":true{options}}}]")]);
    }
    table.streams(
        "createLogStream",
        &["[{\"raw\":1,\"limit\":1}]", "[{\"raw\":0,\"limit\":1}]", "[{\"raw\":\"x\",\"limit\":\"x\"}]"],
    );
}

fn by_type(table: &mut Table) {
    let method = "messagesByType";
    for args in [
        "\"post\"",
        "\"vote\"",
        "\"none\"",
        "\"post\",{\"limit\":1}",
        "",
        "null",
        "\"\"",
        "{}",
        "{\"type\":5}",
    ] {
        table.streams(method, &[&format!("[{args}]")]);
    }
    let wrong = "|| !TypeError: Param 0 must by of type string|messagesByTypeOpts";
    table.ours_only(Reads::Stream, ENGINE, method, &[("[5]", wrong), ("[true]", wrong)]);
    for options in STREAM_OPTIONS.iter().filter(|options| !options.is_empty()) {
        table.streams(method, &[&format!("[{{\"type\":\"post\",{options}}}]")]);
    }
    for bound in ["gt", "gte", "lt", "lte"] {
        for at in ["<time0>", "<time5>", "0", "-1", "1e300", "null", "\"x\""] {
            let args = format!("[{{\"type\":\"post\",\"{bound}\":{at},\"values\":false}}]");
            table.streams(method, &[&args]);
        }
    }
    table.deviates(
        Reads::Stream,
        "a type of more than 32 characters",
        method,
        &[(
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"values\":false}]",
            "|\"%…\"| end",
            "|| end",
        )],
    );
}

pub(super) fn live_streams(table: &mut Table) {
    table.phase = Phase::Live;
    // 13 messages are stored, and five come.
    for (options, count) in [
        ("\"live\":true", 19),
        ("\"live\":true,\"keys\":false", 19),
        ("\"live\":true,\"values\":false", 19),
        ("\"live\":true,\"private\":true", 19),
        ("\"live\":true,\"sync\":false", 18),
        ("\"live\":true,\"old\":false", 5),
        ("\"live\":true,\"old\":false,\"sync\":false", 5),
        ("\"old\":false", 5),
        ("\"old\":false,\"live\":false,\"values\":false", 5),
        ("\"live\":true,\"limit\":3", 9),
        ("\"live\":true,\"limit\":0", 6),
        ("\"live\":true,\"reverse\":true,\"limit\":1", 7),
    ] {
        table.live("createLogStream", &format!("[{{{options}}}]"), count);
        table.live("createFeedStream", &format!("[{{{options}}}]"), count);
    }
    for (options, count) in [
        ("\"live\":true", 9),
        ("\"live\":true,\"values\":false,\"sync\":false", 8),
        ("\"live\":true,\"old\":false", 3),
        ("\"live\":true,\"limit\":1", 5),
    ] {
        table.live("messagesByType", &format!("[{{\"type\":\"post\",{options}}}]"), count);
    }
    for (options, count) in [
        ("\"live\":true", 3),
        ("\"live\":true,\"sync\":false", 2),
        ("\"live\":true,\"old\":false,\"keys\":false", 2),
        ("\"old\":false", 2),
        ("\"live\":true,\"gt\":1", 2),
    ] {
        table.live("createUserStream", &format!("[{{\"id\":\"<E>\",{options}}}]"), count);
    }
    table.live("createUserStream", "[{\"id\":\"<A>\",\"live\":true}]", 7);
    for (options, count) in [
        ("\"live\":true", 6),
        ("\"live\":true,\"seq\":4", 3),
        ("\"live\":true,\"limit\":2", 3),
        ("\"live\":true,\"old\":false", 1),
        ("\"old\":false", 1),
        ("\"live\":true,\"seq\":6,\"keys\":false", 1),
    ] {
        table.live("createHistoryStream", &format!("[{{\"id\":\"<A>\",{options}}}]"), count);
    }
    table.live("createHistoryStream", "[{\"id\":\"<E>\",\"live\":true,\"seq\":1,\"keys\":false}]", 2);
    let to_come = "a live `createHistoryStream` of what is yet to come";
    for (args, ours, theirs) in [
        ("[{\"id\":\"<F>\",\"live\":true,\"seq\":1}]", "|{\"key\":…| live", "|{\"previous\":null,…| live"),
        ("[{\"id\":\"<G>\",\"live\":true,\"keys\":false}]", "|{\"previous\":null,…| live", "|| live"),
    ] {
        table.deviates(Reads::Live(1), to_come, "createHistoryStream", &[(args, ours, theirs)]);
    }
    table.live("createRawLogStream", "[{\"live\":true}]", 18);
    for args in ["[]", "[null]", "[5]", "[{}]"] {
        table.live("createSequenceStream", args, 6);
    }
    table.live("createRawLogStream", "[{\"live\":1,\"reverse\":false}]", 18);
    table.live("createLogStream", "[{\"raw\":true,\"live\":true,\"keys\":false}]", 18);
}

/// What all streams of messages understand, or refuse.
const STREAM_OPTIONS: &[&str] = &[
    "",
    "\"keys\":false",
    "\"values\":false",
    "\"keys\":false,\"values\":false",
    "\"keys\":0",
    "\"values\":null,\"sync\":\"x\"",
    "\"reverse\":true",
    "\"reverse\":1,\"limit\":2",
    "\"reverse\":true,\"keys\":false",
    "\"limit\":2",
    "\"limit\":0",
    "\"limit\":-1",
    "\"limit\":-2",
    "\"limit\":null",
    "\"live\":0",
    "\"live\":1",
    "\"live\":false,\"old\":true",
    "\"sync\":true",
    "\"private\":true",
    "\"private\":true,\"keys\":false",
    "\"private\":false",
    "\"private\":1,\"values\":false",
    "\"private\":\"x\"",
    "\"fillCache\":true",
    "\"unknown\":{}",
    "\"live\":\"x\"",
    "\"live\":{}",
    "\"reverse\":{}",
    "\"reverse\":\"true\"",
    "\"keys\":\"x\"",
    "\"values\":[]",
    "\"limit\":\"2\"",
    "\"limit\":true",
    "\"limit\":{}",
    "\"fillCache\":\"x\"",
];
