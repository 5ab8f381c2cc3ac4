//! Options and positionals, told apart as minimist 1.2.8 does without being told of any option.
//!
//! That is what JavaScript's commands run on, so what worked there works here: `--limit 5` is a number, `--live` true,
//! `--no-keys` false, `--keys false` the *text* `false`, `--a.b 1` nested, and what is repeated becomes a list. Where
//! minimist throws, [`parse`] returns [`BadOption`].

use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use thiserror::Error;

/// Reads arguments.
pub(crate) fn parse(args: &[String]) -> Result<Parsed, BadOption> {
    let mut parsed = Parsed::default();
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        let follower = args.peek().copied().filter(|next| !looks_like_option(next));
        let taken = match (arg.strip_prefix("--"), arg.strip_prefix('-')) {
            (Some(long), _) if !long.is_empty() => parsed.take_long(long, follower)?,
            (_, Some(short)) if !short.is_empty() && !short.starts_with('-') => {
                parsed.take_short(short, follower)?
            }
            _ => {
                parsed.positionals.push(Value::of(arg));
                Follower::Left
            }
        };
        if taken == Follower::Taken {
            args.next();
        }
    }
    Ok(parsed)
}

/// What was found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parsed {
    /// What is neither an option nor its value.
    pub(crate) positionals: Vec<Value>,
    /// The options.
    pub(crate) options: Group,
}

/// Whether the argument behind an option was its value.
#[derive(Clone, Copy, PartialEq)]
enum Follower {
    Taken,
    Left,
}

impl Parsed {
    fn take_long(&mut self, long: &str, follower: Option<&str>) -> Result<Follower, BadOption> {
        // A key has at least one character, which may be any.
        let first = long.chars().next().map_or(0, char::len_utf8);
        let equals = long.get(first..).and_then(|rest| rest.find('=')).map(|at| first + at);
        if let Some((key, value)) =
            equals.and_then(|at| Some((long.get(..at)?, long.get(at + '='.len_utf8()..)?)))
        {
            return self.set(key, Value::of(value)).map(|()| Follower::Left);
        }
        if let Some(key) = long.strip_prefix("no-").filter(|key| !key.is_empty()) {
            return self.set(key, Value::Bool(false)).map(|()| Follower::Left);
        }
        self.set_or_flag(long, follower)
    }

    /// `-abc` sets three flags, `-n5` and `-n=5` a number, `-n 5` too.
    fn take_short(&mut self, short: &str, follower: Option<&str>) -> Result<Follower, BadOption> {
        let mut letters = short.chars();
        while let Some(letter) = letters.next() {
            let rest = letters.as_str();
            let Some(next) = rest.chars().next() else {
                // The last one may have a value behind it; a dash there means nothing.
                return match letter {
                    '-' => Ok(Follower::Left),
                    _ => self.set_or_flag(
                        letter.encode_utf8(&mut [0; 4]),
                        follower.filter(|next| !next.is_empty()),
                    ),
                };
            };
            let key = letter.to_string();
            if rest == "-" {
                self.set(&key, Value::of(rest))?;
                continue;
            }
            let value = match rest.strip_prefix('=') {
                Some(value) if letter.is_ascii_alphabetic() => Some(value),
                _ if letter.is_ascii_alphabetic() && ends_with_number(rest) => Some(rest),
                // The last letter is looked at above, so it never ends the others.
                _ if rest.chars().nth(1).is_some() && !is_word(next) => Some(rest),
                _ => None,
            };
            match value {
                Some(value) => return self.set(&key, Value::of(value)).map(|()| Follower::Left),
                None => self.set(&key, Value::Bool(true))?,
            }
        }
        Ok(Follower::Left)
    }

    fn set_or_flag(&mut self, key: &str, follower: Option<&str>) -> Result<Follower, BadOption> {
        match follower {
            Some(value) => self.set(key, Value::of(value)).map(|()| Follower::Taken),
            None => self.set(key, Value::Bool(true)).map(|()| Follower::Left),
        }
    }

    fn set(&mut self, key: &str, value: Value) -> Result<(), BadOption> {
        // The name of the positionals in minimist's result, where an option of that name joins them.
        if key == "_" {
            self.positionals.push(value);
            return Ok(());
        }
        let path: Vec<&str> = key.split('.').collect();
        // They would reach into JavaScript's own objects, and are dropped there too.
        if path.iter().any(|name| matches!(*name, "__proto__" | "constructor")) {
            return Ok(());
        }
        if path.len() > DEPTH_MAX {
            return Err(BadOption::TooDeep);
        }
        self.options.set(&path, value).map_err(|()| BadOption::Both { key: key.to_owned() })
    }
}

/// The most parts an option may have, counting what its dots separate.
pub(crate) const DEPTH_MAX: usize = 32;

/// An option that cannot be set. Whoever typed it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadOption {
    /// It is both a value and a group, as in `--a 1 --a.b 2`.
    #[error("--{key} cannot be set: what stands before its last dot has a value of its own")]
    Both {
        /// The option, without its dashes.
        key: String,
    },
    /// It nests deeper than [`DEPTH_MAX`].
    #[error("an option has more than {DEPTH_MAX} parts between dots")]
    TooDeep,
}

/// The value of an option, or a positional.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A flag.
    Bool(bool),
    /// What looks like a number.
    Number(f64),
    /// Everything else.
    Text(String),
    /// An option given more than once.
    List(Vec<Value>),
    /// Options with a common beginning before a dot.
    Group(Group),
}

impl Value {
    fn of(text: &str) -> Self {
        number(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number)
    }

    /// The same value for JSON.
    pub(crate) fn to_json(&self) -> json::Value {
        match self {
            Self::Bool(bool) => json::Value::Bool(*bool),
            Self::Number(number) => json::Value::Number(*number),
            Self::Text(text) => json::Value::Text(Text::new(text)),
            Self::List(items) => json::Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Group(group) => group.to_json(),
        }
    }

    /// The text, if it is text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Options and their values in the order they came, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Group(Vec<(String, Value)>);

impl Group {
    /// The value of an option.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The same options without those that `is_unwanted`.
    pub(crate) fn without(&self, is_unwanted: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| !is_unwanted(name)).cloned().collect())
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object that JavaScript makes of them, keys in its order.
    pub(crate) fn to_json(&self) -> json::Value {
        let pairs = self.0.iter().map(|(name, value)| (Text::new(name), value.to_json()));
        json::Value::Object(Object::from_pairs(pairs))
    }

    fn set(&mut self, path: &[&str], value: Value) -> Result<(), ()> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        let found = self.0.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value);
        match found {
            None if rest.is_empty() => self.0.push(((*name).to_owned(), value)),
            None => {
                let mut group = Self::default();
                group.set(rest, value)?;
                self.0.push(((*name).to_owned(), Value::Group(group)));
            }
            Some(Value::Group(group)) if !rest.is_empty() => group.set(rest, value)?,
            Some(_) if !rest.is_empty() => return Err(()),
            Some(old @ Value::Bool(_)) => *old = value,
            Some(Value::List(items)) => items.push(value),
            Some(old) => {
                let first = std::mem::replace(old, Value::Bool(true));
                *old = Value::List(vec![first, value]);
            }
        }
        Ok(())
    }
}

/// What minimist takes for a number: decimal with an optional exponent in lower case, or hexadecimal.
fn number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| !digits.is_empty())?;
        return Some(digits.iter().fold(0.0, |number, digit| number * 16.0 + f64::from(*digit)));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once('e').map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let mantissa_fits = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    (mantissa_fits && exponent_fits).then(|| text.parse().ok())?
}

/// Whether text ends in what `/-?\d+(\.\d*)?(e-?\d+)?$/` finds: in a digit, or in a dot behind one.
fn ends_with_number(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.ends_with(|last: char| last.is_ascii_digit())
}

fn looks_like_option(text: &str) -> bool {
    let rest = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-'))
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positionals and the options as minimist's result, in JSON.
    fn parsed(line: &str) -> String {
        let args: Vec<String> = line.split(' ').map(String::from).collect();
        match parse(&args) {
            Ok(parsed) => {
                let positionals = json::Value::Array(parsed.positionals.iter().map(Value::to_json).collect());
                format!("{} {}", json::compact(&positionals), json::compact(&parsed.options.to_json()))
            }
            Err(BadOption::Both { key }) => format!("bad {key}"),
            Err(BadOption::TooDeep) => "too deep".to_owned(),
        }
    }

    // Each line was run through minimist 1.2.8.
    #[test]
    fn arguments_are_read_as_minimist_reads_them() {
        let table = include_str!("../tests/vectors/minimist.txt");
        let mut rows = 0;
        for row in table.lines().filter(|row| !row.is_empty() && !row.starts_with("# ")) {
            let (line, expected) = row.split_once(" => ").unwrap();
            assert_eq!(parsed(line), expected, "{line}");
            rows += 1;
        }
        assert!(rows > 50);
    }

    #[test]
    fn a_value_may_be_empty_or_have_line_breaks() {
        let args = ["publish", "--text", "", "--more=a\nb=c"].map(String::from);

        let options = parse(&args).unwrap().options;
        assert_eq!(json::compact(&options.to_json()), r#"{"text":"","more":"a\nb=c"}"#);
    }

    #[test]
    fn what_minimist_throws_on_is_an_error() {
        assert_eq!(parsed("--a 1 --a.b 2"), "bad a.b");
        assert_eq!(parsed("--a --a.b 2"), "bad a.b");
    }

    #[test]
    fn options_nest_to_a_limit() {
        let option = |parts: usize| format!("--{}", vec!["a"; parts].join("."));

        assert!(parsed(&option(DEPTH_MAX)).starts_with("[] {\"a\":{\"a\""));
        assert_eq!(parsed(&option(DEPTH_MAX + 1)), "too deep");
    }
}
