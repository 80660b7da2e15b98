//! `cargo xtask crash`: recordings through many deaths of the server and of the recorder.

use crate::{install, step, web};
use anyhow::{Context, Result, bail};

/// Deaths of each kind where nothing is said.
const ROUNDS: u32 = 50;

/// Kills, starts again and looks at what is left, as often as wanted.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut rounds, mut seed) = (ROUNDS, None);
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a value"))?;
        let number = value.parse::<u32>();
        let number = number.with_context(|| format!("{flag} needs a number, not {value:?}"))?;
        match flag.as_str() {
            "--rounds" => rounds = number,
            "--seed" => seed = Some(number),
            other => bail!("crash knows --rounds and --seed, not {other:?}"),
        }
    }
    install::build_tools()?;
    install::node()?;
    install::recorder()?;
    install::python()?;
    web::build()?;
    step::run("build", &mut step::cargo(&["build", "--release", "--locked", "-p", "lectern"]))?;
    let file = "tests/browser/crash.test.js";
    let mut test = step::command("node", &["--test", "--test-reporter=tap", file]);
    test.current_dir(crate::root().join("web"));
    test.env("LECTERN_BIN", step::target_directory().join("release/lectern"));
    test.env("LECTERN_ROUNDS", rounds.to_string());
    if let Some(seed) = seed {
        test.env("LECTERN_SEED", seed.to_string());
    }
    step::run(&format!("{rounds} deaths of each kind"), &mut test)?;
    Ok(())
}
