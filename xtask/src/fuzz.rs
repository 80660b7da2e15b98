//! `cargo xtask fuzz`: the readers of recordings and of packets, and the estimator, against input of
//! every kind.
//!
//! Runs libFuzzer through cargo-fuzz, on the toolchain that builds everything else.

use crate::step;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates with targets, each beside its code.
const CRATES: &[&str] = &["recorder/journal", "recorder/mux", "sfu/media", "sfu/wire"];
/// The version that is installed, where none is there.
const CARGO_FUZZ: &str = "0.13.1";
/// How long each target runs where nothing is said.
const SECONDS: u64 = 120;

/// Runs every target, or those that are named, for so many seconds each.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut names, mut seconds) = (Vec::new(), SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => {
                let value = rest.next().context("--seconds needs a number")?;
                seconds = value.parse().with_context(|| format!("{value:?} is no number"))?;
            }
            flag if flag.starts_with('-') => bail!("fuzz knows --seconds, not {flag:?}"),
            name => names.push(name.to_owned()),
        }
    }
    let cargo_fuzz = cargo_fuzz()?;
    let mut ran = 0;
    for folder in CRATES {
        for target in targets(&crate::root().join(folder))? {
            if names.is_empty() || names.contains(&target) {
                fuzz(&cargo_fuzz, folder, &target, seconds)?;
                ran += 1;
            }
        }
    }
    if ran == 0 {
        bail!("there is no target {}", names.join(", "));
    }
    println!("\n── {ran} targets, {seconds} s each: nothing found");
    Ok(())
}

fn fuzz(cargo_fuzz: &Path, folder: &str, target: &str, seconds: u64) -> Result<()> {
    let mut command = Command::new(cargo_fuzz);
    command.current_dir(crate::root().join(folder));
    // Sanitizers are options of the compiler that only nightly takes by itself.
    command.env("RUSTC_BOOTSTRAP", "1");
    let time = format!("-max_total_time={seconds}");
    command.args([
        "fuzz",
        "run",
        target,
        "--",
        &time,
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]);
    step::run(&format!("{folder}: {target}"), &mut command)?;
    Ok(())
}

/// The targets of a crate: a file each.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let places = ["fuzz/fuzz_targets", "fuzz/targets"].map(|place| folder.join(place));
    let folder = places.iter().find(|place| place.exists()).unwrap_or(&places[0]).clone();
    let files = fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))?;
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.filter_map(|file| name(file.ok()?.path())).collect();
    names.sort();
    Ok(names)
}

/// The program, installed into the build folder where it is missing.
fn cargo_fuzz() -> Result<PathBuf> {
    let root = step::target_directory().join("tools");
    let program = root.join("bin/cargo-fuzz");
    if !program.exists() {
        let mut install = step::cargo(&["install", "cargo-fuzz", "--locked", "--version"]);
        install.arg(CARGO_FUZZ).arg("--root").arg(&root);
        step::run("cargo-fuzz", &mut install)?;
    }
    Ok(program)
}
