//! Which crate may use which.

use crate::sources::{CRATES, root};
use std::fs;

/// x may use y. What is not here is refused: signaling, controller and sfu never know each other.
const ARROWS: &[(&str, &[&str])] = &[
    ("lectern-control", &[]),
    ("lectern-wire", &[]),
    ("lectern-media", &["lectern-control", "lectern-wire"]),
    ("lectern-sim", &["lectern-wire"]),
    ("lectern-sfu", &["lectern-control", "lectern-media", "lectern-wire"]),
    ("lectern-controller", &["lectern-control"]),
    ("lectern-journal", &["lectern-control"]),
    ("lectern-mux", &["lectern-control", "lectern-wire"]),
    ("lectern-compose", &["lectern-control", "lectern-mux"]),
    ("lectern-recorder", &["lectern-control", "lectern-journal", "lectern-mux", "lectern-compose"]),
    ("lectern-signaling", &["lectern-control"]),
    (
        "lectern",
        &[
            "lectern-control",
            "lectern-controller",
            "lectern-recorder",
            "lectern-sfu",
            "lectern-signaling",
        ],
    ),
    ("loadtest", &["lectern-sim", "lectern-wire"]),
    (
        "benches",
        &["lectern-control", "lectern-journal", "lectern-recorder", "lectern-sfu", "lectern-sim"],
    ),
    ("xtask", &[]),
];

/// Tests may use these besides.
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("lectern-media", &["lectern-sim"]),
    ("lectern-sfu", &["lectern-sim"]),
    ("lectern", &["lectern-wire", "lectern-sim"]),
];

fn allowed(table: &[(&str, &'static [&'static str])], name: &str) -> &'static [&'static str] {
    table.iter().find(|(from, _)| *from == name).map_or(&[], |(_, to)| *to)
}

fn used(manifest: &toml::Table, section: &str) -> Vec<String> {
    let table = manifest.get(section).and_then(|section| section.as_table());
    let names = table.map(|table| table.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    names.into_iter().filter(|name| CRATES.iter().any(|(known, _)| known == name)).collect()
}

#[test]
fn crates_use_only_what_the_design_lets_them() {
    for (name, folder) in CRATES {
        let path = root().join(folder).join("Cargo.toml");
        let manifest = fs::read_to_string(&path).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        for section in ["dependencies", "build-dependencies"] {
            for other in used(&manifest, section) {
                assert!(
                    allowed(ARROWS, name).contains(&other.as_str()),
                    "{name} must not use {other}"
                );
            }
        }
        for other in used(&manifest, "dev-dependencies") {
            let known = allowed(ARROWS, name).contains(&other.as_str())
                || allowed(TEST_ARROWS, name).contains(&other.as_str());
            assert!(known, "{name} must not use {other}, not even in tests");
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_known_here() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a list of members");
    for member in members {
        let folder = member.as_str().expect("a folder");
        assert!(CRATES.iter().any(|(_, known)| *known == folder), "{folder} is missing in tidy");
    }
    assert_eq!(members.len(), CRATES.len());
}
