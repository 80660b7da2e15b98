//! A server's process: started with a log of its own, ended when it is dropped.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A process that ends when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it; what it complains of goes into `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Process> {
        // The program may write there itself.
        let log = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let program = command.get_program().to_owned();
        let child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Process { child })
    }

    /// What it prints.
    pub fn output(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().context("no pipe")
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The processor time it has used, in milliseconds, as Linux counts it (proc(5)).
    pub fn cpu_ms(&self) -> Option<f64> {
        const TICKS_OF_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) * 1e3 / TICKS_OF_SECOND)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended by itself where these fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
