//! `cargo xtask long-recording`: a meeting of hours in virtual time, recorded, made into a film, and
//! looked at again.

use crate::{install, step};
use anyhow::{Context, Result, bail, ensure};

/// Runs it; what it finds is printed, and drawn beside what cargo builds.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut hours = "4".to_owned();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--hours" => hours.clone_from(value),
            other => bail!("long-recording knows --hours, not {other:?}"),
        }
    }
    let is_number = hours.parse::<f64>().is_ok_and(|hours| hours > 0.0 && hours <= 24.0);
    ensure!(is_number, "--hours needs a number up to 24, not {hours:?}");
    install::recorder()?;
    let plot = step::target_directory().join("long-recording.png");
    let mut command = step::cargo(&["run", "--release", "--locked", "-p", "benches", "--"]);
    command.args(["meeting", "--hours", &hours, "--plot"]).arg(&plot);
    step::run("long recording", &mut command)?;
    Ok(())
}
