//! One film of a recording, sealed on its way into the store.

use super::parts::SealedParts;
use super::retry::Failure;
use crate::media::Recorded;
use lectern_compose::{self as compose, Film, Plan, Tools};
use lectern_control::ParticipantId;
use lectern_control::recording::Layout;
use std::io::Write;
use std::sync::atomic::AtomicBool;

/// What film is wanted, and with what it is made.
pub(crate) struct Wanted {
    /// How it looks.
    pub(crate) layout: Layout,
    /// Who is left out.
    pub(crate) without: Vec<ParticipantId>,
    /// How long the recording is, in microseconds.
    pub(crate) duration_us: i64,
    /// What decodes and encodes.
    pub(crate) tools: Tools,
    /// Processor cores it may use.
    pub(crate) cores: usize,
}

/// Makes a film.
pub(crate) fn make(
    media: &Recorded,
    wanted: Wanted,
    parts: &SealedParts,
    out: &mut dyn Write,
    progress: &dyn Fn(u16),
    stop: &AtomicBool,
) -> Result<Film, Failure> {
    let Wanted { layout, without, duration_us, tools, cores } = wanted;
    let events = media.events().to_vec();
    let duration_us = duration_us.max(media.until_us());
    let plan = Plan { layout, without, duration_us, events, tools, cores };
    Ok(compose::compose(media, &plan, parts, out, progress, stop)?)
}
