//! The composer's ends of a process's pipes. It never waits for longer than it has patience, nor
//! after it was told to stop.

use crate::error::Error;
use crate::ffmpeg::process::{Process, Role};
use crate::tools::Tools;
use rustix::event::PollFlags;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Counts what goes through the other pipe of a process, which another thread looks after.
pub type Moved = Arc<AtomicU64>;

/// When a process is given up.
#[derive(Debug)]
struct Watch<'a> {
    stop: &'a AtomicBool,
    patience: Duration,
    moved: Moved,
}

/// One wait for a process.
struct Wait {
    since: Instant,
    seen: u64,
}

impl Watch<'_> {
    fn begin(&self) -> Wait {
        Wait { since: Instant::now(), seen: self.moved.load(Ordering::Relaxed) }
    }

    /// Whether to go on waiting.
    fn look(&self, wait: &mut Wait) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        let moved = self.moved.load(Ordering::Relaxed);
        if moved != wait.seen {
            *wait = Wait { since: Instant::now(), seen: moved };
        }
        if wait.since.elapsed() > self.patience {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

/// What both ends have: a process, and when it is given up.
#[derive(Debug)]
struct End<'a> {
    process: Process,
    watch: Watch<'a>,
}

impl<'a> End<'a> {
    /// Of a process one of whose pipes, `ours`, never makes us wait.
    fn of(
        tools: &Tools,
        stop: &'a AtomicBool,
        mut process: Process,
        ours: impl AsFd,
    ) -> Result<(End<'a>, Moved), Error> {
        if let Err(error) = rustix::io::ioctl_fionbio(ours, true) {
            return Err(process.failed(&error.into()));
        }
        let moved = Moved::default();
        let watch = Watch { stop, patience: tools.patience, moved: Arc::clone(&moved) };
        Ok((End { process, watch }, moved))
    }

    fn failed(&mut self, error: &io::Error) -> Error {
        if self.watch.stop.load(Ordering::Relaxed) {
            return Error::Stopped;
        }
        self.process.failed(error)
    }
}

/// A process that is read from; another thread feeds it.
#[derive(Debug)]
pub struct Source<'a> {
    end: End<'a>,
    stdout: ChildStdout,
}

impl<'a> Source<'a> {
    /// Starts a process, and gives its other end for a thread that counts what it writes.
    pub fn start<S: Into<OsString>>(
        tools: &Tools,
        role: Role,
        args: impl IntoIterator<Item = S>,
        stop: &'a AtomicBool,
    ) -> Result<(Source<'a>, ChildStdin, Moved), Error> {
        let (process, stdin, stdout) = Process::start(tools, role, args)?;
        let (end, moved) = End::of(tools, stop, process, &stdout)?;
        Ok((Source { end, stdout }, stdin, moved))
    }

    /// After its last byte: whether all went well.
    pub fn end(&mut self) -> Result<(), Error> {
        self.end.process.end()
    }

    /// Why it could not be read.
    pub fn failed(&mut self, error: &io::Error) -> Error {
        self.end.failed(error)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut wait = self.end.watch.begin();
        loop {
            match self.stdout.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.end.watch.look(&mut wait)?;
            self.end.process.wait_for(self.stdout.as_fd(), PollFlags::IN, LOOK);
        }
    }
}

/// A process that is written to; another thread reads from it.
#[derive(Debug)]
pub struct Sink<'a> {
    end: End<'a>,
    stdin: Option<ChildStdin>,
}

impl<'a> Sink<'a> {
    /// Starts a process, and gives its other end for a thread that counts what it reads.
    pub fn start<S: Into<OsString>>(
        tools: &Tools,
        role: Role,
        args: impl IntoIterator<Item = S>,
        stop: &'a AtomicBool,
    ) -> Result<(Sink<'a>, ChildStdout, Moved), Error> {
        let (process, stdin, stdout) = Process::start(tools, role, args)?;
        let (end, moved) = End::of(tools, stop, process, &stdin)?;
        Ok((Sink { end, stdin: Some(stdin) }, stdout, moved))
    }

    /// Nothing more comes.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits until `done` gives something, which another thread sends when it has read it.
    pub fn wait<T>(&mut self, mut done: impl FnMut(Duration) -> Option<T>) -> io::Result<T> {
        let mut wait = self.end.watch.begin();
        loop {
            if let Some(done) = done(LOOK) {
                return Ok(done);
            }
            self.end.watch.look(&mut wait)?;
            self.end.process.listen();
        }
    }

    /// After all was read: whether all went well.
    pub fn end(&mut self) -> Result<(), Error> {
        self.end.process.end()
    }

    /// Why it could not be written to.
    pub fn failed(&mut self, error: &io::Error) -> Error {
        self.end.failed(error)
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wait = self.end.watch.begin();
        let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        loop {
            match stdin.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
            self.end.watch.look(&mut wait)?;
            self.end.process.wait_for(stdin.as_fd(), PollFlags::OUT, LOOK);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what another thread reads.
#[derive(Debug)]
pub struct Counted<T> {
    pipe: T,
    moved: Moved,
}

impl<T> Counted<T> {
    /// Counts what goes through this pipe.
    pub fn new(pipe: T, moved: Moved) -> Counted<T> {
        Counted { pipe, moved }
    }
}

impl<T: Read> Read for Counted<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = self.pipe.read(bytes)?;
        self.moved.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

impl<T: Write> Write for Counted<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.pipe.write(bytes)?;
        self.moved.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}
