//! Builds the web app, and skips what has not changed since the last time.

use crate::step;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders below which nothing is a source of the web app.
const GENERATED: &[&str] = &["node_modules", "dist", "tests"];

/// Installs the web app's packages as its lock file has them.
pub fn install() -> Result<()> {
    let stamp = folder().join("node_modules/.package-lock.json");
    if modified(&stamp) >= modified(&folder().join("package-lock.json")) {
        return Ok(());
    }
    let mut npm = step::command("npm", &["ci", "--no-audit", "--no-fund"]);
    step::run("web packages", npm.current_dir(folder()))?;
    Ok(())
}

/// Builds `web/dist`, which the binary embeds.
pub fn build() -> Result<()> {
    install()?;
    let built = modified(&folder().join("dist/index.html"));
    if built.is_some() && built > newest_source(&folder())? {
        return Ok(());
    }
    script("build")
}

/// Runs one of the web app's npm scripts.
pub fn script(name: &str) -> Result<()> {
    let mut npm = step::command("npm", &["run", "--silent", name]);
    step::run(&format!("web {name}"), npm.current_dir(folder()))?;
    Ok(())
}

fn folder() -> PathBuf {
    crate::root().join("web")
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn newest_source(folder: &Path) -> Result<Option<SystemTime>> {
    let mut newest = None;
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !GENERATED.iter().any(|name| path.ends_with(name)) {
                newest = newest.max(newest_source(&path)?);
            }
        } else {
            newest = newest.max(modified(&path));
        }
    }
    Ok(newest)
}
