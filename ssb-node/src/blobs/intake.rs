//! A blob on its way in: pieces wait here until a thread has time to write them.
//!
//! Whoever has the pieces stops reading while [`Intake::waiting`] is large; the threads wait for nobody.

use std::fmt;
use std::task::Context;
use std::task::Poll;

use ssb_blobs::Disk;
use ssb_blobs::Writer;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::Stored;
use ssb_blobs::writer::WriteError;

use super::Blobs;
use crate::pool::Promise;

/// A blob of which pieces come.
pub(crate) struct Intake {
    blobs: Blobs,
    expected: Expected,
    waiting: Vec<u8>,
    has_ended: bool,
    state: State,
}

enum State {
    /// Nobody writes. There is no writer before the first piece is written.
    Idle(Option<Box<Writer<Disk>>>),
    /// Pieces are being written.
    Writing(Promise<Result<Written, WriteError>>),
}

enum Written {
    Some(Box<Writer<Disk>>),
    All(Stored),
}

impl Intake {
    /// One of which nothing has come.
    pub(crate) fn new(blobs: &Blobs, expected: Expected) -> Self {
        Self {
            blobs: blobs.clone(),
            expected,
            waiting: Vec::new(),
            has_ended: false,
            state: State::Idle(None),
        }
    }

    /// The next piece has come.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
    }

    /// All pieces have come.
    pub(crate) const fn end(&mut self) {
        self.has_ended = true;
    }

    /// How many bytes wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Moves what can move. Ready once, when the blob is stored or will never be; then it is to be dropped.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Stored, WriteError>> {
        loop {
            match &mut self.state {
                State::Idle(_) if self.waiting.is_empty() && !self.has_ended => return Poll::Pending,
                State::Idle(writer) => {
                    let (writer, pieces) = (writer.take(), std::mem::take(&mut self.waiting));
                    let (expected, has_ended) = (self.expected, self.has_ended);
                    self.state = State::Writing(self.blobs.run(move |blobs| {
                        let mut writer = match writer {
                            Some(writer) => writer,
                            None => Box::new(blobs.begin(expected)?),
                        };
                        writer.write(&pieces)?;
                        if has_ended {
                            return blobs.finish(*writer).map(Written::All);
                        }
                        Ok(Written::Some(writer))
                    }));
                }
                State::Writing(written) => match written.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(Ok(Written::Some(writer)))) => self.state = State::Idle(Some(writer)),
                    Poll::Ready(Some(Ok(Written::All(stored)))) => return self.over(Ok(stored)),
                    Poll::Ready(Some(Err(error))) => return self.over(Err(error)),
                    // The node is stopping.
                    Poll::Ready(None) => {
                        return self.over(Err(WriteError::Io(std::io::ErrorKind::Interrupted)));
                    }
                },
            }
        }
    }

    fn over(&mut self, result: Result<Stored, WriteError>) -> Poll<Result<Stored, WriteError>> {
        self.state = State::Idle(None);
        self.waiting = Vec::new();
        self.has_ended = false;
        Poll::Ready(result)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // Its file is removed, which may take a moment.
        if let State::Idle(Some(writer)) = std::mem::replace(&mut self.state, State::Idle(None)) {
            self.blobs.drop_later(writer);
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, waiting, .. } = self;
        f.debug_struct("Intake")
            .field("expected", expected)
            .field("waiting", &waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use smol::future::block_on;
    use smol::future::poll_fn;
    use ssb_blobs::store::Origin;
    use ssb_keys::BlobId;
    use ssb_keys::hash::sha256;
    use std::fs;
    use std::task::Waker;
    use tempfile::TempDir;

    struct Scene {
        home: TempDir,
        blobs: Blobs,
    }

    impl Scene {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let blobs = Blobs::start(home.path(), Setup::default(), &Clock::start()).unwrap().0;
            Self { home, blobs }
        }

        fn intake(&self, len_max: Option<u64>) -> Intake {
            Intake::new(&self.blobs, Expected { id: None, len_max, origin: Origin::Own })
        }

        /// What is being written.
        fn aside(&self) -> usize {
            fs::read_dir(self.home.path().join("blobs/tmp")).unwrap().count()
        }

        /// Waits until the threads have done what they were given before.
        fn settle(&self) {
            for _ in 0..super::super::THREADS {
                block_on(self.blobs.run(|_| ())).unwrap();
            }
        }
    }

    fn wait(intake: &mut Intake) -> Result<Stored, WriteError> {
        block_on(poll_fn(|context| intake.poll(context)))
    }

    #[test]
    fn pieces_become_a_blob_when_all_have_come() {
        let scene = Scene::new();
        let mut intake = scene.intake(None);
        for _ in 0..10 {
            intake.take(b"piece ");
            assert!(intake.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }

        intake.end();

        let stored = wait(&mut intake).unwrap();
        assert_eq!(stored.id, BlobId::from_bytes(sha256("piece ".repeat(10).as_bytes())));
        assert_eq!((stored.size, stored.was_here), (60, false));
    }

    #[test]
    fn nothing_at_all_is_the_empty_blob() {
        let scene = Scene::new();
        let mut intake = scene.intake(None);

        intake.end();

        assert_eq!(wait(&mut intake).map(|stored| stored.size), Ok(0));
    }

    #[test]
    fn what_is_too_long_ends_before_all_has_come() {
        let scene = Scene::new();
        let mut intake = scene.intake(Some(5));

        intake.take(b"six by");

        assert_eq!(wait(&mut intake), Err(WriteError::TooLong { len_max: 5 }));
        assert_eq!(scene.aside(), 0);
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let scene = Scene::new();
        let mut intake = scene.intake(None);
        intake.take(b"half of it");
        block_on(poll_fn(|context| {
            assert!(intake.poll(context).is_pending());
            if matches!(intake.state, State::Idle(Some(_))) { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(scene.aside(), 1);

        drop(intake);

        scene.settle();
        assert_eq!(scene.aside(), 0);
    }
}
