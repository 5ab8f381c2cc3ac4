//! `about`: a name, a picture or a description for something.

use alloc::string::String;

use ssb_keys::bfe::Id;
use ssb_keys::link::Link;

use crate::json::Value;

use super::link;
use super::string;

/// What the author says about a feed, a message or a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it is about.
    pub about: Id,
    /// Its name.
    pub name: Option<String>,
    /// A link to a blob with its picture, perhaps with a query; not checked.
    pub image: Option<String>,
    /// A longer text about it.
    pub description: Option<String>,
}

impl About {
    /// Reads a content. `None` without an id in `about`.
    pub fn read(content: &Value) -> Option<Self> {
        let about = link(content.get("about")?)?;
        Some(Self {
            about: Link::parse(&about)?.id(),
            name: string(content, "name"),
            image: content.get("image").and_then(link),
            description: string(content, "description"),
        })
    }
}

#[cfg(test)]
mod tests {
    use ssb_keys::FeedId;

    use super::*;
    use crate::json;

    #[test]
    fn an_image_is_a_link_or_has_one() {
        let id = FeedId::from_bytes([9; 32]);
        for image in [r#""&x""#, r#"{"link":"&x","type":"image/png"}"#] {
            let text = format!(r#"{{"type":"about","about":"{id}","name":"nine","image":{image}}}"#);

            let about = About::read(&json::parse(text.as_bytes()).unwrap()).unwrap();

            assert_eq!(about.about, Id::Feed(id));
            assert_eq!(about.name.as_deref(), Some("nine"));
            assert_eq!(about.image.as_deref(), Some("&x"));
            assert_eq!(about.description, None);
        }
    }

    #[test]
    fn without_an_id_it_is_about_nothing() {
        assert_eq!(About::read(&json::parse(br#"{"about":"me","name":"x"}"#).unwrap()), None);
    }
}
