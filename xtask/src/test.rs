//! `cargo xtask test`: everything that must be green before a change lands.

use crate::{install, step, web};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// A step's name, and what it does.
type Step = (&'static str, fn() -> Result<()>);

/// The steps in their order: what fails soonest comes first.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("web", web_app),
    ("clippy", clippy),
    ("unit", unit),
    ("pages", pages),
    ("browser", browser),
];

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
    install::recorder()?;
    step::run("tests", &mut step::cargo(&["test", "--workspace", "--locked"]))?;
    Ok(())
}

/// Every page of the web app in a real browser, on its own: pictures, keyboard, accessibility.
fn pages() -> Result<()> {
    install::browsers()?;
    install::recorder()?;
    web::install()?;
    web::script("test:pages")
}

/// Real browsers against the real binary.
fn browser() -> Result<()> {
    install::browsers()?;
    install::recorder()?;
    install::python()?;
    web::build()?;
    // As the unit tests were built, so that nothing is built twice: their programs are these.
    let arguments = ["test", "--workspace", "--locked", "--no-run"];
    step::run("build for the browser tests", &mut step::cargo(&arguments))?;
    web::script("test:browser")
}
