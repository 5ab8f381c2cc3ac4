//! Files of settings in the INI form, as ini 1.3.8 reads them for rc 1.2.8.
//!
//! Values are text, but for `true`, `false` and `null`, a name without a value is `true`, `[a.b]` is a group in a group,
//! and `name[] = x` adds to a list. That parser takes everything; what it would silently put elsewhere or drop is an
//! error here.

use ssb_msg::json;
use ssb_msg::json::Text;

use super::Origin;
use super::tree::Group;
use super::tree::Setting;

/// How deep groups may stand in each other, in a section or a variable; as in an option.
pub(super) const GROUPS_DEPTH_MAX: usize = crate::minimist::DEPTH_MAX;

/// Parses a text. The error is the number of a line, and what is wrong with it.
pub(super) fn parse(text: &str, origin: &Origin) -> Result<Group, (usize, &'static str)> {
    let mut top = Group::default();
    let mut section: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| (index + 1, what);
        let line = line.trim_end_matches('\r');
        if line.is_empty() || line.trim_start().starts_with([';', '#']) {
            continue;
        }
        if line.trim_start().starts_with('"') {
            return Err(wrong("looks like JSON, which begins with `{`"));
        }
        if line.starts_with('[') {
            let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let name = name
                .filter(|name| !name.contains(']'))
                .ok_or(wrong("expected `[section]` alone on the line"))?;
            let name = unquoted(name).as_name();
            if dotted(&name).len() > GROUPS_DEPTH_MAX {
                return Err(wrong("sections nest too deep"));
            }
            top.group(&name, origin).ok_or(wrong("the section has the name of a value"))?;
            section = Some(name);
            continue;
        }
        let (name, value) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value)));
        if name.is_empty() {
            return Err(wrong("expected `name = value`"));
        }
        let value = value.map_or(json::Value::Bool(true), |value| unquoted(value).0);
        let group = match &section {
            None => &mut top,
            Some(section) => {
                top.group(section, origin).ok_or(wrong("the section has the name of a value"))?
            }
        };
        add(group, &unquoted(name).as_name(), value, origin);
    }
    Ok(nested(top, origin))
}

fn add(group: &mut Group, name: &str, value: json::Value, origin: &Origin) {
    let listed = name.strip_suffix("[]").filter(|name| !name.is_empty());
    let name = listed.unwrap_or(name);
    let value = match group.get(name) {
        // A list stays one, though the brackets were forgotten.
        Some(Setting::Value(json::Value::Array(items), _)) => {
            json::Value::Array(items.iter().cloned().chain([value]).collect())
        }
        Some(Setting::Value(first, _)) if listed.is_some() && first.is_truthy() => {
            json::Value::Array(vec![first.clone(), value])
        }
        _ if listed.is_some() => json::Value::Array(vec![value]),
        _ => value,
    };
    group.set(name, Setting::from_json(&value, origin));
}

/// Puts sections with dots in their names where the dots say.
fn nested(mut top: Group, origin: &Origin) -> Group {
    let names: Vec<String> = top.names().map(str::to_owned).collect();
    for name in names {
        let parts = dotted(&name);
        let Some((last, parents)) = parts.split_last() else { continue };
        if !matches!(top.get(&name), Some(Setting::Group(..))) || (parents.is_empty() && *last == name) {
            continue;
        }
        let Some(section) = top.remove(&name) else { continue };
        let mut group = &mut top;
        for parent in parents {
            if !matches!(group.get(parent), Some(Setting::Group(..))) {
                group.set(parent, Setting::Group(Group::default(), origin.clone()));
            }
            match group.group(parent, origin) {
                Some(inner) => group = inner,
                // Only a name that is never kept is no group now.
                None => return top,
            }
        }
        group.set(last, section);
    }
    top
}

/// Splits at dots without a backslash.
fn dotted(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, parts.last_mut()) {
            ('\\', Some(part)) if chars.peek() == Some(&'.') => part.extend(chars.next()),
            ('.', _) => parts.push(String::new()),
            (char, Some(part)) => part.push(char),
            (_, None) => {}
        }
    }
    parts
}

/// A value of a line.
struct Unquoted(json::Value);

impl Unquoted {
    fn as_name(&self) -> String {
        match &self.0 {
            json::Value::Text(text) => text.decode().into_owned(),
            other => json::compact(other),
        }
    }
}

/// Takes quotes, escapes and what is behind `;` or `#` away.
fn unquoted(text: &str) -> Unquoted {
    let text = text.trim();
    let plain = |text: &str| json::Value::Text(Text::new(text));
    let single = text.strip_prefix('\'').filter(|rest| rest.ends_with('\'') || rest.is_empty());
    let is_quoted = single.is_some() || (text.starts_with('"') && text.ends_with('"'));
    let value = if is_quoted {
        let inner = single.map_or(text, |rest| rest.strip_suffix('\'').unwrap_or(rest));
        json::parse_within(inner.as_bytes(), super::file::LEN_MAX).unwrap_or_else(|_| plain(inner))
    } else {
        plain(&unescaped(text))
    };
    Unquoted(match &value {
        json::Value::Text(text) if text.is("true") => json::Value::Bool(true),
        json::Value::Text(text) if text.is("false") => json::Value::Bool(false),
        json::Value::Text(text) if text.is("null") => json::Value::Null,
        _ => value,
    })
}

fn unescaped(text: &str) -> String {
    let mut unescaped = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ';' | '#' => break,
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ';' | '#')) => unescaped.push(escaped),
                Some(other) => unescaped.extend(['\\', other]),
                None => unescaped.push('\\'),
            },
            char => unescaped.push(char),
        }
    }
    unescaped.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, (usize, &'static str)> {
        parse(text, &Origin::Option).map(|group| json::compact(&group.to_json()))
    }

    // Each was run through ini 1.3.8.
    #[test]
    fn files_are_read_as_ini_reads_them() {
        let table = [
            ("port = 8008\nhost=x y \n", r#"{"port":"8008","host":"x y"}"#),
            ("; a\n # b\n\nflag\nother=", r#"{"flag":true,"other":""}"#),
            ("a = true\nb = false\nc = null\nd = 'true'", r#"{"a":true,"b":false,"c":null,"d":true}"#),
            (
                "a = x ; comment\nb = y # comment\nc = z\\;w\\#\\\\ \\n",
                r##"{"a":"x","b":"y","c":"z;w#\\ \\n"}"##,
            ),
            (
                "a = \" x; \"\nb = ' y '\nc = '5'\nd='{\"e\":[1]}'",
                r#"{"a":" x; ","b":" y ","c":5,"d":{"e":[1]}}"#,
            ),
            ("[caps]\nshs = k=\n[friends]\nhops = 3", r#"{"caps":{"shs":"k="},"friends":{"hops":"3"}}"#),
            ("x = 1\n[a.b]\nc = 2\n[a]\nd = 3", r#"{"x":"1","a":{"d":"3","b":{"c":"2"}}}"#),
            ("[a]\nd = 3\n[a.b]\nc = 2", r#"{"a":{"d":"3","b":{"c":"2"}}}"#),
            ("[a\\.b]\nc = 2", r#"{"a.b":{"c":"2"}}"#),
            ("seeds[] = a\nseeds[] = b\nseeds = c", r#"{"seeds":["a","b","c"]}"#),
            ("seeds = a\nseeds[] = b", r#"{"seeds":["a","b"]}"#),
            ("a = 1\na = 2", r#"{"a":"2"}"#),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_would_be_put_elsewhere_or_dropped_is_an_error() {
        let table = [
            ("[caps", (1, "expected `[section]` alone on the line")),
            ("a = 1\n[caps] \nshs = x", (2, "expected `[section]` alone on the line")),
            ("\n= 8008", (2, "expected `name = value`")),
            ("  \"port\": 8008", (1, "looks like JSON, which begins with `{`")),
            ("caps = x\n[caps]\nshs = y", (2, "the section has the name of a value")),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn sections_nest_to_a_limit() {
        let section = |parts: usize| format!("[{}]\nx = 1", vec!["a"; parts].join("."));

        assert!(parsed(&section(GROUPS_DEPTH_MAX)).is_ok());
        assert_eq!(parsed(&section(GROUPS_DEPTH_MAX + 1)), Err((1, "sections nest too deep")));
    }
}
