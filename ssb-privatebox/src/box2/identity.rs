//! Who can be a recipient without being a feed.

use core::fmt;

use ssb_keys::CloakedId;
use ssb_keys::ParseIdError;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::uri;
use ssb_keys::uri::ParseUriError;
use thiserror::Error;

/// The id of a private group: the cloaked id of the message that founded it.
///
/// Text: `ssb:identity/group/`, 44 characters of URL-safe base64 (private-group-spec 8.1.0). Its older text, that of the
/// cloaked id, is read and never written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(CloakedId);

impl GroupId {
    /// The group that was founded by the message of this cloaked id.
    pub const fn new(founded_by: CloakedId) -> Self {
        Self(founded_by)
    }

    /// Parses either text.
    ///
    /// # Errors
    ///
    /// [`ParseGroupIdError`] says which of the two it is not, and why.
    pub fn parse(text: &str) -> Result<Self, ParseGroupIdError> {
        if text.starts_with('%') {
            return Ok(Self(CloakedId::parse(text)?));
        }
        Ok(Self(CloakedId::from_bytes(uri::parse_as(text, "identity", "group")?)))
    }

    /// The cloaked id of the message that founded the group.
    pub const fn founded_by(&self) -> CloakedId {
        self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uri::format_as("identity", "group", self.0.as_bytes()))
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no id of a group. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseGroupIdError {
    /// It starts with `%` and is no cloaked id.
    #[error(transparent)]
    Cloaked(#[from] ParseIdError),
    /// It is not the URI of a group.
    #[error(transparent)]
    Uri(#[from] ParseUriError),
}

/// The id of a P.O. box, to which everybody can write and which several people may open: its X25519 public key.
///
/// Text: `ssb:identity/po-box/`, 44 characters of URL-safe base64 (private-group-spec 8.1.0).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoBoxId([u8; 32]);

impl PoBoxId {
    /// An id of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses the URI.
    ///
    /// # Errors
    ///
    /// [`ParseUriError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseUriError> {
        uri::parse_as(text, "identity", "po-box").map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn public(&self) -> EphemeralPublicKey {
        EphemeralPublicKey::from_bytes(self.0)
    }
}

impl fmt::Display for PoBoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uri::format_as("identity", "po-box", &self.0))
    }
}

impl fmt::Debug for PoBoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_group_is_read_in_both_of_its_texts_and_written_in_the_newer() {
        let id = GroupId::new(CloakedId::from_bytes([0xfb; 32]));

        assert_eq!(id.to_string(), "ssb:identity/group/-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=");
        assert_eq!(GroupId::parse(&id.to_string()), Ok(id));
        assert_eq!(GroupId::parse(&id.founded_by().to_string()), Ok(id));
    }

    #[test]
    fn a_po_box_survives_its_text() {
        let id = PoBoxId::from_bytes([0xfb; 32]);

        assert_eq!(id.to_string(), "ssb:identity/po-box/-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=");
        assert_eq!(PoBoxId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn one_is_not_taken_for_the_other() {
        let group = GroupId::new(CloakedId::from_bytes([1; 32]));
        let po_box = PoBoxId::from_bytes([1; 32]);

        assert_eq!(PoBoxId::parse(&group.to_string()), Err(ParseUriError::Format));
        let refused = GroupId::parse(&po_box.to_string());
        assert_eq!(refused, Err(ParseGroupIdError::Uri(ParseUriError::Format)));
        let message = "%AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.sha256";
        let refused = GroupId::parse(message);
        assert_eq!(refused, Err(ParseGroupIdError::Cloaked(ParseIdError::Suffix { suffix: ".cloaked" })));
    }
}
