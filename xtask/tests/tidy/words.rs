//! Words that must not stand in the tree.

use crate::sources::{files, rust};

/// Names that say nothing (see the style guide), as parts of a file's or a type's name.
const HOLLOW: &[&str] = &["manager", "helper", "util", "common", "misc"];

/// Marks of work left undone.
const UNDONE: &[&str] = &["TODO", "FIXME", "XXX", "HACK", "todo!(", "unimplemented!(", "#[ignore"];

/// Files in which the words themselves are listed.
const LISTS: &str = "xtask/tests/tidy/";

#[test]
fn names_are_the_field_s_own() {
    for source in rust().iter().chain(&files("web", &[".ts"])) {
        let path = source.path.to_lowercase();
        let hollow = HOLLOW.iter().find(|word| path.contains(*word));
        assert!(hollow.is_none(), "{}: {:?} says nothing", source.path, hollow);
        for line in source.text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let Some(name) = declared(line) else { continue };
            let hollow = HOLLOW.iter().find(|word| name.to_lowercase().contains(*word));
            assert!(hollow.is_none(), "{}: {name}: {:?} says nothing", source.path, hollow);
        }
    }
}

fn declared(line: &str) -> Option<&str> {
    let words = ["struct ", "enum ", "trait ", "mod ", "class ", "interface "];
    let after = words.iter().find_map(|word| line.find(word).map(|at| &line[at + word.len()..]))?;
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
    Some(&after[..end])
}

#[test]
fn nothing_is_left_undone() {
    for source in rust().iter().chain(&files("web", &[".ts", ".mjs", ".css"])) {
        if source.path.starts_with(LISTS) {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            let mark = UNDONE.iter().find(|mark| line.contains(*mark));
            assert!(mark.is_none(), "{}:{}: {:?}", source.path, index + 1, mark);
        }
    }
}

#[test]
fn lock_files_hold_no_download_addresses() {
    let locks = files("", &["package-lock.json"]);
    for source in locks {
        assert!(!source.text.contains("\"resolved\""), "{} names addresses", source.path);
    }
    for source in files("", &["Cargo.lock"]) {
        let index = "registry+https://github.com/rust-lang/crates.io-index";
        for line in source.text.lines().filter(|line| line.starts_with("source = ")) {
            assert!(line.contains(index), "{}: {line}", source.path);
        }
    }
}
