//! Sentences about all inputs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use ssb_keys::Keypair;
use ssb_keys::hmac::HmacKey;
use ssb_keys::verify::KeyCache;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_msg::verify_group;

proptest! {
    #[test]
    fn what_was_printed_prints_the_same_again(value in value()) {
        for print in [json::pretty, json::compact] {
            let printed = print(&value);

            let again = print(&json::parse(printed.as_bytes()).unwrap());

            prop_assert_eq!(again, printed);
        }
    }

    #[test]
    fn parse_then_write_is_the_identity_on_what_was_written(text in spelled()) {
        let written = json::compact(&json::parse(text.as_bytes()).unwrap());

        prop_assert_eq!(json::compact(&json::parse(written.as_bytes()).unwrap()), written);
    }

    #[test]
    fn both_layouts_hold_the_same_value(text in spelled()) {
        let value = json::parse(text.as_bytes()).unwrap();

        prop_assert_eq!(json::parse(json::pretty(&value).as_bytes()), json::parse(json::compact(&value).as_bytes()));
    }

    #[test]
    fn units_are_counted_as_they_would_be_printed(text in spelled()) {
        let value = json::parse(text.as_bytes()).unwrap();

        prop_assert_eq!(json::pretty_units(&value), json::pretty(&value).encode_utf16().count());
    }

    /// White space sends a message through the tree.
    #[test]
    fn the_fast_way_and_the_tree_see_the_same_message(message in message_text()) {
        let spaced = format!(" {message}");

        let fast = Unverified::parse(message.as_bytes());

        prop_assert_eq!(fast.ok(), Unverified::parse(spaced.as_bytes()).ok());
    }

    #[test]
    fn the_fast_way_and_the_tree_see_the_same_message_in_damaged_bytes(
        message in message_text(),
        damage in vec((any::<Index>(), any::<Damage>()), 1..4),
    ) {
        let mut bytes = message.into_bytes();
        for (at, damage) in damage {
            damage.apply(at.index(bytes.len()), &mut bytes);
        }
        let spaced = [b" ".as_slice(), &bytes].concat();

        let fast = Unverified::parse(&bytes);

        prop_assert_eq!(fast.ok(), Unverified::parse(&spaced).ok());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = json::parse(&bytes);
        let _ = Unverified::parse(&bytes);
    }

    #[test]
    fn what_a_message_keeps_is_the_message(message in message_text()) {
        if let Ok(parsed) = Unverified::parse(message.as_bytes()) {
            prop_assert_eq!(Unverified::parse(parsed.compact()), Ok(parsed));
        }
    }
}

proptest! {
    // Signatures are slow.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_chain_of_drafted_messages_always_validates(
        contents in vec(spelled(), 1..6),
        timestamp in any::<f64>().prop_filter("finite", |number| number.is_finite()),
        signing in signing(),
    ) {
        let me = Keypair::from_seed(&[1; 32]);
        let mut keys = KeyCache::new();
        let mut ours = ValidationState::new(me.id());
        let mut theirs = ours.clone();
        for content in contents {
            let content = format!(r#"{{"type":"test","value":{content}}}"#);
            let drafted = draft::sign(&content, &ours, timestamp, &me, &signing).unwrap();
            ours.advance(ours.check(&drafted).unwrap());

            let received = Unverified::parse(drafted.compact()).unwrap().verify(&signing, &mut keys).unwrap();
            theirs.advance(theirs.check(&received).unwrap());

            prop_assert_eq!(&received, &drafted);
            prop_assert_eq!(&ours, &theirs);
        }
    }

    #[test]
    fn a_group_changes_no_verdict(forged in vec(any::<bool>(), 1..70), signing in signing()) {
        let other = Signing::keyed(HmacKey::from_bytes([3; 32]));
        let group: Vec<Unverified> = (0..)
            .zip(&forged)
            .map(|(n, forged)| {
                let drafted = first_message(n, if *forged { &other } else { &signing });
                Unverified::parse(drafted.compact()).unwrap()
            })
            .collect();
        let mut keys = KeyCache::new();

        let alone: Vec<_> = group.iter().cloned().map(|message| message.verify(&signing, &mut keys)).collect();

        prop_assert_eq!(alone.iter().map(Result::is_err).collect::<Vec<_>>(), forged);
        prop_assert_eq!(verify_group(group, &signing, &mut keys), alone);
    }
}

fn first_message(seed: u8, signing: &Signing) -> Message {
    let author = Keypair::from_seed(&[seed; 32]);
    let feed = ValidationState::new(author.id());
    draft::sign(r#"{"type":"test"}"#, &feed, 1.0, &author, signing).unwrap()
}

fn signing() -> impl Strategy<Value = Signing> {
    prop_oneof![Just(Signing::plain()), Just(Signing::keyed(HmacKey::from_bytes([9; 32])))]
}

/// Any value that a program could build.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(Value::Number),
        any::<String>().prop_map(|text| Value::Text(Text::new(&text))),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let key = prop_oneof!["[a-c]", "[0-9]{1,3}", any::<String>()].prop_map(|key| Text::new(&key));
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::Array),
            vec((key, inner), 0..8).prop_map(|pairs| Value::Object(Object::from_pairs(pairs))),
        ]
    })
}

/// A JSON text in any spelling, ordinary ones more often.
fn spelled() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        string(),
        any::<u32>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| json::compact(&Value::Number(number))),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        let pair = (prop_oneof![Just("\"a\"".to_owned()), "\"[0-9]{1,2}\"", string()], inner.clone());
        let pair = pair.prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            (vec(inner, 0..6), space()).prop_map(|(items, space)| format!("[{}{space}]", items.join(","))),
            (vec(pair, 0..6), space()).prop_map(|(pairs, space)| format!("{{{space}{}}}", pairs.join(","))),
        ]
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => Just(""), 1 => Just(" "), 1 => Just("\r\n\t")]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z ]{0,12}",
        2 => any::<String>().prop_map(|text| Text::new(&text).escaped().to_owned()),
        1 => "\\\\[\"\\\\bfnrt/]",
        1 => "\\\\u00[01][0-9a-fA-F]",
        1 => "\\\\u[dD][89a-fA-F][0-9a-f]{2}",
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// What could be a message, and usually is but for its signature.
fn message_text() -> impl Strategy<Value = String> {
    let content = prop_oneof![
        8 => spelled().prop_map(|value| format!(r#"{{"type":"test","value":{value}}}"#)),
        2 => vec((string(), spelled()), 0..40).prop_map(|pairs| {
            let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!(r#"{{"type":"test",{}}}"#, pairs.join(",")).replace(",}", "}")
        }),
        1 => string().prop_map(|name| format!(r#"{{"text":{{"type":1}},"type":{name}}}"#)),
        1 => (0_usize..40).prop_map(|depth| {
            format!(r#"{{"type":"test","deep":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
        }),
        1 => string().prop_map(|suffix| suffix.replacen('"', "\"aGVsbG8=.box", 1)),
        1 => spelled(),
    ];
    let timestamp = prop_oneof![4 => "[1-9][0-9]{12}(\\.[1-9]{1,3})?", 1 => spelled()];
    let sequence = prop_oneof![4 => (1_u32..100).prop_map(|number| number.to_string()), 1 => spelled()];
    (content, timestamp, sequence, any::<bool>()).prop_map(|(content, timestamp, sequence, author_first)| {
        let first = first_message(1, &Signing::plain());
        let previous = if sequence == "1" { "null".to_owned() } else { format!("\"{}\"", first.id()) };
        let author = format!("\"author\":\"{}\"", first.author());
        let sequence = format!("\"sequence\":{sequence}");
        let (one, two) = if author_first { (author, sequence) } else { (sequence, author) };
        format!(
            r#"{{"previous":{previous},{one},{two},"timestamp":{timestamp},"hash":"sha256","content":{content},"signature":"{}"}}"#,
            first.signature()
        )
    })
}

/// Something done to one byte.
#[derive(Clone, Debug)]
enum Damage {
    Replace(u8),
    Insert(u8),
    Remove,
}

impl Damage {
    fn apply(self, at: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::Replace(byte) => bytes[at] = byte,
            Self::Insert(byte) => bytes.insert(at, byte),
            Self::Remove => drop(bytes.remove(at)),
        }
    }
}

impl Arbitrary for Damage {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let byte = || prop_oneof![any::<u8>(), prop::sample::select(b" \"\\,:{}[]0-.eEu/\n".as_slice())];
        prop_oneof![byte().prop_map(Self::Replace), byte().prop_map(Self::Insert), Just(Self::Remove)].boxed()
    }
}
