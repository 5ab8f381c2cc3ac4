//! Signatures of whole objects, as ssb-keys makes them. `tests/vectors/README.md` says where the rows come from.

mod vectors;

use serde_json::Value;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::hmac;
use ssb_keys::hmac::HmacKey;
use ssb_keys::verify::Claim;
use ssb_keys::verify::verify;
use ssb_msg::json;

#[test]
fn vectors_signed_objects_are_those_of_ssb_keys() {
    let rows = vectors::generated::<Value>("keys.jsonl");
    for row in rows.iter().filter(|row| row["op"] == "signObj") {
        let field = |name: &str| row[name].as_str();
        let secret = field("private").and_then(|secret| secret.strip_suffix(".ed25519")).unwrap();
        let pair = Keypair::from_secret(&base64::decode_array(secret).unwrap()).unwrap();
        let text = json::pretty(&json::parse(field("obj_json").unwrap().as_bytes()).unwrap());
        let key = field("hmac_key").map(|key| HmacKey::parse(key).unwrap());
        let bytes = match key {
            Some(key) => hmac::authenticate(key.as_bytes(), text.as_bytes()).to_vec(),
            None => text.clone().into_bytes(),
        };

        let signature = pair.sign(&bytes);

        assert_eq!(Some(signature.to_string().as_str()), field("signature"), "{row}");
        let plain = verify(Claim { author: pair.id(), signature, signed: text.as_bytes() });
        assert_eq!(plain.is_ok(), key.is_none(), "{row}");
    }
}
