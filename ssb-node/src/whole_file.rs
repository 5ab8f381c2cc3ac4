//! Small files that are whole before they have their names.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::Path;

/// Writes a file aside, syncs it, and then gives it its name, in place of what had it before.
///
/// # Errors
///
/// Those of the system; what was there before is still there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}
