//! Programs that ask too much are refused, at a limit that has a name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail tests")]

use ssb_log::query::language::DEPTH_MAX;
use ssb_log::query::language::KEPT_LEN_MAX;
use ssb_log::query::language::ParseError;
use ssb_log::query::language::Pipeline;
use ssb_log::query::language::Program;
use ssb_log::query::language::RunError;
use ssb_log::query::language::STAGES_MAX;
use ssb_log::query::language::Value;
use ssb_msg::json;

fn parse(program: &str) -> Result<Program, ParseError> {
    Program::parse(&json::parse(program.as_bytes()).unwrap_or_else(|error| panic!("{program}: {error}")))
}

fn item(text: &str) -> Value {
    Value::from(json::parse(text.as_bytes()).unwrap())
}

#[test]
fn a_program_has_as_many_stages_as_may_be_and_no_more() {
    let stages = |count: usize| format!("[{}]", vec![r#"{"$map":true}"#; count].join(","));

    assert!(parse(&stages(STAGES_MAX)).is_ok());
    assert_eq!(parse(&stages(STAGES_MAX + 1)), Err(ParseError::TooLong));
}

#[test]
fn a_stage_nests_as_deep_as_may_be_and_no_deeper() {
    for (operator, open, inner, close) in [
        ("$filter", r#"{"a":"#, "1", "}"),
        ("$filter", "[", "1", "]"),
        ("$map", r#"{"a":"#, "true", "}"),
        ("$map", "[", "true", "]"),
        ("$reduce", r#"{"a":"#, "true", "}"),
        ("$reduce", r#"{"$max":"#, "true", "}"),
        ("$map", r#"{"$map":"#, "true", "}"),
    ] {
        let nested = |depth: usize| {
            format!(r#"[{{"{operator}":{}{inner}{}}}]"#, open.repeat(depth), close.repeat(depth))
        };
        assert!(parse(&nested(DEPTH_MAX - 1)).is_ok(), "{operator} {open}");
        assert_eq!(parse(&nested(DEPTH_MAX)), Err(ParseError::TooDeep), "{operator} {open}");
    }
}

#[test]
fn what_is_unknown_is_named_wherever_it_stands() {
    let unknown = |rule: &str| Err(ParseError::UnknownRule { rule: rule.to_owned() });
    for (program, rule) in [
        (r#"[{"$filter":{"a":{"b":{"$near":5}}}}]"#, r#"{"$near":5}"#),
        (r#"[{"$filter":{"a":{"$gt":1,"$near":5}}}]"#, r#"{"$gt":1,"$near":5}"#),
        (r#"[{"$map":{"a":{"$near":5}}}]"#, r#"{"$near":5}"#),
        (
            r#"[{"$reduce":{"$group":["a"],"$reduce":{"$count":true}}}]"#,
            r#"{"$group":["a"],"$reduce":{"$count":true}}"#,
        ),
        (r#"[{"$reduce":true,"$group":["a"]}]"#, r#"{"$reduce":true,"$group":["a"]}"#),
    ] {
        assert_eq!(parse(program), unknown(rule), "{program}");
    }
    assert_eq!(parse(r#"[{"$limit":5}]"#), Err(ParseError::UnknownStage { name: "$limit".to_owned() }));
    assert_eq!(parse(r#"{"$filter":{}}"#), Err(ParseError::NoList));
}

#[test]
fn no_more_is_kept_than_may_be() {
    const ITEM_LEN: usize = 50_000;
    let long = item(&format!(r#"{{"text":"{}"}}"#, "x".repeat(ITEM_LEN)));
    for program in [
        r#"[{"$reduce":{"$collect":"text"}}]"#,
        r#"[{"$reduce":{"n":{"$count":true},"all":{"$collect":true}}}]"#,
        r#"[{"$sort":[["text"]]}]"#,
    ] {
        let mut pipeline = Pipeline::new(parse(program).unwrap());
        let mut count = 0;
        let error = loop {
            match pipeline.push(long.clone(), &mut Vec::new()) {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error, RunError::TooMuch, "{program}");
        let kept = count * ITEM_LEN;
        assert!(kept <= KEPT_LEN_MAX && kept > KEPT_LEN_MAX * 9 / 10, "{program}: {kept}");
    }
    // What does not grow may go on for ever.
    let mut pipeline = Pipeline::new(
        parse(r#"[{"$reduce":{"text":{"$max":["text","length"]},"n":{"$count":true}}}]"#).unwrap(),
    );
    for _ in 0..2 * KEPT_LEN_MAX / ITEM_LEN {
        pipeline.push(long.clone(), &mut Vec::new()).unwrap();
    }
}
