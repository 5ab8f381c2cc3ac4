//! Writes the seeds that were made on purpose: `cargo run --example seeds`, here. Those that a fuzzer found stay as they
//! are. Scripts are spelled as the bodies read them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use ssb_gossip::address::Address;
use ssb_gossip::lan::beacon;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;

fn main() {
    shs_handshake();
    boxstream_open();
    kernel_equal();
    muxrpc_decode();
    muxrpc_session();
    message_parse();
    message_chain();
    json_number();
    ebt_note();
    blob_wants();
    log_ops();
    log_recover();
    flume_read();
    bipf_read();
    secret_files();
    peer();
    query_parse();
    lan_beacon();
    address_parse();
    privatebox_open();
    box2_open();
    leveldb_read();
    replicator();
}

fn replicator() {
    // A seed, no more nodes, then who the second dials, and the weather; then times, nodes and what happens there.
    let pair = [1, 0, 0, 0, 0, 1, 0, 1, 2, 2, 2, 2, 0];
    let with = |steps: &[u8]| [pair.as_slice(), steps].concat();
    write("replicator", "pair", &pair);
    // No disk fails. The second wants what the first adds; then the first wants what the second pushes, and removes what it has.
    let calm = [9, 0, 0, 0, 0, 1, 0, 1, 2, 2, 2, 2, 0];
    let wants = [64, 1, 207, 1, 60, 0, 201, 1, 60, 0, 207, 3, 60, 1, 201, 3, 9, 1, 215, 3, 60, 0, 217, 1];
    write("replicator", "blobs", &[calm.as_slice(), &wants].concat());
    // A forger of blobs, whom the second dials, too.
    let forged = [1, 1, 241, 0, 2, 0, 1, 0, 1, 2, 2, 2, 2, 0];
    write("replicator", "forged", &[forged.as_slice(), &[64, 1, 207, 1, 60, 0, 201, 1]].concat());
    write("replicator", "posts", &with(&[10, 0, 40, 1, 20, 1, 40, 0, 30, 0, 40, 1]));
    write("replicator", "block", &with(&[10, 0, 12, 0, 90, 0, 40, 1, 90, 0, 2, 0, 90, 0, 40, 1]));
    write("replicator", "crashes", &with(&[10, 0, 40, 1, 20, 0, 1, 60, 1, 1, 60, 0, 40, 1, 60, 0, 13]));
    // A third and a fourth node: one that forks its feed, and one that lies about its clock.
    let crowd = [2, 2, 5, 7, 0, 2, 0, 3, 1, 2, 0, 1, 1, 1, 1, 1, 1];
    write(
        "replicator",
        "crowd",
        &[crowd.as_slice(), &[10, 0, 0, 1, 10, 1, 0, 2, 60, 0, 40, 0, 60, 1, 40, 0]].concat(),
    );
}

fn blob_wants() {
    let id = format!("&{}=.sha256", "B".repeat(43));
    write("blob_wants", "item", format!("{{\"{id}\":-1,\"{id}\":5000,\"x\":1}}").as_bytes());
    write("blob_wants", "numbers", format!("{{\"{id}\":-0.2e1,\"&\":0}}").as_bytes());
    // What happens, over which connection, with which blob and what size; then what it needs more.
    let two_peers = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 2, 1, 0, 0];
    let with = |steps: &[u8]| [two_peers.as_slice(), steps].concat();
    let (want, has) = ([9, 0, 1, 0, 0], |peer| [6, peer, 1, 50]);
    write(
        "blob_wants",
        "take-over",
        &with(&[want.as_slice(), &has(0), &has(1), &[14, 0, 0, 0, 0, 0]].concat()),
    );
    let stalls = [want.as_slice(), &has(0), &has(1), &[13, 0, 0, 1, 0, 15, 0, 0, 3, 15, 0, 0, 9]].concat();
    write("blob_wants", "stall", &with(&stalls));
    let for_a_friend = [5, 0, 2, 0, 1, 3, 8, 0, 2, 0, 0, 6, 1, 2, 80, 14, 0, 0, 80, 0, 4, 6, 1, 3, 80];
    write("blob_wants", "sympathy", &with(&for_a_friend));
    write("blob_wants", "push", &with(&[11, 0, 1, 0, 6, 0, 1, 9, 6, 1, 1, 9, 10, 0, 1, 0, 1]));
}

fn shs_handshake() {
    // Who dials, whom, on which network, two seeds; then each message as it is, unless something is said about it.
    let honest = [[0, 0, 0].as_slice(), &[4; 32], &[5; 32]].concat();
    let with = |messages: &[u8]| [honest.as_slice(), messages].concat();
    write("shs_handshake", "honest", &honest);
    write("shs_handshake", "hello-bit", &with(&[3, 0x01, 0x10, 0]));
    write("shs_handshake", "hello-high-bit-with-a-new-mac", &with(&[3, 0x01, 0xff, 1]));
    write("shs_handshake", "hello-of-a-weak-key", &with(&[&[4, 32, 32], [0; 32].as_slice(), &[1]].concat()));
    write("shs_handshake", "reply-replayed", &with(&[0, 0, 2, 0]));
    write("shs_handshake", "proof-replayed", &with(&[0, 0, 0, 0, 2]));
    write("shs_handshake", "proof-bit", &with(&[0, 0, 0, 0, 3, 0x03, 0x7f]));
    write("shs_handshake", "answer-bit", &with(&[0, 0, 0, 0, 0, 3, 0, 9]));
    write("shs_handshake", "answer-noise", &with(&[&[0, 0, 0, 0, 0, 1], [0xaa; 80].as_slice()].concat()));
    write("shs_handshake", "wrong-server", &[[0, 1, 0].as_slice(), &[4; 32], &[5; 32]].concat());
    write("shs_handshake", "wrong-network", &[[0, 0, 1].as_slice(), &[4; 32], &[5; 32]].concat());
}

fn boxstream_open() {
    // On the wire: cuts, the number of writes, each a text and how often less one, then damages.
    let writes =
        [[0].as_slice(), &run(&[1, 33, 34, 35]), &[3], &run(b"hello"), &[0], &run(&[]), &[0]].concat();
    let long = [writes.as_slice(), &run(&[7; 255]), &[63]].concat();
    let with = |damage: &[u8]| [long.as_slice(), damage].concat();
    write("boxstream_open", "honest", &long);
    write("boxstream_open", "flipped-header", &with(&[0, 3, 0, 1]));
    write("boxstream_open", "flipped-body", &with(&[0x10, 0, 0, 7]));
    write("boxstream_open", "cut-short", &with(&[0, 50, 1]));
    write("boxstream_open", "inserted", &with(&[&[0, 39, 2], run(b"x").as_slice()].concat()));
    write("boxstream_open", "removed", &with(&[0, 39, 3, 0]));
    // With the key: cuts, then frames: a text, how often less one, and whether it lies or ends.
    let frames = [[1].as_slice(), &run(&[0, 17]), &run(&[8; 255]), &[255, 2], &run(&[]), &[0, 2]].concat();
    write("boxstream_open", "longest-and-empty-frames", &frames);
    write("boxstream_open", "goodbye-then-more", &[frames.as_slice(), &run(b"x"), &[0, 0, 1, 2, 3]].concat());
    write("boxstream_open", "lying-tag", &[frames.as_slice(), &run(b"x"), &[0, 1]].concat());
}

fn kernel_equal() {
    // A box: the front of the nonce, its rest, a length, a run that the text repeats, and which bit is altered.
    let sealed = |front: u8, len: u16, text: &[u8], bit: u16| {
        let nonce = [front, 0, 0, 0, 0, 0, 0, 0, 1];
        [nonce.as_slice(), &len.to_be_bytes(), &run(text), &bit.to_be_bytes()].concat()
    };
    let with = |key: u8, boxes: &[Vec<u8>]| [[key; 32].as_slice(), &boxes.concat()].concat();
    let lens =
        |lens: &[u16]| -> Vec<Vec<u8>> { lens.iter().map(|len| sealed(0, *len, b"text", 0)).collect() };
    write("kernel_equal", "header-and-body", &with(1, &lens(&[18, 4096, 18, 700])));
    // Around where two blocks end and eight do, and where four blocks together begin to pay for the tag.
    write("kernel_equal", "ends-of-blocks", &with(2, &lens(&[0, 1, 31, 32, 33, 95, 96, 97, 127, 128, 129])));
    write("kernel_equal", "ends-of-fours", &with(3, &lens(&[191, 192, 193, 255, 256, 257, 319, 320, 321])));
    write("kernel_equal", "ends-of-eights", &with(4, &lens(&[479, 480, 481, 607, 608, 609, 991, 992, 993])));
    write("kernel_equal", "longest", &with(5, &lens(&[4095, 4097, 4200])));
    write("kernel_equal", "ones", &with(0xff, &[sealed(0, 1024, &[0xff; 16], 8 * 1024)]));
    write(
        "kernel_equal",
        "altered",
        &with(6, &[sealed(0, 600, b"x", 0), sealed(0, 600, b"x", 4799), sealed(0, 600, b"x", 4927)]),
    );
    write("kernel_equal", "fronts", &with(7, &[0, 1, 1, 0, 2].map(|front| sealed(front, 40, b"x", 9))));
}

fn query_parse() {
    let nested = |depth: usize| {
        format!("[{{\"$filter\":{}{}}}]", "{\"a\":".repeat(depth), "1".to_owned() + &"}".repeat(depth))
    };
    for (name, query) in [
        (
            "filter",
            r#"[{"$filter":{"value":{"content":{"type":"post"},"sequence":{"$gt":0,"$lte":2}},"timestamp":{"$gt":1}}}]"#,
        ),
        (
            "prefix-in-is",
            r#"[{"$filter":{"key":{"$prefix":"%"},"value":{"author":{"$in":["@a"]},"content":{"$is":"object"}}}}]"#,
        ),
        (
            "map",
            r#"[{"$map":{"a":["value","content","tags",-1],"b":{"c":"key"},"timestamp":true}},{"$map":"b"}]"#,
        ),
        (
            "reduce-groups",
            r#"[{"$reduce":{"author":["value","author"],"n":{"$count":true},"by":{"$reduce":{"t":["value","content","type"]}}}}]"#,
        ),
        (
            "reduce-all",
            r#"[{"$filter":{"key":{"$truthy":true}}},{"$reduce":{"a":{"$max":"timestamp"},"b":{"$min":"key"},"c":{"$sum":"timestamp"},"d":{"$product":true},"e":{"$collect":"key"}}}]"#,
        ),
        ("reduce-what-is-no-rule", r#"[{"$reduce":"key"}]"#),
        ("sort", r#"[{"$map":{"k":"key","t":"timestamp"}},{"$sort":[{"$reverse":["t"]},["k"]]}]"#),
        (
            "index",
            r#"[{"$filter":{"source":"@a","rel":["vote",{"$gt":0}],"dest":{"$prefix":"%"}}},{"$sort":["source","rel","dest","ts"]}]"#,
        ),
        ("equal", r#"[{"$filter":{"dest":{"$eq":"%a"},"rel":{"$prefix":["vote"]}}}]"#),
        (
            "fold-in-a-chain",
            r#"[{"$map":{"x":["key",{"$count":true}]}},{"$reduce":{"$count":{"$collect":true}}}]"#,
        ),
        ("unknown-operator", r#"[{"$filter":{"key":{"$gt":1,"$near":2}}}]"#),
        ("unknown-stage", r#"[null,{"$limit":5}]"#),
        ("empty-stage", "[{}]"),
        ("no-list", r#"{"value":{"author":"@a"}}"#),
        ("negative-place", r#"[{"$map":[-1,"length",0]}]"#),
    ] {
        write("query_parse", name, query.as_bytes());
    }
    write("query_parse", "as-deep-as-may-be", nested(31).as_bytes());
    write("query_parse", "too-deep", nested(32).as_bytes());
}

fn muxrpc_decode() {
    let vectors = vectors("ssb-muxrpc/tests/vectors/muxrpc-decode.jsonl");
    for row in vectors.iter().take(12) {
        let name = row["name"].as_str().expect("a name");
        let wire = bytes_of_hex(row["bytes"].as_str().expect("hex"));
        if wire.len() < 1000 {
            write("muxrpc_decode", name, &[run(&[1, 2, 3, 5, 8]).as_slice(), &wire].concat());
        }
    }
    write("muxrpc_decode", "longest-announced", &[0, 2, 0, 0x80, 0, 0, 0, 0, 0, 1, b'x']);
    write("muxrpc_decode", "longer-announced", &[0, 2, 0, 0x80, 0, 1, 0, 0, 0, 1, b'x']);
    write("muxrpc_decode", "odd-flags", &[0, 0xf9, 0, 0, 0, 1, 0x80, 0, 0, 0, b'x']);
}

fn muxrpc_session() {
    let alone = |steps: &[&[u8]]| [&[0], run(&[1, 7, 30]).as_slice(), &steps.concat()].concat();
    // A packet: the step, its number, its flags (8 stream, 4 end), which body.
    let (ask, read, duplex, all_well, broken) = (3, 5, 7, 12, 15);
    write("muxrpc_session", "calls-of-theirs", &alone(&[&[1, 1, 0, ask], &[1, 2, 8, read], &[1, 3, 8, 6]]));
    write("muxrpc_session", "number-still-open", &alone(&[&[1, 1, 0, ask], &[1, 1, 0, ask], &[5, 10, 0]]));
    write(
        "muxrpc_session",
        "stream-both-end",
        &alone(&[&[1, 4, 8, duplex], &[1, 4, 12, all_well], &[5, 10, 0]]),
    );
    write(
        "muxrpc_session",
        "no-such-method",
        &alone(&[&[1, 4, 8, 8], &[1, 4, 8, all_well], &[1, 4, 12, 12]]),
    );
    write("muxrpc_session", "not-json", &alone(&[&[1, 1, 0, broken], &[1, 2, 0, ask]]));
    write(
        "muxrpc_session",
        "answers",
        &alone(&[&[5, 0, 0, 0], &[1, 0xff, 0, 13], &[5, 0, 1, 1], &[1, 0xfe, 8, 13]]),
    );
    write("muxrpc_session", "answer-past-its-limit", &alone(&[&[5, 0, 0, 0], &[1, 0xff, 0, 0, 0xff, 0xff]]));
    write("muxrpc_session", "call-past-its-limit", &alone(&[&[1, 1, 0, 0, 0xff, 0xff], &[1, 1, 0, ask]]));
    write("muxrpc_session", "item-past-its-limit", &alone(&[&[1, 4, 8, duplex], &[1, 4, 8, 0, 0, 200]]));
    write(
        "muxrpc_session",
        "goodbye",
        &alone(&[&[5, 0, 1, 1], &[1, 1, 8, read], &[1, 1, 0, 1, 0], &[5, 0, 0, 0]]),
    );
    let noise = run(&[2, 0, 0, 0, 2, 0, 0, 0, 1, b'{', b'}', 3, 0, 0, 0, 1]);
    write("muxrpc_session", "noise", &alone(&[&[0], noise.as_slice()]));

    let both = |steps: &[&[u8]]| [&[1], run(&[1, 7, 30]).as_slice(), &steps.concat()].concat();
    // A side and a step: 0 delivers to it, 1 is something it does.
    let call = |side: u8, kind: u8| [side, 1, 0, kind, kind];
    write(
        "muxrpc_session",
        "two-honest",
        &both(&[&call(0, 0), &call(0, 1), &call(1, 2), &call(1, 3), &[1, 0, 0, 200]]),
    );
    write(
        "muxrpc_session",
        "two-items",
        &both(&[&call(0, 3), &[1, 0, 0, 200, 1, 1, 7, 0], &run(b"item"), &[0, 0, 0, 5]]),
    );
    write("muxrpc_session", "two-close-while-open", &both(&[&call(0, 3), &[1, 0, 0, 200], &[0, 1, 4, 0, 0]]));
    write(
        "muxrpc_session",
        "two-abort",
        &both(&[&call(0, 3), &call(1, 1), &[1, 0, 0, 200], &[1, 1, 5, 0, 0]]),
    );
}

fn message_parse() {
    let vectors = vectors("ssb-msg/tests/vectors/messages.jsonl");
    let mut kinds = std::collections::BTreeSet::new();
    for row in &vectors {
        let kind = (row["cat"].to_string(), row["verdict"].to_string());
        let wire = base64::decode(row["wire_b64"].as_str().unwrap_or_default()).unwrap_or_default();
        if wire.len() < 2000 && kinds.insert(kind.clone()) {
            let name = format!("vector-{}-{}", kind.0, kind.1).replace('"', "").replace([' ', '/', ':'], "-");
            write("message_parse", &name, &[&[0], wire.as_slice()].concat());
        }
    }
    // The order of author and sequence, a sequence, a timestamp, the content.
    let around = |content: &str| [&[1, 0, 0, 0], content.as_bytes()].concat();
    for (name, content) in [
        ("lone-surrogates", r#"{"type":"post","text":"\ud800x\udc00\ud83d\ude00"}"#),
        ("array-indices", r#"{"type":"post","b":1,"10":2,"9":3,"01":4,"4294967295":5}"#),
        ("repeated-keys", r#"{"type":1,"a":2,"type":"post","a":{"a":1,"a":2}}"#),
        ("numbers", r#"{"type":"post","n":[1.0,-0,1e21,1E400,5e-324,123456789012345680000,0.1e-6]}"#),
        ("escapes", r#"{"type":"post","text":"\/\b\u0041\u001F\u007f\u2028é😀"}"#),
        ("encrypted", r#""aGVsbG8=.box""#),
        ("encrypted-suffix", r#"".boxes and more""#),
        ("short-type", r#"{"type":"ab"}"#),
        ("deep", r#"{"type":"post","x":[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]]}"#),
        ("white-space", "{ \"type\" : \"post\" ,\r\n\t\"a\" : [ ] }"),
        ("proto", r#"{"type":"post","__proto__":{"type":"about"}}"#),
    ] {
        write("message_parse", name, &around(content));
    }
    write("message_parse", "long", &around(&format!(r#"{{"type":"post","text":"{}"}}"#, "é".repeat(3900))));
}

fn message_chain() {
    // A draft: whose, after which (0 for none, else one less), the bits of a timestamp, the content.
    let draft = |after: u8, content: &str| {
        let timestamp = 1_500_000_000_000.5_f64.to_bits().to_be_bytes();
        [[0, 0, after].as_slice(), &timestamp, &run(content.as_bytes())].concat()
    };
    let post = |text: &str| format!(r#"{{"type":"post","text":"{text}"}}"#);
    let (one, two, other) = (draft(0, &post("one")), draft(1, &post("two")), draft(1, &post("other")));
    let feed = [one.as_slice(), &two, &other].concat();
    let with = |network: u8, steps: &[u8]| [&[network], feed.as_slice(), steps].concat();
    write("message_chain", "in-order", &with(0, &[1, 0, 1, 1]));
    write("message_chain", "in-order-keyed", &with(1, &[1, 0, 1, 1]));
    write("message_chain", "fork", &with(0, &[1, 0, 1, 1, 1, 2]));
    write("message_chain", "gap-then-again", &with(0, &[1, 1, 1, 0, 1, 0, 1, 1, 1, 0]));
    write(
        "message_chain",
        "somebody-elses",
        &[&[0, 0, 7, 0], [0; 8].as_slice(), &run(post("x").as_bytes()), &[1, 0]].concat(),
    );
    write(
        "message_chain",
        "damaged",
        &with(0, &[3, 0, 0, 0, 100, 0, b'x', 3, 1, 0, 0, 240, 2, 0, 3, 1, 0, 0, 0, 1, 1, b' ']),
    );
    write(
        "message_chain",
        "recipients",
        &[&[0], draft(0, r#"{"type":"post","recps":["x"]}"#).as_slice()].concat(),
    );
}

fn json_number() {
    let number =
        |number: f64, text: &str| [number.to_bits().to_be_bytes().as_slice(), text.as_bytes()].concat();
    write("json_number", "tie-to-even", &number(9_007_199_254_740_993.0, "9007199254740993"));
    write("json_number", "smallest", &number(5e-324, "2.4703282292062327e-324"));
    write("json_number", "largest", &number(f64::MAX, "1.7976931348623158e308"));
    write("json_number", "overflow", &number(f64::INFINITY, "-1e400"));
    write("json_number", "not-a-number", &number(f64::NAN, "NaN"));
    write("json_number", "negative-zero", &number(-0.0, "-0"));
    write("json_number", "switch-to-exponent", &number(1e21, "100000000000000000000000"));
    write("json_number", "switch-to-small-exponent", &number(1e-7, " 0.00000012345E+1 "));
    write("json_number", "one-bit-off-without-roundtrip", &number(1.5e-5, "1.2345678901234567e-10"));
    write("json_number", "integer-past-64-bits", &number(2e19, "18446744073709551616"));
}

fn ebt_note() {
    let [one, two] = [1, 2].map(|seed| Keypair::from_seed(&[seed; 32]).id());
    for (name, text) in [
        ("clock", format!(r#"{{"{one}":4,"{two}":-1,"@x":3}}"#)),
        ("wrapped", format!(r#"{{"clock":{{"{one}":5,"{one}":1.5}},"{two}":2}}"#)),
        ("numbers", format!(r#"{{"{one}":9007199254740991,"{two}":1e1,"__proto__":0}}"#)),
        ("message", format!(r#"{{"sequence":1,"author":"{one}","content":{{"type":"post"}},"{two}":4}}"#)),
        ("almost-a-message", format!(r#"{{"sequence":0,"author":"{one}","content":null}}"#)),
    ] {
        write("ebt_note", name, text.as_bytes());
    }
}

fn log_ops() {
    // Steps: 0 the next messages of a feed, 3 one of a feed, 4 commit, 5 decide, 6 and 7 compact, 8 index, 9 and 10 open anew.
    let full = [[0, 0, 3].as_slice(), &[1, 1, 3], &[4], &[2, 2, 3], &[0, 0, 3], &[4]].concat();
    let with = |steps: &[&[u8]]| [full.as_slice(), &steps.concat()].concat();
    let (indexed, compacted) = ([8, 0, 1], [6, 0xff, 0xff, 7]);
    write("log_ops", "written", &full);
    write("log_ops", "not-committed", &full[..full.len() - 1]);
    write("log_ops", "indexed-and-lost", &with(&[&indexed, &[9, 0xff, 0xff]]));
    write("log_ops", "deleted", &with(&[&[5, 0, 0, 1, 2], &indexed, &[10, 0, 0]]));
    write("log_ops", "deleted-and-compacted", &with(&[&[5, 0, 0, 1, 2], &compacted, &indexed, &[9, 0, 1]]));
    write(
        "log_ops",
        "deleted-and-back",
        &with(&[
            &[5, 0, 0, 1, 2],
            &compacted,
            &[5, 0, 1, 0, 3],
            &[3, 0, 2, 3, 0, 1],
            &indexed,
            &[9, 0xff, 0],
        ]),
    );
    write(
        "log_ops",
        "forgotten-and-anew",
        &with(&[&[5, 1, 2], &compacted, &[0, 1, 3], &[4], &indexed, &[10, 1, 1]]),
    );
    write("log_ops", "banned-and-back", &with(&[&[5, 2, 3], &[3, 2, 0], &[5, 2, 4], &[3, 2, 0], &[4]]));
    write(
        "log_ops",
        "compacted-meanwhile",
        &with(&[&[5, 0, 2], &[6, 2, 0], &[0, 0, 1], &[5, 1, 0, 0, 1], &[4, 7]]),
    );
}

fn log_recover() {
    // How many batches less one; of each how many records less one, their lengths and a byte, and whether it is synced.
    let log = [[2, 1].as_slice(), &[0, 0, 90, 1, 1], &[1, 0, 10, 2, 4, 0, 3, 0]].concat();
    let with = |damage: &[u8]| [log.as_slice(), damage].concat();
    write("log_recover", "whole", &log);
    write("log_recover", "torn-in-the-tail", &with(&[0, 1, 60, 0]));
    write("log_recover", "cut-in-the-header", &with(&[0, 0, 9, 0]));
    write("log_recover", "noise-in-the-middle", &with(&[0, 0, 80, 1, 10]));
    write("log_recover", "noise-at-the-end", &with(&[1, 0x20, 0, 2, 200]));
    write("log_recover", "a-record-twice", &with(&[0, 0, 16, 4, 0, 52]));
    write("log_recover", "bytes-missing", &with(&[0, 0, 100, 3, 12]));
    write("log_recover", "not-a-log", b"\x00sqlite 3 or anything else");
    write("log_recover", "nothing-but-a-header", &[1]);
    write("log_recover", "noise-behind-a-header", &[[1].as_slice(), &[0x34; 300]].concat());
}

fn flume_read() {
    // Not a file; the width; how many records less one, of each a byte and its length; where damage is, how much, and what.
    let log = |width: u8| [0, width, 2, b'a', 0, 9, 0, 0, 20, b'c', 2, 0].to_vec();
    let with = |width, damage: &[u8]| [log(width).as_slice(), damage].concat();
    for (width, bits) in [(0, 32), (1, 48), (2, 53)] {
        write("flume_read", &format!("whole-{bits}"), &log(width));
        write("flume_read", &format!("damaged-length-{bits}"), &with(width, &[0, 0, 4, 9, 9]));
        let file = file_of(&format!("ssb-log/tests/vectors/offset-{bits}"));
        write("flume_read", &format!("javascript-{bits}"), &[[1].as_slice(), &file].concat());
        write("flume_read", &format!("torn-{bits}"), &[[1].as_slice(), &file[..file.len() - 5]].concat());
    }
    write("flume_read", "damaged-data", &with(0, &[0, 30, 6, 1, 2, 3]));
    write("flume_read", "damaged-end", &with(0, &[0, 20, 4, 0, 0, 0, 1]));
    // What the damage leaves of the first record, and the length of the second, look like one.
    write("flume_read", "imitated", &[0, 63, 2, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 4, 9]);
    write("flume_read", "not-a-log", b"\x01sqlite 3 or anything else");
    write("flume_read", "zeros", &[[1].as_slice(), &[0; 200]].concat());
}

fn bipf_read() {
    for (n, row) in vectors("ssb-log/tests/vectors/bipf.jsonl").iter().step_by(12).enumerate() {
        let value = bytes_of_hex(row["bipf"].as_str().expect("hex"));
        write("bipf_read", &format!("vector-{n}"), &[[1].as_slice(), &value].concat());
    }
    write("bipf_read", "tag-without-end", &[[1].as_slice(), &[0xff; 12]].concat());
    write("bipf_read", "reserved", &[1, 0x0f, 0]);
    write("bipf_read", "deep", &[1, 0x24, 0x1c, 0x14, 0x0c, 0x04]);
    let log = &file_of("ssb-log/tests/vectors/log.bipf")[..900];
    write("bipf_read", "javascript-log", &[[0, 0].as_slice(), log].concat());
    write("bipf_read", "torn-log", &[[0, 0].as_slice(), &log[..300]].concat());
    write("bipf_read", "empty-blocks", &[[0, 2].as_slice(), log].concat());
    write("bipf_read", "record-past-its-block", &[0, 1, 0xff, 0xff, 1]);
}

/// A file of the repository.
fn file_of(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn secret_files() {
    let keypair = Keypair::from_seed(&[8; 32]);
    let text = secret_file::to_text(&keypair);
    let with = |edits: &[u8]| [&[0], [8; 32].as_slice(), edits].concat();
    let is = |text: &str| [&[1], text.as_bytes()].concat();
    let json: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    write("secret_file", "as-written", &with(&[]));
    write("secret_file", "as-text", &is(&text));
    write("secret_file", "without-comments", &is(&json));
    write("secret_file", "one-line-comment-behind", &is(&format!("{json} # comment")));
    write("secret_file", "byte-order-mark", &is(&format!("\u{feff}{json}")));
    write("secret_file", "other-curve", &is(&json.replace("\"ed25519\"", "\"k256\"")));
    write("secret_file", "no-private", &is(&json.replace("private", "secret")));
    write(
        "secret_file",
        "other-id",
        &is(&json.replace(&keypair.id().to_string(), &Keypair::from_seed(&[9; 32]).id().to_string())),
    );
    write("secret_file", "cut-short", &with(&[2, 0x30, 2, 255, 2, 0x30, 2, 255]));
    write("secret_file", "one-digit-changed", &with(&[2, 0x20, 0, b'A']));
    write("secret_file", "empty", &is("# nothing\n"));
}

fn peer() {
    // Who dials, cuts, which message is damaged (0 none) and at which bit, then the decision or the key.
    let accepts =
        |steps: &[&[u8]]| [&[0], run(&[1, 50, 0]).as_slice(), &[0, 0, 0, 2], &steps.concat()].concat();
    let dials = |steps: &[&[u8]]| [&[1], run(&[64, 3]).as_slice(), &[0, 0, 0, 0], &steps.concat()].concat();
    let local = |steps: &[&[u8]]| [&[2], run(&[5]).as_slice(), &steps.concat()].concat();
    let (ask, read, duplex): ([u8; 4], [u8; 4], [u8; 4]) = ([0, 1, 0, 3], [0, 2, 8, 5], [0, 3, 8, 7]);
    let call = |kind: u8| [10, 0, kind, kind];
    let (answer, listen, close, hang_up, goodbye) = ([10, 7, 0], [7, 0xff, 0xff], [9, 0], [9, 1], [9, 2]);
    write("peer", "accepts-and-serves", &accepts(&[&ask, &answer, &read, &duplex, &listen, &goodbye]));
    write(
        "peer",
        "dials-and-calls",
        &dials(&[&call(0), &call(1), &call(3), &listen, &[0, 0xff, 0, 13], &goodbye]),
    );
    write("peer", "local-calls-both-ways", &local(&[&ask, &call(0), &call(2), &listen, &goodbye]));
    write("peer", "closes", &accepts(&[&ask, &call(1), &close, &listen, &[0, 1, 0, 1, 0]]));
    write("peer", "hangs-up", &dials(&[&call(0), &hang_up]));
    write("peer", "forged-frame", &accepts(&[&ask, &[5], run(&[0; 60]).as_slice(), &listen]));
    write("peer", "not-json", &dials(&[&[0, 1, 0, 15], &listen]));
    write(
        "peer",
        "one-byte-written-at-a-time",
        &accepts(&[&call(0), &[7, 0, 1, 7, 0, 1, 7, 0, 1], &answer, &close]),
    );
    write("peer", "silent", &dials(&[&[6, 6], &[6, 0]]));
    write("peer", "damaged-hello", &[&[0], run(&[1]).as_slice(), &[1, 1, 7]].concat());
    write("peer", "damaged-proof", &[&[0], run(&[9]).as_slice(), &[2, 1, 7]].concat());
    write("peer", "refused", &[&[0], run(&[]).as_slice(), &[0, 0, 0, 0]].concat());
    write("peer", "never-decided", &[&[0], run(&[]).as_slice(), &[0, 0, 0, 1, 6, 7]].concat());
    write("peer", "somebody-else-answers", &[&[1], run(&[]).as_slice(), &[0, 0, 0, 7]].concat());
    write("peer", "damaged-answer", &[&[1], run(&[40]).as_slice(), &[2, 0, 9, 0]].concat());
    write(
        "peer",
        "noise-instead-of-a-hello",
        &[&[0], run(&[]).as_slice(), &[3, 0, 0, 2, 5], &run(&[0xaa; 64])].concat(),
    );
}

/// A run: its length and its bytes.
fn run(bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).expect("a run has at most 255 bytes");
    [&[len], bytes].concat()
}

fn write(target: &str, name: &str, seed: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(name), seed).expect("the seed can be written");
}

fn lan_beacon() {
    let me = Keypair::from_seed(&[1; 32]);
    let address = |host: &str| Address::net(host, 8008, me.id()).expect("it is an address");
    let here = address("192.168.1.4");
    write("lan_beacon", "classic", &beacon::classic(&here));
    let list = format!("net:fd00::1:8008~shs:{0};{here};ws://h.example:80~shs:{0}", base64::encode(&[2; 32]));
    write("lan_beacon", "classic-list", list.as_bytes());
    write("lan_beacon", "classic-legacy", format!("192.168.1.4:8008:{}", me.id()).as_bytes());
    write("lan_beacon", "keyed", &beacon::keyed(&here, &me, &NetworkKey::MAIN));
    write(
        "lan_beacon",
        "keyed-for-another-host",
        &beacon::keyed(&address("h.example"), &me, &NetworkKey::MAIN),
    );
    write("lan_beacon", "text-of-a-box", format!(r#"{{"address":"{here}"}}"#).as_bytes());
    write("lan_beacon", "text-that-is-signed", format!("{{\n  \"address\": \"{here}\"\n}}").as_bytes());
}

fn address_parse() {
    let key = base64::encode(&[2; 32]);
    for (name, text) in [
        ("net", format!("net:h.example:8008~shs:{key}")),
        ("net-ipv6", format!("net:fe80::1:8008~shs:{key}:seed")),
        ("onion", format!("onion:{}.onion:8008~shs:{key}", "a".repeat(56))),
        ("legacy", format!("192.168.1.4:8008:@{key}.ed25519")),
        ("list", format!("unix:/a!;b!!~noauth;net:h.example:65536~shs:{key};net:localhost:1~shs:{key}")),
        ("tunnel", format!("tunnel:@a:@b~shs:{key}")),
    ] {
        write("address_parse", name, text.as_bytes());
    }
}

fn privatebox_open() {
    // Sealed: the recipients, a text and how often less one, then damages.
    let sealed = |recipients: &[u8], damages: &[u8]| {
        [[0].as_slice(), &run(recipients), &run(b"hello"), &[0], damages].concat()
    };
    write("privatebox_open", "honest", &sealed(&[0, 1], &[]));
    write("privatebox_open", "for-seven", &sealed(&[0, 1, 2, 0, 1, 2, 0], &[]));
    write("privatebox_open", "for-eight", &sealed(&[0, 1, 2, 0, 1, 2, 0, 1], &[]));
    write("privatebox_open", "for-nobody", &sealed(&[], &[]));
    write("privatebox_open", "flipped-nonce", &sealed(&[0, 1], &[0, 3, 0, 1]));
    write("privatebox_open", "flipped-bit-that-nobody-looks-at", &sealed(&[0, 1], &[0, 55, 0, 7]));
    write("privatebox_open", "flipped-slot", &sealed(&[0, 1], &[0, 60, 0, 0]));
    write("privatebox_open", "flipped-body", &sealed(&[0, 1], &[0, 155, 0, 0]));
    write("privatebox_open", "cut-in-the-body", &sealed(&[0, 1], &[0, 170, 1]));
    write("privatebox_open", "cut-in-a-slot", &sealed(&[0, 1], &[0, 120, 1]));
    write("privatebox_open", "slot-removed", &sealed(&[0, 1], &[0, 56, 3, 48]));
    write(
        "privatebox_open",
        "slot-inserted",
        &sealed(&[0, 1], &[&[0, 56, 2], run(&[9; 49]).as_slice()].concat()),
    );
    // By a sender: how many slots, for each who may open it and where it says that the body is, then the text.
    let made = |slots: &[[u8; 2]]| {
        let count = u8::try_from(slots.len()).expect("a few slots");
        [&[1, count], slots.concat().as_slice(), b"hello"].concat()
    };
    write("privatebox_open", "sender-without-slots", &made(&[]));
    let behind_eight = [[[0, 9]; 8].as_slice(), &[[1, 9]]].concat();
    write("privatebox_open", "sender-behind-eight-slots", &made(&behind_eight));
    write("privatebox_open", "sender-lies-first", &made(&[[0, 1], [0, 2]]));
    write("privatebox_open", "sender-lies-later", &made(&[[0, 2], [0, 255]]));
    write("privatebox_open", "sender-lies-zero", &made(&[[1, 0], [2, 2]]));
    // Anything: a one-time key of low order, and what stands in a message.
    write("privatebox_open", "weak-one-time-key", &[&[2], [0; 200].as_slice()].concat());
    write("privatebox_open", "text", b"\x02AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.box");
    for row in vectors("ssb-privatebox/tests/vectors/private-box.jsonl") {
        if let (Some(name @ ("same-recipient-twice" | "encrypt-0-recipients")), Some(boxed)) =
            (row["name"].as_str(), row["boxed"].as_str())
        {
            write("privatebox_open", name, format!("\x02{boxed}").as_bytes());
        }
    }
}

fn box2_open() {
    // Sealed: the keys (of each of three people, five kinds), a text and how often less one, then damages.
    let sealed = |recipients: &[u8], damages: &[u8]| {
        [[0].as_slice(), &run(recipients), &run(b"hello"), &[0], damages].concat()
    };
    write("box2_open", "honest", &sealed(&[0, 1, 2, 3, 4], &[]));
    write("box2_open", "for-sixteen", &sealed(&[5, 6, 7, 8, 9, 11, 12, 13, 14, 1, 2, 3, 4, 6, 7, 8], &[]));
    write("box2_open", "for-seventeen", &sealed(&[6; 17], &[]));
    write("box2_open", "for-nobody", &sealed(&[], &[]));
    write("box2_open", "without-a-text", &[[0].as_slice(), &run(&[1]), &run(b""), &[0]].concat());
    write("box2_open", "group-second", &sealed(&[1, 0], &[]));
    write("box2_open", "two-groups", &sealed(&[0, 5], &[]));
    write("box2_open", "flipped-header", &sealed(&[0, 7], &[0, 20, 0, 1]));
    write("box2_open", "flipped-slot", &sealed(&[0, 7], &[0, 70, 0, 0]));
    write("box2_open", "flipped-body", &sealed(&[0, 7], &[0, 115, 0, 0]));
    write("box2_open", "cut-in-the-body", &sealed(&[0, 7], &[0, 110, 1]));
    write("box2_open", "cut-in-a-slot", &sealed(&[0, 7], &[0, 60, 1]));
    write("box2_open", "slot-removed", &sealed(&[0, 7], &[0, 32, 3, 31]));
    write("box2_open", "slot-inserted", &sealed(&[0, 7], &[&[0, 32, 2], run(&[9; 32]).as_slice()].concat()));
    // By a sender: how many slots and for whom, how long the extension is, by which bits the header lies, then the text.
    let made = |slots: &[u8], extension_len: u8, lie: [u8; 2], plain: &[u8]| {
        let count = u8::try_from(slots.len()).expect("a few slots");
        [[1, count].as_slice(), slots, &[extension_len], &lie, plain].concat()
    };
    write("box2_open", "sender-without-slots", &made(&[], 0, [0, 0], b"hello"));
    write("box2_open", "sender-without-a-text", &made(&[1, 7], 0, [0, 0], b""));
    write("box2_open", "sender-of-an-extension", &made(&[1, 7], 40, [0, 0], b"hello"));
    write(
        "box2_open",
        "sender-to-the-seventeenth-slot",
        &made(&[[6; 16].as_slice(), &[7]].concat(), 0, [0, 0], b"hello"),
    );
    write("box2_open", "sender-to-a-group-behind", &made(&[1, 0, 5], 0, [0, 0], b"hello"));
    write("box2_open", "sender-lies", &made(&[1], 0, [0, 1], b"hello"));
    write("box2_open", "sender-lies-a-lot", &made(&[1], 0, [0xff, 0xff], b"hello"));
    // Anything: noise, what stands in a message, and what names a group and a P.O. box.
    write("box2_open", "noise", &[&[2], [7; 200].as_slice()].concat());
    write("box2_open", "text", b"\x02AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.box2");
    write("box2_open", "group", b"\x02ssb:identity/group/-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=");
    write("box2_open", "cloaked-group", b"\x02%AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.cloaked");
    write("box2_open", "po-box", b"\x02ssb://identity/po-box/-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=");
}

fn leveldb_read() {
    // Made: entries, then which file is damaged where.
    let made = |damage: &[u8]| {
        [
            [0, 3].as_slice(),
            &run(b"a"),
            &run(b"1"),
            &run(b"b"),
            &run(&[7; 200]),
            &run(b"a"),
            &run(b"2"),
            damage,
        ]
        .concat()
    };
    write("leveldb_read", "made", &made(&[0, 0xff, 0xff, 0]));
    write("leveldb_read", "made-and-a-journal-is-damaged", &made(&[0, 0, 20, 3]));
    write("leveldb_read", "made-and-current-is-damaged", &made(&[1, 0, 3, 3]));
    write("leveldb_read", "made-and-a-manifest-is-damaged", &made(&[2, 0, 3, 3]));
    // Of leveldown: which file, its number, its length, its bytes.
    for name in ["compacted", "reopened", "written"] {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../ssb-log/tests/vectors/leveldb").join(name);
        let mut seed = vec![1];
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("it is there")
            .map(|entry| entry.expect("it is there").path())
            .collect();
        names.sort();
        for path in names {
            let name = path.file_stem().and_then(|name| name.to_str()).expect("it has a name");
            let bytes = fs::read(&path).expect("it can be read");
            match path.extension().and_then(|end| end.to_str()) {
                Some("log") => seed.extend([1, name.parse().expect("a number")]),
                Some("ldb") => seed.extend([2, name.parse().expect("a number")]),
                _ if name == "CURRENT" => continue,
                _ => seed.push(0),
            }
            seed.extend(u16::try_from(bytes.len()).expect("it is short").to_be_bytes());
            seed.extend(bytes);
        }
        write("leveldb_read", name, &seed);
    }
}

/// The rows of a file of vectors, by its path in the repository.
fn vectors(path: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digits).collect()
}
