//! Programs mean what they mean to JavaScript. `tests/vectors/README.md` says where the rows come from.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail tests")]

use ssb_log::query::language::Pipeline;
use ssb_log::query::language::Program;
use ssb_log::query::language::Value;
use ssb_msg::json;

const ROWS: &str = include_str!("vectors/map-filter-reduce.jsonl");

/// What comes out of a program that all items went through, as JSON texts.
fn outcome(program: &json::Value, items: &[json::Value]) -> Result<Vec<String>, String> {
    let program = Program::parse(program).map_err(|error| error.to_string())?;
    let mut pipeline = Pipeline::new(program);
    let mut out = Vec::new();
    for item in items {
        pipeline.push(Value::from(item.clone()), &mut out).map_err(|error| error.to_string())?;
    }
    pipeline.finish(&mut out).map_err(|error| error.to_string())?;
    Ok(out.into_iter().map(|item| json::compact(&item.into_json())).collect())
}

fn parse(line: &str) -> json::Value {
    json::parse_within(line.as_bytes(), usize::MAX).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn list(value: Option<&json::Value>) -> &[json::Value] {
    match value {
        Some(json::Value::Array(items)) => items,
        other => panic!("not a list: {other:?}"),
    }
}

/// What an item that came out is like: `{"item":3}` stands for one that went in.
fn expected(item: &json::Value, items: &[json::Value]) -> String {
    let Some(at) = item.get("item").and_then(json::Value::as_number) else { return json::compact(item) };
    let found = (0..).zip(items).find(|(place, _)| f64::from(*place) == at);
    found.map(|(_, item)| json::compact(item)).unwrap()
}

#[test]
fn vectors_of_map_filter_reduce_give_what_they_give_there() {
    let mut lines = ROWS.lines();
    let head = parse(lines.next().unwrap());
    let items = list(head.get("items"));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in lines {
        count += 1;
        let row = parse(line);
        let query = row.get("query").unwrap();
        let ours = outcome(query, items);
        let is_right = match row.get("error").and_then(json::Value::as_text) {
            // The words of the engine are its own.
            Some(error) => ours.as_ref().err().is_some_and(|ours| {
                let error = error.decode();
                *ours == error || error.starts_with("Cannot read") || error.ends_with("is not a function")
            }),
            None => {
                let out: Vec<String> =
                    list(row.get("out")).iter().map(|item| expected(item, items)).collect();
                ours == Ok(out)
            }
        };
        if !is_right {
            wrong.push(format!("{line}\n  ours {ours:?}"));
        }
    }
    assert!(count > 1_000, "{count} rows");
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
}
