//! `cargo xtask quality`: builds the server and measures what people see and hear over bad networks.

use crate::{install, step, web};
use anyhow::Result;

/// Installs what is missing, builds, and runs `loadtest quality` with the arguments.
pub fn run(arguments: &[String]) -> Result<()> {
    install::build_tools()?;
    install::node()?;
    install::quality()?;
    web::build()?;
    let build = ["build", "--release", "--locked", "-p", "lectern", "-p", "loadtest"];
    step::run("server", &mut step::cargo(&build))?;
    let release = step::target_directory().join("release");
    let mut command = std::process::Command::new(release.join("loadtest"));
    command.current_dir(crate::root()).arg("quality").args(arguments);
    command.env("LECTERN_BIN", release.join("lectern"));
    step::run("quality", &mut command)?;
    Ok(())
}
