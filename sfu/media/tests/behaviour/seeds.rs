//! Runs a scenario over many seeds, and says how to replay one that fails.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seeds of all scenarios together where `LECTERN_SEEDS` says nothing.
const DEFAULT_SEEDS: u64 = 1_000;

/// Each scenario's share of all seeds, in thousandths.
const SHARES: [(&str, u64); 32] = [
    ("good_network", 30),
    ("loss", 141),
    ("lossy_sound", 10),
    ("very_lossy_sound", 20),
    ("burst_loss", 50),
    ("reordering", 90),
    ("duplication", 70),
    ("outage", 30),
    ("replay", 5),
    ("late_join", 70),
    ("late_join_lossy", 40),
    ("pause_and_resume", 25),
    ("publisher_restart", 50),
    ("permissions", 15),
    ("messages", 10),
    ("messages_over_a_move", 15),
    ("malformed_datagrams", 1),
    ("mutilated_datagrams", 2),
    ("broken_rtp", 2),
    ("broken_rtcp", 2),
    ("storm_of_requests", 1),
    ("export_and_restore", 40),
    ("export_and_restore_lossy", 40),
    ("restore_unannounced", 30),
    ("sequence_wraps", 90),
    ("rollover_counter", 40),
    ("egress_rollover", 2),
    ("ssrc_change", 45),
    ("simulcast", 20),
    ("slow_line", 10),
    ("three_hundred_talkers", 2),
    ("liars", 2),
];

static SEEDS_RUN: AtomicU64 = AtomicU64::new(0);
static CPU_NANOS: AtomicU64 = AtomicU64::new(0);

/// Runs a scenario over its share of all seeds: at least one. Or over the one seed that
/// `LECTERN_SEED` names.
pub fn run(scenario: &str, run: impl Fn(u64)) {
    let share = SHARES.iter().find(|(name, _)| *name == scenario);
    let (_, share) = *share.expect("the scenario has its share of the seeds");
    let seeds = match number("LECTERN_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let all = number("LECTERN_SEEDS").unwrap_or(DEFAULT_SEEDS);
            0..(all * share).div_ceil(1_000)
        }
    };
    let count = seeds.end - seeds.start;
    let before = cpu_time();
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            say(&format!(
                "seed {seed} of {scenario} failed; replay it with: \
                 cargo xtask sim --scenario {scenario} --seed {seed}"
            ));
            std::panic::resume_unwind(panic);
        }
    }
    let spent = cpu_time().saturating_sub(before);
    let all_seeds = SEEDS_RUN.fetch_add(count, Ordering::Relaxed) + count;
    let nanos = spent.as_nanos() as u64;
    let all = Duration::from_nanos(CPU_NANOS.fetch_add(nanos, Ordering::Relaxed) + nanos);
    say(&format!(
        "scenario {scenario}: {count} seeds, {:.1} s of CPU; so far {all_seeds} seeds, {:.1} s",
        spent.as_secs_f64(),
        all.as_secs_f64()
    ));
}

/// Past the test harness's capture, which hides what is printed in tests that pass.
fn say(line: &str) {
    let mut errors = std::io::stderr().lock();
    writeln!(errors, "{line}").expect("stderr takes a line");
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {value:?}")))
}

/// CPU time of this thread; each scenario runs on one of its own.
fn cpu_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = statistics.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

#[test]
fn shares_make_a_whole() {
    assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), 1_000);
}
