//! `cargo xtask sim`: the media core's behaviour tests over as many seeds as wanted, or over one.

use crate::step;
use anyhow::{Context, Result, bail};

/// Runs the behaviour tests; the test binary reads its seeds from the environment.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut command =
        step::cargo(&["test", "--locked", "-p", "lectern-media", "--test", "behaviour", "--"]);
    command.arg("--nocapture");
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--seeds" => command.env("LECTERN_SEEDS", number(flag, value)?),
            "--seed" => command.env("LECTERN_SEED", number(flag, value)?),
            "--scenario" => command.arg(value),
            other => bail!("sim knows --seeds, --seed and --scenario, not {other:?}"),
        };
    }
    step::run("simulation", &mut command)?;
    Ok(())
}

fn number(flag: &str, value: &str) -> Result<String> {
    let number: u64 =
        value.parse().with_context(|| format!("{flag} needs a number, not {value:?}"))?;
    Ok(number.to_string())
}
