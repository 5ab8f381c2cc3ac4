//! Programs of map-filter-reduce, and questions.

use ssb_log::query::language::Pipeline;
use ssb_log::query::language::Program;
use ssb_log::query::language::RunError;
use ssb_log::query::language::Value;
use ssb_log::query::view::Order;
use ssb_log::query::view::Question;
use ssb_log::query::view::View;
use ssb_log::query::view::explain;
use ssb_msg::json;

/// Reads any text as a query, and runs what is a program on items that have something of everything. What waits for the end
/// gives nothing before it, and what comes is the same each time.
///
/// Script: the query.
pub fn query_parse(data: &[u8]) {
    let Ok(query) = json::parse(data) else { return };
    for view in [View::Query, View::Links2, View::Backlinks] {
        for order in [Order::Ascending, Order::Descending] {
            let question = Question::parse(view, &query, order);
            assert_eq!(question, Question::parse(view, &query, order));
        }
    }
    let _ = explain(&query);
    let program = match Program::parse(&query) {
        Ok(program) => program,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let items = items();
    let whole = outcome(program.clone(), &items);
    assert_eq!(outcome(program.clone(), &items), whole);
    if program.waits_for_the_end() {
        let mut pipeline = Pipeline::new(program);
        let mut out = Vec::new();
        let pushed = items.iter().try_for_each(|item| pipeline.push(item.clone(), &mut out));
        assert!(out.is_empty(), "something came before the end");
        assert!(pushed.is_ok() || whole.is_err(), "it fails before the end only");
    }
}

/// What comes out, as JSON texts.
fn outcome(program: Program, items: &[Value]) -> Result<Vec<String>, RunError> {
    let mut pipeline = Pipeline::new(program);
    let mut out = Vec::new();
    for item in items {
        pipeline.push(item.clone(), &mut out)?;
    }
    pipeline.finish(&mut out)?;
    Ok(out.into_iter().map(|item| json::compact(&item.into_json())).collect())
}

fn items() -> Vec<Value> {
    let texts = [
        r#"{"key":"%a","value":{"author":"@a","sequence":1,"timestamp":5.5,"content":{"type":"post","text":"é","tags":["x","y"]}},"timestamp":9}"#,
        r#"{"key":"%b","value":{"author":"@b","sequence":2,"timestamp":-1,"content":"AAAA.box"},"timestamp":10,"sync":false}"#,
        r#"{"key":"%c","value":{"author":"@a","sequence":2,"content":{"type":"vote","vote":{"link":"%a","value":1},"n":null}},"timestamp":11}"#,
        r#"{"type":"post","n":"7","10":[],"":{"a":{"a":{}}}}"#,
        r#"[["vote",1,null],"a",true]"#,
        r#""text""#,
        "-0.5",
        "false",
        "null",
    ];
    texts.iter().map(|text| Value::from(json::parse(text.as_bytes()).expect("these are JSON"))).collect()
}
