//! A child process that cannot be forgotten: killed on drop, and quoted when the test fails.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::wait::PATIENCE;
use crate::wait::eventually;
use crate::wait::fail;

/// One running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    log: Log,
    readers: Vec<JoinHandle<()>>,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Process {
    /// Starts `command`; `name` is what failures call it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[track_caller]
    #[must_use]
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| fail(format_args!("cannot start {name} ({command:?}): {error}")));
        let log = Log::default();
        let (sender, output) = mpsc::channel();
        let readers = vec![
            copy_lines(child.stdout.take().expect("stdout is piped"), Arc::clone(&log), "out", move |line| {
                // Nobody listens any more once the process is dropped, which is no reason to stop reading.
                let _ = sender.send(line);
            }),
            copy_lines(child.stderr.take().expect("stderr is piped"), Arc::clone(&log), "err", |_| ()),
        ];
        Self { name: name.to_owned(), input: child.stdin.take(), child, output, log, readers }
    }

    /// Skips lines of standard output until `pick` finds one it likes.
    ///
    /// # Panics
    ///
    /// When the process ends first, or [`PATIENCE`] does.
    #[track_caller]
    pub fn find_line<T>(&self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            match self.line(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    if let Some(found) = pick(&line) {
                        return found;
                    }
                }
                Err(why) => fail(format_args!("{}: no {what}: {why:?}", self.name)),
            }
        }
    }

    /// The next line of standard output.
    ///
    /// # Errors
    ///
    /// `Timeout` when there is none in time, `Disconnected` when the process has closed its output.
    pub fn line(&self, within: Duration) -> Result<String, RecvTimeoutError> {
        self.output.recv_timeout(within)
    }

    /// Writes one line to its standard input. A process that is gone is noticed when it does not answer.
    pub fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{line}\n").as_bytes()).and_then(|()| input.flush());
        }
    }

    /// Closes its standard input.
    pub fn hush(&mut self) {
        self.input = None;
    }

    /// Sends `SIGTERM` and waits for the end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "cannot send SIGTERM to {}", self.name);
        self.ended()
    }

    /// Sends `SIGKILL`, which nothing survives and nothing can prepare for.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        eventually(&format!("{} ends", self.name), || self.child.try_wait().expect("it is our child"))
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The number the system knows it by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said so far, on both outputs.
    #[must_use]
    pub fn said(&self) -> String {
        self.log.lock().map(|lines| lines.join("\n")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        if thread::panicking() {
            eprintln!("---- {} said:", self.name);
            for line in self.said().lines() {
                eprintln!("{}", line.get(..LINE_LEN_MAX).unwrap_or(line));
            }
        }
    }
}

/// Enough of a line to see what it is about; messages can be long.
const LINE_LEN_MAX: usize = 300;

fn copy_lines(
    from: impl Read + Send + 'static,
    log: Log,
    which: &'static str,
    pass_on: impl Fn(String) + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if let Ok(mut lines) = log.lock() {
                lines.push(format!("{which}: {line}"));
            }
            pass_on(line);
        }
    })
}
