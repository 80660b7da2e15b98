//! Every dependency's licence goes with Apache-2.0. `cargo deny` reads the same list.

use crate::sources::root;
use std::fs;
use std::process::Command;

fn allowed() -> Vec<String> {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let table: toml::Table = text.parse().expect("TOML");
    let list = table["licenses"]["allow"].as_array().expect("a list of licences");
    list.iter().map(|licence| licence.as_str().expect("a licence").to_owned()).collect()
}

/// Whether an SPDX expression can be met by allowed licences alone.
fn goes(expression: &str, allowed: &[String]) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let has = |licence: &str| allowed.iter().any(|known| known == licence.trim());
    // AND binds tighter than OR; brackets only ever narrow what is asked in the crates we use.
    if expression.contains('(') {
        let words = plain.split(" AND ").flat_map(|part| part.split(" OR "));
        return plain.split(" AND ").all(|part| part.split(" OR ").any(has))
            || words.clone().all(has);
    }
    plain.split(" OR ").any(|choice| choice.split(" AND ").all(has))
}

#[test]
fn every_licence_goes_with_ours() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let allowed = allowed();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        let name = &package["name"];
        assert!(goes(licence, &allowed), "{name}: {licence}");
    }
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "MIT AND ISC", "(MIT OR X) AND ISC"] {
        assert!(goes(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR X) AND ISC", "none"] {
        assert!(!goes(bad, &allowed), "{bad}");
    }
}
