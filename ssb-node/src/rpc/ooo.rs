//! `ooo.get`: a message of whatever feed, by its id, of whoever is connected and has it (ssb-ooo 1.3.3).

use std::time::Duration;

use ssb_gossip::core::Core;
use ssb_gossip::ooo::PATIENCE_MAX;
use ssb_keys::MessageId;
use ssb_msg::json;
use ssb_muxrpc::RemoteError;

use super::args;

/// A message that is wanted, and how long to wait for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ooo {
    pub(crate) id: MessageId,
    /// How long to wait; `None` if the call does not say.
    pub(crate) timeout: Option<Duration>,
}

impl Ooo {
    /// Reads the arguments: an id, or `{id, timeout}` with milliseconds, of which 0 is for ever.
    ///
    /// # Errors
    ///
    /// Ours: JavaScript asks everybody for whatever it was given.
    pub(crate) fn parse(args: &[u8]) -> Result<Self, RemoteError> {
        let argument = args::first(args);
        let id = argument.get("id").unwrap_or(&argument);
        let id = id.as_str().and_then(|id| MessageId::parse(id).ok());
        let id = id.ok_or_else(|| RemoteError::new("ooo.get: the id of a message is expected"))?;
        let timeout = argument.get("timeout").and_then(serde_json::Value::as_f64);
        Ok(Self { id, timeout: timeout.map(patience) })
    }
}

/// So many milliseconds, where 0 and less are for ever.
fn patience(millis: f64) -> Duration {
    if millis > 0.0 {
        Duration::try_from_secs_f64(millis / 1000.0).map_or(PATIENCE_MAX, |asked| asked.min(PATIENCE_MAX))
    } else {
        PATIENCE_MAX
    }
}

/// What `ooo.get` answers.
pub(crate) fn answer(id: &MessageId, json: &str, received: f64) -> String {
    let received = json::compact(&json::Value::Number(received));
    format!("{{\"key\":\"{id}\",\"value\":{json},\"timestamp\":{received},\"ooo\":true}}")
}

/// Why nobody said what the message is, after so long a wait.
pub(crate) fn not_found(timeout: Duration, waited: Duration) -> RemoteError {
    RemoteError::new(if waited < timeout {
        "ooo.get: no peer is connected that can be asked, or it is a message that was removed here".to_owned()
    } else {
        format!("ooo.get: took more than timeout:{}", timeout.as_millis())
    })
}

/// What `status` says: what is asked for, by its id, with how far away whoever wants it is. A state of 3 is that nobody had it so far.
pub(crate) fn status(core: &Core) -> String {
    let wants = core.ooo().wants();
    let wants: Vec<String> =
        wants.map(|(id, distance)| format!("\"{id}\":{{\"state\":3,\"weight\":-{distance}}}")).collect();
    format!("{{{}}}", wants.join(","))
}

/// What `progress` says: each message that is asked for has made 3 of 7 steps.
pub(crate) fn progress(core: &Core) -> String {
    let wants = core.ooo().wants().count();
    format!("{{\"start\":0,\"current\":{},\"target\":{}}}", 3 * wants, 7 * wants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(argument: &str) -> Result<Ooo, RemoteError> {
        Ooo::parse(format!("[{argument}]").as_bytes())
    }

    #[test]
    fn an_id_or_an_object_names_a_message() {
        let id = MessageId::from_bytes([1; 32]);
        for (argument, millis) in [
            (format!("\"{id}\""), None),
            (format!("{{\"id\":\"{id}\"}}"), None),
            (format!("{{\"id\":\"{id}\",\"timeout\":\"5\"}}"), None),
            (format!("{{\"id\":\"{id}\",\"timeout\":100}}"), Some(100)),
            (format!("{{\"id\":\"{id}\",\"timeout\":0}}"), Some(3_600_000)),
            (format!("{{\"id\":\"{id}\",\"timeout\":-1}}"), Some(3_600_000)),
            (format!("{{\"id\":\"{id}\",\"timeout\":1e300}}"), Some(3_600_000)),
        ] {
            let timeout = millis.map(Duration::from_millis);
            assert_eq!(parse(&argument), Ok(Ooo { id, timeout }), "{argument}");
        }
        for argument in ["", "null", "5", "\"x\"", "{}", "[]", "{\"id\":5}", "\"%AA==.sha256\""] {
            assert!(parse(argument).is_err(), "{argument}");
        }
    }

    #[test]
    fn an_answer_says_that_it_is_out_of_order() {
        let id = MessageId::from_bytes([1; 32]);

        let answer = answer(&id, "{}", 12.0);

        assert_eq!(answer, format!(r#"{{"key":"{id}","value":{{}},"timestamp":12,"ooo":true}}"#));
    }
}
