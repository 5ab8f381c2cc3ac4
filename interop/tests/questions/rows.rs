//! What is asked.

use crate::messages::Messages;

/// A call or a stream.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) args: String,
    pub(crate) is_stream: bool,
}

/// All rows about messages that do not change.
pub(crate) fn all(messages: &Messages) -> Vec<Row> {
    let mut table = Table { messages, rows: Vec::new() };
    table.queries();
    table.links();
    table.links2();
    table.backlinks();
    table.streams();
    table.calls();
    table.rows
}

/// Streams that go on, with how many items come at once and how many of the messages that come later.
pub(crate) fn live(messages: &Messages) -> Vec<Row> {
    let mut table = Table { messages, rows: Vec::new() };
    let Messages { ids, feeds, blobs, .. } = messages;
    let author = &feeds[0];
    for (method, options) in [
        ("query.read", "\"query\":[{\"$filter\":{\"value\":{\"content\":{\"type\":\"about\"}}}}]".to_owned()),
        (
            "query.read",
            format!(
                "\"query\":[{{\"$filter\":{{\"value\":{{\"author\":\"{author}\"}}}}}},{{\"$map\":\"key\"}}]"
            ),
        ),
        (
            "query.read",
            "\"query\":[{\"$filter\":{\"value\":{\"content\":{\"flag\":{\"reason\":\"spam\"}}}}}]".to_owned(),
        ),
        (
            "query.read",
            "\"query\":[{\"$filter\":{\"rts\":{\"$lt\":5}}},{\"$map\":[\"value\",\"sequence\"]}]".to_owned(),
        ),
        ("links2.read", "\"query\":[{\"$filter\":{\"rel\":[\"vote\",1]}}]".to_owned()),
        ("links2.read", format!("\"query\":[{{\"$filter\":{{\"source\":\"{author}\"}}}}]")),
        ("links2.read", format!("\"query\":[{{\"$filter\":{{\"dest\":\"{author}\"}}}}]")),
        ("backlinks.read", "\"query\":[{\"$filter\":{\"dest\":\"#rust\"}},{\"$map\":\"key\"}]".to_owned()),
        ("backlinks.read", format!("\"query\":[{{\"$filter\":{{\"dest\":\"{}\"}}}}]", blobs[0])),
        ("links", format!("\"dest\":\"{}\"", ids[3])),
        ("links", "\"rel\":\"vote\",\"meta\":false".to_owned()),
        ("links", format!("\"source\":\"{author}\",\"values\":true")),
        ("messagesByType", "\"type\":\"vote\",\"values\":false".to_owned()),
        ("createLogStream", "\"keys\":false".to_owned()),
        ("createFeedStream", "\"values\":false".to_owned()),
        ("createUserStream", format!("\"id\":\"{author}\"")),
    ] {
        for more in [
            "\"live\":true,\"old\":false",
            "\"old\":false",
            "\"live\":true,\"gt\":1e15",
            "\"live\":true,\"gt\":1e15,\"sync\":false",
        ] {
            let needs_range = more.contains("gt");
            let has_range = method.starts_with("create") || method == "messagesByType";
            if needs_range == has_range {
                table.stream(method, &format!("[{{{options},{more}}}]"));
            }
        }
    }
    table.rows
}

struct Table<'a> {
    messages: &'a Messages,
    rows: Vec<Row>,
}

impl Table<'_> {
    fn stream(&mut self, method: &'static str, args: &str) {
        self.rows.push(Row { method, args: args.to_owned(), is_stream: true });
    }

    fn call(&mut self, method: &'static str, args: &str) {
        self.rows.push(Row { method, args: args.to_owned(), is_stream: false });
    }

    fn queries(&mut self) {
        let Messages { ids, feeds, received, blobs, .. } = self.messages;
        let (early, late) = (received[100], received[9_000]);
        let (author, other) = (&feeds[0], &feeds[12]);
        let filters = [
            "{}".to_owned(),
            format!("{{\"timestamp\":{}}}", received[77]),
            format!("{{\"timestamp\":{{\"$gt\":{early}}}}}"),
            format!("{{\"timestamp\":{{\"$gte\":{early},\"$lt\":{late}}}}}"),
            format!("{{\"timestamp\":{{\"$lte\":{early}}}}}"),
            "{\"timestamp\":{\"$lt\":\"x\"}}".to_owned(),
            format!("{{\"rts\":{{\"$gt\":{early}}}}}"),
            "{\"rts\":{\"$lt\":5}}".to_owned(),
            format!("{{\"rts\":{{\"$gte\":{early},\"$lte\":{late}}}}}"),
            format!("{{\"value\":{{\"author\":\"{author}\"}}}}"),
            format!("{{\"value\":{{\"author\":\"{other}\",\"sequence\":5}}}}"),
            format!("{{\"value\":{{\"author\":\"{other}\",\"sequence\":{{\"$gt\":5,\"$lte\":9}}}}}}"),
            "{\"value\":{\"author\":\"nobody\"}}".to_owned(),
            format!("{{\"value\":{{\"author\":{{\"$prefix\":\"{}\"}}}}}}", &author[..9]),
            "{\"value\":{\"sequence\":3}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":\"about\"}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":\"a type that is longer than 32 characters\"}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":\"none\"}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":{\"$prefix\":\"odd\"}}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":{\"$in\":[\"flag\",\"about\"]}}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":{\"$ne\":\"post\"}}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":{\"$is\":\"string\"}}}}".to_owned(),
            "{\"value\":{\"content\":{\"type\":null}}}".to_owned(),
            format!(
                "{{\"timestamp\":{{\"$gt\":{early},\"$lt\":{late}}},\"value\":{{\"content\":{{\"type\":\"vote\"}}}}}}"
            ),
            format!(
                "{{\"value\":{{\"timestamp\":{{\"$gt\":{early}}},\"content\":{{\"type\":\"contact\"}}}}}}"
            ),
            "{\"value\":{\"timestamp\":{\"$lt\":1},\"content\":{\"type\":\"contact\"}}}".to_owned(),
            format!("{{\"value\":{{\"author\":\"{author}\",\"content\":{{\"type\":\"contact\"}}}}}}"),
            format!(
                "{{\"value\":{{\"author\":\"{author}\",\"timestamp\":{{\"$gt\":{early}}},\"content\":{{\"type\":\"post\"}}}}}}"
            ),
            format!(
                "{{\"timestamp\":{{\"$lt\":{late}}},\"value\":{{\"author\":\"{other}\",\"content\":{{\"type\":\"post\"}}}}}}"
            ),
            "{\"value\":{\"content\":{\"channel\":\"rust\"}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":5}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":\"a ! and a \\\" in it\"}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":null}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":{\"$is\":\"string\"}}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":{\"$is\":\"boolean\"}}}}".to_owned(),
            "{\"value\":{\"content\":{\"channel\":{\"$prefix\":\"R\"}}}}".to_owned(),
            format!(
                "{{\"timestamp\":{{\"$gt\":{late}}},\"value\":{{\"content\":{{\"channel\":\"rust\"}}}}}}"
            ),
            format!("{{\"value\":{{\"content\":{{\"root\":\"{}\"}}}}}}", ids[3]),
            format!(
                "{{\"value\":{{\"timestamp\":{{\"$gt\":{early}}},\"content\":{{\"root\":\"{}\"}}}}}}",
                ids[3]
            ),
            "{\"value\":{\"content\":{\"root\":null}}}".to_owned(),
            format!("{{\"value\":{{\"content\":{{\"type\":\"post\",\"root\":\"{}\"}}}}}}", ids[5]),
            format!("{{\"value\":{{\"content\":{{\"vote\":{{\"link\":\"{}\"}}}}}}}}", ids[7]),
            format!("{{\"value\":{{\"content\":{{\"mentions\":[{{\"link\":\"{other}\"}}]}}}}}}"),
            format!("{{\"value\":{{\"content\":{{\"image\":\"{}\"}}}}}}", blobs[1]),
            format!(
                "{{\"value\":{{\"content\":{{\"deep\":{{\"x\":{{\"y\":{{\"0\":{{\"z\":\"{}\"}}}}}}}}}}}}}}",
                ids[4]
            ),
            format!("{{\"key\":\"{}\"}}", ids[4_000]),
            "{\"value\":{\"content\":{\"$is\":\"string\"}}}".to_owned(),
            "{\"value\":{\"timestamp\":{\"$gt\":1e200}}}".to_owned(),
            "{\"value\":{\"content\":{\"n\":{\"$mod\":2}}}}".to_owned(),
            "\"text\"".to_owned(),
            "[]".to_owned(),
        ];
        let stages = [
            ",{\"$map\":\"key\"}",
            ",{\"$map\":{\"type\":[\"value\",\"content\",\"type\"],\"sequence\":[\"value\",\"sequence\"],\"at\":\"timestamp\"}}",
            ",{\"$reduce\":{\"$count\":true}}",
            ",{\"$reduce\":{\"author\":[\"value\",\"author\"],\"count\":{\"$count\":true},\"last\":{\"$max\":\"timestamp\"}}}",
        ];
        for (n, filter) in filters.iter().enumerate() {
            let query = |more: &str| format!("\"query\":[{{\"$filter\":{filter}}}{more}]");
            self.stream("query.read", &format!("[{{{},\"limit\":9}}]", query("")));
            self.stream("query.read", &format!("[{{{},\"limit\":12,\"reverse\":true}}]", query("")));
            self.stream("query.read", &format!("[{{{}}}]", query(stages[n % stages.len()])));
            self.call("query.explain", &format!("[{{{}}}]", query("")));
            if filter.starts_with('{') {
                self.stream("query.read", &format!("[{{\"query\":{filter},\"limit\":3,\"reverse\":true}}]"));
            }
        }
        let about = "{\"$filter\":{\"value\":{\"content\":{\"type\":\"about\"}}}}";
        for more in [
            "{\"$sort\":[[\"value\",\"author\"],[\"value\",\"sequence\"]]},{\"$map\":\"key\"}",
            "{\"$sort\":[[\"value\",\"content\",\"name\"],[\"timestamp\"]]}",
            "{\"$sort\":[[\"rts\"]]}",
            "{\"$sort\":[\"timestamp\"]}",
            "{\"$sort\":[[\"value\",\"author\"],[\"value\",\"content\",\"type\"],[\"timestamp\"]]}",
            "{\"$map\":{\"n\":[\"value\",\"content\",\"name\"]}},{\"$reduce\":{\"n\":\"n\",\"c\":{\"$count\":true}}},{\"$sort\":[[\"c\"],[\"n\"]]}",
            "{\"$map\":[\"value\",\"content\",\"name\",\"length\"]},{\"$reduce\":{\"$collect\":true}},{\"$filter\":{\"$gt\":3}}",
            "{\"$reduce\":{\"who\":[\"value\",\"author\"],\"names\":{\"$collect\":[\"value\",\"content\",\"name\"]}}}",
            "{\"$reduce\":{\"by\":{\"author\":[\"value\",\"author\"]},\"c\":{\"$count\":true}}},{\"$map\":{\"a\":[\"by\",\"author\"],\"c\":true}}",
            "{\"$filter\":{\"value\":{\"content\":{\"name\":{\"$prefix\":\"name\"}}}}},{\"$map\":[\"value\",\"content\"]}",
        ] {
            self.stream("query.read", &format!("[{{\"query\":[{about},{more}],\"limit\":200}}]"));
            self.call(
                "query.explain",
                &format!("[{{\"query\":[{about},{more}],\"reverse\":1,\"live\":true,\"sync\":\"x\"}}]"),
            );
        }
        for options in [
            "\"limit\":0",
            "\"limit\":null",
            "\"limit\":-1",
            "\"limit\":2.5",
            "\"old\":true",
            "\"live\":false",
            "\"live\":1",
            "\"sync\":true",
            "\"keys\":false",
            "\"values\":false",
            "\"unknown\":{}",
            "\"reverse\":0",
            "\"limit\":1",
            "\"gt\":5",
            "\"limit\":false",
            "\"reverse\":\"x\"",
        ] {
            let query = "{\"$filter\":{\"value\":{\"content\":{\"type\":\"flag\"}}}},{\"$map\":\"key\"}";
            self.stream("query.read", &format!("[{{\"query\":[{query}],{options}}}]"));
            self.call("query.explain", &format!("[{{\"query\":[{query}],{options}}}]"));
        }
        let text = "[{\\\"$filter\\\":{\\\"value\\\":{\\\"sequence\\\":7}}},{\\\"$map\\\":\\\"key\\\"}]";
        for args in [
            format!("[\"{text}\"]"),
            format!("[{{\"query\":\"{text}\",\"limit\":3}}]"),
            "[{\"limit\":2}]".to_owned(),
            "[{\"limit\":2,\"reverse\":true}]".to_owned(),
            "[{\"query\":[null,{\"$map\":\"key\"}],\"limit\":2}]".replace("null", "false"),
            "[{\"query\":{},\"limit\":2}]".to_owned(),
            "[{\"query\":5,\"limit\":2}]".to_owned(),
        ] {
            self.stream("query.read", &args);
        }
        for args in [
            "[]",
            "[null]",
            "[{}]",
            "[{\"query\":[]}]".replace("[]", "[{}]").as_str(),
            "[{\"query\":{}}]",
            "[5]",
        ] {
            self.call("query.explain", args);
        }
        self.call("query.explain", &format!("[\"{text}\"]"));
    }

    fn links(&mut self) {
        let Messages { ids, feeds, blobs, .. } = self.messages;
        let shapes = [
            "",
            ",\"keys\":false",
            ",\"meta\":false",
            ",\"values\":true",
            ",\"meta\":false,\"values\":true",
            ",\"meta\":false,\"keys\":false,\"values\":true",
            ",\"keys\":false,\"values\":true",
            ",\"reverse\":true",
            ",\"values\":1",
            ",\"keys\":0",
            ",\"meta\":0",
            ",\"limit\":3",
            ",\"live\":1",
        ];
        for shape in shapes {
            self.stream("links", &format!("[{{\"dest\":\"{}\"{shape}}}]", ids[3]));
        }
        for wanted in [
            format!("\"source\":\"{}\"", feeds[15]),
            format!("\"source\":\"{}\",\"dest\":\"@\"", feeds[15]),
            format!("\"source\":\"{}\",\"dest\":\"feed\",\"rel\":\"contact\"", feeds[3]),
            format!("\"source\":\"{}\",\"dest\":\"{}\"", feeds[1], ids[2]),
            format!("\"source\":\"{}\",\"rel\":\"vote\"", feeds[1]),
            format!("\"dest\":\"{}\",\"rel\":\"image\"", blobs[0]),
            format!("\"dest\":\"{}\",\"rel\":\"none\"", blobs[0]),
            format!("\"dest\":\"{}\"", feeds[19]),
            format!("\"dest\":\"{}\"", blobs[2]),
            format!("\"dest\":\"{}?unbox=x\"", blobs[2]),
            format!("\"dest\":\"{}\"", feeds[2].replace(".ed25519", ".sha256")),
            "\"dest\":\"&\",\"rel\":\"image\"".to_owned(),
            "\"dest\":\"blob\",\"rel\":\"mentions\"".to_owned(),
            "\"dest\":\"msg\",\"rel\":\"flag\"".to_owned(),
            "\"dest\":\"%\",\"rel\":\"a key!\"".to_owned(),
            "\"rel\":\"a \\\"key\"".to_owned(),
            "\"rel\":\"about\",\"source\":\"feed\"".to_owned(),
            "\"source\":\"%\"".to_owned(),
            "\"rel\":\"object\"".to_owned(),
            "\"rel\":\"list\"".to_owned(),
            "\"rel\":\"link\"".to_owned(),
            "\"rel\":\"deep\"".to_owned(),
            "\"rel\":\"outer\"".to_owned(),
            "\"rel\":\"vote\",\"dest\":\"%\",\"meta\":true".to_owned(),
            "\"source\":\"\",\"dest\":null,\"rel\":\"branch\"".to_owned(),
        ] {
            self.stream("links", &format!("[{{{wanted}}}]"));
            self.stream("links", &format!("[{{{wanted},\"reverse\":true,\"keys\":false}}]"));
        }
        for refused in [
            "[]",
            "[null]",
            "[5]",
            "[\"x\"]",
            "[[]]",
            "[{\"source\":\"x\"}]",
            "[{\"dest\":5}]",
            "[{\"rel\":5}]",
            "[{\"live\":\"x\"}]",
            "[{\"reverse\":\"x\"}]",
            "[{\"keys\":\"x\"}]",
            "[{\"values\":{}}]",
            "[{\"source\":\"feeds\"}]",
            "[true]",
        ] {
            self.stream("links", refused);
        }
    }

    fn links2(&mut self) {
        let Messages { ids, feeds, blobs, received, .. } = self.messages;
        let (source, message) = (&feeds[14], &ids[3]);
        let filters = [
            format!("{{\"source\":\"{source}\"}}"),
            format!("{{\"source\":\"{source}\",\"rel\":[\"vote\",1]}}"),
            format!("{{\"source\":\"{source}\",\"rel\":{{\"$prefix\":[\"vote\"]}}}}"),
            format!("{{\"source\":\"{source}\",\"rel\":\"vote\"}}"),
            format!("{{\"dest\":\"{message}\"}}"),
            format!("{{\"dest\":\"{message}\",\"rel\":[\"vote\",-1]}}"),
            format!("{{\"dest\":\"{message}\",\"rel\":{{\"$prefix\":[\"vote\"]}}}}"),
            format!("{{\"dest\":\"{message}\",\"rel\":[\"vote\",{{\"$gt\":0}}]}}"),
            format!("{{\"dest\":\"{message}\",\"source\":\"{}\"}}", feeds[0]),
            format!("{{\"dest\":\"{}\"}}", feeds[18]),
            format!("{{\"dest\":\"{}\"}}", blobs[3]),
            format!("{{\"dest\":\"{}?unbox=x\"}}", blobs[3]),
            "{\"dest\":{\"$prefix\":\"&\"},\"rel\":[\"image\"]}".to_owned(),
            "{\"dest\":{\"$prefix\":\"&\"}}".to_owned(),
            "{\"rel\":[\"mentions\",\"@bob é\"]}".to_owned(),
            "{\"rel\":[\"contact\",true,false]}".to_owned(),
            "{\"rel\":[\"contact\",null,true]}".to_owned(),
            "{\"rel\":[\"about\",{\"$prefix\":\"name\"}]}".to_owned(),
            "{\"rel\":[\"previous\"]}".to_owned(),
            "{\"rel\":[\"author\"],\"source\":{\"$gt\":\"@a\"}}".to_owned(),
            "{\"rel\":[\"a key!\"]}".to_owned(),
            "{\"rel\":[{\"$in\":[\"flag\"]}]}".replace("{\"$in\":[\"flag\"]}", "\"flag\",\"spam\""),
            "{\"rel\":[\"flag\",{\"$is\":\"string\"}]}".to_owned(),
            format!("{{\"dest\":\"{message}\",\"ts\":{{\"$gt\":{}}}}}", received[5_000]),
            format!("{{\"dest\":\"{message}\",\"rel\":[\"root\"],\"ts\":{{\"$lt\":{}}}}}", received[5_000]),
            "{\"ts\":{\"$gt\":5}}".to_owned(),
            "{}".to_owned(),
        ];
        let stages = [
            ",{\"$map\":\"source\"}",
            ",{\"$reduce\":{\"rel\":[\"rel\",0],\"count\":{\"$count\":true}}}",
            ",{\"$map\":{\"rel\":[\"rel\",1],\"ts\":true}}",
        ];
        for (n, filter) in filters.iter().enumerate() {
            self.stream("links2.read", &format!("[{{\"query\":[{{\"$filter\":{filter}}}],\"limit\":20}}]"));
            self.stream(
                "links2.read",
                &format!("[{{\"query\":[{{\"$filter\":{filter}}}],\"limit\":5,\"reverse\":true}}]"),
            );
            self.stream(
                "links2.read",
                &format!(
                    "[{{\"query\":[{{\"$filter\":{filter}}}{}],\"limit\":99}}]",
                    stages[n % stages.len()]
                ),
            );
            self.stream("links2.read", &format!("[{{\"query\":{filter},\"limit\":7}}]"));
        }
        for sort in [
            "[\"source\",\"rel\",\"dest\",\"ts\"]",
            "[\"dest\",\"rel\",\"source\",\"ts\"]",
            "[\"rel\",\"dest\",\"source\",\"ts\"]",
            "[\"ts\"]",
            "[[\"source\"]]",
        ] {
            self.stream("links2.read", &format!("[{{\"query\":[{{\"$sort\":{sort}}}],\"limit\":6}}]"));
            self.stream(
                "links2.read",
                &format!(
                    "[{{\"query\":[{{\"$filter\":{{\"source\":\"{source}\"}}}},{{\"$sort\":{sort}}}]}}]"
                ),
            );
        }
        for args in [
            "[{\"limit\":3}]",
            "[{\"limit\":3,\"reverse\":true}]",
            "[{\"query\":[{\"$unknown\":1}],\"limit\":2}]",
            "[{\"query\":\"{\\\"source\\\":\\\"x\\\"}\"}]",
            "[\"{\\\"source\\\":\\\"x\\\"}\"]",
        ] {
            self.stream("links2.read", args);
        }
    }

    fn backlinks(&mut self) {
        let Messages { ids, feeds, blobs, received, .. } = self.messages;
        let message = &ids[3];
        let filters = [
            format!("{{\"dest\":\"{message}\"}}"),
            format!("{{\"dest\":\"{}\"}}", feeds[19]),
            format!("{{\"dest\":\"{}\"}}", blobs[0]),
            format!("{{\"dest\":\"{}\"}}", feeds[4].replace(".ed25519", ".sha256")),
            format!("{{\"dest\":\"{}\"}}", ids[2].replace(".sha256", ".cloaked")),
            "{\"dest\":\"#rust\"}".to_owned(),
            "{\"dest\":\"#something\"}".to_owned(),
            "{\"dest\":\"#null\"}".to_owned(),
            "{\"dest\":\"#jsthegood\"}".to_owned(),
            "{\"dest\":\"#twowords\"}".to_owned(),
            "{\"dest\":\"#nothing\"}".to_owned(),
            "{\"dest\":{\"$prefix\":\"#\"}}".to_owned(),
            format!("{{\"dest\":\"{message}\",\"timestamp\":{{\"$gt\":{}}}}}", received[5_000]),
            format!("{{\"dest\":\"{message}\",\"rts\":{{\"$lt\":{}}}}}", received[5_000]),
            format!("{{\"dest\":\"{message}\",\"value\":{{\"content\":{{\"type\":\"vote\"}}}}}}"),
            format!("{{\"dest\":\"{message}\",\"value\":{{\"author\":\"{}\"}}}}", feeds[1]),
            format!("{{\"dest\":\"{message}\",\"value\":{{\"content\":{{\"root\":\"{message}\"}}}}}}"),
            "{\"value\":{\"content\":{\"type\":\"flag\"}}}".to_owned(),
            "{\"value\":{\"author\":\"x\"}}".to_owned(),
            "{}".to_owned(),
        ];
        let stages = [
            ",{\"$map\":\"key\"}",
            ",{\"$reduce\":{\"type\":[\"value\",\"content\",\"type\"],\"count\":{\"$count\":true}}}",
            ",{\"$map\":{\"dest\":true,\"rts\":true}}",
        ];
        for (n, filter) in filters.iter().enumerate() {
            self.stream(
                "backlinks.read",
                &format!("[{{\"query\":[{{\"$filter\":{filter}}}],\"limit\":10}}]"),
            );
            self.stream(
                "backlinks.read",
                &format!("[{{\"query\":[{{\"$filter\":{filter}}}],\"limit\":10,\"reverse\":true}}]"),
            );
            self.stream(
                "backlinks.read",
                &format!(
                    "[{{\"query\":[{{\"$filter\":{filter}}}{}],\"limit\":300}}]",
                    stages[n % stages.len()]
                ),
            );
            self.stream("backlinks.read", &format!("[{{\"query\":{filter},\"limit\":4}}]"));
            for index in ["DTS", "DTA", "TDT"] {
                if n < 4 || n == 14 {
                    self.stream(
                        "backlinks.read",
                        &format!(
                            "[{{\"query\":[{{\"$filter\":{filter}}}],\"index\":\"{index}\",\"limit\":8}}]"
                        ),
                    );
                }
            }
        }
        for args in [
            "[{\"index\":\"DTA\",\"limit\":3}]",
            "[{\"index\":\"none\"}]",
            "[{\"limit\":3}]",
            "[{\"limit\":3,\"reverse\":true}]",
            "[{\"query\":\"x\",\"limit\":1}]",
        ] {
            self.stream("backlinks.read", args);
        }
    }

    fn streams(&mut self) {
        let Messages { feeds, received, .. } = self.messages;
        let (from, upto) = (received[4_000], received[4_030]);
        let ranges = [
            format!("\"gt\":{from},\"lt\":{upto}"),
            format!("\"gte\":{from},\"lte\":{upto}"),
            format!("\"gt\":{from},\"limit\":5"),
            format!("\"lt\":{upto},\"limit\":5,\"reverse\":true"),
            format!("\"gt\":{from},\"lt\":{upto},\"reverse\":true,\"keys\":false"),
            format!("\"gt\":{from},\"lte\":{upto},\"values\":false"),
            format!("\"gt\":{upto},\"lt\":{from}"),
            "\"limit\":3".to_owned(),
            "\"limit\":3,\"reverse\":true".to_owned(),
            "\"limit\":0".to_owned(),
            "\"limit\":4,\"values\":false,\"reverse\":true".to_owned(),
        ];
        for range in &ranges {
            self.stream("createLogStream", &format!("[{{{range}}}]"));
            self.stream("createFeedStream", &format!("[{{{range}}}]"));
            for kind in ["post", "vote", "odd name!"] {
                self.stream("messagesByType", &format!("[{{\"type\":\"{kind}\",{range}}}]"));
            }
        }
        for range in [
            "\"gt\":3,\"lt\":20",
            "\"gte\":3,\"lte\":9,\"reverse\":true",
            "\"limit\":5",
            "\"limit\":5,\"reverse\":true",
            "\"gt\":1,\"limit\":2,\"keys\":false",
            "\"lt\":4,\"values\":false",
        ] {
            for feed in [&feeds[0], &feeds[19]] {
                self.stream("createUserStream", &format!("[{{\"id\":\"{feed}\",{range}}}]"));
            }
        }
        for options in [
            "\"seq\":5,\"limit\":4",
            "\"limit\":2",
            "\"seq\":3,\"limit\":3,\"keys\":false",
            "\"sequence\":8,\"limit\":2",
            "\"seq\":99999",
        ] {
            for feed in [&feeds[0], &feeds[19]] {
                self.stream("createHistoryStream", &format!("[{{\"id\":\"{feed}\",{options}}}]"));
            }
        }
        self.stream("latest", "[]");
        self.stream("latest", "[{\"limit\":1}]");
    }

    fn calls(&mut self) {
        let Messages { ids, feeds, .. } = self.messages;
        for feed in [&feeds[0], &feeds[7]] {
            for method in ["getLatest", "latestSequence", "getFeedState"] {
                self.call(method, &format!("[\"{feed}\"]"));
            }
        }
        for id in [&ids[0], &ids[9_999]] {
            self.call("get", &format!("[\"{id}\"]"));
            self.call("get", &format!("[{{\"id\":\"{id}\",\"meta\":true}}]"));
        }
        self.call("getVectorClock", "[]");
    }
}
