//! Messages are added, and what is none is refused.

use super::EXTRA;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

pub(super) fn empty(table: &mut Table) {
    table.calls("getVectorClock", &["[]", "[null]", "[{}]"]);
    table.calls("getLatest", &["[\"<A>\"]"]);
    table.calls("getFeedState", &["[\"<A>\"]"]);
    table.calls("latestSequence", &["[\"<A>\"]"]);
    for method in ["createLogStream", "createFeedStream"] {
        table.streams(method, &["[]", "[{\"reverse\":true}]", "[{\"limit\":1}]"]);
    }
    table.streams("createUserStream", &["[{\"id\":\"<A>\"}]"]);
    table.streams("createHistoryStream", &["[{\"id\":\"<A>\"}]"]);
    table.streams("createRawLogStream", &["[{}]"]);
}

pub(super) fn adding(table: &mut Table) {
    table.phase = Phase::Adding;
    table.calls(
        "add",
        &[
            "[]",
            "[null]",
            "[false]",
            "[0]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[\"x\"]",
            "[[]]",
            "[{}]",
            "[[<a1>]]",
            "[{\"content\":null}]",
            "[{\"content\":{}}]",
            "[{\"content\":\"x\"}]",
            "[{\"content\":\"x\",\"author\":5}]",
            "[{\"content\":\"x\",\"author\":\"<A.key>\"}]",
            "[{\"content\":\"x\",\"author\":\"<A>\"}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1,\"timestamp\":1}]",
            "[{\"content\":{\"type\":\"post\"},\"author\":\"<A>\",\"sequence\":1,\"timestamp\":1,\"hash\":\"sha256\"}]",
            // The first of a feed, and what is none.
            "[<bad.sequence-text>]",
            "[<bad.sequence-two>]",
            "[<bad.sequence-zero>]",
            "[<bad.sequence-negative>]",
            "[<bad.previous-text>]",
            "[<bad.previous-null>]",
            "[<bad.previous-empty>]",
            "[<bad.author-text>]",
            "[<bad.author-other>]",
            "[<bad.timestamp-text>]",
            "[<bad.timestamp-null>]",
            "[<bad.hash>]",
            "[<bad.signature-number>]",
            "[<bad.signature-text>]",
            "[<bad.signature-of-other>]",
            "[<bad.signature-longer>]",
            "[<bad.signature-curve>]",
            "[<bad.extra-key>]",
            "[<bad.extra-key-first>]",
            "[<bad.order>]",
            "[<bad.no-content>]",
            "[<bad.content-number>]",
            "[<bad.content-true>]",
            "[<bad.content-empty>]",
            "[<bad.content-array>]",
            "[<bad.content-clear>]",
            "[<bad.content-no-type>]",
            "[<bad.content-type-number>]",
            "[<bad.content-type-short>]",
            "[<bad.content-type-long>]",
            "[<bad.long>]",
            "[<bad.long-unicode>]",
            "[<bad.altered>]",
            "[<bad.stored>]",
            "[<a2>]",
            "[<a1>]",
            "[<a1>]",
            "[<bad.fork-first>]",
            "[<a3>]",
            "[<a2>]",
            "[<a3>]",
            "[<bad.fork-middle>]",
            "[<a1>]",
            "[<a4>]",
            "[<a5>]",
            // The next of a feed, and what is none.
            "[<bad.sequence-half>]",
            "[<bad.sequence-huge>]",
            "[<bad.fork-next>]",
            "[<bad.gap>]",
            "[<bad.next-long>]",
            "[<bad.next-unsigned>]",
            "[<bad.next-of-other>]",
            "[<b1>]",
            "[<c1>]",
            "[<b2>]",
            "[<d1>]",
            "[<c2>]",
            "[<b3>]",
            "[<c3>]",
            "[<d2>]",
            "[<d2>]",
            "[<b3>]",
        ],
    );
    table.ours_only(
        Reads::Answer,
        EXTRA,
        "add",
        &[("[<d2>,5]", "!Error: invalid message: expected sequence 3 but got:2in state:…")],
    );
}
