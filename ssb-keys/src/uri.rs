//! Ids in the `ssb:` form (SIP 1).
//!
//! `ssb:feed/classic/<data>`, with `/` or `:` between the parts, `ssb://` tolerated, and the data in URL-safe base64
//! with padding. The formats' older names, `ed25519` and `sha256`, are read and never written. JavaScript (ssb-uri2
//! 2.4.1) takes data of any length; we take the canonical text of 32 bytes, so that an id has one spelling.

use alloc::format;
use alloc::string::String;

use thiserror::Error;

use crate::BlobId;
use crate::FeedId;
use crate::MessageId;
use crate::base64;
use crate::bfe::Id;

/// Parses a URI of a classic feed, message or blob.
///
/// # Errors
///
/// [`ParseUriError`] says what is wrong with it.
pub fn parse(uri: &str) -> Result<Id, ParseUriError> {
    let (kind, format, data) = split(uri)?;
    let make: fn([u8; 32]) -> Id = match (kind, format) {
        ("feed", "classic" | "ed25519") => |bytes| Id::Feed(FeedId::from_bytes(bytes)),
        ("message", "classic" | "sha256") => |bytes| Id::Message(MessageId::from_bytes(bytes)),
        ("blob", "classic" | "sha256") => |bytes| Id::Blob(BlobId::from_bytes(bytes)),
        _ => return Err(ParseUriError::Format),
    };
    base64::decode_array_url_safe(data).map(make).map_err(|_| ParseUriError::Data)
}

/// The URI of an id.
pub fn format(id: &Id) -> String {
    let (kind, bytes) = match id {
        Id::Feed(id) => ("feed", id.as_bytes()),
        Id::Message(id) => ("message", id.as_bytes()),
        Id::Blob(id) => ("blob", id.as_bytes()),
    };
    format_as(kind, "classic", bytes)
}

/// Parses a URI of this type and format, of which another module knows what it names.
///
/// # Errors
///
/// [`ParseUriError`] says what is wrong with it.
pub fn parse_as(uri: &str, kind: &str, format: &str) -> Result<[u8; 32], ParseUriError> {
    match split(uri)? {
        (its_kind, its_format, data) if (its_kind, its_format) == (kind, format) => {
            base64::decode_array_url_safe(data).map_err(|_| ParseUriError::Data)
        }
        _ => Err(ParseUriError::Format),
    }
}

/// The URI of this type and format.
pub fn format_as(kind: &str, format: &str, data: &[u8; 32]) -> String {
    format!("ssb:{kind}/{format}/{}", base64::encode_url_safe(data))
}

/// Takes a URI apart into its type, its format, and its data.
fn split(uri: &str) -> Result<(&str, &str, &str), ParseUriError> {
    let rest = uri.strip_prefix("ssb:").ok_or(ParseUriError::Scheme)?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let mut parts = rest.splitn(3, ['/', ':']);
    let (Some(kind), Some(format), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(ParseUriError::Shape);
    };
    // A query or a fragment behind the data is somebody's and none of ours.
    Ok((kind, format, data.split(['?', '#']).next().unwrap_or(data)))
}

/// Why a text is not the URI of a classic id. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseUriError {
    /// It does not start with `ssb:`.
    #[error("uri does not start with `ssb:`")]
    Scheme,
    /// It has not the three parts type, format and data.
    #[error("uri has not the form ssb:type/format/data")]
    Shape,
    /// Its type and format name no id that we know, or not one of the wanted kind.
    #[error("uri is not of a known or wanted type and format")]
    Format,
    /// Its data is not the canonical URL-safe base64 of 32 bytes.
    #[error("uri data is not canonical base64 of 32 bytes")]
    Data,
}
