//! A placeholder for what runs a node: only the items that its callers name.

use std::io;

use ssb_keys::FeedId;
use thiserror::Error;

use crate::config::Config;

/// What a node that listens says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Who it is.
    pub id: FeedId,
    /// Its multiserver addresses.
    pub addresses: Vec<String>,
    /// What its owner should know, such as that publishing is locked.
    pub notices: Vec<String>,
}

/// Why a node does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The directory cannot be used.
    #[error("{0}")]
    Io(#[source] io::Error),
}

/// Runs a node until it is told to stop.
///
/// # Errors
///
/// [`StartError`] if it cannot start.
pub fn run(config: &Config, ready: impl FnOnce(&Ready)) -> Result<(), StartError> {
    let (_, _) = (config, ready);
    Err(StartError::Io(io::ErrorKind::Unsupported.into()))
}
