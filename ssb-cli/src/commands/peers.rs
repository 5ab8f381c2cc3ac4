//! `ssb-cli peers`: who is known and who is connected, where, since when, and what went wrong last.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use ssb_msg::json;
use ssb_msg::json::Value;

use super::call;
use crate::config::Settings;
use crate::failure::Failure;
use crate::print;

/// Prints the table, or what it is made of.
pub(super) fn run(as_json: bool, settings: &Settings) -> Result<(), Failure> {
    let mut client = call::open("peers", settings)?;
    // ssb-server has the second only.
    let peers = call::ask(&mut client, &["peers"], "[]")
        .or_else(|_| call::ask(&mut client, &["gossip", "peers"], "[]"));
    client.close();
    let peers = peers?;
    if as_json {
        return print::out((json::pretty(&peers) + "\n").as_bytes());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    print::out(table(&peers, now).as_bytes())
}

/// The last dials that failed, the newest first, as many as are wanted.
pub(super) fn troubles(peers: &Value, count: usize) -> Vec<String> {
    let mut rows: Vec<Row> = rows(peers).into_iter().filter(|row| !row.error.is_empty()).collect();
    rows.sort_by(|one, other| other.since.unwrap_or(0.0).total_cmp(&one.since.unwrap_or(0.0)));
    rows.iter().take(count).map(|row| format!("{}: {}", row.address, row.error)).collect()
}

fn table(peers: &Value, now: f64) -> String {
    let mut rows = rows(peers);
    if rows.is_empty() {
        return "no peer is known: ssb-cli gossip.add ADDRESS, or gossip.connect ADDRESS\n".to_owned();
    }
    rows.sort_by_key(Row::rank);
    let mut cells = vec![["peer", "kind", "state", "since", "address", "last error"].map(str::to_owned)];
    cells.extend(rows.into_iter().map(|row| {
        let since = row.since.map_or_else(|| "-".to_owned(), |since| ago(now - since / 1000.0));
        let error = match row.failures {
            0 | 1 => row.error,
            count => format!("{} ({count} dials in a row)", row.error),
        };
        [row.key, row.kind, row.state, since, row.address, error]
    }));
    print::aligned(&cells)
}

/// One line.
struct Row {
    key: String,
    kind: String,
    state: String,
    /// Milliseconds since 1970.
    since: Option<f64>,
    /// Without the key, which stands in another column.
    address: String,
    error: String,
    failures: u64,
}

impl Row {
    /// Who is connected comes first, then who is being dialed, then who failed least.
    fn rank(&self) -> (u8, u64, String) {
        let by_state = match self.state.split(',').next() {
            Some("connected") => 0,
            Some("-") => 2,
            _ => 1,
        };
        (by_state, self.failures, self.key.clone())
    }
}

fn rows(peers: &Value) -> Vec<Row> {
    let Value::Array(peers) = peers else { return Vec::new() };
    let rows = peers.iter().map(|peer| {
        let text = |name| peer.get(name).and_then(Value::as_text).map(|text| text.decode().into_owned());
        let number = |name| match peer.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let who_dialed = match peer.get("client") {
            Some(Value::Bool(true)) => ", we dialed",
            Some(Value::Bool(false)) => ", they dialed",
            _ => "",
        };
        let state = match text("state") {
            Some(state) if state == "connected" => state + who_dialed,
            Some(state) => state,
            None => "-".to_owned(),
        };
        let address = text("address").unwrap_or_else(|| "-".to_owned());
        let failures = number("failure").unwrap_or_default();
        Row {
            key: text("key").unwrap_or_default(),
            kind: text("kind").or_else(|| text("source")).unwrap_or_else(|| "-".to_owned()),
            state,
            since: number("since").or_else(|| number("stateChange")),
            address: address.split('~').next().unwrap_or_default().to_owned(),
            error: text("error").unwrap_or_default().lines().next().unwrap_or_default().to_owned(),
            // Counts of failures are small.
            failures: format!("{failures:.0}").parse().unwrap_or_default(),
        }
    });
    rows.collect()
}

/// A time in words that fit a column.
fn ago(seconds: f64) -> String {
    let steps =
        [(60.0, 1.0, "s"), (3_600.0, 60.0, "min"), (172_800.0, 3_600.0, "h"), (f64::INFINITY, 86_400.0, "d")];
    let step = steps.into_iter().find(|(below, ..)| seconds < *below);
    step.map_or_else(String::new, |(_, unit, name)| {
        format!("{:.0} {name}", (seconds.max(0.0) / unit).floor())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn who_is_connected_comes_first_and_who_fails_most_last() {
        let peers = parse(
            r#"[{"key":"@a","address":"net:a.example:8008~shs:aa","kind":"global","since":400000,"failure":7,"error":"timed out"},
                {"key":"@b","address":"net:b.example:1~shs:bb","kind":"friends","since":980000,"failure":1,"error":"refused"},
                {"key":"@c","kind":"stranger","state":"connected","since":1000000,"client":false},
                {"key":"@d","address":"net:d.example:1~shs:dd","kind":"seed","state":"connecting","since":999000},
                {"key":"@e","address":"net:e.example:1~shs:ee","kind":"seed","state":"connected","since":0,"client":true,"failure":0},
                {"key":"@f","address":"net:f.example:1~shs:ff","kind":"local"}]"#,
        );

        assert_eq!(
            table(&peers, 1000.0),
            "\
peer  kind      state                   since   address             last error
@c    stranger  connected, they dialed  0 s     -
@e    seed      connected, we dialed    16 min  net:e.example:1
@d    seed      connecting              1 s     net:d.example:1
@f    local     -                       -       net:f.example:1
@b    friends   -                       20 s    net:b.example:1     refused
@a    global    -                       10 min  net:a.example:8008  timed out (7 dials in a row)
"
        );
        assert_eq!(troubles(&peers, 1), ["net:b.example:1: refused"]);
    }

    #[test]
    fn ssb_server_s_table_is_told_as_far_as_it_goes() {
        let peers = parse(
            r#"[{"address":"net:h.example:1~shs:aa","key":"@a","source":"pub","announcers":1,"duration":null,
                "stateChange":940000,"error":"Error: refused\n    at x","failure":1}]"#,
        );

        let line = "@a    pub   -      1 min  net:h.example:1  Error: refused";
        assert_eq!(table(&peers, 1000.0).lines().nth(1), Some(line));
    }

    #[test]
    fn without_peers_it_is_told_how_to_know_one() {
        assert_eq!(
            table(&parse("[]"), 0.0),
            "no peer is known: ssb-cli gossip.add ADDRESS, or gossip.connect ADDRESS\n"
        );
    }

    #[test]
    fn times_are_short() {
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (3_600.0, "1 h"),
            (172_799.0, "47 h"),
            (200_000.0, "2 d"),
        ] {
            assert_eq!(ago(seconds), expected);
        }
    }
}
