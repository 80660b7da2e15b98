//! `cargo xtask quality`: builds the server and measures what people see and hear over bad networks. With
//! `--peer janus` that server is Debian's Janus, and ours is not built.

use crate::{install, step, web};
use anyhow::Result;

/// Installs what is missing, builds, and runs `loadtest quality` with the arguments.
pub fn run(arguments: &[String]) -> Result<()> {
    install::build_tools()?;
    install::node()?;
    install::quality()?;
    let mut build = vec!["build", "--release", "--locked", "-p", "loadtest"];
    if is_janus(arguments) {
        install::janus()?;
        web::install()?;
    } else {
        web::build()?;
        build.extend(["-p", "lectern"]);
    }
    step::run("programs", &mut step::cargo(&build))?;
    let release = step::target_directory().join("release");
    let mut command = std::process::Command::new(release.join("loadtest"));
    command.current_dir(crate::root()).arg("quality").args(arguments);
    command.env("LECTERN_BIN", release.join("lectern"));
    step::run("quality", &mut command)?;
    Ok(())
}

fn is_janus(arguments: &[String]) -> bool {
    let is_pair = |pair: &[String]| pair[0] == "--peer" && pair[1] == "janus";
    arguments.windows(2).any(is_pair) || arguments.iter().any(|one| one == "--peer=janus")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_found_in_both_forms() {
        let is_janus =
            |text: &str| is_janus(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(is_janus("--json --peer janus --only drop") && is_janus("--peer=janus"));
        assert!(!is_janus("--only drop") && !is_janus("--peer lectern"));
    }
}
