//! Recordings that go on: where each of them goes, and for whom it waits. Pure.

use crate::clock::Now;
use crate::records::LiveRecording;
use crate::room::Ticket;
use lectern_control::recording::{State, Status, TroubleKind};
use lectern_control::{RecorderId, RecordingId, RoomId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long one recording is; then another begins without a gap that anybody notices. A film of it fits
/// a disk and a download, and what a meeting that nobody ends fills can be destroyed piece by piece.
pub const MAX_LENGTH: Duration = Duration::from_secs(12 * 3_600);
/// How long a recording waits for its room, where this process is new or has lost the room and nothing
/// else is configured: people come back within seconds, when their edge has found us.
pub const ROOM_AWAITED: Duration = Duration::from_secs(30);
/// Who waits for one recording to begin; more are told to ask again.
pub const MAX_ASKED: usize = 64;

/// A recording that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The room.
    pub room: RoomId,
    /// Who turned it on, by the name shown.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Where it goes.
    pub recorder: RecorderId,
    /// That one is silent, and there is no other.
    pub lost: bool,
    /// The recorder has said that it records: what it says of an end is no news from before.
    confirmed: bool,
    /// Until when it waits for its room.
    awaits_room: Option<Instant>,
}

/// A recording that the records are just making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starting {
    /// Its id.
    pub id: RecordingId,
    /// Who turned it on, as the audit log names it.
    pub actor: String,
    /// Who waits for it.
    pub asked: Vec<Ticket>,
    /// The one it follows on, which is over its length.
    pub after: Option<RecordingId>,
    /// Somebody has turned it off again.
    pub cancelled: bool,
}

/// All of them.
#[derive(Debug)]
pub struct Recordings {
    live: BTreeMap<RecordingId, Live>,
    starting: BTreeMap<RoomId, Starting>,
    room_awaited: Duration,
}

impl Default for Recordings {
    fn default() -> Recordings {
        Recordings::new(ROOM_AWAITED)
    }
}

impl Recordings {
    /// None yet; they wait so long for rooms that are not there.
    pub fn new(room_awaited: Duration) -> Recordings {
        Recordings { live: BTreeMap::new(), starting: BTreeMap::new(), room_awaited }
    }

    /// A recording that a former process began.
    pub fn restore(&mut self, now: Now, known: LiveRecording) {
        let LiveRecording { id, room, started_by, started_unix_ms, recorder } = known;
        self.begin(id, Live::new(room, started_by, started_unix_ms, recorder));
        self.await_room(now, id);
    }

    /// A recording begins.
    pub fn begin(&mut self, id: RecordingId, live: Live) {
        self.live.insert(id, live);
    }

    /// A recording has ended.
    pub fn end(&mut self, id: RecordingId) -> Option<Live> {
        self.live.remove(&id)
    }

    /// A recording that goes on.
    pub fn get(&self, id: RecordingId) -> Option<&Live> {
        self.live.get(&id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: RecordingId) -> Option<&mut Live> {
        self.live.get_mut(&id)
    }

    /// The recording of a room.
    pub fn of_room(&self, room: RoomId) -> Option<(RecordingId, &Live)> {
        let mut live = self.live.iter();
        live.find(|(_, live)| live.room == room).map(|(id, live)| (*id, live))
    }

    /// All that go on.
    pub fn ids(&self) -> Vec<RecordingId> {
        self.live.keys().copied().collect()
    }

    /// What a recorder has been given.
    pub fn at(&self, recorder: &RecorderId) -> Vec<RecordingId> {
        let here = self.live.iter().filter(|(_, live)| live.recorder == *recorder);
        here.map(|(id, _)| *id).collect()
    }

    /// How many a recorder has been given.
    pub fn count_at(&self, recorder: &RecorderId) -> u32 {
        u32::try_from(self.at(recorder).len()).unwrap_or(u32::MAX)
    }

    /// How many go on.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none goes on.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Its room is not live: whether it has waited for long enough.
    pub fn await_room(&mut self, now: Now, id: RecordingId) -> bool {
        let Some(live) = self.live.get_mut(&id) else { return false };
        now.at >= *live.awaits_room.get_or_insert(now.at + self.room_awaited)
    }

    /// Its room is live.
    pub fn room_found(&mut self, id: RecordingId) {
        if let Some(live) = self.live.get_mut(&id) {
            live.awaits_room = None;
        }
    }

    /// What is being made for a room.
    pub fn starting(&mut self, room: RoomId) -> Option<&mut Starting> {
        self.starting.get_mut(&room)
    }

    /// One is being made for a room.
    pub fn start(&mut self, room: RoomId, starting: Starting) {
        self.starting.insert(room, starting);
    }

    /// It is made, or will not be.
    pub fn started(&mut self, room: RoomId, id: RecordingId) -> Option<Starting> {
        self.starting.get(&room).filter(|starting| starting.id == id)?;
        self.starting.remove(&room)
    }
}

impl Live {
    /// A recording at a recorder.
    pub fn new(room: RoomId, by: String, started_unix_ms: u64, recorder: RecorderId) -> Live {
        let (lost, confirmed, awaits_room) = (false, false, None);
        Live { room, by, started_unix_ms, recorder, lost, confirmed, awaits_room }
    }

    /// It goes on at another recorder, or at one that has had it before.
    pub fn take_over(&mut self, recorder: RecorderId) {
        (self.recorder, self.lost, self.confirmed) = (recorder, false, false);
    }

    /// Whether it is over its length.
    pub fn is_long(&self, now: Now) -> bool {
        let length = now.unix_ms.saturating_sub(self.started_unix_ms);
        Duration::from_millis(length) >= MAX_LENGTH
    }

    /// Its recorder says how it is: whether it has ended there by itself.
    pub fn has_ended(&mut self, status: &Status) -> bool {
        let stopped = |kind| matches!(kind, TroubleKind::DiskFull | TroubleKind::WriteFailed);
        let full = status.trouble.as_ref().is_some_and(|trouble| stopped(trouble.kind));
        if status.state == State::Recording && !full {
            self.confirmed = true;
        }
        full || (self.confirmed && status.state != State::Recording)
    }
}
