//! Reads the body of a call.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use super::json::Object;
use super::json::check_json;
use super::json::text_of;
use crate::body::BodyType;
use crate::error::ProtocolError;
use crate::error::RemoteError;
use crate::method::Kind;
use crate::method::Name;

/// What a peer asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: Name,
    pub(super) kind: Kind,
    /// A JSON array, as text.
    pub(super) args: String,
}

impl Call {
    /// Reads a call that came on a stream, or one that did not.
    ///
    /// The inner error is the answer that refuses it. The checks and their order are those of muxrpc 6.7.3: an async
    /// call needs an array of arguments, and any type it names is ignored; a stream needs its type.
    pub(super) fn parse(
        body: &[u8],
        body_type: BodyType,
        stream: bool,
    ) -> Result<Result<Self, RemoteError>, ProtocolError> {
        let text = String::from_utf8_lossy(body);
        let object = match body_type {
            BodyType::Json => Object::parse(check_json(&text)?),
            BodyType::Text | BodyType::Binary => None,
        };
        let field = |name| object.as_ref().and_then(|object| object.get(name));
        Ok(if stream {
            Self::stream(field("name"), field("type"), field("args"), &text)
        } else {
            Self::request(field("name"), field("args"), &text)
        })
    }

    fn request(name: Option<&RawValue>, args: Option<&RawValue>, call: &str) -> Result<Self, RemoteError> {
        match args.map(RawValue::get) {
            Some(args) if args.starts_with('[') => {
                Ok(Self { name: read_name(name), kind: Kind::Async, args: args.into() })
            }
            _ => Err(RemoteError::bad_args(call)),
        }
    }

    fn stream(
        name: Option<&RawValue>,
        kind: Option<&RawValue>,
        args: Option<&RawValue>,
        call: &str,
    ) -> Result<Self, RemoteError> {
        let kind = match kind.map_or(Cow::Borrowed("undefined"), text_of) {
            name if name == "source" => Kind::Source,
            name if name == "sink" => Kind::Sink,
            name if name == "duplex" => Kind::Duplex,
            name => return Err(RemoteError::bad_type(&name)),
        };
        let args = match args.map_or("null", RawValue::get) {
            // JavaScript calls the method without arguments then.
            "null" => "[]",
            args if args.starts_with('[') => args,
            _ => return Err(RemoteError::bad_args(call)),
        };
        Ok(Self { name: read_name(name), kind, args: args.into() })
    }
}

fn read_name(name: Option<&RawValue>) -> Name {
    let single = |name: &str| Name::Single([name.into()]);
    match name {
        None => single("undefined"),
        Some(name) => match serde_json::from_str::<Vec<&RawValue>>(name.get()) {
            Ok(path) => Name::Path(path.into_iter().map(|part| text_of(part).into_owned()).collect()),
            Err(_) => single(&text_of(name)),
        },
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn parse(body: &str, stream: bool) -> Result<Call, String> {
        let call = Call::parse(body.as_bytes(), BodyType::Json, stream).unwrap();
        call.map_err(|error| error.message().to_string())
    }

    fn path(names: &[&str]) -> Name {
        Name::Path(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_type_of_an_async_call_is_ignored() {
        for kind in ["", r#","type":"async""#, r#","type":"source""#, r#","type":7"#] {
            let body = alloc::format!(r#"{{"name":["a","b"],"args":[1, 2]{kind}}}"#);

            let call = Call { name: path(&["a", "b"]), kind: Kind::Async, args: "[1, 2]".into() };
            assert_eq!(parse(&body, false), Ok(call));
        }
    }

    #[test]
    fn a_stream_needs_a_type() {
        let text = |kind: &str| parse(&alloc::format!(r#"{{"name":["a"],"args":[]{kind}}}"#), true);

        assert_eq!(text(r#","type":"async""#), Err("unsupported stream type: async".into()));
        assert_eq!(text(r#","type":null"#), Err("unsupported stream type: null".into()));
        assert_eq!(text(""), Err("unsupported stream type: undefined".into()));
        assert_eq!(text(r#","type":"sink""#).unwrap().kind, Kind::Sink);
    }

    #[test]
    fn a_stream_may_leave_its_arguments_out() {
        assert_eq!(parse(r#"{"name":["a"],"type":"source"}"#, true).unwrap().args, "[]");
        assert_eq!(parse(r#"{"name":["a"],"args":null,"type":"source"}"#, true).unwrap().args, "[]");
    }

    #[test]
    fn arguments_that_are_no_array_are_refused() {
        for body in [r#"{"name":["a"]}"#, r#"{"name":["a"],"args":{}}"#, "5", "null", r#""a""#] {
            let text = alloc::format!("invalid request, args should be array, was: {body}");
            assert_eq!(parse(body, false), Err(text));
        }
    }

    #[test]
    fn a_call_that_is_not_json_ends_the_connection() {
        assert_eq!(Call::parse(b"{", BodyType::Json, false), Err(ProtocolError::BadJson));
    }

    #[test]
    fn a_call_that_does_not_claim_to_be_json_is_refused() {
        assert!(matches!(Call::parse(b"{", BodyType::Text, false), Ok(Err(_))));
        assert!(matches!(Call::parse(b"\xff", BodyType::Binary, true), Ok(Err(_))));
    }

    #[test]
    fn invalid_utf_8_is_replaced_as_javascript_does() {
        let call = Call::parse(b"{\"name\":\"a\xff\",\"args\":[]}", BodyType::Json, false);

        assert_eq!(call.unwrap().unwrap().name, Name::Single(["a\u{fffd}".into()]));
    }
}
