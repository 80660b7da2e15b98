//! Installs what is missing: Debian's packages by name, and nothing else.
//!
//! Crates come through cargo, the web app's packages through npm.

use crate::step;
use anyhow::{Context, Result, bail};

/// What building needs beside Rust and Node: a C compiler for `ring` and for SQLite.
const BUILD: &[(&str, &str)] = &[("cc", "gcc"), ("ld", "binutils"), ("make", "make")];

/// What the browser tests need: two browsers, fonts to draw with, and tools for network namespaces.
const BROWSERS: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("ip", "iproute2"),
    ("tcpdump", "tcpdump"),
];

/// A font file by which the presence of the font package is known.
const FONT: (&str, &str) = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu");

/// The oldest Node the web app builds with.
const NODE_MAJOR: u32 = 20;

/// Makes sure that the workspace can be built.
pub fn build_tools() -> Result<()> {
    packages(&missing(BUILD))
}

/// Makes sure that the browser tests can run.
pub fn browsers() -> Result<()> {
    let mut wanted = missing(BROWSERS);
    if !std::path::Path::new(FONT.0).exists() {
        wanted.push(FONT.1);
    }
    packages(&wanted)
}

/// Makes sure that Node and npm are there and new enough.
pub fn node() -> Result<()> {
    let version = step::output(&mut step::command("node", &["--version"]))
        .context("Node is missing: install Node 20 or newer, then run this again")?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    let major: u32 = major.parse().with_context(|| format!("node calls itself {version:?}"))?;
    if major < NODE_MAJOR {
        bail!("Node {major} is too old: install Node {NODE_MAJOR} or newer, then run this again");
    }
    Ok(())
}

fn missing(programs: &[(&str, &'static str)]) -> Vec<&'static str> {
    let absent = |program: &str| {
        !step::succeeds(&mut step::command("sh", &["-c", &format!("command -v {program}")]))
    };
    programs.iter().filter(|(program, _)| absent(program)).map(|(_, package)| *package).collect()
}

fn packages(names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    println!("installing Debian packages: {}", names.join(" "));
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(names);
    step::run("package lists", &mut apt(&["update", "-qq"]))?;
    step::run("packages", &mut apt(&install))
        .with_context(|| format!("cannot install; by hand: apt-get install {}", names.join(" ")))?;
    Ok(())
}

fn apt(arguments: &[&str]) -> std::process::Command {
    let is_root = step::output(&mut step::command("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    let mut command = if is_root {
        step::command("apt-get", arguments)
    } else {
        let mut with_sudo = vec!["--preserve-env=DEBIAN_FRONTEND", "apt-get"];
        with_sudo.extend(arguments);
        step::command("sudo", &with_sudo)
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
