//! Which files can be opened: system libraries, to be read, and the program itself.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::path::Path;

/// Where libraries lie, in any distribution. Nothing secret does.
const LIBRARIES: &[&str] =
    &["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"];
/// What the kernel runs a dynamic program with.
const LOADERS: &[&str] = &[
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];
/// The newest that is known here; older kernels restrict what they can.
const NEWEST: ABI = ABI::V6;

/// Restricts this thread and what it becomes.
pub fn restrict(program: &Path) -> Result<(), RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let run = AccessFs::Execute | AccessFs::ReadFile;
    rules = allow(rules, program, run)?;
    for loader in LOADERS {
        rules = allow(rules, Path::new(loader), run)?;
    }
    for libraries in LIBRARIES {
        let read = if Path::new(libraries).is_dir() {
            AccessFs::ReadFile | AccessFs::ReadDir
        } else {
            AccessFs::ReadFile.into()
        };
        rules = allow(rules, Path::new(libraries), read)?;
    }
    rules.restrict_self()?;
    Ok(())
}

/// A path that is not there needs no rule.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(path) => rules.add_rule(PathBeneath::new(path, access)),
        Err(_) => Ok(rules),
    }
}
