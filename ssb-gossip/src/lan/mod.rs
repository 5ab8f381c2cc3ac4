//! Finding nodes of the local network: they say over UDP where they are, and forget who says nothing any more.
//!
//! Two dialects are spoken, both over IPv4 only, as JavaScript's are. The older one (ssb-local 1.0.0 on broadcast-stream, and
//! ssb-lan 1.2.3 beside its own) is an address as plain text, by broadcast from and to the port of the node, once a second or two.
//! The newer one (ssb-lan 1.2.3 on dgram-broadcast 1.0.0) is the same text in a box that whoever knows the network opens, signed by
//! the node, from and to port 26830 every two seconds.
//!
//! Nobody has to prove anything in order to send a packet, so it is a hint and no more. What counts of it are the key and the port; the
//! host is always the one that the packet came from, so that no packet can turn the node against somebody else's machine. The handshake
//! proves the key. [`beacon`] reads and writes packets, [`sieve`] says which are looked at, however many there are, and [`neighbours`]
//! remembers, within limits, who is where and until when, beside the table of known peers, in which strangers of the local network
//! appear with the source `local` for as long as they are heard. What a node knows from elsewhere no packet changes.

pub mod beacon;
pub mod neighbours;
pub mod sieve;

/// Whether a node finds others in its local network, and lets them find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lan {
    /// Neither.
    #[default]
    Off,
    /// Both.
    On,
}
