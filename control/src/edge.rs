//! Edge ↔ controller: requests up, responses and notices down.

pub use crate::meeting::{LinkInfo, Meeting};

use crate::delivery::Number;
use crate::node::{Command, CommandError, DisconnectReason, Quality, Security};
use crate::room::{LeaveReason, Participant, Placement, Role, Track};
use crate::transport::{PeerParameters, Permissions};
use crate::{EdgeId, LinkId, NodeId, ParticipantId, PeerId, RequestId, RoomId, TrackId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What an edge may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Makes a meeting; answered by [`Response::Meeting`].
    CreateMeeting {
        /// Its name, as people see it.
        name: String,
        /// When it and its links end, in milliseconds since 1970.
        expires_at_unix_ms: u64,
        /// SHA-256 of the secret by which its owner manages it.
        owner_key_hash: [u8; 32],
    },
    /// Looks a meeting up by its owner's secret; answered by [`Response::Meeting`].
    Meeting {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the owner's secret.
        owner_key_hash: [u8; 32],
    },
    /// Adds a link to a meeting; answered by [`Response::Link`].
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
    /// Ends a link for good; answered by [`Response::Done`].
    RevokeLink {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the owner's secret.
        owner_key_hash: [u8; 32],
        /// The link.
        link: LinkId,
    },
    /// What a link gives; answered by [`Response::Grant`].
    ResolveLink {
        /// SHA-256 of the link's secret.
        secret_hash: [u8; 32],
    },
    /// A participant comes in, or comes back; answered by [`Response::Joined`].
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
    },
    /// A participant leaves; answered by [`Response::Done`].
    Leave {
        /// The room.
        room: RoomId,
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// Changes what others see of a participant; answered by [`Response::Done`].
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
    /// A participant announces a track; others are told of it; answered by [`Response::Done`].
    AddTrack {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// The track; replaces one of the same id.
        track: Track,
    },
    /// A track ends; answered by [`Response::Done`].
    RemoveTrack {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A track is muted or not; answered by [`Response::Done`].
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
    /// Makes a transport on the room's node, and on its standby where `warm`; answered by
    /// [`Response::Done`].
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
    /// A command for the node that carries the room; answered by [`Response::Done`] when the node
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
    /// Moves a room to another node while it is live; answered by [`Response::Done`] when the move
    /// has begun. For operators.
    MoveRoom {
        /// The room.
        room: RoomId,
        /// Where to; `None` lets the placement choose.
        node: Option<NodeId>,
    },
    /// The nodes and their load; answered by [`Response::Nodes`]. For operators.
    Nodes,
    /// All rooms that are live; answered by [`Response::Rooms`]. For operators.
    Rooms,
}

/// What a controller answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// It is done.
    Done,
    /// A meeting.
    Meeting(Meeting),
    /// A link was made.
    Link(LinkInfo),
    /// What a link gives.
    Grant {
        /// The link.
        link: LinkInfo,
        /// The meeting.
        meeting: Meeting,
    },
    /// The participant is in.
    Joined(Box<Joined>),
    /// All nodes.
    Nodes(Vec<NodeInfo>),
    /// All rooms that are live, with their node and number of participants.
    Rooms(Vec<RoomInfo>),
}

/// A participant is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The participant itself.
    pub participant: Participant,
    /// The others.
    pub others: Vec<Participant>,
    /// The meeting's name.
    pub room_name: String,
    /// When the room began, in milliseconds since 1970.
    pub created_at_unix_ms: u64,
    /// Where its transports go.
    pub placement: Placement,
}

/// A node as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its name.
    pub node: NodeId,
    /// Its region.
    pub region: String,
    /// Its load.
    pub load: crate::node::Load,
    /// Heard of lately.
    pub alive: bool,
    /// Takes no new rooms.
    pub draining: bool,
}

/// A live room as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room: RoomId,
    /// Its node.
    pub node: NodeId,
    /// Its standby.
    pub standby: Option<NodeId>,
    /// People in it.
    pub participants: u32,
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
    /// A track's first packet has come.
    TrackStarted {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// Somebody subscribes to this participant's track for the first time.
    TrackSubscribed(ParticipantId, TrackId),
    /// Who speaks now, loudest first.
    Speakers {
        /// Participant and level, 0 (silence) to 1.
        speakers: Vec<(ParticipantId, f32)>,
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

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RequestError {
    /// No such meeting, link, room, participant or track; or it has expired or was revoked.
    #[error("not found, expired or revoked")]
    NotFound,
    /// The asker may not do this.
    #[error("not permitted")]
    NotPermitted,
    /// A named limit is reached.
    #[error("the limit on {0} is reached")]
    Limit(String),
    /// Something in the request cannot be used.
    #[error("the request cannot be used: {0}")]
    Invalid(String),
    /// No node can take it.
    #[error("no media node is available")]
    NoNode,
    /// The controller cannot answer now: its store or its lease is gone. Try again.
    #[error("the controller cannot answer now: {0}")]
    Unavailable(String),
}
