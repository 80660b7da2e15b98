//! Becomes FFmpeg, with hardly any rights: it decodes what strangers sent, in two million lines of C.

mod files;
mod syscalls;

use rustix::process::{Resource, Rlimit, Signal};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Descriptors: three streams, and one library at a time while it loads.
const MAX_FILES: u64 = 64;
/// The least of the shares of the processor: live media always comes first.
const NICE: i32 = 19;

/// What the process may take; written before the program's own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Time of the processor, in seconds.
    pub cpu_s: u64,
}

impl Limits {
    pub fn to_args(&self) -> [OsString; 2] {
        [self.memory_bytes.to_string().into(), self.cpu_s.to_string().into()]
    }

    fn from_args(args: &mut impl Iterator<Item = OsString>) -> Option<Limits> {
        let mut number = || args.next()?.to_str()?.parse().ok();
        Some(Limits { memory_bytes: number()?, cpu_s: number()? })
    }
}

/// Gives up all rights but those of a filter from standard input to standard output, then becomes
/// FFmpeg. `args` are those that a composer added to [`crate::Tools::confine`]. Returns only where it
/// cannot.
///
/// What is left: memory, time and descriptors up to limits, reading system libraries, reading and
/// writing what is open already, threads. There are no other files, sockets, processes, signals or
/// terminals, and no variables of the environment. Where the kernel has no Landlock (before 5.13),
/// files that the user may read can still be read, but neither written nor sent anywhere.
pub fn confine(args: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut args = args.into_iter();
    let limits = Limits::from_args(&mut args);
    let (Some(limits), Some(program)) = (limits, args.next()) else {
        return io::Error::new(io::ErrorKind::InvalidInput, "limits and a program are needed");
    };
    let program = PathBuf::from(program);
    if let Err(error) = give_up_rights(&limits, &program) {
        return error;
    }
    Command::new(program).args(args).env_clear().exec()
}

/// This thread, and all that it starts from now on, runs when nothing else wants to: the class
/// `SCHED_IDLE` (sched(7)) gives a core back as soon as somebody else wakes up, where one that is only
/// nice keeps it for up to a slice of some milliseconds. A system that allows neither is no reason to
/// make no film.
pub(crate) fn step_behind() {
    let _ = rustix::process::setpriority_process(None, NICE);
    let _ = scheduler::set_self_policy(scheduler::Policy::Idle, 0);
}

fn give_up_rights(limits: &Limits, program: &Path) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    step_behind();
    let bounds = [
        (Resource::As, limits.memory_bytes),
        (Resource::Cpu, limits.cpu_s),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, MAX_FILES),
    ];
    for (resource, bound) in bounds {
        let bound = Rlimit { current: Some(bound), maximum: Some(bound) };
        rustix::process::setrlimit(resource, bound)?;
    }
    rustix::thread::set_no_new_privs(true)?;
    files::restrict(program).map_err(io::Error::other)?;
    syscalls::restrict()
}
