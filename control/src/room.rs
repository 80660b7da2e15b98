//! The roster: who is in a room and what is published, as the controller owns it.

use crate::media::{Codec, CodecName, EncodingParameters, MediaKind, Source};
use crate::transport::{Candidate, Permissions};
use crate::{EdgeId, NodeId, ParticipantId, RoomId, TrackId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who waits in a lobby asks again at least this often; who is silent for four times as long has gone.
pub const KNOCK_EVERY: Duration = Duration::from_secs(10);

/// What a link or a token lets its holder be in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees and hears; chats. Publishes no media.
    Viewer,
    /// Shares, speaks, chats.
    Presenter,
    /// A presenter who owns the meeting.
    Owner,
}

impl Role {
    /// What the role may do with media and data.
    pub fn permissions(self) -> Permissions {
        match self {
            Role::Viewer => Permissions { publish: false, subscribe: true, publish_data: true },
            Role::Presenter | Role::Owner => Permissions::ALL,
        }
    }
}

/// A participant as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The id of this stay in the room.
    pub id: ParticipantId,
    /// Who it is: the same after a re-join; a second one with the same identity replaces the first.
    pub identity: String,
    /// The name shown.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What it may do.
    pub permissions: Permissions,
    /// Free text of the application.
    pub metadata: String,
    /// Free keys and values of the application, such as a raised hand.
    pub attributes: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub joined_at_unix_ms: u64,
    /// Grows with each change, so that late news can be told from old.
    pub version: u32,
    /// Published tracks.
    pub tracks: Vec<Track>,
    /// The edge that holds its socket.
    pub edge: EdgeId,
    /// Who may receive its tracks.
    #[serde(default)]
    pub audience: Audience,
}

/// Who may receive a participant's tracks, as it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody who may receive at all.
    #[default]
    Everybody,
    /// Only those named.
    Only(Vec<Listener>),
}

/// One of an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Who, by identity.
    pub identity: String,
    /// Which tracks; `None` for all of them.
    pub tracks: Option<Vec<TrackId>>,
}

impl Audience {
    /// Whether somebody may receive a track.
    pub fn admits(&self, identity: &str, track: TrackId) -> bool {
        match self {
            Audience::Everybody => true,
            Audience::Only(listeners) => listeners.iter().any(|listener| {
                listener.identity == identity
                    && listener.tracks.as_ref().is_none_or(|tracks| tracks.contains(&track))
            }),
        }
    }
}

/// A published track as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Its id.
    pub id: TrackId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// The publisher's name for it.
    pub name: String,
    /// The media stream it belongs to: tracks of one stream are played in step.
    pub stream: String,
    /// Muted by its publisher.
    pub muted: bool,
    /// Full width in pixels, 0 for sound.
    pub width: u32,
    /// Full height in pixels, 0 for sound.
    pub height: u32,
    /// Codecs the publisher may send; empty until its description has come.
    pub codecs: Vec<Codec>,
    /// Encodings, lowest quality first.
    pub encodings: Vec<EncodingParameters>,
    /// Opus: two channels.
    pub stereo: bool,
    /// Opus: silence is sent, not suppressed.
    pub disable_dtx: bool,
    /// Opus: redundancy (RFC 2198) is off.
    pub disable_red: bool,
    /// The same picture in another codec, where its publisher can send that as well.
    #[serde(default)]
    pub backup: Option<Backup>,
}

/// A picture in another codec, for those who do not know the first. It is published when somebody
/// asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Which codec.
    pub codec: CodecName,
    /// As a node has it; `None` while it is not published.
    pub published: Option<BackupTrack>,
}

/// A published backup. Others know it under the id of the track that it stands in for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTrack {
    /// The id that nodes know.
    pub id: TrackId,
    /// Codecs the publisher may send.
    pub codecs: Vec<Codec>,
    /// Encodings, lowest quality first.
    pub encodings: Vec<EncodingParameters>,
}

impl Track {
    /// An unnamed track with nothing negotiated yet.
    pub fn new(id: TrackId, kind: MediaKind, source: Source) -> Track {
        Track {
            id,
            kind,
            source,
            name: String::new(),
            stream: String::new(),
            muted: false,
            width: 0,
            height: 0,
            codecs: Vec::new(),
            encodings: Vec::new(),
            stereo: false,
            disable_dtx: false,
            disable_red: false,
            backup: None,
        }
    }

    /// The backup, where it is published.
    pub fn backup_track(&self) -> Option<&BackupTrack> {
        self.backup.as_ref()?.published.as_ref()
    }

    /// The ids under which nodes have the track: its own, and that of its backup.
    pub fn ids(&self) -> impl Iterator<Item = TrackId> {
        std::iter::once(self.id).chain(self.backup_track().map(|backup| backup.id))
    }
}

/// Where a participant's transports live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The room.
    pub room: RoomId,
    /// The node that is active.
    pub node: NodeId,
    /// The node that is held warm.
    pub standby: Option<NodeId>,
    /// Takeovers so far; see [`crate::transport::candidate_priority`].
    pub generation: u16,
    /// Candidates of the active node.
    pub candidates: Vec<Candidate>,
    /// Candidates of the standby, at higher priority; for the first description of a transport that
    /// the server offers, and for no other.
    pub standby_candidates: Vec<Candidate>,
}

/// Why a participant is no longer in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LeaveReason {
    /// It said so.
    ClientLeft,
    /// Its socket was gone for longer than a resume may take.
    ConnectionLost,
    /// Another connection with the same identity came.
    DuplicateIdentity,
    /// Somebody removed it.
    Removed,
    /// The meeting ended.
    RoomClosed,
    /// Its media failed for good.
    MediaFailed,
    /// Its edge shuts down.
    ServerShutdown,
    /// It was not let in.
    NotAdmitted,
}
