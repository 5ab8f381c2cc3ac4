//! Verdicts of the real JavaScript packages, row by row. `tests/vectors/README.md` says where they come from.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "helpers of tests fail tests")]

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_keys::BlobId;
use ssb_keys::CloakedId;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::Signature;
use ssb_keys::base64;
use ssb_keys::bfe;
use ssb_keys::channel;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::hash;
use ssb_keys::hmac;
use ssb_keys::hmac::HmacKey;
use ssb_keys::link;
use ssb_keys::link::Link;
use ssb_keys::secret_file;
use ssb_keys::uri;
use ssb_keys::verify::Claim;
use ssb_keys::verify::KeyCache;
use ssb_keys::verify::verify;
use ssb_keys::verify::verify_group;

#[test]
fn vectors_ed25519_verdicts_are_libsodiums() {
    let rows: Vec<Value> = lines("ed25519.jsonl").into_iter().filter(|row| row["op"] == "verify").collect();
    let mut claims = Vec::new();
    let messages: Vec<Vec<u8>> = rows.iter().map(|row| hex(&row["msg"])).collect();
    for (row, message) in rows.iter().zip(&messages) {
        let expected = row["newer"] == true && row["server"] == true;
        // Keys and signatures of another length do not make a claim at all.
        let (Ok(key), Ok(signature)) = (hex(&row["pk"]).try_into(), hex(&row["sig"]).try_into()) else {
            continue;
        };
        let claim = Claim {
            author: FeedId::from_bytes(key),
            signature: Signature::from_bytes(signature),
            signed: message,
        };
        assert_eq!(verify(claim).is_ok(), expected, "{row}");
        claims.push((claim, expected));
    }

    let (all, expected): (Vec<Claim<'_>>, Vec<bool>) = claims.into_iter().unzip();
    let mut keys = KeyCache::new();
    // By and by every author is a busy one.
    for round in 0..12 {
        let verdicts: Vec<bool> = verify_group(&all, &mut keys).iter().map(Result::is_ok).collect();
        assert_eq!(verdicts, expected, "grouped verdicts differ in round {round}");
    }
}

#[test]
fn vectors_ed25519_conversions_and_shared_secrets_are_libsodiums() {
    for row in lines("ed25519.jsonl") {
        match text(&row["op"]) {
            "ed_pk_to_curve" => {
                let converted = hex(&row["pk"])
                    .try_into()
                    .ok()
                    .and_then(|key| EphemeralPublicKey::of_feed(&FeedId::from_bytes(key)).ok());
                let expected = row["newer"].as_str().filter(|hex| *hex != "throws").map(unhex);
                assert_eq!(converted.map(|key| key.as_bytes().to_vec()), expected, "{row}");
            }
            "scalarmult" => {
                let pair = EphemeralKeypair::from_seed(&hex(&row["sk"]).try_into().unwrap());
                let theirs = EphemeralPublicKey::from_bytes(hex(&row["pk"]).try_into().unwrap());
                let shared = pair.share(&theirs).ok().map(|shared| shared.as_bytes().to_vec());
                let expected = row["newer"].as_str().filter(|hex| *hex != "throws").map(unhex);
                assert_eq!(shared, expected, "{row}");
            }
            "seed" => {
                let pair = Keypair::from_seed(&hex(&row["seed"]).try_into().unwrap());
                assert_eq!(pair.id().as_bytes().to_vec(), hex(&row["pk"]), "{row}");
                assert_eq!(pair.to_secret().to_vec(), hex(&row["sk"]), "{row}");
                assert_eq!(pair.sign(&hex(&row["msg"])).as_bytes().to_vec(), hex(&row["sig"]), "{row}");
                let converted = EphemeralPublicKey::of_feed(&pair.id()).unwrap();
                assert_eq!(converted.as_bytes().to_vec(), hex(&row["curve_pk"]), "{row}");
                // The converted secret is never shown; it is right if it shares what the given one shares.
                let curve = EphemeralKeypair::from_seed(&hex(&row["curve_sk"]).try_into().unwrap());
                let other = EphemeralKeypair::from_seed(&[9; 32]).public();
                assert_eq!(pair.share(&other).unwrap().as_bytes(), curve.share(&other).unwrap().as_bytes());
            }
            "auth" => {
                let key: [u8; 32] = hex(&row["key"]).try_into().unwrap();
                let message = hex(&row["msg"]);
                let tag: [u8; 32] = hex(&row["mac"]).try_into().unwrap();
                assert_eq!(hmac::check(&key, &message, &tag), row["check"] == true, "{row}");
            }
            _ => {}
        }
    }
}

#[test]
fn vectors_secret_files_are_read_as_javascript_reads_them() {
    for row in lines("keys.jsonl").iter().filter(|row| row["op"] == "keyfile") {
        let bytes = unbase64(text(&row["text_b64"]));
        let parsed = String::from_utf8(bytes).ok().and_then(|file| secret_file::parse(&file).ok());
        // Rule: where JavaScript loads keys, so do we, but for other curves than ed25519.
        let expected = (row["v8"]["curve"] == "ed25519").then(|| {
            let public = text(&row["v8"]["public"]);
            format!("@{}.ed25519", public.strip_suffix(".ed25519").unwrap_or(public))
        });
        assert_eq!(parsed.map(|pair| pair.id().to_string()), expected, "{}", row["name"]);
    }
}

#[test]
fn vectors_created_secret_files_are_javascripts() {
    let pair = Keypair::from_seed(&[5; 32]);
    let (public, private) =
        (base64::encode(pair.id().as_bytes()), base64::encode(pair.to_secret().as_slice()));
    for row in lines("keys.jsonl").iter().filter(|row| row["op"] == "created-file") {
        let expected = text(&row["text_with_placeholders"])
            .replace("<PUBLIC>", &format!("{public}.ed25519"))
            .replace("<PRIVATE>", &format!("{private}.ed25519"))
            .replace("<ID>", &pair.id().to_string());
        assert_eq!(*secret_file::to_text(&pair), expected);
        assert_eq!(row["mode"], "400");
    }
}

#[test]
fn vectors_seeds_and_signatures_are_ssb_keys() {
    for row in lines("keys.jsonl") {
        match text(&row["op"]) {
            "seed" => {
                let pair = Keypair::from_seed(&hex(&row["seed"]).try_into().unwrap());
                assert_eq!(pair.id().to_string(), text(&row["keys"]["id"]));
                assert_eq!(
                    format!("{}.ed25519", base64::encode(pair.to_secret().as_slice())),
                    text(&row["keys"]["private"])
                );
            }
            "sign-string" => {
                let secret = text(&row["private"]).strip_suffix(".ed25519").unwrap();
                let pair = Keypair::from_secret(&base64::decode_array(secret).unwrap()).unwrap();
                let message = text(&row["message"]).as_bytes();
                let signed = match row["hmac_key"].as_str() {
                    Some(key) => {
                        let key = HmacKey::parse(key).unwrap();
                        pair.sign(&hmac::authenticate(key.as_bytes(), message))
                    }
                    None => pair.sign(message),
                };
                assert_eq!(signed.to_string(), text(&row["signature"]), "{row}");
                assert_eq!(Signature::parse(text(&row["signature"])), Ok(signed));
            }
            "create-twice" => assert_eq!(row["error_code"], "EEXIST"),
            "string-seed-v8" => {
                // ssb-keys 8.5.0 makes a seed of text: the UTF-8 of its first 32 units, cut and padded to 32 bytes.
                let units: Vec<u16> = text(&row["seed"]).encode_utf16().take(32).collect();
                let mut seed = [0; 32];
                seed.iter_mut()
                    .zip(String::from_utf16_lossy(&units).bytes())
                    .for_each(|(to, from)| *to = from);
                let id = (!units.is_empty()).then(|| Keypair::from_seed(&seed).id().to_string());
                assert_eq!(id.as_deref(), row["keys"]["id"].as_str(), "{row}");
            }
            "hash" => {
                let message: String = serde_json::from_str(text(&row["s_json"])).unwrap();
                let low_bytes: Vec<u8> = message.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
                let id = |bytes: &[u8]| format!("{}.sha256", base64::encode(&hash::sha256(bytes)));
                assert_eq!(id(&low_bytes), text(&row["hash"]), "{row}");
                assert_eq!(id(message.as_bytes()), text(&row["hash_utf8"]), "{row}");
            }
            _ => {}
        }
    }
}

#[test]
fn vectors_ids_and_links_are_ssb_refs() {
    for row in lines("refs.jsonl") {
        let s = text(&row["s"]);
        // Rule: we want a real dot and the suffix of the kind, where JavaScript's pattern takes any character.
        let strict = |js: &str, suffix: &str| row[js] == true && s.ends_with(suffix);
        assert_eq!(FeedId::parse(s).is_ok(), strict("isFeed", ".ed25519"), "{s:?}");
        assert_eq!(MessageId::parse(s).is_ok(), strict("isMsg", ".sha256"), "{s:?}");
        assert_eq!(BlobId::parse(s).is_ok(), strict("isBlob", ".sha256"), "{s:?}");
        assert_eq!(CloakedId::parse(s).is_ok(), strict("isCloakedMsg", ".cloaked"), "{s:?}");

        let id = s.split('?').next().unwrap();
        let loose = row["isLink"] == true && link::parse_id(id).is_none();
        assert!(
            !loose || !(id.ends_with(".ed25519") || id.ends_with(".sha256")) || id.starts_with('@'),
            "{s:?}"
        );
        let parsed = Link::parse(s);
        if !loose {
            assert_eq!(parsed.is_some(), row["isLink"] == true, "{s:?}");
            let kind = parsed.map(|link| link.id());
            assert_eq!(matches!(kind, Some(bfe::Id::Message(_))), row["isMsgLink"] == true, "{s:?}");
            assert_eq!(matches!(kind, Some(bfe::Id::Blob(_))), row["isBlobLink"] == true, "{s:?}");
        }
        if let (Some(link), Some(query)) = (parsed, row["parseLink"]["query"].as_object()) {
            let ours: Vec<(String, Value)> =
                link.query().into_iter().map(|(k, v)| (k, Value::String(v))).collect();
            let theirs: Vec<(String, Value)> = query.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            assert_eq!(ours, theirs, "{s:?}");
        }
        if let Ok(id) = FeedId::parse(s) {
            assert_eq!(id.to_string(), s);
        }
    }
}

#[test]
fn vectors_base64_is_canonical() {
    for row in array("base64.json") {
        let s = text(&row["s"]);
        assert_eq!(base64::is_canonical(s), row["canonical"] == true, "{s:?}");
        match base64::decode(s) {
            Ok(bytes) => {
                assert_eq!(row["canonical"], true, "{s:?}");
                assert_eq!(bytes, hex(&row["node_bytes"]), "{s:?}");
                assert_eq!(base64::encode(&bytes), s);
            }
            Err(_) => assert_eq!(row["canonical"], false, "{s:?}"),
        }
    }
}

#[test]
fn vectors_channels_are_normalized() {
    for row in array("channels.json") {
        assert_eq!(channel::normalize(text(&row["s"])).as_deref(), row["normalized"].as_str(), "{row}");
    }
}

#[test]
fn vectors_uris_of_classic_ids() {
    for row in lines("uris.jsonl") {
        for (sigil, kind) in [("fromFeedSigil", '@'), ("fromMessageSigil", '%'), ("fromBlobSigil", '&')] {
            if let Some(id) = row[sigil].as_str() {
                let id = link::parse_id(id).unwrap();
                assert_eq!(uri::format(&id), text(&row["out"]), "{kind}");
                assert_eq!(uri::parse(text(&row["out"])), Ok(id));
            }
        }
        let Some(s) = row["s"].as_str() else { continue };
        let sigil =
            ["toFeedSigil", "toMessageSigil", "toBlobSigil"].iter().find_map(|name| row[name].as_str());
        match sigil.and_then(link::parse_id) {
            Some(id) => assert_eq!(uri::parse(s), Ok(id), "{s:?}"),
            // Rule: data that is not the canonical base64 of 32 bytes makes no id.
            None => assert!(uri::parse(s).is_err(), "{s:?}"),
        }
    }
}

#[test]
fn vectors_uris_of_identities() {
    for row in lines("uris.jsonl") {
        let Some(s) = row["s"].as_str() else { continue };
        for (format, verdict) in [
            ("po-box", "isIdentityPOBoxSSBURI"),
            ("group", "isIdentityGroupSSBURI"),
            ("fusion", "isIdentityFusionSSBURI"),
        ] {
            let parsed = uri::parse_as(s, "identity", format);
            assert_eq!(parsed.is_ok(), row[verdict] == true, "{s:?} as {format}");
            if let (Ok(data), Some(expected)) = (parsed, row["decompose"]["data"].as_str()) {
                assert_eq!(base64::encode(&data), expected, "{s:?}");
                assert_eq!(uri::format_as("identity", format, &data), s);
            }
        }
    }
}

#[test]
fn vectors_bfe_of_classic_ids() {
    for row in lines("bfe.jsonl").iter().filter(|row| row["op"] == "encode") {
        let Some(id) = row["in"].as_str().and_then(link::parse_id) else { continue };
        assert_eq!(id.encode().to_vec(), hex(&row["out"]), "{row}");
        assert_eq!(bfe::Id::decode(&id.encode()), Ok(id));
    }
}

fn lines(name: &str) -> Vec<Value> {
    let text = read("generated", name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn array(name: &str) -> Vec<Value> {
    read("generated", name).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn read(folder: &str, name: &str) -> Option<String> {
    let path = match std::env::var_os("SSB_VECTORS").map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            println!("third-party vectors not run");
            return None;
        }
    };
    match std::fs::read_to_string(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("SSB_VECTORS").is_some() =>
        {
            println!("{folder}/{name} is not among the vectors");
            None
        }
        text => Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

fn hex(value: &Value) -> Vec<u8> {
    unhex(text(value))
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    base64::decode(text).unwrap()
}
