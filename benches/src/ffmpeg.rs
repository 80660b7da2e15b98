//! Running FFmpeg, outside of any sandbox: it makes what is measured, and looks at what came out.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// FFmpeg, as it is in the path.
pub const PROGRAM: &str = "ffmpeg";

/// With arguments that all have in common.
pub fn command<S: AsRef<str>>(args: &[S]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["-hide_banner", "-nostdin", "-y"]);
    command.args(args.iter().map(AsRef::as_ref));
    command.stdin(Stdio::null());
    command
}

/// What it writes to its output; an error with what it says where it fails.
pub fn output<S: AsRef<str>>(args: &[S]) -> Result<Vec<u8>> {
    let made = command(args).args(["-loglevel", "error"]).output();
    let made = made.with_context(|| format!("{PROGRAM} cannot be run"))?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "{PROGRAM} failed: {}", said.trim());
    Ok(made.stdout)
}
