//! As much JSON as calls and errors need: an object's properties as raw text. Whatever is inside stays text.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::Deserialize;
use serde::de::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;

use crate::error::ProtocolError;

/// The properties of an object in their order.
pub(crate) struct Object<'a> {
    properties: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// The object this is, if it is one.
    pub(crate) fn parse(json: &'a RawValue) -> Option<Self> {
        serde_json::from_str(json.get()).ok()
    }

    /// A property. Of several with the same name the last counts, as in JavaScript.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

impl<'a> Deserialize<'a> for Object<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Properties)
    }
}

/// Checks that a whole body is JSON, whatever JSON. It does not recurse, so no depth is too deep.
pub(crate) fn check_json(text: &str) -> Result<&RawValue, ProtocolError> {
    serde_json::from_str(text).map_err(|_| ProtocolError::BadJson)
}

/// What a string says; for anything else, and strings that are not Unicode, its JSON text.
pub(crate) fn text_of(json: &RawValue) -> Cow<'_, str> {
    if !json.get().starts_with('"') {
        return Cow::Borrowed(json.get());
    }
    match serde_json::from_str::<String>(json.get()) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(json.get().trim_matches('"')),
    }
}

struct Properties;

impl<'a> Visitor<'a> for Properties {
    type Value = Object<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Object<'a>, A::Error> {
        let mut properties = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            properties.push((key, value));
        }
        Ok(Object { properties })
    }
}

/// A property's name, borrowed where possible.
struct Key<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'a> Visitor<'a> for KeyVisitor {
    type Value = Key<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Key<'a>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'a>, E> {
        Ok(Key(Cow::Owned(text.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_properties_counts() {
        let json = check_json(r#" {"a":1,"b":2,"\u0061":[3, 3]} "#).unwrap();

        let object = Object::parse(json).unwrap();
        assert_eq!(object.get("a").unwrap().get(), "[3, 3]");
        assert!(object.get("c").is_none());
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = "[".repeat(60_000) + &"]".repeat(60_000);
        let call = alloc::format!(r#"{{"args":{deep}}}"#);

        let object = Object::parse(check_json(&call).unwrap()).unwrap();
        assert_eq!(object.get("args").unwrap().get(), deep);
    }

    #[test]
    fn what_is_not_json_is_a_protocol_error() {
        for text in ["{", "", "tru", "{}x", "\u{feff}{}"] {
            assert_eq!(check_json(text).map(RawValue::get), Err(ProtocolError::BadJson), "{text}");
        }
    }
}
