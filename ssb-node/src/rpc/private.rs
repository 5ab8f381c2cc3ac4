//! What is sealed for a few: content of `publish` and its like that names its recipients, `private.publish` and `private.unbox`.
//! `private.read` is one of the [questions](super::questions).

use serde_json::Value as Plain;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;
use ssb_privatebox::SealError;
use ssb_privatebox::text;

use super::args;

/// Content as it is published: sealed, if it names its recipients, and else as it is. `seed` is 32 fresh random bytes.
///
/// # Errors
///
/// JavaScript's texts for `recps` that are none (ssb-db 20.4.1, private-box 0.3.1). Whatever they are but `null`, such content is
/// never published in clear; there `false`, `0` and an empty text are.
pub(crate) fn sealed(content: String, seed: &[u8; 32]) -> Result<String, RemoteError> {
    // What cannot be parsed is refused where it would be signed.
    let Ok(Value::Object(object)) = json::parse(content.as_bytes()) else { return Ok(content) };
    let recipients = match object.get("recps") {
        None | Some(Value::Null) => return Ok(content),
        Some(Value::Array(recipients)) => recipients.clone(),
        Some(Value::Text(recipient)) if !recipient.escaped().is_empty() => {
            vec![Value::Text(recipient.clone())]
        }
        Some(_) => return Err(RemoteError::new(NO_ARRAY)),
    };
    if recipients.is_empty() {
        return Err(RemoteError::new(NOBODY));
    }
    let list = Value::Array(recipients.clone());
    let ids =
        ids(&recipients).ok_or_else(|| RemoteError::new(format!("{NO_BOXER}{}", json::compact(&list))))?;
    // One recipient alone is a list, too, for whoever opens it.
    let pairs = object
        .into_iter()
        .map(|(key, value)| if key.is("recps") { (key, list.clone()) } else { (key, value) });
    let plain = json::compact(&Value::Object(Object::from_pairs(pairs)));
    boxed(&plain, &ids, seed).map_err(|error| match error {
        SealError::TooManyRecipients { count, max } => {
            RemoteError::new(format!("max recipients is:{max} found:{count}"))
        }
        error => RemoteError::new(error.to_string()),
    })
}

/// `private.publish`: any content, sealed for recipients that it need not name. `seed` is 32 fresh random bytes.
///
/// # Errors
///
/// JavaScript's text (ssb-private 1.1.0), with ours for why; also without recipients, where that publishes what nobody can read.
pub(crate) fn publish(args: &[u8], seed: &[u8; 32]) -> Result<String, RemoteError> {
    let failed = |why: &dyn ToString| RemoteError::new(format!("failed to encrypt: {}", why.to_string()));
    let content = args::nth(args, 0).ok_or_else(args::required)?;
    let recipients = match args::nth(args, 1) {
        Some(Value::Array(recipients)) => recipients,
        _ => return Err(failed(&"the recipients are no list")),
    };
    let ids = ids(&recipients).ok_or_else(|| failed(&"a recipient is no feed"))?;
    boxed(&json::compact(&content), &ids, seed).map_err(|error| failed(&error))
}

/// `private.unbox`: of a box, what is in it; of a message, that with its content in plain text and without its signature; `false`
/// if it is for others, damaged, or neither. A box2 is only opened in its message. Takes a while.
pub(crate) fn unbox(args: &[u8], reader: &Reader<Disk>) -> String {
    let unboxed = match args::nth(args, 0) {
        Some(Value::Text(boxed)) => reader.unbox(&boxed.decode()),
        Some(message) => unbox_message(&message, reader),
        None => None,
    };
    unboxed.unwrap_or_else(|| "false".to_owned())
}

fn unbox_message(message: &Value, reader: &Reader<Disk>) -> Option<String> {
    let value = message.get("value")?;
    let sealed = value.get("content")?.as_text()?.decode();
    let content = if sealed.ends_with(".box2") {
        // Its place is part of the key.
        let shown = json::parse(reader.open(&json::compact(value))?.as_str().as_bytes()).ok()?;
        shown.get("content")?.clone()
    } else {
        let content = reader.unbox(&sealed)?;
        json::parse(content.as_bytes()).ok().filter(Value::is_truthy)?
    };
    let of = |object: &Value, names: &[&str]| -> Vec<(Text, Value)> {
        let named = names.iter().filter_map(|name| Some((Text::new(name), object.get(name)?.clone())));
        named.collect()
    };
    let mut pairs = of(value, &["previous", "author", "sequence", "timestamp", "hash"]);
    pairs.extend([(Text::new("content"), content), (Text::new("private"), Value::Bool(true))]);
    let mut answer = of(message, &["key"]);
    answer.push((Text::new("value"), Value::Object(Object::from_pairs(pairs))));
    answer.extend(of(message, &["timestamp"]));
    Some(json::compact(&Value::Object(Object::from_pairs(answer))))
}

/// The text of a box, as JSON.
fn boxed(plain: &str, recipients: &[FeedId], seed: &[u8; 32]) -> Result<String, SealError> {
    text::seal(plain.as_bytes(), recipients, seed).map(|boxed| Plain::String(boxed).to_string())
}

/// `None` if one of them is no feed.
fn ids(recipients: &[Value]) -> Option<Vec<FeedId>> {
    let id = |recipient: &Value| FeedId::parse(&recipient.as_text()?.decode()).ok();
    recipients.iter().map(id).collect()
}

pub(crate) const NO_ARRAY: &str = "private message field \"recps\" expects an Array of recipients";

pub(crate) const NOBODY: &str = "private message field \"recps\" requires at least one recipient";

const NO_BOXER: &str = "private message requested, but no boxers could encrypt these recps: ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::named;
    use crate::fixture::pull_all_from;
    use crate::rpc::by_type;
    use crate::rpc::feed_stream;
    use crate::rpc::log_stream;
    use crate::rpc::questions;
    use crate::rpc::raw_log_stream;
    use crate::rpc::source::Source;
    use crate::rpc::user_stream;
    use ssb_log::Opener;
    use ssb_log::query::view::View;

    const SEED: [u8; 32] = [7; 32];

    /// What a key finds in content.
    fn opened(who: u8, content: &str) -> Option<String> {
        let text: String = serde_json::from_str(content).ok()?;
        Opener::new(key(who)).unbox(&text)
    }

    fn seal(content: &str) -> Result<String, String> {
        sealed(named(content), &SEED).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn content_that_names_recipients_is_sealed_for_them() {
        for (recps, list) in [
            (r#"["@1"]"#, r#"["@1"]"#),
            (r#""@1""#, r#"["@1"]"#),
            (r#"["@2","@1"]"#, r#"["@2","@1"]"#),
            (r#"["@2","@3","@4","@5","@6","@7","@1"]"#, r#"["@2","@3","@4","@5","@6","@7","@1"]"#),
            (r#"["@1","@1"]"#, r#"["@1","@1"]"#),
        ] {
            let content = format!(r#"{{"text":"\u0041","type":"post", "recps":{recps}}}"#);

            let sealed = seal(&content).unwrap();

            assert!(sealed.ends_with(".box\""), "{sealed}");
            let plain = named(&format!(r#"{{"text":"A","type":"post","recps":{list}}}"#));
            assert_eq!(opened(1, &sealed).as_deref(), Some(plain.as_str()));
            assert_eq!(opened(9, &sealed), None);
        }
        // Whatever its type is: nobody sees it.
        assert!(seal(r#"{"recps":["@1"]}"#).is_ok_and(|sealed| sealed.ends_with(".box\"")));
    }

    #[test]
    fn content_without_recipients_stays_as_it_is() {
        for content in
            [r#"{"type":"post","b":1.50}"#, r#"{"type":"post","recps":null}"#, "\"x.box\"", "[1]", "{", ""]
        {
            assert_eq!(seal(content).as_deref(), Ok(content));
        }
    }

    #[test]
    fn recipients_that_are_none_are_refused_in_javascript_s_words() {
        let array = "private message field \"recps\" expects an Array of recipients";
        let nobody = "private message field \"recps\" requires at least one recipient";
        let no_boxer = |recps: &str| {
            named(&format!("private message requested, but no boxers could encrypt these recps: {recps}"))
        };
        for (recps, error) in [
            ("5", array.to_owned()),
            ("true", array.to_owned()),
            ("{}", array.to_owned()),
            // Public there.
            ("0", array.to_owned()),
            ("false", array.to_owned()),
            ("\"\"", array.to_owned()),
            ("[]", nobody.to_owned()),
            ("\"x\"", no_boxer("[\"x\"]")),
            ("[\"x\"]", no_boxer("[\"x\"]")),
            ("[\"@1\",5,null, {\"a\":1}]", no_boxer("[\"@1\",5,null,{\"a\":1}]")),
            (
                "[\"%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256\"]",
                no_boxer("[\"%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256\"]"),
            ),
            (r#"["@1","@1","@1","@1","@1","@1","@1","@1"]"#, "max recipients is:7 found:8".to_owned()),
        ] {
            assert_eq!(seal(&format!(r#"{{"type":"post","recps":{recps}}}"#)), Err(error), "{recps}");
        }
        let weak = "@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519";
        let error = seal(&format!(r#"{{"type":"post","recps":["{weak}"]}}"#)).unwrap_err();
        assert_eq!(error, format!("recipient {weak} has an unusable key"));
    }

    #[test]
    fn keys_that_are_repeated_or_escaped_hide_no_recipients() {
        for content in [r#"{"recps":null,"r\u0065cps":["@1"]}"#, r#"{"recps":["@2"],"recps":["@1"]}"#] {
            let sealed = seal(content).unwrap();

            assert_eq!(opened(1, &sealed).as_deref(), Some(named(r#"{"recps":["@1"]}"#).as_str()));
        }
    }

    fn publish(args: &str) -> Result<String, String> {
        super::publish(named(args).as_bytes(), &SEED).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn any_content_is_published_for_others() {
        for content in [r#"{"type":"post"}"#, "[1]", "5", "\"text\"", "null", r#"{"recps":["@2"]}"#] {
            let sealed = publish(&format!(r#"[{content},["@3","@1"]]"#)).unwrap();

            assert_eq!(opened(1, &sealed), Some(named(content)));
            assert_eq!(opened(2, &sealed), None);
        }
    }

    #[test]
    fn without_recipients_nothing_is_published() {
        assert_eq!(publish("[]").unwrap_err(), "Param 0 is required");
        for args in ["[{}]", "[{},\"@1\"]", "[{},[]]", "[{},[\"x\"]]", "[{},[5]]", "[{},{}]", "[{},null]"] {
            assert!(publish(args).unwrap_err().starts_with("failed to encrypt"), "{args}");
        }
        let eight = r#"[{},["@1","@1","@1","@1","@1","@1","@1","@1"]]"#;
        assert_eq!(
            publish(eight).unwrap_err(),
            "failed to encrypt: 8 recipients are more than the 7 allowed"
        );
    }

    /// What a stream gives to whoever may see this.
    fn given(stream: Result<impl Source, RemoteError>, reader: &Reader<Disk>) -> String {
        let mut stream = stream.unwrap_or_else(|error| panic!("{error:?}"));
        pull_all_from(&mut stream, reader).0.join("\n")
    }

    /// Every stream over all messages, with options, and whether these bring plain text.
    fn streams(options: &str, reader: &Reader<Disk>) -> Vec<(&'static str, String)> {
        let author = key(2).id();
        let with = |more: &str| format!("[{{{more}{options}}}]").into_bytes();
        vec![
            ("createLogStream", given(log_stream::parse(&with("\"limit\":-1")), reader)),
            ("raw", given(log_stream::parse(&with("\"raw\":true")), reader)),
            ("createFeedStream", given(feed_stream::parse(&with("\"limit\":-1")), reader)),
            ("createUserStream", given(user_stream::parse(&with(&format!("\"id\":\"{author}\""))), reader)),
            ("createRawLogStream", given(raw_log_stream::parse(&with("\"limit\":-1")), reader)),
            ("messagesByType", given(by_type::parse(&with("\"type\":\"post\"")), reader)),
            ("links", given(questions::links(&with("\"values\":true")), reader)),
            ("links, values alone", given(questions::links(&with("\"values\":true,\"meta\":false")), reader)),
            ("query.read", given(questions::parse(View::Query, &with("\"sync\":true")), reader)),
            (
                "links2.read",
                given(
                    questions::parse(
                        View::Links2,
                        &with("\"query\":[{\"$filter\":{\"source\":{\"$prefix\":\"@\"}}}]"),
                    ),
                    reader,
                ),
            ),
            (
                "backlinks.read",
                given(
                    questions::parse(
                        View::Backlinks,
                        &with(&format!("\"query\":[{{\"$filter\":{{\"dest\":\"{}\"}}}}]", key(5).id())),
                    ),
                    reader,
                ),
            ),
            ("private.read", given(questions::parse(View::Private, &with("\"sync\":true")), reader)),
        ]
    }

    #[test]
    fn streams_bring_plain_text_to_the_owner_as_in_javascript_and_to_nobody_else() {
        let mut fixture = Fixture::new();
        let friend = key(5).id();
        let plain = format!(r#"{{"type":"post","text":"between us","recps":["{friend}"]}}"#);
        let mine = fixture.publish(&key(2), &crate::fixture::sealed(&plain, &[1]));
        fixture.publish(&key(2), &crate::fixture::sealed(&plain, &[3]));
        let (private, everybody) = (fixture.private_reader(), fixture.reader());
        // Those that do not wait to be asked, and those that never do it.
        let always = ["raw", "links, values alone", "query.read", "backlinks.read", "private.read"];
        let never = ["createRawLogStream", "links", "links2.read"];

        for (options, asked) in [("", false), (",\"private\":true", true), (",\"private\":1", false)] {
            for (name, given) in streams(options, &private) {
                let expected = always.contains(&name) || asked && !never.contains(&name);
                assert_eq!(
                    given.matches("between us").count(),
                    usize::from(expected),
                    "{name} {options}: {given}"
                );
                // By what it says it is found, whether or not that is shown.
                let is_found = given.contains(&mine.id().to_string()) || given.contains(&friend.to_string());
                assert!(is_found, "{name} {options}: {given}");
            }
            for (name, given) in streams(options, &everybody) {
                assert!(
                    !given.contains("between us") && !given.contains(&friend.to_string()),
                    "{name}: {given}"
                );
            }
        }
    }

    #[test]
    fn a_live_stream_brings_what_comes_for_the_owner() {
        let mut fixture = Fixture::new();
        let args = br#"[{"live":true,"private":true,"keys":false}]"#;
        let mut log = log_stream::parse(args).unwrap_or_else(|error| panic!("{error:?}"));
        let mut types = by_type::parse(br#"[{"type":"post","live":true,"private":true}]"#)
            .unwrap_or_else(|error| panic!("{error:?}"));
        let mut read = questions::parse(View::Private, br#"[{"live":true}]"#)
            .unwrap_or_else(|error| panic!("{error:?}"));
        let private = fixture.private_reader();
        for stream in [&mut log as &mut dyn Source, &mut types, &mut read] {
            stream.begin(&private);
        }
        assert_eq!(
            pull_all_from(&mut log, &private).0.len() + pull_all_from(&mut types, &private).0.len(),
            2
        );
        assert!(pull_all_from(&mut read, &private).0.is_empty());

        fixture.publish(&key(2), &crate::fixture::sealed(r#"{"type":"post","text":"between us"}"#, &[1]));
        fixture.publish(&key(2), &crate::fixture::sealed(r#"{"type":"post","text":"between them"}"#, &[3]));

        let items = [
            pull_all_from(&mut log, &private).0,
            pull_all_from(&mut types, &private).0,
            pull_all_from(&mut read, &private).0,
        ];
        assert_eq!(items.each_ref().map(Vec::len), [2, 1, 1]);
        assert!(items.iter().all(|items| items[0].contains("between us")), "{items:?}");
    }

    #[test]
    fn a_box_is_opened_for_the_owner_alone() {
        let fixture = Fixture::new();
        let ask = |argument: &str, reader: &Reader<Disk>| unbox(format!("[{argument}]").as_bytes(), reader);
        let (private, everybody) = (fixture.private_reader(), fixture.reader());
        let sealed = crate::fixture::sealed(r#"{"type":"post"}"#, &[2, 1]);
        let message = format!(
            r#"{{"timestamp":5,"key":"%k","value":{{"signature":"s","content":{sealed},"author":"@a","sequence":1}}}}"#
        );

        assert_eq!(ask(&sealed, &private), r#"{"type":"post"}"#);
        let opened = r#"{"key":"%k","value":{"author":"@a","sequence":1,"content":{"type":"post"},"private":true},"timestamp":5}"#;
        assert_eq!(ask(&message, &private), opened);
        let others = crate::fixture::sealed("{}", &[2]);
        for none in ["", "5", "null", "{}", "\"x\"", &others, r#"{"value":{"content":{}}}"#, r#"{"value":5}"#]
        {
            assert_eq!(ask(none, &private), "false", "{none}");
        }
        for argument in [&sealed, &message] {
            assert_eq!(ask(argument, &everybody), "false");
        }
    }

    #[test]
    fn a_box2_is_opened_in_its_message_alone() {
        let fixture = Fixture::new();
        let ask = |argument: &str, reader: &Reader<Disk>| unbox(format!("[{argument}]").as_bytes(), reader);
        let (private, everybody) = (fixture.private_reader(), fixture.reader());
        let message = |sealed: &str, author: u8| {
            let author = key(author).id();
            format!(
                r#"{{"key":"%k","value":{{"previous":null,"author":"{author}","sequence":1,"timestamp":5,"hash":"sha256","content":{sealed},"signature":"s"}},"timestamp":6}}"#
            )
        };
        let sealed = crate::fixture::box2(r#"{"type":"post"}"#, 2, None, 1);

        let author = key(2).id();
        let opened = format!(
            r#"{{"key":"%k","value":{{"previous":null,"author":"{author}","sequence":1,"timestamp":5,"hash":"sha256","content":{{"type":"post"}},"private":true}},"timestamp":6}}"#
        );
        assert_eq!(ask(&message(&sealed, 2), &private), opened);
        let others = crate::fixture::box2("{}", 2, None, 3);
        for none in [&sealed, &message(&sealed, 3), &message(&others, 2), r#"{"value":{"content":"x.box2"}}"#]
        {
            assert_eq!(ask(none, &private), "false", "{none}");
        }
        assert_eq!(ask(&message(&sealed, 2), &everybody), "false");
    }

    #[test]
    fn a_box_cut_anywhere_or_for_any_number_opens_or_does_not() {
        let private = Fixture::new().private_reader();
        let ask = |boxed: &[u8]| {
            let text = text::encode(boxed);
            unbox(format!("[\"{text}\"]").as_bytes(), &private)
        };
        for count in [1, 7, 8, 255] {
            let mut all = vec![key(2).id(); count - 1];
            all.push(key(1).id());
            let boxed = ssb_privatebox::seal_for_many(b"[5]", &all, &SEED).unwrap();

            assert_eq!(ask(&boxed), "[5]");
            // Cutting the last slots of many takes long, and shows nothing that those of a few do not.
            for len in (0..boxed.len()).filter(|len| count < 255 || len.is_multiple_of(101)) {
                assert_eq!(ask(&boxed[..len]), "false", "{count} cut at {len}");
            }
        }
    }
}
