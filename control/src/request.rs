//! What an edge asks of a controller.

use crate::access::{EntryKey, Knock, Moderation, Moderator, PinChange};
use crate::node::Command;
use crate::recording::Change;
use crate::room::{Audience, LeaveReason, Role, Track};
use crate::transport::{PeerParameters, Permissions};
use crate::{
    EntryId, LinkId, NodeId, ParticipantId, PeerId, RecordingId, RoomId, Secret, ShareId, TrackId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an edge may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Makes a meeting; answered by [`Response::Meeting`](crate::edge::Response::Meeting).
    CreateMeeting {
        /// Its name, as people see it.
        name: String,
        /// When it and its links end, in milliseconds since 1970.
        expires_at_unix_ms: u64,
        /// SHA-256 of the secret by which its owner manages it.
        owner_key_hash: [u8; 32],
        /// With a lobby.
        #[serde(default)]
        lobby: bool,
        /// With a PIN.
        #[serde(default)]
        pin: PinChange,
        /// How long its recordings are kept, in days; `None` for as long as the operator says.
        #[serde(default)]
        keep_recordings_days: Option<u32>,
    },
    /// Looks a meeting up by its owner's secret; answered by [`Response::Meeting`](crate::edge::Response::Meeting).
    Meeting {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the owner's secret.
        owner_key_hash: [u8; 32],
    },
    /// Adds a link to a meeting; answered by [`Response::Link`](crate::edge::Response::Link).
    CreateLink {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the owner's secret.
        owner_key_hash: [u8; 32],
        /// What the link lets its holder be.
        role: Role,
        /// When it ends, in milliseconds since 1970; no later than the meeting.
        expires_at_unix_ms: u64,
        /// SHA-256 of the link's secret: the store cannot give links away.
        secret_hash: [u8; 32],
    },
    /// Ends a link for good; answered by [`Response::Done`](crate::edge::Response::Done).
    RevokeLink {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the owner's secret.
        owner_key_hash: [u8; 32],
        /// The link.
        link: LinkId,
    },
    /// The first step into a meeting; answered by [`Response::Entry`](crate::edge::Response::Entry).
    OpenEntry {
        /// What is shown.
        key: EntryKey,
    },
    /// The second step, once for each entry; answered by [`Response::Opened`](crate::edge::Response::Opened).
    OpenSession {
        /// The entry; it stays good where the PIN is wrong.
        entry: EntryId,
        /// The PIN, where one was typed.
        pin: Option<Secret<String>>,
    },
    /// Whether somebody with a session may come in; in a room with a lobby it then waits there, and
    /// asks again at least every [`crate::room::KNOCK_EVERY`]. Answered by [`Response::Admission`](crate::edge::Response::Admission).
    Knock {
        /// The room.
        room: RoomId,
        /// Who knocks.
        knock: Knock,
    },
    /// A session is over for good, by its holder's wish; answered by [`Response::Done`](crate::edge::Response::Done).
    EndSession {
        /// The room.
        room: RoomId,
        /// Whose.
        identity: String,
    },
    /// Acts on others; answered by [`Response::Done`](crate::edge::Response::Done) unless the action says otherwise.
    Moderate {
        /// The room.
        room: RoomId,
        /// Who acts.
        by: Moderator,
        /// What it does.
        action: Moderation,
    },
    /// The audit log of a room, latest first; answered by [`Response::Audit`](crate::edge::Response::Audit).
    Audit {
        /// The room.
        room: RoomId,
        /// Who asks: owners only.
        by: Moderator,
        /// Only what came before this line.
        before: Option<u64>,
        /// At most so many lines.
        limit: u32,
    },
    /// A participant comes in, or comes back; answered by [`Response::Joined`](crate::edge::Response::Joined).
    Join {
        /// The room.
        room: RoomId,
        /// The link it came by; a revoked one is refused. `None` for tokens of integrators.
        link: Option<LinkId>,
        /// Who it is.
        identity: String,
        /// The name shown.
        name: String,
        /// The role.
        role: Role,
        /// What it may do; no more than the role where it came by a link.
        permissions: Permissions,
        /// Free text.
        metadata: String,
        /// Free keys and values.
        attributes: BTreeMap<String, String>,
        /// Its session says that it was admitted before.
        #[serde(default)]
        admitted: bool,
        /// When its token was signed, in milliseconds since 1970: an integrator may let somebody in
        /// again who was removed before.
        #[serde(default)]
        issued_at_unix_ms: u64,
    },
    /// A participant leaves; answered by [`Response::Done`](crate::edge::Response::Done).
    Leave {
        /// The room.
        room: RoomId,
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// Changes what others see of a participant; answered by [`Response::Done`](crate::edge::Response::Done).
    UpdateParticipant {
        /// The room.
        room: RoomId,
        /// Who.
        participant: ParticipantId,
        /// The new name.
        name: Option<String>,
        /// The new metadata.
        metadata: Option<String>,
        /// Keys to set; an empty value removes the key.
        attributes: BTreeMap<String, String>,
    },
    /// A participant announces a track; others are told of it; answered by [`Response::Done`](crate::edge::Response::Done).
    AddTrack {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// The track; replaces one of the same id.
        track: Track,
    },
    /// A track ends; answered by [`Response::Done`](crate::edge::Response::Done).
    RemoveTrack {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A track is muted or not; answered by [`Response::Done`](crate::edge::Response::Done).
    MuteTrack {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
        /// Muted.
        muted: bool,
    },
    /// A participant cannot decode a track: its publisher is to send the backup; answered by
    /// [`Response::Done`](crate::edge::Response::Done).
    AskBackup {
        /// The room.
        room: RoomId,
        /// Who asks.
        participant: ParticipantId,
        /// Somebody else's.
        track: TrackId,
    },
    /// A participant says who may receive its tracks; answered by [`Response::Done`](crate::edge::Response::Done).
    SetAudience {
        /// The room.
        room: RoomId,
        /// Whose tracks.
        participant: ParticipantId,
        /// Who may.
        audience: Audience,
    },
    /// Makes a transport on the room's node, and on its standby where `warm`; answered by
    /// [`Response::Done`](crate::edge::Response::Done).
    OpenPeer {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// The peer.
        peer: PeerId,
        /// How. The controller sets duty and permissions. The generation is that of the placement
        /// the edge knows: a description of a place that the room has left is refused as
        /// [`RequestError::Unavailable`], and the client comes again.
        parameters: Box<PeerParameters>,
        /// Hold a second node warm: only where the server offers.
        warm: bool,
    },
    /// A command for the node that carries the room; answered by [`Response::Done`](crate::edge::Response::Done) when the node
    /// has been told. The controller refuses peers and tracks of other edges' participants and
    /// whatever the participant may not do; only peer, track and data commands pass.
    Node {
        /// The room.
        room: RoomId,
        /// For whom.
        participant: ParticipantId,
        /// The command.
        command: Command,
    },
    /// Turns recording on or off; answered by [`Response::Recorded`](crate::edge::Response::Recorded).
    Record {
        /// The room.
        room: RoomId,
        /// Who asks: presenters, owners, integrators.
        by: Moderator,
        /// On or off.
        on: bool,
    },
    /// The recordings of a room, latest first; answered by
    /// [`Response::Recordings`](crate::edge::Response::Recordings).
    Recordings {
        /// The room.
        room: RoomId,
        /// Who asks: owners and integrators.
        by: Moderator,
        /// Only what began before, in milliseconds since 1970.
        before_unix_ms: Option<u64>,
    },
    /// One recording; answered by [`Response::Recording`](crate::edge::Response::Recording).
    Recording {
        /// The room.
        room: RoomId,
        /// Who asks: owners and integrators.
        by: Moderator,
        /// Which.
        recording: RecordingId,
    },
    /// Does something with a recording; answered by
    /// [`Response::Recording`](crate::edge::Response::Recording), by
    /// [`Response::Shared`](crate::edge::Response::Shared) where it is to be shared, and by
    /// [`Response::Done`](crate::edge::Response::Done) where it is to be destroyed.
    ChangeRecording {
        /// The room.
        room: RoomId,
        /// Who asks: owners and integrators.
        by: Moderator,
        /// Which.
        recording: RecordingId,
        /// What.
        change: Change,
    },
    /// What a link to a recording shows; answered by
    /// [`Response::Recording`](crate::edge::Response::Recording), without what only owners see.
    SharedRecording {
        /// SHA-256 of the link's secret.
        secret_hash: [u8; 32],
    },
    /// Wants to read a file; answered by [`Response::Readable`](crate::edge::Response::Readable).
    ReadRecording {
        /// Who asks.
        by: Reader,
        /// Which recording.
        recording: RecordingId,
        /// Which of its files.
        file: String,
        /// To keep it, not only to play it.
        download: bool,
    },
    /// Moves a room to another node while it is live; answered by [`Response::Done`](crate::edge::Response::Done) when the move
    /// has begun. For operators.
    MoveRoom {
        /// The room.
        room: RoomId,
        /// Where to; `None` lets the placement choose.
        node: Option<NodeId>,
    },
    /// The nodes and their load; answered by [`Response::Nodes`](crate::edge::Response::Nodes). For operators.
    Nodes,
    /// All rooms that are live; answered by [`Response::Rooms`](crate::edge::Response::Rooms). For operators.
    Rooms,
}

/// Who wants to read a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reader {
    /// Somebody who manages the room's recordings.
    Moderator {
        /// The room.
        room: RoomId,
        /// Who.
        by: Moderator,
    },
    /// Whoever has a link.
    Share {
        /// SHA-256 of its secret.
        secret_hash: [u8; 32],
    },
    /// Whoever an edge has granted it to a little while ago, as one of the others.
    Granted {
        /// By which link; it may have ended since.
        share: Option<ShareId>,
    },
}
