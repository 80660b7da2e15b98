//! The room in the words of clients: for meetings of ours, how it receives people and whether it is
//! recorded stands in its metadata, in which integrators write what they like for rooms of theirs.

use super::adapter::Adapter;
use super::info;
use lectern_control::access::{Reception, Waiting};
use lectern_control::limits::{MAX_AUDIENCE, MAX_TRACKS_PER_PARTICIPANT};
use lectern_control::recording::{Recorded, TroubleKind};
use lectern_control::room::{Audience, Listener, Role};
use livekit_protocol as proto;
use proto::signal_response::Message;
use serde::Serialize;

/// What a client may know of how the room receives people.
#[derive(Serialize)]
struct Metadata<'a> {
    locked: bool,
    lobby: bool,
    pin: bool,
    /// Somebody is there who admits.
    host: bool,
    /// The first in the lobby; only for those who admit.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Vec<Guest<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_count: Option<u32>,
    /// It is recorded; everybody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<Recording<'a>>,
}

#[derive(Serialize)]
struct Recording<'a> {
    id: String,
    by: &'a str,
    /// Milliseconds since 1970.
    since: u64,
    /// It has stopped by itself, or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<TroubleKind>,
}

impl<'a> Recording<'a> {
    fn of(recorded: &'a Recorded) -> Recording<'a> {
        let Recorded { recording, by, since_unix_ms, trouble } = recorded;
        let trouble = trouble.as_ref().map(|trouble| trouble.kind);
        Recording { id: recording.to_string(), by, since: *since_unix_ms, trouble }
    }
}

#[derive(Serialize)]
struct Guest<'a> {
    identity: &'a str,
    name: &'a str,
    message: &'a str,
    /// Milliseconds since 1970.
    since: u64,
}

impl<'a> Guest<'a> {
    fn of(waiting: &'a Waiting) -> Guest<'a> {
        let Waiting { identity, name, message, since_unix_ms } = waiting;
        Guest { identity, name, message, since: *since_unix_ms }
    }
}

/// The room's metadata for somebody.
fn metadata(reception: &Reception, role: Role) -> String {
    let admits = role >= Role::Presenter;
    let metadata = Metadata {
        locked: reception.access.locked,
        lobby: reception.access.lobby,
        pin: reception.access.pin_set,
        host: reception.host,
        waiting: admits.then(|| reception.waiting.iter().map(Guest::of).collect()),
        waiting_count: admits.then_some(reception.waiting_count),
        recording: reception.recorded.as_ref().map(Recording::of),
    };
    // Plain fields always serialise.
    serde_json::to_string(&metadata).unwrap_or_default()
}

/// Whether what is said now is recorded, or will be as soon as the recorder is back.
fn is_recorded(reception: &Reception) -> bool {
    let trouble = |recorded: &Recorded| recorded.trouble.as_ref().map(|trouble| trouble.kind);
    let recorded = reception.recorded.as_ref().map(trouble);
    matches!(recorded, Some(None | Some(TroubleKind::RecorderLost)))
}

impl Adapter {
    /// The room as the client sees it.
    pub(super) fn room(&self) -> proto::Room {
        let session = &self.session;
        let room = session.placement().room;
        let publishers = session.others().filter(|other| !other.tracks.is_empty()).count();
        let milliseconds = i64::try_from(session.created_at_unix_ms()).unwrap_or(i64::MAX);
        let people = session.others().count() + 1;
        proto::Room {
            sid: room.to_string(),
            name: session.room_name().to_owned(),
            creation_time: milliseconds / 1_000,
            creation_time_ms: milliseconds,
            enabled_codecs: info::enabled_codecs(),
            num_participants: u32::try_from(people).unwrap_or(u32::MAX),
            num_publishers: u32::try_from(publishers).unwrap_or(u32::MAX),
            metadata: self.metadata(),
            active_recording: is_recorded(session.reception()),
            ..Default::default()
        }
    }

    fn metadata(&self) -> String {
        if self.session.placement().room.is_named() {
            return String::new();
        }
        metadata(self.session.reception(), self.session.me().role)
    }

    /// What is told of the room once it has changed.
    pub(super) fn room_now(&self) -> (String, bool) {
        (self.metadata(), is_recorded(self.session.reception()))
    }

    /// Tells how the room receives people and whether it is recorded, where the client knows something else.
    pub(super) fn room_changed(&mut self) {
        let now = self.room_now();
        if now != self.room_told {
            self.room_told = now;
            self.room_has_changed = true;
            self.tell_room();
        }
    }

    pub(super) fn tell_room(&mut self) {
        let room = Some(self.room());
        self.send(Message::RoomUpdate(proto::RoomUpdate { room }));
    }

    /// Who may receive the client's tracks, in its own words. What is too long is cut: fewer may then,
    /// and nobody more.
    pub(super) fn audience(&self, permission: &proto::SubscriptionPermission) -> Audience {
        if permission.all_participants {
            return Audience::Everybody;
        }
        let listeners = permission.track_permissions.iter().take(MAX_AUDIENCE);
        Audience::Only(listeners.filter_map(|one| self.listener(one)).collect())
    }

    fn listener(&self, one: &proto::TrackPermission) -> Option<Listener> {
        let identity = if one.participant_identity.is_empty() {
            let id = one.participant_sid.parse().ok()?;
            self.session.others().find(|other| other.id == id)?.identity.clone()
        } else {
            one.participant_identity.clone()
        };
        let named = one.track_sids.iter().take(MAX_TRACKS_PER_PARTICIPANT);
        let tracks = (!one.all_tracks).then(|| named.filter_map(|sid| sid.parse().ok()).collect());
        Some(Listener { identity, tracks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::access::Access;

    #[test]
    fn only_those_who_admit_know_who_waits() {
        let guest = Waiting {
            identity: "x".to_owned(),
            name: "\"<b>".to_owned(),
            message: String::new(),
            since_unix_ms: 5,
        };
        let access = Access { locked: false, lobby: true, pin_set: true };
        let reception = Reception {
            access,
            host: true,
            waiting: vec![guest],
            waiting_count: 1,
            recorded: None,
        };
        let shown = metadata(&reception, Role::Viewer);
        assert_eq!(shown, r#"{"locked":false,"lobby":true,"pin":true,"host":true}"#);
        let shown: serde_json::Value =
            serde_json::from_str(&metadata(&reception, Role::Presenter)).expect("JSON");
        assert_eq!(shown["waiting"][0]["name"], "\"<b>");
        assert_eq!(shown["waiting_count"], 1);
    }

    #[test]
    fn everybody_knows_that_it_is_recorded_and_by_whom() {
        let recorded = Recorded {
            recording: lectern_control::RecordingId(1),
            by: "\"Ada\"".to_owned(),
            since_unix_ms: 7,
            trouble: None,
        };
        let mut reception = Reception { recorded: Some(recorded), ..Reception::default() };
        let shown: serde_json::Value =
            serde_json::from_str(&metadata(&reception, Role::Viewer)).expect("JSON");
        let id = lectern_control::RecordingId(1).to_string();
        let wanted = serde_json::json!({ "id": id, "by": "\"Ada\"", "since": 7 });
        assert_eq!(shown["recording"], wanted);
        assert!(is_recorded(&reception));
        for (kind, word, active) in [
            (TroubleKind::DiskFull, "disk_full", false),
            (TroubleKind::RecorderLost, "recorder_lost", true),
        ] {
            if let Some(recorded) = &mut reception.recorded {
                let detail = "of no concern to clients".to_owned();
                recorded.trouble = Some(lectern_control::recording::Trouble { kind, detail });
            }
            let shown = metadata(&reception, Role::Viewer);
            assert!(shown.contains(&format!("\"trouble\":\"{word}\"")), "{shown}");
            assert_eq!(is_recorded(&reception), active);
        }
        reception.recorded = None;
        assert!(!is_recorded(&reception) && !metadata(&reception, Role::Viewer).contains("record"));
    }
}
