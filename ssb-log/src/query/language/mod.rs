//! map-filter-reduce: the language in which ssb-query, ssb-links and ssb-backlinks are asked.
//!
//! A [`Program`] is a list of stages, `[{"$filter":{…}},{"$map":{…}},{"$reduce":{…}},{"$sort":[…]}]`, and means what it means to
//! map-filter-reduce 3.2.2: what JavaScript makes of a missing key, of `"5" < 6` or of `null` is part of it. Items go in one
//! by one, through a [`Pipeline`].
//!
//! ```
//! use ssb_log::query::language::{Pipeline, Program, Value};
//! use ssb_msg::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = br#"[{"$filter":{"type":"post"}},{"$reduce":{"channel":"channel","posts":{"$count":true}}}]"#;
//! let mut pipeline = Pipeline::new(Program::parse(&json::parse(text)?)?);
//! let mut out = Vec::new();
//! for item in [r#"{"type":"post","channel":"rust"}"#, r#"{"type":"vote"}"#, r#"{"type":"post","channel":"rust"}"#] {
//!     pipeline.push(Value::from(json::parse(item.as_bytes())?), &mut out)?;
//! }
//! pipeline.finish(&mut out)?;
//! let out: Vec<String> = out.into_iter().map(|item| json::compact(&item.into_json())).collect();
//! assert_eq!(out, [r#"{"channel":"rust","posts":2}"#]);
//! # Ok(())
//! # }
//! ```

mod pipeline;
mod rule;
mod value;

use ssb_msg::json;
use thiserror::Error;

pub use self::pipeline::Pipeline;
pub use self::pipeline::RunError;
use self::rule::Rule;
pub use self::value::Value;

/// The most stages of a program.
pub const STAGES_MAX: usize = 32;

/// How deep a stage may nest.
pub const DEPTH_MAX: usize = 32;

/// How many bytes the values may take, about, that a program keeps until all items have come: what `$reduce` has counted and
/// collected, what `$sort` has to sort, and what comes of them.
pub const KEPT_LEN_MAX: usize = 32 * 1024 * 1024;

/// What is done with items.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Filter(Rule),
    Map(Rule),
    Reduce(Rule),
    Sort(Value),
}

impl Program {
    /// A program that changes nothing.
    pub const fn empty() -> Self {
        Self { stages: Vec::new() }
    }

    /// Reads a program. What is `null`, `false` and so on among its stages is left out.
    ///
    /// # Errors
    ///
    /// [`ParseError`] says what is wrong with it.
    pub fn parse(program: &json::Value) -> Result<Self, ParseError> {
        let json::Value::Array(stages) = program else { return Err(ParseError::NoList) };
        let stages: Vec<&json::Value> = stages.iter().filter(|stage| stage.is_truthy()).collect();
        if stages.len() > STAGES_MAX {
            return Err(ParseError::TooLong);
        }
        Ok(Self { stages: stages.into_iter().map(Stage::parse).collect::<Result<_, _>>()? })
    }

    /// Whether it gives something only when all items have come.
    pub fn waits_for_the_end(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Reduce(_) | Stage::Sort(_)))
    }
}

impl Stage {
    fn parse(stage: &json::Value) -> Result<Self, ParseError> {
        let first = match stage {
            json::Value::Object(object) => object.iter().next().map(|(key, _)| key.decode().into_owned()),
            json::Value::Array(_) | json::Value::Text(_) => Some("0".to_owned()),
            _ => None,
        };
        let rule = || Rule::parse(&Value::from(stage.clone()), 0);
        match first.as_deref() {
            Some("$filter") => Ok(Self::Filter(rule()?)),
            Some("$map") => Ok(Self::Map(rule()?)),
            Some("$reduce") => Ok(Self::Reduce(rule()?)),
            Some("$sort") => {
                let by = stage.get("$sort").filter(|by| **by != json::Value::Null);
                let unknown = || ParseError::UnknownRule { rule: json::compact(stage) };
                by.map(|by| Self::Sort(Value::from(by.clone()))).ok_or_else(unknown)
            }
            Some(name) => Err(ParseError::UnknownStage { name: name.to_owned() }),
            None => Err(ParseError::EmptyStage),
        }
    }
}

/// Why something is no program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is not a list of stages.
    #[error("a query is a list of stages")]
    NoList,
    /// It has more than [`STAGES_MAX`].
    #[error("a query has at most {STAGES_MAX} stages")]
    TooLong,
    /// A stage nests deeper than [`DEPTH_MAX`].
    #[error("a stage of a query nests at most {DEPTH_MAX} deep")]
    TooDeep,
    /// A stage says nothing.
    #[error("a stage of the query is empty")]
    EmptyStage,
    /// There is no such stage. The text is JavaScript's.
    #[error("unknown function:{name}")]
    UnknownStage {
        /// What it is called.
        name: String,
    },
    /// There is no such operator, or something stands where none can. The text is JavaScript's.
    #[error("could not process:{rule}")]
    UnknownRule {
        /// Where it stands.
        rule: String,
    },
}
