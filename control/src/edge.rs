//! Edge ↔ controller: requests up, responses and notices down.

pub use crate::access::{Admission, Entry, Opened, People, Reception};
pub use crate::meeting::{LinkInfo, Meeting};
pub use crate::request::{Reader, Request};
pub use crate::response::{Joined, NodeInfo, RequestError, Response, RoomInfo};

use crate::delivery::Number;
use crate::node::{
    CommandError, DisconnectReason, LayerWanted, Quality, Security, SoundSeat, StreamState,
};
use crate::room::{LeaveReason, Participant, Placement};
use crate::{EdgeId, ParticipantId, PeerId, RequestId, RoomId, TrackId, Version};
use serde::{Deserialize, Serialize};

/// What an edge sends to a controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromEdge {
    /// The first message.
    Hello {
        /// The edge's version.
        version: Version,
        /// Its name.
        edge: EdgeId,
        /// Its region; rooms are placed near the edge that first asks for them.
        region: String,
        /// The last notice it has heard, over all links; `None` for a process that has heard none.
        #[serde(default)]
        heard: Option<Number>,
    },
    /// Notices up to this one have been heard, and need not be kept any longer.
    Heard {
        /// Its number.
        notice: Number,
    },
    /// Asks for something; answered by exactly one [`ToEdge::Response`].
    Request {
        /// Pairs the response.
        request: RequestId,
        /// What.
        body: Request,
    },
}

/// What a controller sends to an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToEdge {
    /// The answer to [`FromEdge::Hello`].
    Welcome {
        /// The controller's version.
        version: Version,
        /// Notices on this link follow on this one. Where it is not the one that the edge has heard
        /// last, the controller knows nothing of the edge's participants any more: they come again.
        #[serde(default)]
        said: Number,
    },
    /// The answer to a request.
    Response {
        /// Which.
        request: RequestId,
        /// The result.
        result: Result<Response, RequestError>,
    },
    /// News of a room in which the edge has participants. In order for each room.
    Notice {
        /// The room.
        room: RoomId,
        /// What happened.
        notice: Notice,
        /// Counts the notices to this edge.
        #[serde(default)]
        number: Number,
    },
}

/// News of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// Somebody came in, or something others see of them changed.
    Participant(Participant),
    /// Somebody left.
    ParticipantLeft {
        /// Who.
        participant: ParticipantId,
        /// Its identity.
        identity: String,
        /// Why.
        reason: LeaveReason,
    },
    /// ICE and DTLS of a peer are done.
    PeerConnected {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        peer: PeerId,
        /// What was negotiated.
        security: Security,
    },
    /// A peer's transport is gone.
    PeerDisconnected {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A node could not carry out a command.
    CommandFailed {
        /// For whom.
        participant: ParticipantId,
        /// Why.
        error: CommandError,
    },
    /// A node does not take a track that was published: nobody will see it.
    TrackRefused {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
        /// Why.
        error: CommandError,
    },
    /// A moderator muted a participant's track.
    Muted {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A moderator ended a participant's track.
    Unpublished {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// How the room receives people has changed.
    Reception(Reception),
    /// It was decided about somebody in the lobby.
    Decided {
        /// Who.
        identity: String,
        /// How.
        admission: Admission,
    },
    /// A track's first packet has come.
    TrackStarted {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// Somebody cannot decode this participant's track, and needs its backup.
    BackupWanted {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// Somebody subscribes to this participant's track for the first time.
    TrackSubscribed(ParticipantId, TrackId),
    /// A participant is sent less of others, or more again, for want of bandwidth. Until something
    /// is said of a track it is sent.
    StreamStates {
        /// Whom it is sent to.
        participant: ParticipantId,
        /// Track and state, where it has changed.
        states: Vec<(TrackId, StreamState)>,
    },
    /// Which encodings of a participant's track anybody watches has changed. Until something is said
    /// of a track all of them are wanted.
    LayersWanted {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
        /// All of its encodings.
        layers: Vec<LayerWanted>,
    },
    /// Who speaks now, loudest first.
    Speakers {
        /// Participant and level, 0 (silence) to 1.
        speakers: Vec<(ParticipantId, f32)>,
    },
    /// Who sits in the seats that sound slots carry; see [`crate::node::Event::SoundSeats`]. Since 1.5.
    SoundSeats {
        /// All seats, one more than there are slots.
        seats: Vec<Option<SoundSeat>>,
    },
    /// How well a participant's transports do.
    Quality {
        /// Whose.
        participant: ParticipantId,
        /// The figures.
        quality: Quality,
    },
    /// The room's transports have moved to another node. Where the server offered, nothing is left
    /// to do; where the browser offered, its ICE must be restarted with the new candidates.
    Moved {
        /// Where everything is now.
        placement: Placement,
    },
    /// The room is closed.
    RoomClosed,
}
