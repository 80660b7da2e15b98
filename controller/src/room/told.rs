//! What the recorder of a room was told: who is there, and what they publish.

use lectern_control::media::{MediaKind, Source};
use lectern_control::{NodeId, ParticipantId, TrackId};
use std::collections::BTreeMap;

/// What a recorder was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) node: Option<NodeId>,
    pub(super) people: BTreeMap<ParticipantId, Person>,
    pub(super) tracks: BTreeMap<TrackId, Shown>,
}

/// Somebody, as recordings show it.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) identity: String,
    pub(super) name: String,
}

/// A track, as recordings show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) participant: ParticipantId,
    pub(super) kind: MediaKind,
    pub(super) source: Source,
    pub(super) muted: bool,
}
