//! Box2, also called envelope: private messages for up to sixteen recipients, of whom one may be a group.
//!
//! Unlike a [box1](crate::seal()), a box2 belongs to its place in a feed: moved anywhere else, it opens for nobody. A
//! recipient is whoever has a certain key. What kinds of keys there are, and how two people come to share one, is in
//! [`RecipientKey`].
//!
//! Rules: envelope-spec 1.1.1, private-group-spec 8.1.0; where they leave something open, envelope-js 1.3.2,
//! ssb-private-group-keys 1.1.2 and ssb-box2 7.5.0.

mod agreement;
mod error;
mod identity;
mod key;
pub mod limits;
mod open;
mod place;
mod recipient;
mod seal;
mod slp;
pub mod text;
#[cfg(test)]
mod vectors;

pub use error::SealError;
pub use identity::GroupId;
pub use identity::ParseGroupIdError;
pub use identity::PoBoxId;
pub use key::ReadKey;
pub use open::open;
pub use place::Place;
pub use recipient::PoBox;
pub use recipient::RecipientKey;
pub use recipient::Scheme;
pub use seal::seal;

/// What was in a box2, and its read key.
pub type Opened = crate::Opened<ReadKey>;
