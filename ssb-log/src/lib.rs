#![doc = include_str!("../README.md")]

mod base;
pub mod check;
pub mod compact;
pub mod decision;
#[cfg(feature = "faulty")]
pub mod faulty;
pub mod fields;
pub mod file;
pub mod fork;
mod frame;
#[cfg(feature = "import")]
pub mod import;
pub mod index;
pub mod indexer;
#[cfg(feature = "leveldb")]
pub mod leveldb;
pub mod limits;
mod locate;
pub mod log;
pub mod memory;
mod mention;
mod offsets;
pub mod opener;
pub mod ordinal;
mod postings;
pub mod query;
pub mod read;
pub mod reader;
mod recent;
pub mod recover;
pub mod retain;
mod run;
mod segments;
pub mod storage;
pub mod store;
pub mod tail;
mod tombstone;

pub use decision::Decision;
pub use file::Disk;
pub use fork::Fork;
pub use indexer::Indexer;
pub use log::Durable;
pub use log::Log;
pub use opener::Opener;
pub use ordinal::Ordinal;
pub use reader::Reader;
pub use reader::Stored;
pub use store::Store;
