//! The names of connections and of the streams on them.

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// We dialed.
    Dialed,
    /// They dialed.
    Accepted,
    /// A program of the owner, over a socket of the machine.
    Local,
}

/// A connection. Never used twice; two connections with one peer are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A history stream that we asked for. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);
