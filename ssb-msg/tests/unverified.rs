//! What makes a message, rule by rule and at each limit.

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::Signature;
use ssb_msg::Content;
use ssb_msg::Unverified;
use ssb_msg::json;
use ssb_msg::limits::SEQUENCE_MAX;
use ssb_msg::limits::UNITS_MAX;
use ssb_msg::limits::WIRE_LEN_MAX;
use ssb_msg::unverified::ParseError;

/// Fields as JSON, to be replaced one at a time.
#[derive(Clone)]
struct Raw(Vec<(&'static str, String)>);

impl Raw {
    fn first() -> Self {
        let author = FeedId::from_bytes([1; 32]);
        let signature = Signature::from_bytes([2; 64]);
        Self(vec![
            ("previous", "null".into()),
            ("author", format!("\"{author}\"")),
            ("sequence", "1".into()),
            ("timestamp", "1491901740000".into()),
            ("hash", "\"sha256\"".into()),
            ("content", r#"{"type":"post","text":"hello"}"#.into()),
            ("signature", format!("\"{signature}\"")),
        ])
    }

    fn later() -> Self {
        Self::first()
            .with("previous", &format!("\"{}\"", MessageId::from_bytes([3; 32])))
            .with("sequence", "2")
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        for field in self.0.iter_mut().filter(|field| field.0 == key) {
            field.1 = value.to_owned();
        }
        self
    }

    fn json(&self) -> String {
        let fields: Vec<String> = self.0.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    }

    fn parse(&self) -> Result<Unverified, ParseError> {
        Unverified::parse(self.json().as_bytes())
    }

    fn error(&self) -> Option<ParseError> {
        self.parse().err()
    }
}

#[test]
fn fields_are_read_as_they_stand() {
    let raw = Raw::later();

    let message = raw.parse().unwrap();

    assert_eq!(message.author(), FeedId::from_bytes([1; 32]));
    assert_eq!(message.sequence(), 2);
    assert_eq!(message.previous(), Some(MessageId::from_bytes([3; 32])));
    assert_eq!(message.timestamp(), 1_491_901_740_000.0);
    assert_eq!(message.signature(), Signature::from_bytes([2; 64]));
    assert_eq!(message.compact(), raw.json().as_bytes());
    let json = r#"{"type":"post","text":"hello"}"#;
    assert_eq!(message.content(), Content::Object { type_name: "post", json });
}

#[test]
fn author_and_sequence_may_change_places_and_nothing_else() {
    for one in 0..7 {
        for other in one + 1..7 {
            let mut raw = Raw::first();
            raw.0.swap(one, other);

            let wanted = if (one, other) == (1, 2) { None } else { Some(ParseError::Keys) };

            assert_eq!(raw.error(), wanted, "{one} and {other}");
        }
    }
}

#[test]
fn a_missing_or_additional_key_is_refused() {
    for at in 0..7 {
        let mut raw = Raw::first();
        raw.0.remove(at);
        assert_eq!(raw.error(), Some(ParseError::Keys), "without {at}");
    }
    for at in 0..=7 {
        let mut raw = Raw::first();
        raw.0.insert(at, ("extra", "1".into()));
        assert_eq!(raw.error(), Some(ParseError::Keys), "additional at {at}");
    }
}

#[test]
fn a_repeated_key_counts_once_with_its_last_value() {
    let mut raw = Raw::first();
    raw.0.push(("timestamp", "5".into()));

    let message = raw.parse().unwrap();

    assert_eq!(message.timestamp(), 5.0);
    assert_eq!(message.json(), Raw::first().with("timestamp", "5").json());
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(Unverified::parse(b"null"), Err(ParseError::NotAnObject));
    assert_eq!(Unverified::parse(b"[]"), Err(ParseError::NotAnObject));
    assert_eq!(Unverified::parse(b""), Err(ParseError::Json(json::ParseError::Unexpected { at: 0 })));
}

#[test]
fn previous_is_null_exactly_for_the_first() {
    let id = Raw::later().0[0].1.clone();

    assert_eq!(Raw::first().with("previous", &id).error(), Some(ParseError::First { sequence: 1 }));
    assert_eq!(Raw::later().with("previous", "null").error(), Some(ParseError::First { sequence: 2 }));
    assert_eq!(Raw::later().with("previous", &format!("[{id}]")).error(), Some(ParseError::Previous));
    assert_eq!(Raw::later().with("previous", "\"%x.sha256\"").error(), Some(ParseError::Previous));
}

#[test]
fn sequences_end_at_32_bits_with_a_sign() {
    assert_eq!(Raw::later().with("sequence", &SEQUENCE_MAX.to_string()).error(), None);
    for sequence in ["2147483648", "0", "-1", "1.5", "null", "\"2\"", "[2]", "1e999"] {
        assert_eq!(Raw::later().with("sequence", sequence).error(), Some(ParseError::Sequence), "{sequence}");
    }
}

#[test]
fn a_timestamp_is_any_finite_number() {
    for timestamp in ["0", "-1.5", "1e300", "5e-324", "1491901740000.001"] {
        assert_eq!(Raw::later().with("timestamp", timestamp).error(), None, "{timestamp}");
    }
    for timestamp in ["null", "true", "\"1\"", "[1]", "1e309", "-1e309"] {
        assert_eq!(
            Raw::later().with("timestamp", timestamp).error(),
            Some(ParseError::Timestamp),
            "{timestamp}"
        );
    }
}

#[test]
fn the_hash_is_sha256() {
    assert_eq!(Raw::first().with("hash", "\"sha512\"").error(), Some(ParseError::Hash));
    assert_eq!(Raw::first().with("hash", "null").error(), Some(ParseError::Hash));
}

#[test]
fn authors_and_signatures_have_their_exact_form() {
    let author = Raw::first().0[1].1.replace(".ed25519", ".sha256");
    let signature = Raw::first().0[6].1.replace("==.sig", ".sig");

    assert_eq!(Raw::first().with("author", &author).error(), Some(ParseError::Author));
    assert_eq!(Raw::first().with("signature", &signature).error(), Some(ParseError::Signature));
}

#[test]
fn content_is_an_object_with_a_type_or_encrypted() {
    for (content, wanted) in [
        ("null", Some(ParseError::Content)),
        ("[]", Some(ParseError::Content)),
        ("1", Some(ParseError::Content)),
        ("\"hello\"", Some(ParseError::Content)),
        ("{}", Some(ParseError::Type)),
        (r#"{"type":1}"#, Some(ParseError::Type)),
        (r#"{"__proto__":{"type":"post"}}"#, Some(ParseError::Type)),
        (r#"{"type":"post"}"#, None),
    ] {
        assert_eq!(Raw::first().with("content", content).error(), wanted, "{content}");
    }
}

#[test]
fn types_have_from_3_to_52_units() {
    let error = |name: &str| Raw::first().with("content", &format!(r#"{{"type":"{name}"}}"#)).error();

    assert_eq!(error("abc"), None);
    assert_eq!(error("ab"), Some(ParseError::TypeLength { units: 2 }));
    assert_eq!(error(&"x".repeat(52)), None);
    assert_eq!(error(&"x".repeat(53)), Some(ParseError::TypeLength { units: 53 }));
    assert_eq!(error("😀"), Some(ParseError::TypeLength { units: 2 }));
    assert_eq!(error(&"😀".repeat(26)), None);
    assert_eq!(error("\\n\\u0000\\\\"), None);
    assert_eq!(error("\\n\\u0000"), Some(ParseError::TypeLength { units: 2 }));
}

#[test]
fn encrypted_content_is_canonical_base64_box_and_one_line() {
    let error = |content: &str| Raw::first().with("content", &format!("\"{content}\"")).error();

    for content in
        [".box", "aGVsbG8=.box", "aGVsbG8=.box2", "aGVsbG8=.boxfoo bar\\t.\\u0000", "aGVsbG8=.box\\\\n"]
    {
        assert_eq!(error(content), None, "{content}");
    }
    for content in ["", "aGVsbG8.box", "aGVsbG9=.box", "aGVsbG8=.bo", "aGVsbG8=box", "aGVs\\nbG8=.box"] {
        assert_eq!(error(content), Some(ParseError::Content), "{content}");
    }
    for content in ["aGVsbG8=.box\\n", "aGVsbG8=.box\\r", "aGVsbG8=.box\u{2028}", "aGVsbG8=.box\u{2029}"] {
        assert_eq!(error(content), Some(ParseError::Content), "{content}");
    }
}

#[test]
fn encrypted_content_is_shown_as_it_stands() {
    let message = Raw::first().with("content", "\"aGVsbG8=.box\\\"\"").parse().unwrap();

    assert_eq!(message.content(), Content::Encrypted("aGVsbG8=.box\\\""));
    assert_eq!(message.content().type_name(), None);
}

#[test]
fn the_signing_form_ends_at_8192_units() {
    for filler in ["x", "é", "€", "\\n", "\\ud800"] {
        let text = |count| format!(r#"{{"type":"post","text":"{}"}}"#, filler.repeat(count));
        let units = |raw: &Raw| json::pretty_units(&json::parse(raw.json().as_bytes()).unwrap());
        let empty = units(&Raw::first().with("content", &text(0)));
        let step = units(&Raw::first().with("content", &text(1))) - empty;
        let count = (UNITS_MAX - empty) / step;
        let padding = "\"".to_owned() + &"p".repeat((UNITS_MAX - empty) % step);
        let fits = text(count).replace("\"text\":\"", &format!("\"text\":{padding}"));
        let exceeds = fits.replace("\"text\":\"", "\"text\":\"p");

        assert_eq!(Raw::first().with("content", &fits).error(), None, "{filler}");
        assert_eq!(
            Raw::first().with("content", &exceeds).error(),
            Some(ParseError::TooLong { units: UNITS_MAX + 1 }),
            "{filler}"
        );
    }
}

#[test]
fn the_wire_ends_at_64_kib() {
    let padded = |len: usize| {
        let json = Raw::first().json();
        " ".repeat(len - json.len()) + &json
    };

    assert!(Unverified::parse(padded(WIRE_LEN_MAX).as_bytes()).is_ok());
    assert_eq!(
        Unverified::parse(padded(WIRE_LEN_MAX + 1).as_bytes()),
        Err(ParseError::Json(json::ParseError::TooLong { len: WIRE_LEN_MAX + 1 }))
    );
}

#[test]
fn a_message_of_nothing_but_escapes_fits_the_wire() {
    let escaped = |text: &str| text.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<String>();
    let mut raw =
        Raw::first().with("content", &format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(7700)));
    let plain = raw.parse().unwrap();
    for (_, value) in &mut raw.0 {
        if let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            *value = format!("\"{}\"", escaped(text));
        }
    }
    let raw = raw.with("content", &format!(r#"{{"type":"post","text":"{}"}}"#, escaped(&"x".repeat(7700))));

    let message = raw.parse().unwrap();

    assert!(raw.json().len() > 40_000);
    assert_eq!(message, plain);
}

#[test]
fn indentation_cannot_make_much_out_of_little() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let wide = format!(r#"{{"type":"post","x":[{}]}}"#, vec![deep; 150].join(","));

    let error = Raw::first().with("content", &wide).error();

    assert!(matches!(error, Some(ParseError::TooLong { units }) if units > 10_000_000), "{error:?}");
}

#[test]
fn what_is_kept_is_what_javascript_would_send() {
    let spelled =
        Raw::first().with("content", r#"{ "type":"p\u006fst", "b":-0, "2":1.50, "b":1e21, "1":"\/" }"#);

    let message = spelled.parse().unwrap();

    let content = r#"{"1":"/","2":1.5,"type":"post","b":1e+21}"#;
    assert_eq!(message.json(), Raw::first().with("content", content).json());
}
