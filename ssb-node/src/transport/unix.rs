//! The unix socket of the data directory: whoever can open it is the owner.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::path::PathBuf;

use smol::Async;

use super::Stream;

/// A socket file with its listener. The file goes when this does.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    listener: Async<UnixListener>,
    path: PathBuf,
}

impl UnixSocket {
    /// Listens at `path`, in place of whatever file a node left there when it was killed.
    ///
    /// The caller holds the lock of the directory, so no other node uses that file.
    pub(crate) fn listen(path: &Path) -> io::Result<Self> {
        // Made aside and renamed: at its own name the socket never has wider permissions than its owner's.
        let aside = path.with_extension("new");
        remove(&aside)?;
        let listener = UnixListener::bind(&aside)?;
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&aside, path)?;
        Ok(Self { listener: Async::new(listener)?, path: path.to_owned() })
    }

    /// Accepts one connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        self.listener.accept().await.map(|(stream, _)| Stream::Unix(stream))
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // A file that stays is replaced at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
