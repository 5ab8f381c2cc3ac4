//! Verdicts of the real JavaScript packages, and vectors of the specifications. `tests/vectors/README.md` says where they
//! come from.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use serde_json::Value;
use ssb_kernel::testing::on_each;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::base64;
use ssb_keys::bfe::Id;
use ssb_keys::bfe::LEN;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::uri;
use zeroize::Zeroizing;

use super::GroupId;
use super::Place;
use super::PoBox;
use super::PoBoxId;
use super::ReadKey;
use super::RecipientKey;
use super::Scheme;
use super::SealError;
use super::agreement;
use super::agreement::Purpose;
use super::agreement::Side;
use super::limits::BODY_LEN_MIN;
use super::open;
use super::open::read_key;
use super::seal;
use super::seal::seal_for_any;
use super::slp;
use super::text;
use crate::vectors::base64 as base64_field;
use crate::vectors::hex;
use crate::vectors::read;
use crate::vectors::rows;
use crate::vectors::text as text_field;
use crate::vectors::unhex;

#[test]
fn vectors_lists_of_bytes_are_one() {
    for row in of("slp") {
        let items: Vec<Vec<u8>> =
            row["list"].as_array().unwrap().iter().map(|item| unhex(text_field(item))).collect();

        let encoded = slp::encode(items.iter().map(Vec::as_slice));

        assert_eq!(encoded, unhex(text_field(&row["out"])), "{row}");
    }
}

#[test]
fn vectors_keys_follow_from_keys_and_the_place() {
    for row in of("derive") {
        let previous = row["prev_msg_id"].is_string().then(|| hex(&row["prev_bfe_as_given"]));
        let place = Place::from_bfe(&hex(&row["feed_bfe"]), previous.as_ref()).unwrap();
        let labels: Vec<&str> = row["labels"].as_array().unwrap().iter().map(text_field).collect();

        let derived = place.derive::<64>(&hex(&row["key"]), &labels);

        let expected = unhex(text_field(&row["out"]));
        assert_eq!(derived[..expected.len()], expected, "{row}");
    }
}

#[test]
fn vectors_a_box_is_javascripts() {
    on_each(|| {
        for row in of("box") {
            let Sealed { place, recipients, boxed } = Sealed::parse(&row);
            let (plain, message_key) = (unhex(text_field(&row["plaintext"])), hex(&row["msg_key"]));

            assert_eq!(seal_for_any(&plain, &place, &recipients, &message_key), boxed, "{row}");

            // Rule: a group comes first, and a box without recipients, which nobody could open, is not made.
            let group = recipients.iter().skip(1).position(|recipient| recipient.scheme() == Scheme::Group);
            let expected = match group {
                Some(behind) => Err(SealError::MisplacedGroup { at: behind + 1 }),
                None if recipients.is_empty() => Err(SealError::NoRecipients),
                None => Ok(boxed),
            };
            assert_eq!(seal(&plain, &place, &recipients, &message_key), expected, "{row}");
        }
    });
}

#[test]
fn vectors_a_box_opens_where_javascript_opens_it() {
    on_each(|| {
        for row in of("box") {
            let plain = unhex(text_field(&row["plaintext"]));
            for opens in row["opens"].as_array().unwrap() {
                let (Sealed { place, boxed, .. }, reader) =
                    Sealed::parse(&row).tried_by(text_field(&opens["who"]));
                let tried = usize::try_from(opens["max"].as_u64().unwrap()).unwrap();
                let (header, slots) = boxed.split_first_chunk().unwrap();
                let (slots, _) = slots[..slots.len() - BODY_LEN_MIN].as_chunks();

                let key = read_key(&reader, tried, header, slots, &place);

                let found = key.as_ref().map(|key| base64::decode(&key.to_text()).unwrap());
                assert_eq!(found, opens["read_key"].as_str().map(unhex), "{opens}");
                let opened = key.and_then(|key| key.open(&boxed, &place));
                assert_eq!(opened.is_some(), opens["plaintext_ok"] == true, "{opens}");
                assert!(opened.is_none_or(|opened| *opened == plain), "{opens}");
                // Rule: with the key of a group, the first slot is tried, and with all others sixteen.
                if tried == reader.scheme().slots_tried() {
                    let opened = open(&boxed, &place, [&reader]);
                    assert_eq!(opened.is_some(), opens["plaintext_ok"] == true, "{opens}");
                }
            }
        }
    });
}

#[test]
fn vectors_what_javascript_refuses_to_seal_is_not_sealed() {
    let place = Place::new(FeedId::from_bytes([1; 32]), None);
    let recipients = [RecipientKey::oneself(&[2; 32])];
    for row in of("box-error") {
        let refused = match text_field(&row["name"]) {
            "empty-plaintext" => (seal(b"", &place, &recipients, &[3; 32]), SealError::NoText),
            "zero-msg-key" => (seal(b"x", &place, &recipients, &[0; 32]), SealError::ZeroKey),
            name => panic!("{name} is new"),
        };
        assert_eq!(refused.0, Err(refused.1));
    }
}

#[test]
fn vectors_cloaked_ids_are_javascripts() {
    for row in of("cloak") {
        let message = MessageId::parse(text_field(&row["msg_id"])).unwrap();
        let key = read_key_of(&hex(&row["read_key"]));

        assert_eq!(key.cloak(message).as_bytes(), &hex(&row["cloaked"]), "{row}");
    }
}

#[test]
fn vectors_direct_messages_have_javascripts_key_and_the_other_where_it_differs() {
    for row in of("dm") {
        let [a, b] = ["a", "b"].map(|name| keypair(&row[name]));
        assert_eq!([a.id(), b.id()].map(|id| id.to_string()), [&row["a_id"], &row["b_id"]].map(text_field));

        let keys = [RecipientKey::direct(&a, b.id()), RecipientKey::direct(&b, a.id())].map(Result::unwrap);

        for key in &keys {
            assert_eq!(key.scheme().name(), row["scheme"]);
            assert_eq!(*key.key, hex(&row["key"]), "{row}");
            assert_eq!(key.other_order.is_none(), row["js_order_is_bytewise"] == true, "{row}");
        }
        let [here, there] = keys.map(|key| key.other_order.map(|key| *key));
        assert_eq!(here, there);
    }
}

#[test]
fn vectors_po_boxes_have_javascripts_key() {
    for row in of("pobox") {
        let author = keypair(&row["author"]);
        let po_box = PoBox::from_secret(&hex(&row["pobox_sk"]));
        assert_eq!(po_box.id().to_string(), text_field(&row["pobox"]));
        assert_eq!(PoBoxId::parse(text_field(&row["pobox"])), Ok(po_box.id()));

        let to = RecipientKey::to_po_box(&author, po_box.id()).unwrap();
        let inside = RecipientKey::in_po_box(&po_box, author.id()).unwrap();

        for key in [to, inside] {
            assert_eq!(key.scheme().name(), row["scheme"]);
            assert_eq!(*key.key, hex(&row["key"]), "{row}");
            assert!(key.other_order.is_none());
        }
    }
}

#[test]
fn vectors_envelope_spec_box() {
    on_each(|| {
        let Some(row) = vector("envelope-spec", "box1.json") else { return };
        let (input, output) = (&row["input"], &row["output"]);
        let recipients: Vec<RecipientKey> = input["recp_keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|recipient| of_scheme(&recipient["scheme"], base64_field(&recipient["key"])))
            .collect();
        let plain = base64::decode(text_field(&input["plain_text"])).unwrap();

        let boxed = seal(&plain, &place(input), &recipients, &base64_field(&input["msg_key"])).unwrap();

        assert_eq!(base64::encode(&boxed), text_field(&output["ciphertext"]));
        for recipient in &recipients {
            assert_eq!(open(&boxed, &place(input), [recipient]).unwrap().plain(), plain);
        }
    });
}

#[test]
fn vectors_envelope_spec_derived_secrets() {
    let Some(row) = vector("envelope-spec", "derive_secret1.json") else { return };
    let place = place(&row["input"]);

    let key = ReadKey::of_message_key(&base64_field(&row["input"]["msg_key"]), &place);

    assert_eq!(*key.to_text(), text_field(&row["output"]["read_key"]));
    assert_eq!(*key.header_key(&place), base64_field(&row["output"]["header_key"]));
    assert_eq!(*key.body_key(&place), base64_field(&row["output"]["body_key"]));
}

#[test]
fn vectors_envelope_spec_slot() {
    let Some(row) = vector("envelope-spec", "slot1.json") else { return };
    let input = &row["input"];
    let message_key: [u8; 32] = base64_field(&input["msg_key"]);

    // Its scheme is an example, and none of those in use.
    let scheme = text_field(&input["recipient"]["scheme"]);
    let mask = place(input).derive(&base64_field(&input["recipient"]["key"]), &["slot_key", scheme]);
    let slot: [u8; 32] = core::array::from_fn(|at| message_key[at] ^ Zeroizing::<[u8; 32]>::clone(&mask)[at]);

    assert_eq!(slot, base64_field(&row["output"]["key_slot"]));
}

#[test]
fn vectors_envelope_spec_cloaked_id() {
    let Some(row) = vector("envelope-spec", "cloaked_id1.json") else { return };
    let Ok(Id::Message(message)) = Id::decode(&base64_field(&row["input"]["public_msg_id"])) else {
        panic!("{row} has no message")
    };

    let cloaked = ReadKey::parse(text_field(&row["input"]["read_key"])).unwrap().cloak(message);

    assert_eq!(cloaked.as_bytes(), &base64_field(&row["output"]["cloaked_msg_id"]));
}

#[test]
fn vectors_private_group_spec_direct_message_key() {
    let Some(row) = vector("private-group-spec", "direct-message-key1.json") else { return };
    let field = |name: &str| -> [u8; LEN] { base64_field(&row["input"][name]) };
    let key = |name: &str| *field(name).last_chunk::<32>().unwrap();
    let side = |key: &str, feed: &str| Side([field(key), field(feed)].concat().try_into().unwrap());
    let mine = EphemeralKeypair::from_seed(&key("my_dh_secret"));
    assert_eq!(mine.public().as_bytes(), &key("my_dh_public"));
    let secret = mine.share(&EphemeralPublicKey::from_bytes(key("your_dh_public"))).unwrap();
    let sides = [&side("my_dh_public", "my_feed_id"), &side("your_dh_public", "your_feed_id")];

    let (shared, _) = agreement::keys(Purpose::DirectMessage, &secret, sides);

    assert_eq!(*shared, base64_field(&row["output"]["shared_key"]));
    assert_eq!(base64::encode(Scheme::Direct.name().as_bytes()), row["output"]["key_scheme"]);
}

#[test]
fn vectors_private_group_spec_group_id() {
    let Some(row) = vector("private-group-spec", "group-id1.json") else { return };
    let init = &row["input"]["group_init_msg"];
    let (Ok(Id::Message(message)), Ok(Id::Feed(author)), Ok(Id::Message(previous))) =
        (id_of(&init["key"]), id_of(&init["value"]["author"]), id_of(&init["value"]["previous"]))
    else {
        panic!("{row} has other ids")
    };
    let group = RecipientKey::group(&base64_field(&row["input"]["group_key"]));

    let content = text_field(&init["value"]["content"]);
    let opened = text::open(content, &Place::new(author, Some(previous)), [&group]).unwrap();

    let group_id = GroupId::new(opened.key().cloak(message));
    assert_eq!(group_id.to_string(), text_field(&row["output"]["group_id"]));
    assert_eq!(GroupId::parse(text_field(&row["output"]["group_id"])), Ok(group_id));
}

#[test]
fn vectors_private_group_spec_unbox() {
    on_each(|| {
        let Some(row) = vector("private-group-spec", "unbox1.classic.json") else { return };
        let keys: Vec<RecipientKey> = row["input"]["trial_keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| of_scheme(&key["scheme"], base64_field(&key["key"])))
            .collect();
        let messages = row["input"]["msgs"].as_array().unwrap();
        let expected = row["output"]["msgsContent"].as_array().unwrap();
        assert_eq!(messages.len(), expected.len());
        for (message, expected) in messages.iter().zip(expected) {
            let value = &message["value"];
            let author = FeedId::parse(text_field(&value["author"])).unwrap();
            let previous = value["previous"].as_str().map(|id| MessageId::parse(id).unwrap());

            let opened =
                text::open(text_field(&value["content"]), &Place::new(author, previous), &keys).unwrap();

            assert_eq!(&serde_json::from_slice::<Value>(opened.plain()).unwrap(), expected);
        }
    });
}

#[test]
fn vectors_private_group_spec_names_of_schemes() {
    let Some(row) = vector("private-group-spec", "key-schemes.json") else { return };
    let ours = |name: &str| match name {
        "private_group" => Scheme::Group,
        "feed_id_dm" => Scheme::Direct,
        "feed_id_metafeed_dm" => Scheme::Announced,
        "feed_id_self" => Scheme::Oneself,
        "po_box" => Scheme::PoBox,
        name => panic!("{name} is new"),
    };
    let schemes = row["scheme"].as_object().unwrap();
    assert_eq!(schemes.len(), 5);
    for (name, scheme) in schemes {
        assert_eq!(ours(name).name(), scheme);
    }
}

/// A box that JavaScript made.
struct Sealed {
    place: Place,
    recipients: Vec<RecipientKey>,
    boxed: Vec<u8>,
}

impl Sealed {
    fn parse(row: &Value) -> Self {
        let previous = row["prev_msg_id"].is_string().then(|| id(&row["prev_msg_id"]));
        let place = Place::from_bfe(&id(&row["feed_id"]), previous.as_ref()).unwrap();
        let recipients = row["recps"].as_array().unwrap().iter();
        let recipients = recipients.map(|row| of_scheme(&row["scheme"], hex(&row["key"]))).collect();
        Self { place, recipients, boxed: unhex(text_field(&row["ciphertext"])) }
    }

    /// What somebody tries to open, and with which key.
    fn tried_by(mut self, who: &str) -> (Self, RecipientKey) {
        let (who, wrong) = who.split_once('-').unwrap_or((who, ""));
        let mut reader = match who.strip_prefix("recp") {
            Some(at) => self.recipients[at.parse::<usize>().unwrap()].clone(),
            None => RecipientKey::group(&[1; 32]),
        };
        match wrong {
            "" => {}
            "wrong-scheme" if reader.scheme == Scheme::Oneself => reader.scheme = Scheme::Direct,
            "wrong-scheme" => reader.scheme = Scheme::Oneself,
            "wrong-feed" => self.place.feed[LEN - 1] ^= 1,
            "wrong-prev" => self.place.previous[LEN - 1] ^= 1,
            "header-flipped" => self.boxed[20] ^= 1,
            _ => panic!("{wrong} is new"),
        }
        (self, reader)
    }
}

/// The rows of one kind.
fn of(op: &str) -> Vec<Value> {
    let mut all = rows("box2.jsonl");
    all.retain(|row| row["op"] == op);
    all
}

fn vector(folder: &str, name: &str) -> Option<Value> {
    read(folder, name).map(|text| serde_json::from_str(&text).unwrap())
}

fn of_scheme(name: &Value, key: [u8; 32]) -> RecipientKey {
    let all = [Scheme::Group, Scheme::Direct, Scheme::Announced, Scheme::Oneself, Scheme::PoBox];
    let scheme = all.into_iter().find(|scheme| scheme.name() == name).unwrap();
    RecipientKey { scheme, key: Zeroizing::new(key), other_order: None }
}

fn place(input: &Value) -> Place {
    Place::from_bfe(&base64_field(&input["feed_id"]), Some(&base64_field(&input["prev_msg_id"]))).unwrap()
}

fn keypair(secret: &Value) -> Keypair {
    let secret = text_field(secret).strip_suffix(".ed25519").unwrap();
    Keypair::from_secret(&base64::decode_array(secret).unwrap()).unwrap()
}

fn read_key_of(bytes: &[u8; 32]) -> ReadKey {
    ReadKey::parse(&base64::encode(bytes)).unwrap()
}

fn id_of(uri: &Value) -> Result<Id, uri::ParseUriError> {
    uri::parse(text_field(uri))
}

/// The binary form of an id of any format, from its sigil or URI text.
fn id(text: &Value) -> [u8; LEN] {
    let text = text_field(text);
    if let Ok(feed) = FeedId::parse(text) {
        return Id::Feed(feed).encode();
    }
    if let Ok(message) = MessageId::parse(text) {
        return Id::Message(message).encode();
    }
    let [kind, formats] = match text.starts_with("ssb:feed") {
        true => ["feed", "classic gabbygrove-v1 bamboo bendybutt-v1 buttwoo-v1"],
        false => ["message", "classic gabbygrove-v1 cloaked bamboo bendybutt-v1 buttwoo-v1"],
    };
    let found = (0..).zip(formats.split(' ')).find_map(|(code, format)| {
        let data = uri::parse_as(text, kind, format).ok()?;
        Some([[u8::from(kind == "message"), code].as_slice(), &data].concat())
    });
    found.unwrap_or_else(|| panic!("{text} is no id")).try_into().unwrap()
}
