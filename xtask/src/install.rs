//! Installs what is missing: Debian's packages by name, and nothing else.
//!
//! Crates come through cargo, the web app's packages through npm, the test client's through pip.

use crate::step;
use anyhow::{Context, Result, bail};
use std::fs;

/// What building needs beside Rust and Node: a C compiler for `ring` and for SQLite.
const BUILD: &[(&str, &str)] = &[("cc", "gcc"), ("ld", "binutils"), ("make", "make")];

/// What recordings need: a decoder and encoder, and fonts for names.
const RECORDER: &[(&str, &str)] = &[("ffmpeg", "ffmpeg")];

/// What the browser tests need: two browsers, fonts to draw with, and tools for network namespaces.
const BROWSERS: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("ip", "iproute2"),
    ("tcpdump", "tcpdump"),
];

/// What measuring the quality of calls needs: a browser, a reader of text in pictures, a writer of
/// plots, and network namespaces.
const QUALITY: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("tesseract", "tesseract-ocr"),
    ("ffmpeg", "ffmpeg"),
    ("ip", "iproute2"),
];

/// The server that calls of ours are held against.
const JANUS: &[(&str, &str)] = &[("janus", "janus")];

/// Installs a package whose service neither starts now nor with the machine: policy-rc.d(8) is what Debian
/// asks before it starts one, and 101 forbids it.
const WITHOUT_SERVICE: &str = r#"set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
apt-get update -qq
apt-get install -y --no-install-recommends "$1"
update-rc.d "$1" disable
"#;

/// A font file by which the presence of the font package is known.
const FONT: (&str, &str) = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu");

/// The packages of the Python client that the browser tests drive, each pinned.
const PYTHON_PACKAGES: &str = "web/tests/python/requirements.txt";

/// The oldest Node the web app builds with.
const NODE_MAJOR: u32 = 20;

/// Makes sure that the workspace can be built.
pub fn build_tools() -> Result<()> {
    packages(&missing(BUILD))
}

/// Makes sure that recordings can be made.
pub fn recorder() -> Result<()> {
    let mut wanted = missing(RECORDER);
    wanted.extend(missing_font());
    packages(&wanted)
}

/// Makes sure that the browser tests can run.
pub fn browsers() -> Result<()> {
    let mut wanted = missing(BROWSERS);
    wanted.extend(missing_font());
    packages(&wanted)
}

/// Makes sure that the quality of calls can be measured.
pub fn quality() -> Result<()> {
    let mut wanted = missing(QUALITY);
    wanted.extend(missing_font());
    packages(&wanted)
}

/// Makes sure that Janus is there, as a program and not as a service.
pub fn janus() -> Result<()> {
    for package in missing(JANUS) {
        let script = ["-c", WITHOUT_SERVICE, "sh", package];
        let mut install = as_root("sh", &script);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        step::run("package without its service", &mut install)
            .with_context(|| format!("cannot install; by hand: apt-get install {package}"))?;
    }
    Ok(())
}

fn missing_font() -> Option<&'static str> {
    (!std::path::Path::new(FONT.0).exists()).then_some(FONT.1)
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

/// Makes sure that the tests' Python client can run, in an environment of its own: `target/python`.
/// Where packages come from is for pip's own configuration to say.
pub fn python() -> Result<()> {
    let wanted = fs::read(crate::root().join(PYTHON_PACKAGES))
        .with_context(|| format!("cannot read {PYTHON_PACKAGES}"))?;
    let folder = step::target_directory().join("python");
    // Written last: an installation that was interrupted begins anew.
    let stamp = folder.join("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut packages_of_debian = missing(&[("python3", "python3")]);
    if !step::succeeds(&mut step::command("python3", &["-c", "import ensurepip, venv"])) {
        packages_of_debian.push("python3-venv");
    }
    packages(&packages_of_debian)?;
    let make = ["-m", "venv", "--clear"];
    step::run("Python environment", step::command("python3", &make).arg(&folder))?;
    let mut pip = std::process::Command::new(folder.join("bin/python"));
    pip.current_dir(crate::root());
    pip.args(["-m", "pip", "install", "--quiet", "--requirement", PYTHON_PACKAGES]);
    step::run("Python packages", &mut pip)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
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
    let mut command = as_root("apt-get", arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn as_root(program: &str, arguments: &[&str]) -> std::process::Command {
    let is_root = step::output(&mut step::command("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    if is_root {
        return step::command(program, arguments);
    }
    let mut with_sudo = vec!["--preserve-env=DEBIAN_FRONTEND", program];
    with_sudo.extend(arguments);
    step::command("sudo", &with_sudo)
}
