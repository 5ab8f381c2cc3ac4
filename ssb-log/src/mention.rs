//! What content mentions: ids and channels, in any text at any depth (ssb-backlinks 2.1.1, ssb-ref 2.16.0).

use std::collections::BTreeSet;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::json;
use ssb_msg::json::Value;

use crate::locate;
use crate::locate::Target;

/// All that content mentions, in the order in which it does, each once. Channels begin with `#`.
pub(crate) fn mentions(content: &Value) -> Vec<String> {
    let (mut order, mut known) = (Vec::new(), BTreeSet::new());
    let Value::Object(object) = content else { return order };
    for (key, value) in object.iter() {
        each(value, key.is("channel"), &mut |mention| {
            if known.insert(mention.clone()) {
                order.push(mention);
            }
        });
    }
    order
}

/// The channels that raw content mentions.
pub(crate) fn channels(content: &str) -> Vec<String> {
    // Nearly all content has none, and that is seen without taking it apart.
    if locate::member(content, "channel").is_none()
        && memchr::memmem::find(content.as_bytes(), b"\"#").is_none()
    {
        return Vec::new();
    }
    let content = json::parse(content.as_bytes()).unwrap_or(Value::Null);
    mentions(&content).into_iter().filter(|mention| mention.starts_with('#')).collect()
}

/// The channel that a `channel` with this text mentions, if it is one.
pub(crate) fn channel_named(text: &str) -> Option<String> {
    let mention = format!("#{}", normalize(text)?);
    channel(&mention).is_some().then_some(mention)
}

/// Whether a text is the id of a feed, a message or a blob.
pub(crate) fn is_id(text: &str) -> bool {
    let of_other_kind = || {
        let feed = text.strip_suffix(".sha256").map(|id| format!("{id}.ed25519"));
        feed.is_some_and(|feed| FeedId::parse(&feed).is_ok())
    };
    !text.contains('?') && (Target::parse(text).is_some() || text.starts_with('@') && of_other_kind())
}

fn is_cloaked(text: &str) -> bool {
    let id = text.strip_suffix(".cloaked").map(|id| format!("{id}.sha256"));
    id.is_some_and(|id| MessageId::parse(&id).is_ok())
}

/// Hands what a value mentions to `found`. It nests no deeper than JSON may.
fn each(value: &Value, is_channel: bool, found: &mut dyn FnMut(String)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, is_channel, found)),
        Value::Object(object) => object.iter().for_each(|(_, value)| each(value, is_channel, found)),
        Value::Text(text) => {
            let text = text.decode();
            let named = is_channel.then(|| normalize(&text)).flatten().map(|name| format!("#{name}"));
            let text = named.as_deref().unwrap_or(&text);
            if is_id(text) || is_cloaked(text) {
                found(text.to_owned());
            } else if let Some(name) = channel(text) {
                found(format!("#{}", normalize(name).unwrap_or_else(|| "null".to_owned())));
            }
        }
        _ => {}
    }
}

fn channel(text: &str) -> Option<&str> {
    let name = text.strip_prefix('#')?;
    let is_name = !name.is_empty() && !name.contains(|char: char| char == '#' || is_space(char));
    (is_name && text.encode_utf16().count() < CHANNEL_UNITS_END).then_some(name)
}

/// The name of a channel without what names have not.
fn normalize(text: &str) -> Option<String> {
    let is_kept = |char: &char| !is_space(*char) && !",.?!<>()[]\"#".contains(*char);
    let name: String = text.to_lowercase().chars().filter(is_kept).collect();
    let units: Vec<u16> = name.encode_utf16().take(CHANNEL_UNITS_END).collect();
    (!name.is_empty()).then(|| String::from_utf16_lossy(&units))
}

fn is_space(char: char) -> bool {
    char.is_whitespace() && char != '\u{85}' || char == '\u{feff}'
}

/// A channel is shorter than this, in UTF-16 units.
const CHANNEL_UNITS_END: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_channels_are_mentioned_wherever_they_stand() {
        let feed = format!("@{}=.ed25519", "A".repeat(43));
        let content = format!(
            r##"{{"channel":"Two, Words","x":["{feed}","#A.b!",{{"y":"{feed}"}},"#no name","#,","see #c","{feed}?a"],"{feed}":"#twowords"}}"##
        );

        let expected = ["#twowords", &feed, "#ab", "#null"];
        assert_eq!(mentions(&json::parse(content.as_bytes()).unwrap()), expected);
        assert_eq!(channels(&content), ["#twowords", "#ab", "#null"]);
        assert_eq!(
            channels(&format!(r#"{{"x":"{feed}","y":{{"channel":"deep"}}}}"#)),
            <[String; 0]>::default()
        );
    }

    #[test]
    fn a_channel_is_no_longer_than_channels_are() {
        let name = "x".repeat(28);

        assert_eq!(channel_named(&name), Some(format!("#{name}")));
        assert_eq!(channel_named(&format!("{name}x")), None);
        assert_eq!(channel_named("#A b,"), Some("#ab".to_owned()));
        assert_eq!(channel_named(", !"), None);
    }
}
