//! A network of up to ten thousand nodes, and what replication costs there.
//!
//! Nothing goes wrong here, and no disk is written: what is measured is how fast messages reach everybody who can get them,
//! and how many bytes that takes. Every node is a real [`Core`](ssb_gossip::core::Core), every end of every connection a real
//! [`Peer`](ssb_gossip::peer::Peer), every signature is verified at every node. What a node has of a feed is a number: the
//! messages themselves exist once, in an [`archive`].

pub mod archive;
pub mod command;
pub mod line;
pub mod measure;
pub mod node;
pub mod outside;
pub mod plot;
pub mod row;
pub mod shape;

pub use measure::Plan;
pub use measure::measure;
