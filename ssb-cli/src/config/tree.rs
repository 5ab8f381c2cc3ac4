//! Settings as a tree that knows the order of its keys, and of each value where it was set.
//!
//! Merging is that of deep-extend 0.6.0: groups are merged, everything else is replaced, and a key keeps the place where
//! it first stood.

use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;

use super::ConfigError;
use super::Origin;

/// Settings in groups in groups. No name twice in a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Group(Vec<(String, Setting)>);

/// A value, or a group of settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// Anything but an object.
    Value(json::Value, Origin),
    /// An object, and who made it one.
    Group(Group, Origin),
}

/// A setting that was looked for.
#[derive(Clone, Debug)]
pub(crate) struct Found<'a> {
    /// Its dotted name.
    pub(crate) key: String,
    pub(crate) value: json::Value,
    pub(crate) origin: &'a Origin,
}

impl Group {
    /// All that an object says, from one place.
    pub(super) fn from_json(object: &Object, origin: &Origin) -> Self {
        let mut group = Self::default();
        for (name, value) in object.iter() {
            group.set(&name.decode(), Setting::from_json(value, origin));
        }
        group
    }

    /// Sets one name, where it stands or behind all others.
    pub(super) fn set(&mut self, name: &str, setting: Setting) {
        // It would reach into JavaScript's own objects, and is dropped there too.
        if name == "__proto__" {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = setting,
            None => self.0.push((name.to_owned(), setting)),
        }
    }

    /// Takes one name out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Setting> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// One name.
    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, setting)| setting)
    }

    /// The group of this name, made if there is nothing yet. `None` if the name has a value.
    pub(super) fn group(&mut self, name: &str, origin: &Origin) -> Option<&mut Self> {
        if self.get(name).is_none() {
            self.set(name, Setting::Group(Self::default(), origin.clone()));
        }
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, Setting::Group(group, _))) => Some(group),
            _ => None,
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Lets stronger settings win.
    pub(super) fn merge(&mut self, stronger: Self) {
        for (name, setting) in stronger.0 {
            match (self.0.iter_mut().find(|(known, _)| *known == name), setting) {
                (Some((_, Setting::Group(known, _))), Setting::Group(group, _)) => known.merge(group),
                (Some((_, known)), setting) => *known = setting,
                (None, setting) => self.set(&name, setting),
            }
        }
    }

    /// Looks a dotted name up. `null` unsets.
    pub(crate) fn find(&self, key: &str) -> Result<Option<Found<'_>>, ConfigError> {
        let mut group = self;
        let mut walked = String::new();
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next() {
            let Some(setting) = group.get(name) else { return Ok(None) };
            if !walked.is_empty() {
                walked.push('.');
            }
            walked.push_str(name);
            match setting {
                Setting::Value(json::Value::Null, _) => return Ok(None),
                Setting::Group(inner, _) if names.peek().is_some() => group = inner,
                Setting::Value(value, origin) if names.peek().is_some() => {
                    let found = Found { key: walked, value: value.clone(), origin };
                    return Err(found.error("a group of settings"));
                }
                setting => {
                    return Ok(Some(Found {
                        key: walked,
                        value: setting.to_json(),
                        origin: setting.origin(),
                    }));
                }
            }
        }
        Ok(None)
    }

    /// All values with their dotted names and origins.
    pub(crate) fn values(&self) -> Vec<(String, &json::Value, &Origin)> {
        let mut values = Vec::new();
        self.collect("", &mut values);
        values
    }

    fn collect<'a>(&'a self, prefix: &str, into: &mut Vec<(String, &'a json::Value, &'a Origin)>) {
        for (name, setting) in &self.0 {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match setting {
                Setting::Value(value, origin) => into.push((key, value, origin)),
                Setting::Group(group, _) => group.collect(&key, into),
            }
        }
    }

    /// The object that JavaScript has.
    pub(crate) fn to_json(&self) -> json::Value {
        let pairs = self.0.iter().map(|(name, setting)| (Text::new(name), setting.to_json()));
        json::Value::Object(Object::from_pairs(pairs))
    }
}

impl Setting {
    /// What a JSON value says, from one place.
    pub(super) fn from_json(value: &json::Value, origin: &Origin) -> Self {
        match value {
            json::Value::Object(object) => Self::Group(Group::from_json(object, origin), origin.clone()),
            value => Self::Value(value.clone(), origin.clone()),
        }
    }

    pub(super) fn text(text: &str, origin: Origin) -> Self {
        Self::Value(json::Value::Text(Text::new(text)), origin)
    }

    /// Whether it says the same, wherever it was set.
    pub(super) fn is_equal(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }

    const fn origin(&self) -> &Origin {
        let (Self::Value(_, origin) | Self::Group(_, origin)) = self;
        origin
    }

    fn to_json(&self) -> json::Value {
        match self {
            Self::Value(value, _) => value.clone(),
            Self::Group(group, _) => group.to_json(),
        }
    }
}

impl Found<'_> {
    /// That it is not what it should be.
    pub(crate) fn error(&self, expected: &'static str) -> ConfigError {
        self.error_at("", &self.value, expected)
    }

    /// The same of something inside it, such as `[0].scope`.
    pub(super) fn error_at(&self, inside: &str, value: &json::Value, expected: &'static str) -> ConfigError {
        // Keys of networks are secrets to some. They are told by their length.
        let is_secret = self.key.starts_with("caps");
        let found = match value {
            json::Value::Text(text) if is_secret => match text.units() {
                1 => "a text of 1 character".to_owned(),
                units => format!("a text of {units} characters"),
            },
            value => shortened(json::compact(value)),
        };
        ConfigError::Setting { name: format!("{}{inside}", self.origin.name(&self.key)), found, expected }
    }
}

/// The beginning of what is long.
fn shortened(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(FOUND_LEN_MAX) {
        text.truncate(at);
        text.push_str("...");
    }
    text
}

/// How many characters of a wrong value are told.
const FOUND_LEN_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str, origin: &Origin) -> Group {
        match json::parse(text.as_bytes()).unwrap() {
            json::Value::Object(object) => Group::from_json(&object, origin),
            other => panic!("{other:?}"),
        }
    }

    fn merged(weak: &str, strong: &str) -> Group {
        let mut merged = group(weak, &Origin::Default);
        merged.merge(group(strong, &Origin::Option));
        merged
    }

    #[test]
    fn groups_are_merged_and_all_else_is_replaced_in_its_place() {
        let table = [
            (
                r#"{"a":{"x":1,"y":2},"b":3}"#,
                r#"{"c":4,"a":{"y":5,"z":6}}"#,
                r#"{"a":{"x":1,"y":5,"z":6},"b":3,"c":4}"#,
            ),
            (r#"{"a":[1,2]}"#, r#"{"a":[3]}"#, r#"{"a":[3]}"#),
            (r#"{"a":[1]}"#, r#"{"a":{"0":2}}"#, r#"{"a":{"0":2}}"#),
            (r#"{"a":{"x":1}}"#, r#"{"a":"y"}"#, r#"{"a":"y"}"#),
            (r#"{"a":"y"}"#, r#"{"a":{"x":1}}"#, r#"{"a":{"x":1}}"#),
            (r#"{"a":{"x":1}}"#, r#"{"a":null}"#, r#"{"a":null}"#),
            (r#"{"b":1}"#, r#"{"2":1,"__proto__":{"x":1}}"#, r#"{"2":1,"b":1}"#),
        ];
        for (weak, strong, expected) in table {
            assert_eq!(json::compact(&merged(weak, strong).to_json()), expected, "{weak} {strong}");
        }
    }

    #[test]
    fn a_value_is_found_with_its_origin() {
        let merged = merged(r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":3}}"#);

        assert_eq!(merged.find("a.x").unwrap().unwrap().origin, &Origin::Default);
        assert_eq!(merged.find("a.y").unwrap().unwrap().origin, &Origin::Option);
        assert!(merged.find("a.z").unwrap().is_none());
        assert!(merged.find("b.z").unwrap().is_none());
    }

    #[test]
    fn a_value_where_a_group_belongs_is_told() {
        let error = merged("{}", r#"{"a":{"b":5}}"#).find("a.b.c").unwrap_err();

        assert_eq!(error.to_string(), "option --a.b is 5; expected a group of settings");
    }

    #[test]
    fn what_is_told_of_a_wrong_value_is_short_and_no_secret() {
        let text = format!(r#"{{"a":"{}","caps":{{"shs":"secret"}}}}"#, "é".repeat(100));
        let merged = merged("{}", &text);
        let error = |key| merged.find(key).unwrap().unwrap().error("x").to_string();

        assert_eq!(error("a"), format!("option --a is \"{}...; expected x", "é".repeat(59)));
        assert_eq!(error("caps.shs"), "option --caps.shs is a text of 6 characters; expected x");
    }
}
