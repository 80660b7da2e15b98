//! One core, and the time that was spent on it.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Keeps this thread, and all that it starts from now on, on one core: the last, as others are pinned
/// to the first ones.
pub fn keep_to_one_core() -> Result<()> {
    let cores = core_affinity::get_core_ids().context("the system does not name its cores")?;
    let last = cores.into_iter().max_by_key(|core| core.id).context("there is no core")?;
    anyhow::ensure!(core_affinity::set_for_current(last), "this process cannot be kept on a core");
    Ok(())
}

/// Keeps this thread, and all that it starts from now on, off the last core. Gives what was allowed before.
pub fn keep_off_last_core() -> Result<CpuSet> {
    let before = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rfind(|core| before.is_set(*core));
    let mut rest = before;
    rest.unset(last.context("there is no core")?);
    anyhow::ensure!(rest.count() > 0, "this takes two cores");
    sched_setaffinity(None, &rest)?;
    Ok(before)
}

/// This thread may use these cores again.
pub fn keep_to(cores: &CpuSet) -> Result<()> {
    Ok(sched_setaffinity(None, cores)?)
}

/// A moment, on the wall and in time of the processor.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    wall: Instant,
    cpu: Duration,
}

/// What passed between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// On the wall.
    pub wall: Duration,
    /// Of the processor: this process and those it has waited for.
    pub cpu: Duration,
}

impl Moment {
    /// Now.
    pub fn now() -> Result<Moment> {
        Ok(Moment { wall: Instant::now(), cpu: used()? })
    }

    /// Since then.
    pub fn elapsed(&self) -> Result<Passed> {
        Ok(Passed { wall: self.wall.elapsed(), cpu: used()?.saturating_sub(self.cpu) })
    }
}

/// Time of the processor so far: this process's, and that of those it has waited for (proc(5), fields 16
/// and 17 of `stat`).
fn used() -> Result<Duration> {
    let own = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))?;
    let stat = std::fs::read_to_string("/proc/self/stat").context("/proc is not there")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat makes no sense")?;
    let ticks: i64 = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|field| field.parse::<i64>().context("/proc/self/stat makes no sense"))
        .sum::<Result<i64>>()?;
    let in_a_second = rustix::param::clock_ticks_per_second();
    Ok(own + Duration::from_secs_f64(ticks.max(0) as f64 / in_a_second as f64))
}
