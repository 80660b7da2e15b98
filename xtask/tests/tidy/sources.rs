//! The workspace's files, as git would have them, and the crates they belong to.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates and the folder each lies in.
pub const CRATES: &[(&str, &str)] = &[
    ("lectern-control", "control"),
    ("lectern-wire", "sfu/wire"),
    ("lectern-media", "sfu/media"),
    ("lectern-sim", "sfu/sim"),
    ("lectern-sfu", "sfu"),
    ("lectern-controller", "controller"),
    ("lectern-journal", "recorder/journal"),
    ("lectern-mux", "recorder/mux"),
    ("lectern-compose", "recorder/compose"),
    ("lectern-recorder", "recorder"),
    ("lectern-signaling", "signaling"),
    ("lectern", "lectern"),
    ("loadtest", "loadtest"),
    ("benches", "benches"),
    ("xtask", "xtask"),
];

/// Folders that hold nothing written by hand.
const GENERATED: &[&str] = &["target", "node_modules", "dist", ".git"];

/// One source file.
pub struct Source {
    /// Its path from the workspace's root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Whether it is compiled for tests only.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The text before an inline `mod tests`.
    pub fn code(&self) -> &str {
        let end = self.text.find("\n#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        &self.text[..end]
    }
}

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask has a parent").to_owned()
}

/// All files below `folder` whose names end in one of `endings`.
pub fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), endings, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file in {folder:?} ends in {endings:?}");
    found
}

/// All Rust files.
pub fn rust() -> Vec<Source> {
    files("", &[".rs"])
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let entry = entry.expect("an entry of the folder");
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !GENERATED.contains(&name.as_str()) {
                collect(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let relative = path.strip_prefix(root()).expect("below the root");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            found.push(Source { path: relative.to_string_lossy().into_owned(), text });
        }
    }
}
