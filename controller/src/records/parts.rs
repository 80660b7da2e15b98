//! One recording as several recorders have it: what each said last, seen as a whole. Pure.

use lectern_control::RecorderId;
use lectern_control::recording::{File, FileKind, State, Status};
use std::collections::BTreeSet;

/// What one recorder has of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The recorder.
    pub recorder: RecorderId,
    /// As it said last; `None` before it has said anything.
    pub status: Option<Status>,
}

/// Whether a recording goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It goes on.
    Live,
    /// It has ended.
    Ended,
}

/// All parts as one. `nothing` is what is known where no recorder has said anything yet.
pub fn whole(nothing: Status, parts: &[Part], liveness: Liveness) -> Status {
    let said: Vec<&Status> = parts.iter().filter_map(|part| part.status.as_ref()).collect();
    let mut whole = nothing;
    whole.state = state(&said, liveness);
    let mut names = BTreeSet::new();
    for status in said {
        whole.version = whole.version.max(status.version);
        // The session clock is the same everywhere.
        whole.duration_ms = whole.duration_ms.max(status.duration_ms);
        whole.trouble = whole.trouble.or_else(|| status.trouble.clone());
        whole.jobs.extend(status.jobs.iter().cloned());
        let files = status.files.iter().filter(|file| names.insert(file.name.clone()));
        whole.files.extend(files.cloned());
        for person in &status.people {
            if !whole.people.iter().any(|known| known.participant == person.participant) {
                whole.people.push(person.clone());
            }
        }
    }
    whole
}

/// The recorder that has a file, and the file: the first of that name, as [`whole`] shows it.
pub fn find<'a>(parts: &'a [Part], name: &str) -> Option<(&'a RecorderId, &'a File)> {
    parts.iter().find_map(|part| {
        let files = &part.status.as_ref()?.files;
        let file = files.iter().find(|file| file.name == name)?;
        Some((&part.recorder, file))
    })
}

/// Whether a file is for those who have a link: films and pictures of them, no single tracks.
pub fn is_shared(file: &File) -> bool {
    matches!(file.kind, FileKind::Composed { .. } | FileKind::Thumbnail { .. })
}

/// The least finished of all parts, and what can be made of any.
fn state(said: &[&Status], liveness: Liveness) -> State {
    if liveness == Liveness::Live {
        return State::Recording;
    }
    let has = |state| said.iter().any(|status| status.state == state);
    // One that still says that it records has not heard of the end yet.
    if said.is_empty() || has(State::Processing) || has(State::Recording) {
        State::Processing
    } else if has(State::Ready) {
        State::Ready
    } else {
        State::Failed
    }
}
