//! What could not be decoded: a stranger's broken track must not cost all others their film.

use crate::decode::feed::Ended;
use crate::error::Error;
use crate::ffmpeg::Role;
use crate::film::Note;
use lectern_control::TrackId;
use std::collections::BTreeMap;

/// Stretches of one track that are tried after one that could not be decoded. Each may cost as much
/// as a process has patience.
const MAX_TRIES: u32 = 3;

/// What could not be decoded so far.
#[derive(Debug, Default)]
pub struct Faults {
    tracks: BTreeMap<TrackId, (u32, String)>,
}

impl Faults {
    /// Takes a process's fault; whether to try further on. All other errors end the film.
    pub fn note(&mut self, track: TrackId, error: Error) -> Result<bool, Error> {
        let Error::Ffmpeg { role, reason } = error else { return Err(error) };
        let (tries, first) = self.tracks.entry(track).or_default();
        if *tries == 0 {
            *first = format!("{role}: {reason}");
        }
        *tries = tries.saturating_add(1);
        Ok(*tries <= MAX_TRIES)
    }

    /// A decoder has ended, by a fault or not; whether to try further on.
    pub fn after(
        &mut self,
        track: TrackId,
        role: Role,
        ended: &Ended,
        failed: Option<Error>,
    ) -> Result<bool, Error> {
        match failed.or_else(|| ended.too_early(role)) {
            Some(error) => self.note(track, error),
            None => Ok(true),
        }
    }

    /// Whether a track is not worth opening again.
    pub fn given_up(&self, track: TrackId) -> bool {
        self.tracks.get(&track).is_some_and(|(tries, _)| *tries > MAX_TRIES)
    }

    /// One note of each track, with its first reason.
    pub fn notes(&self) -> Vec<Note> {
        let note = |(track, (_, reason)): (&TrackId, &(u32, String))| Note::Undecoded {
            track: *track,
            reason: reason.clone(),
        };
        self.tracks.iter().map(note).collect()
    }
}
