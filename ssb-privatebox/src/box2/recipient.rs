//! The keys by which recipients find their slots.

use core::fmt;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::ephemeral::WeakKey;
use zeroize::Zeroizing;

use super::Place;
use super::PoBoxId;
use super::agreement;
use super::agreement::Purpose;
use super::agreement::Side;
use super::limits::RECIPIENTS_MAX;
use super::limits::SLOT_LEN;

/// A key that sender and recipients have in common before anything is sealed. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct RecipientKey {
    pub(super) scheme: Scheme,
    pub(super) key: Zeroizing<[u8; 32]>,
    /// What others take for the key, see [`direct`](Self::direct).
    pub(super) other_order: Option<Zeroizing<[u8; 32]>>,
}

impl RecipientKey {
    /// The key of a group, which all of its members have.
    pub fn group(key: &[u8; 32]) -> Self {
        Self::symmetric(Scheme::Group, key)
    }

    /// A key that only its owner has: what is sealed for it, the sender can read again.
    pub fn oneself(key: &[u8; 32]) -> Self {
        Self::symmetric(Scheme::Oneself, key)
    }

    /// The key for messages from `me` to `other`, and from `other` to `me`.
    ///
    /// JavaScript and other programs do not agree on that key, for one pair of feeds in ten. What is sealed is for
    /// JavaScript (ssb-private-group-keys 1.1.2); what is opened may come from either.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the feed id of `other` is no usable key.
    pub fn direct(me: &Keypair, other: FeedId) -> Result<Self, WeakKey> {
        Self::between_feeds(Scheme::Direct, me, other)
    }

    /// The key for messages between two feeds that belong to metafeeds: as [`direct`](Self::direct), for other slots.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the feed id of `other` is no usable key.
    pub fn announced(me: &Keypair, other: FeedId) -> Result<Self, WeakKey> {
        Self::between_feeds(Scheme::Announced, me, other)
    }

    /// The key for messages from `me` into a P.O. box.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the id of the box is no usable key.
    pub fn to_po_box(me: &Keypair, po_box: PoBoxId) -> Result<Self, WeakKey> {
        let mine = EphemeralPublicKey::of_feed(&me.id())?;
        let secret = me.share(&po_box.public())?;
        let sides = [&Side::of_feed(me.id(), mine), &Side::of_po_box(po_box)];
        Ok(Self::agreed(Scheme::PoBox, agreement::keys(Purpose::PoBox, &secret, sides)))
    }

    /// The key for messages from `author` into our P.O. box.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the feed id of `author` is no usable key.
    pub fn in_po_box(po_box: &PoBox, author: FeedId) -> Result<Self, WeakKey> {
        let theirs = EphemeralPublicKey::of_feed(&author)?;
        let secret = po_box.0.share(&theirs)?;
        let sides = [&Side::of_po_box(po_box.id()), &Side::of_feed(author, theirs)];
        Ok(Self::agreed(Scheme::PoBox, agreement::keys(Purpose::PoBox, &secret, sides)))
    }

    /// What kind of key it is.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The key that seals: a secret.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    fn symmetric(scheme: Scheme, key: &[u8; 32]) -> Self {
        Self { scheme, key: Zeroizing::new(*key), other_order: None }
    }

    fn between_feeds(scheme: Scheme, me: &Keypair, other: FeedId) -> Result<Self, WeakKey> {
        let (mine, theirs) = (EphemeralPublicKey::of_feed(&me.id())?, EphemeralPublicKey::of_feed(&other)?);
        let secret = me.share(&theirs)?;
        let sides = [&Side::of_feed(me.id(), mine), &Side::of_feed(other, theirs)];
        Ok(Self::agreed(scheme, agreement::keys(Purpose::DirectMessage, &secret, sides)))
    }

    fn agreed(scheme: Scheme, (key, other_order): agreement::Keys) -> Self {
        Self { scheme, key, other_order }
    }

    /// What hides the message key in a slot of a box in this place.
    pub(super) fn mask(&self, place: &Place) -> Mask {
        self.scheme.mask(&self.key, place)
    }

    /// What may have hidden the message key in a slot.
    pub(super) fn masks(&self, place: &Place) -> impl Iterator<Item = Mask> {
        [Some(&self.key), self.other_order.as_ref()]
            .into_iter()
            .flatten()
            .map(|key| self.scheme.mask(key, place))
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientKey").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

pub(super) type Mask = Zeroizing<[u8; SLOT_LEN]>;

/// The kinds of keys. A slot that was made with a key of one kind is not found with the same key of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// One that the members of a group share.
    Group,
    /// One that two feeds have in common by their own keys.
    Direct,
    /// One that two feeds of metafeeds have in common.
    Announced,
    /// One that nobody else has.
    Oneself,
    /// One that a feed and a P.O. box have in common.
    PoBox,
}

impl Scheme {
    /// The name of the scheme (private-group-spec 8.1.0).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "envelope-large-symmetric-group",
            Self::Direct => "envelope-id-based-dm-converted-ed25519",
            Self::Announced => "envelope-id-based-metafeed-announced-curve25519",
            Self::Oneself => "envelope-symmetric-key-for-self",
            Self::PoBox => "envelope-id-based-pobox-curve25519",
        }
    }

    fn mask(self, key: &[u8; 32], place: &Place) -> Mask {
        place.derive(key, &["slot_key", self.name()])
    }

    /// How many slots are tried with a key of this kind. A group is always the first recipient (ssb-box2 7.5.0).
    pub(super) const fn slots_tried(self) -> usize {
        match self {
            Self::Group => 1,
            Self::Direct | Self::Announced | Self::Oneself | Self::PoBox => RECIPIENTS_MAX,
        }
    }
}

/// A P.O. box of ours: its secret key is what all who open it have. Wiped when dropped, never printed.
#[derive(Debug)]
pub struct PoBox(EphemeralKeypair);

impl PoBox {
    /// The box of a secret key: any 32 random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(EphemeralKeypair::from_seed(secret))
    }

    /// Where messages for the box go to.
    pub const fn id(&self) -> PoBoxId {
        PoBoxId::from_bytes(*self.0.public().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::super::open;
    use super::super::seal;
    use super::*;

    #[test]
    fn a_message_of_either_order_opens() {
        let (me, other) = pair_of_two_orders();
        let (mine, theirs) = (RecipientKey::direct(&me, other.id()), RecipientKey::direct(&other, me.id()));
        let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
        let place = Place::new(other.id(), None);
        let by_specification =
            RecipientKey { key: theirs.other_order.clone().unwrap(), other_order: None, ..theirs.clone() };
        assert_ne!(*theirs.key, *by_specification.key);

        for from in [theirs, by_specification] {
            let boxed = seal(b"x", &place, &[from], &[5; 32]).unwrap();
            assert_eq!(open(&boxed, &place, [&mine]).unwrap().plain(), b"x");
        }
    }

    #[test]
    fn ids_that_are_no_keys_are_refused() {
        let (me, nobody) = (Keypair::from_seed(&[1; 32]), FeedId::from_bytes([0; 32]));

        assert_eq!(RecipientKey::direct(&me, nobody).unwrap_err(), WeakKey);
        assert_eq!(RecipientKey::announced(&me, nobody).unwrap_err(), WeakKey);
        assert_eq!(RecipientKey::to_po_box(&me, PoBoxId::from_bytes([0; 32])).unwrap_err(), WeakKey);
        assert_eq!(RecipientKey::in_po_box(&PoBox::from_secret(&[2; 32]), nobody).unwrap_err(), WeakKey);
    }

    #[test]
    fn debug_shows_what_kind_of_key_it_is_and_nothing_else() {
        assert_eq!(format!("{:?}", RecipientKey::group(&[9; 32])), "RecipientKey { scheme: Group, .. }");
    }

    /// Two whom JavaScript does not order as the specification does.
    fn pair_of_two_orders() -> (Keypair, Keypair) {
        let people: Vec<Keypair> = (1..30).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
        let mut pairs = people.iter().flat_map(|one| people.iter().map(move |other| (one, other)));
        let (one, other) = pairs
            .find(|(one, other)| RecipientKey::direct(one, other.id()).unwrap().other_order.is_some())
            .expect("one pair in ten is one");
        (one.clone(), other.clone())
    }
}
