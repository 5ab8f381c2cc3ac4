//! Where nodes of all kinds have a blob.

use std::path::Path;
use std::path::PathBuf;

/// The file of the blob with this SHA-256 hash, of the node whose data directory is `dir`.
#[must_use]
pub fn blob_file(dir: &Path, hash: &[u8; 32]) -> PathBuf {
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, rest) = digits.split_at(2);
    dir.join("blobs/sha256").join(first).join(rest)
}
