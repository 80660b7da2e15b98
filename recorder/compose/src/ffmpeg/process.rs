//! One process of FFmpeg in its sandbox, and its end.

use crate::confine::Limits;
use crate::error::Error;
use crate::tools::Tools;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a process is for, as its errors say.
pub type Role = &'static str;

/// A process; ended where this is dropped.
#[derive(Debug)]
pub struct Process {
    role: Role,
    child: Child,
    stderr: ChildStderr,
    said: Vec<u8>,
    memory_bytes: u64,
}

/// The end of what it said is kept: the last lines tell why it ended.
const MAX_SAID_BYTES: usize = 2 << 10;
/// What is read of what it says in one go; a process that says more than is read waits.
const SAID_AT_ONCE_BYTES: usize = 4 << 10;
/// What it needs to end after its last byte; then it is ended.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at whether it has ended.
const END_LOOK: Duration = Duration::from_millis(2);
/// Raw pictures go through pipes of this size with few switches between processes; more is not given
/// without privileges.
const PIPE_BYTES: usize = 1 << 20;
/// A film of four hours is decoded in less by far.
const MAX_CPU_S: u64 = 8 * 3_600;

impl Process {
    /// Starts FFmpeg with these arguments, besides those that all have.
    pub fn start<S: Into<OsString>>(
        tools: &Tools,
        role: Role,
        args: impl IntoIterator<Item = S>,
    ) -> Result<(Process, ChildStdin, ChildStdout), Error> {
        let ffmpeg = find(&tools.ffmpeg)?;
        let (confine, first) = tools.confine.split_first().ok_or_else(|| Error::Ffmpeg {
            role,
            reason: "no program is configured to confine it".to_owned(),
        })?;
        let limits = Limits { memory_bytes: tools.memory_bytes, cpu_s: MAX_CPU_S };
        let mut command = Command::new(confine);
        command.args(first).args(limits.to_args()).arg(&ffmpeg);
        command.args(["-hide_banner", "-nostdin", "-loglevel", "error"]);
        command.args(args.into_iter().map(Into::into)).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: io::Error| Error::Ffmpeg {
            role,
            reason: format!("{} cannot be run: {error}", confine.to_string_lossy()),
        };
        let mut child = command.spawn().map_err(failed)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        for pipe in [stdin.as_fd(), stdout.as_fd()] {
            // Smaller pipes do as well, only slower.
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
        }
        rustix::io::ioctl_fionbio(&stderr, true).map_err(|error| failed(error.into()))?;
        let said = Vec::new();
        Ok((Process { role, child, stderr, said, memory_bytes: tools.memory_bytes }, stdin, stdout))
    }

    /// Waits until one of its pipes is ready, at most `patience`; what it says meanwhile is read, so
    /// that it never waits for that.
    pub fn wait_for(&mut self, pipe: BorrowedFd<'_>, ready: PollFlags, patience: Duration) {
        let patience = Timespec::try_from(patience).ok();
        let mut fds =
            [PollFd::from_borrowed_fd(pipe, ready), PollFd::new(&self.stderr, PollFlags::IN)];
        // An error here shows itself at the pipe.
        let _ = rustix::event::poll(&mut fds, patience.as_ref());
        let [_, stderr] = fds;
        if stderr.revents().contains(PollFlags::IN) {
            self.listen();
        } else if !stderr.revents().is_empty() {
            // It has closed what it says: the pipe is closed as well, or soon will be.
            std::thread::sleep(END_LOOK);
        }
    }

    /// Reads what it says.
    pub fn listen(&mut self) {
        let mut bytes = [0; SAID_AT_ONCE_BYTES];
        while let Ok(len @ 1..) = self.stderr.read(&mut bytes) {
            self.said.extend_from_slice(bytes.get(..len).unwrap_or_default());
            let excess = self.said.len().saturating_sub(MAX_SAID_BYTES);
            self.said.drain(..excess);
        }
    }

    /// Waits for its end, after its last byte was read. It must have gone well.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.exit(END_PATIENCE) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.explain(status)),
            None => Err(self.error("it does not end".to_owned())),
        }
    }

    /// Why one of its pipes is closed that should not be, or is not for too long.
    pub fn failed(&mut self, error: &io::Error) -> Error {
        if error.kind() == io::ErrorKind::TimedOut {
            return self.error("it hangs".to_owned());
        }
        match self.exit(END_PATIENCE) {
            Some(status) if status.success() => self.error("it ended too early".to_owned()),
            Some(status) => self.explain(status),
            None => self.error(error.to_string()),
        }
    }

    fn exit(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        let status = loop {
            self.listen();
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < until => std::thread::sleep(END_LOOK),
                Ok(None) | Err(_) => break None,
            }
        };
        self.listen();
        status
    }

    fn explain(&mut self, status: ExitStatus) -> Error {
        let said = String::from_utf8_lossy(&self.said).into_owned();
        let out_of_memory = said.contains("Cannot allocate memory") || said.contains("memory");
        let reason = match status.signal() {
            _ if out_of_memory => {
                format!("it needs more than {} MiB of memory", self.memory_bytes >> 20)
            }
            Some(signal) if signal == rustix::process::Signal::XCPU.as_raw() => {
                "it needs too much time of the processor".to_owned()
            }
            Some(signal) => format!("it was ended by signal {signal}"),
            None => format!("it failed with {}", status.code().unwrap_or_default()),
        };
        self.error(reason)
    }

    fn error(&mut self, mut reason: String) -> Error {
        self.listen();
        let said = String::from_utf8_lossy(&self.said);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if !said.is_empty() {
            reason = format!("{reason}: {}", said.join("; "));
        }
        Error::Ffmpeg { role: self.role, reason }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program's full path: it has no environment to look for itself in.
fn find(ffmpeg: &PathBuf) -> Result<PathBuf, Error> {
    let bare = ffmpeg.components().count() == 1 && !ffmpeg.is_absolute();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = vec![ffmpeg.clone()];
    if bare {
        candidates = std::env::split_paths(&path).map(|folder| folder.join(ffmpeg)).collect();
    }
    let found = candidates.iter().find_map(|path| path.canonicalize().ok());
    let missing = || Error::NoFfmpeg { path: ffmpeg.clone(), reason: "it is not there".to_owned() };
    found.ok_or_else(missing)
}
