//! `db.create` of ssb-db2 8.1.0: publishes content, and says in which format it is sealed if it is for a few.
//!
//! ```text
//! {content, recps, encryptionFormat: "box" | "box2"}
//! ```
//!
//! The recipients are those of `recps`, or of the content's own. JavaScript publishes in clear what has recipients that are no list, or
//! an empty one; here that is refused.

use ssb_gossip::event::Draft;
use ssb_keys::FeedId;
use ssb_keys::bfe::Id;
use ssb_keys::uri;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;
use ssb_privatebox::box2::limits::RECIPIENTS_MAX;
use ssb_privatebox::text;

use super::args;
use super::private;

/// What a call publishes. `seed` is 32 fresh random bytes.
///
/// # Errors
///
/// JavaScript's texts, with ours for why; and ours for options that are not supported here.
pub(crate) fn draft(args: &[u8], seed: &[u8; 32]) -> Result<Draft, RemoteError> {
    let Some(Value::Object(options)) = args::nth(args, 0) else { return Err(args::required()) };
    for (option, supported) in [("feedFormat", "classic"), ("encoding", "js")] {
        let words = if option == "encoding" { "encoding" } else { "feed format" };
        check(&options, option, words, &[supported])?;
    }
    if let Some(option) =
        ["keys", "timestamp", "hmacKey"].into_iter().find(|option| is_given(&options, option))
    {
        return Err(RemoteError::new(format!("create() does not support the option {option}")));
    }
    let content = options.get("content").filter(|content| content.is_truthy());
    let content = content.ok_or_else(|| RemoteError::new("create() requires a `content`"))?;
    let plain = json::compact(content);
    let named = [options.get("recps"), content.get("recps")];
    let Some(recipients) = named.into_iter().flatten().find(|recps| **recps != Value::Null) else {
        return Ok(Draft::Content(plain));
    };
    let Value::Array(recipients) = recipients else { return Err(RemoteError::new(private::NO_ARRAY)) };
    if recipients.is_empty() {
        return Err(RemoteError::new(private::NOBODY));
    }
    let format = check(&options, "encryptionFormat", "encryption format", &["box", "box2"])?;
    let recipients = ids(recipients)?;
    if format == "box2" {
        if recipients.len() > RECIPIENTS_MAX {
            let too_many =
                format!("{} recipients are more than the {RECIPIENTS_MAX} allowed", recipients.len());
            return Err(not_encrypted(&too_many));
        }
        return Ok(Draft::Private { plain, recipients });
    }
    let boxed = text::seal(plain.as_bytes(), &recipients, seed).map_err(|error| not_encrypted(&error))?;
    Ok(Draft::Content(format!("\"{boxed}\"")))
}

/// JavaScript's text for content that cannot be sealed, with ours for why.
pub(crate) fn not_encrypted(why: &dyn ToString) -> RemoteError {
    RemoteError::new(format!("create() failed to encrypt content: {}", why.to_string()))
}

/// Which of several things is wanted: the first, unless something is said.
fn check<'a>(
    options: &Object,
    option: &str,
    words: &str,
    supported: &[&'a str],
) -> Result<&'a str, RemoteError> {
    let Some(wanted) = options.get(option).filter(|wanted| wanted.is_truthy()) else {
        return Ok(supported.first().copied().unwrap_or_default());
    };
    let name = wanted.as_text().map(|text| text.decode().into_owned());
    let found = supported.iter().find(|one| name.as_deref() == Some(**one)).copied();
    let shown = || name.clone().unwrap_or_else(|| json::compact(wanted));
    found.ok_or_else(|| RemoteError::new(format!("create() does not support {words} {}", shown())))
}

fn is_given(options: &Object, option: &str) -> bool {
    options.get(option).is_some_and(|value| *value != Value::Null)
}

/// Feeds, by either of their texts.
fn ids(recipients: &[Value]) -> Result<Vec<FeedId>, RemoteError> {
    let id = |recipient: &Value| {
        let text = recipient.as_text()?.decode();
        let by_uri = || match uri::parse(&text) {
            Ok(Id::Feed(id)) => Some(id),
            _ => None,
        };
        FeedId::parse(&text).ok().or_else(by_uri)
    };
    let id = |recipient: &Value| {
        id(recipient).ok_or_else(|| {
            not_encrypted(&format_args!("Unsupported recipient: {}", json::compact(recipient)))
        })
    };
    recipients.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::fixture::named;
    use ssb_log::Opener;

    fn draft(options: &str) -> Result<Draft, String> {
        let args = named(&format!("[{options}]"));
        super::draft(args.as_bytes(), &[7; 32]).map_err(|error| error.message().to_owned())
    }

    fn content(options: &str) -> Option<String> {
        match draft(options) {
            Ok(Draft::Content(content)) => Some(content),
            _ => None,
        }
    }

    #[test]
    fn content_without_recipients_is_for_everybody() {
        for options in [
            r#"{"content":{"type":"post", "b":1.50}}"#,
            r#"{"content":{"type":"post","b":1.5},"recps":null,"encryptionFormat":"box2"}"#,
            r#"{"content":{"type":"post","b":1.5},"feedFormat":"classic","encoding":"js","keys":null}"#,
            // Nothing is sealed with it.
            r#"{"content":{"type":"post","b":1.5},"encryptionFormat":"x"}"#,
        ] {
            assert_eq!(content(options).as_deref(), Some(r#"{"type":"post","b":1.5}"#), "{options}");
        }
    }

    #[test]
    fn content_for_a_few_is_sealed_at_once_or_where_its_place_is_known() {
        let uri = uri::format(&Id::Feed(key(1).id()));
        for recps in [r#"["@2","@1"]"#.to_owned(), format!(r#"["@2","{uri}"]"#)] {
            let sealed = content(&format!(r#"{{"content":{{"type":"post"}},"recps":{recps}}}"#)).unwrap();
            let text: String = serde_json::from_str(&sealed).unwrap();
            assert_eq!(Opener::new(key(1)).unbox(&text).as_deref(), Some(r#"{"type":"post"}"#));

            let options =
                format!(r#"{{"content":{{"type":"post"}},"recps":{recps},"encryptionFormat":"box2"}}"#);
            let recipients = vec![key(2).id(), key(1).id()];
            let plain = r#"{"type":"post"}"#.to_owned();
            assert_eq!(draft(&options), Ok(Draft::Private { plain, recipients }));
        }
    }

    #[test]
    fn the_recipients_may_be_named_in_the_content() {
        let options = r#"{"content":{"type":"post","recps":["@2"]},"encryptionFormat":"box2"}"#;

        let plain = named(r#"{"type":"post","recps":["@2"]}"#);
        assert_eq!(draft(options), Ok(Draft::Private { plain, recipients: vec![key(2).id()] }));
        let both = r#"{"content":{"type":"post","recps":["@2"]},"recps":["@3"],"encryptionFormat":"box2"}"#;
        let plain = named(r#"{"type":"post","recps":["@2"]}"#);
        assert_eq!(draft(both), Ok(Draft::Private { plain, recipients: vec![key(3).id()] }));
    }

    #[test]
    fn recipients_that_are_none_publish_nothing() {
        for recps in ["5", "true", "false", "0", "\"\"", "\"@1\"", "{}"] {
            let error = Err(private::NO_ARRAY.to_owned());
            for format in ["box", "box2"] {
                let option = format!(r#"{{"content":{{}},"recps":{recps},"encryptionFormat":"{format}"}}"#);
                assert_eq!(draft(&option), error, "{recps}");
                let inside = format!(r#"{{"content":{{"recps":{recps}}},"encryptionFormat":"{format}"}}"#);
                assert_eq!(draft(&inside), error, "{recps}");
            }
        }
        for options in [r#"{"content":{},"recps":[]}"#, r#"{"content":{"recps":[]}}"#] {
            assert_eq!(draft(options), Err(private::NOBODY.to_owned()));
        }
        let not = |why: &str| Err(format!("create() failed to encrypt content: {why}"));
        for (recps, why) in [
            (r#"["x"]"#, r#"Unsupported recipient: "x""#),
            (r#"["@1",5]"#, "Unsupported recipient: 5"),
            (r#"["@1",null]"#, "Unsupported recipient: null"),
            (
                r#"["ssb:identity/group/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]"#,
                r#"Unsupported recipient: "ssb:identity/group/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=""#,
            ),
        ] {
            for format in ["box", "box2"] {
                let options = format!(r#"{{"content":{{}},"recps":{recps},"encryptionFormat":"{format}"}}"#);
                assert_eq!(draft(&options), not(why), "{recps}");
            }
        }
    }

    #[test]
    fn as_many_may_read_it_as_the_format_allows() {
        let with = |count: usize, format: &str| {
            let recps = vec!["\"@1\""; count].join(",");
            draft(&format!(r#"{{"content":{{}},"recps":[{recps}],"encryptionFormat":"{format}"}}"#)).err()
        };
        for (format, max) in [("box", 7), ("box2", 16)] {
            assert_eq!(with(max, format), None);
            let why = format!("{} recipients are more than the {max} allowed", max + 1);
            assert_eq!(with(max + 1, format), Some(format!("create() failed to encrypt content: {why}")));
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_in_javascript_s_words() {
        for (options, error) in [
            ("", "Param 0 is required"),
            ("5", "Param 0 is required"),
            ("{}", "create() requires a `content`"),
            (r#"{"content":null}"#, "create() requires a `content`"),
            (r#"{"content":{},"feedFormat":"x"}"#, "create() does not support feed format x"),
            (r#"{"content":{},"encoding":"bipf"}"#, "create() does not support encoding bipf"),
            (
                r#"{"content":{},"recps":["@1"],"encryptionFormat":"x"}"#,
                "create() does not support encryption format x",
            ),
            (
                r#"{"content":{},"recps":["@1"],"encryptionFormat":["box2"]}"#,
                "create() does not support encryption format [\"box2\"]",
            ),
            // JavaScript would sign with them.
            (r#"{"content":{},"keys":{"id":"@2"}}"#, "create() does not support the option keys"),
            (r#"{"content":{},"timestamp":5}"#, "create() does not support the option timestamp"),
        ] {
            assert_eq!(draft(options), Err(error.to_owned()), "{options}");
        }
    }
}
