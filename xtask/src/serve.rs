//! `cargo xtask serve`: from a fresh clone to a link that can be opened.

use crate::{install, step, web};
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

/// Builds everything and becomes `lectern serve`.
pub fn run(arguments: &[String]) -> Result<()> {
    let started = Instant::now();
    install::build_tools()?;
    install::recorder()?;
    install::node()?;
    web::build()?;
    step::run("build", &mut step::cargo(&["build", "--release", "--locked", "-p", "lectern"]))?;
    println!("── everything is built, {:.0} s after the start\n", started.elapsed().as_secs_f64());
    let binary = step::target_directory().join("release/lectern");
    let failure = Command::new(&binary).arg("serve").args(arguments).exec();
    Err(failure).with_context(|| format!("cannot start {}", binary.display()))
}
