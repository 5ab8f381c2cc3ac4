//! Messages whose author is proven.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use ssb_keys::verify;
use ssb_keys::verify::BadSignature;
use ssb_keys::verify::Claim;
use ssb_keys::verify::KeyCache;

use crate::fields::Fields;
use crate::fields::accessors;
use crate::signing::Signing;
use crate::unverified::Unverified;

/// A message whose signature was checked, or that was signed here.
///
/// Whether it may follow what is known of its feed is for [`ValidationState`](crate::ValidationState) to say.
#[derive(Clone, PartialEq)]
pub struct Message {
    fields: Fields,
}

impl Message {
    /// Only for what has just been verified or signed.
    pub(crate) fn trust(unverified: Unverified) -> Self {
        Self { fields: unverified.fields }
    }

    accessors!();
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id()).field("json", &self.json()).finish()
    }
}

/// Checks many signatures, one verdict each, in their order.
///
/// Faster than one by one: a group shares work, but never a verdict.
pub fn verify_group(
    group: Vec<Unverified>,
    signing: &Signing,
    keys: &mut KeyCache,
) -> Vec<Result<Message, BadSignature>> {
    let signed: Vec<Cow<'_, [u8]>> = group.iter().map(|message| signing.bytes(&message.signed)).collect();
    let claims: Vec<Claim<'_>> = group
        .iter()
        .zip(&signed)
        .map(|(message, signed)| Claim { author: message.author(), signature: message.signature(), signed })
        .collect();
    let verdicts = verify::verify_group(&claims, keys);
    group
        .into_iter()
        .zip(verdicts)
        .map(|(message, verdict)| verdict.map(|()| Message::trust(message)))
        .collect()
}
