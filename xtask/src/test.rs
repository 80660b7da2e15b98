//! `cargo xtask test`: everything that must be green before a change lands.

use crate::{install, step, web};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// A step's name, and what it does.
type Step = (&'static str, fn() -> Result<()>);

/// The steps in their order: what fails soonest comes first.
const STEPS: &[Step] =
    &[("fmt", fmt), ("web", web_app), ("clippy", clippy), ("unit", unit), ("browser", browser)];

/// Runs all steps, or those that are named.
pub fn run(names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| !STEPS.iter().any(|(known, _)| known == name)) {
        bail!("there is no step {name:?}; see `cargo xtask help`");
    }
    install::build_tools()?;
    install::node()?;
    let mut table: Vec<(&str, Duration)> = Vec::new();
    for (name, step) in
        STEPS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
    {
        let started = Instant::now();
        step()?;
        table.push((name, started.elapsed()));
    }
    println!("\n── all steps passed");
    for (name, took) in table {
        println!("   {name:8} {:5.0} s", took.as_secs_f64());
    }
    Ok(())
}

fn fmt() -> Result<()> {
    step::run("format", &mut step::cargo(&["fmt", "--all", "--check"]))?;
    Ok(())
}

/// The web app's own checks, and its build, which the binary embeds.
fn web_app() -> Result<()> {
    web::install()?;
    web::script("check")?;
    web::script("test")?;
    web::build()
}

fn clippy() -> Result<()> {
    let arguments =
        ["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    step::run("clippy", &mut step::cargo(&arguments))?;
    Ok(())
}

/// Unit, behaviour and simulation tests, and `tidy`.
fn unit() -> Result<()> {
    step::run("tests", &mut step::cargo(&["test", "--workspace", "--locked"]))?;
    Ok(())
}

/// Real browsers against the real binary.
fn browser() -> Result<()> {
    in_browsers("test:browser")
}

/// The longer tests in real browsers.
pub fn browser_more() -> Result<()> {
    install::node()?;
    in_browsers("test:browser-more")
}

fn in_browsers(script: &str) -> Result<()> {
    install::browsers()?;
    web::build()?;
    let arguments = ["build", "--locked", "-p", "lectern", "-p", "loadtest"];
    step::run("build for the browser tests", &mut step::cargo(&arguments))?;
    web::script(script)
}
