//! Controller ↔ node: commands down, events up. A node never sees SDP, a name or a token.

pub use crate::outcome::{
    CommandError, DisconnectReason, LayerWanted, Quality, Security, SoundSeat, StreamState,
};
pub use crate::standing::{Capacity, Heartbeat, Hello, Load};

use crate::delivery::Number;
use crate::media::{PublicationParameters, SoundSlot, SubscriptionParameters, Wish};
use crate::transport::{
    Candidate, DataParameters, IceCredentials, PeerParameters, Permissions, RemoteParameters,
};
use crate::{
    ParticipantId, PeerId, RecorderId, RecordingId, RequestId, Revision, RoomId, Secret, TrackId,
    Version,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a controller sends to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToNode {
    /// The answer to [`Hello`].
    Welcome {
        /// The controller's version.
        version: Version,
        /// The last event of this node that was heard; all after it are to be said on this link.
        #[serde(default)]
        heard: Number,
        /// Commands on this link follow on this one. Where it is not [`Hello::heard`], the controller
        /// takes the node for empty, and ends what it holds.
        #[serde(default)]
        said: Number,
    },
    /// Events up to this one have been heard, and need not be kept any longer.
    Heard {
        /// Its number.
        event: Number,
    },
    /// A command about one room.
    Command {
        /// Names the command in [`Event::CommandFailed`].
        request: RequestId,
        /// The room it is about.
        room: RoomId,
        /// The lease's revision; a lower one than the last seen for the room is refused.
        revision: Revision,
        /// What to do.
        command: Command,
        /// Counts the commands to this node.
        #[serde(default)]
        number: Number,
    },
}

/// What a node sends to a controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromNode {
    /// The first message.
    Hello(Hello),
    /// Sent every 100 ms: silence is how a death is noticed.
    Heartbeat(Heartbeat),
    /// Something happened in a room.
    Event {
        /// The room.
        room: RoomId,
        /// What happened.
        event: Event,
        /// Counts the events of this node.
        #[serde(default)]
        number: Number,
    },
}

/// What a controller asks of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Makes a peer, active or warm.
    AddPeer {
        /// The peer.
        peer: PeerId,
        /// How.
        parameters: Box<PeerParameters>,
    },
    /// The client's description has come.
    SetRemote {
        /// The peer.
        peer: PeerId,
        /// The client's side.
        remote: RemoteParameters,
    },
    /// The header extensions negotiated in the latest description.
    SetExtensions {
        /// The peer.
        peer: PeerId,
        /// All of them; replaces the former ones.
        extensions: Vec<crate::media::ExtensionId>,
    },
    /// The client found another candidate.
    AddCandidate {
        /// The peer.
        peer: PeerId,
        /// The candidate.
        candidate: Candidate,
    },
    /// New credentials on both sides (RFC 8445 section 2.4). DTLS and media go on.
    RestartIce {
        /// The peer.
        peer: PeerId,
        /// Ours.
        local: IceCredentials,
        /// The client's.
        remote: IceCredentials,
        /// The client's candidates.
        candidates: Vec<Candidate>,
    },
    /// What a peer may do from now on.
    SetPermissions {
        /// The peer.
        peer: PeerId,
        /// The new permissions.
        permissions: Permissions,
    },
    /// Changes what stands in data messages or which are received.
    SetData {
        /// The peer.
        peer: PeerId,
        /// The new parameters; channels already open stay.
        data: DataParameters,
    },
    /// Ends a peer at once: not one packet more.
    RemovePeer {
        /// The peer.
        peer: PeerId,
    },
    /// A peer publishes a track.
    Publish {
        /// The publisher.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// How it is sent.
        parameters: PublicationParameters,
    },
    /// A track ends.
    Unpublish {
        /// The track.
        track: TrackId,
    },
    /// A track is muted or not.
    SetMuted {
        /// The track.
        track: TrackId,
        /// Nothing is forwarded while true.
        muted: bool,
    },
    /// A peer wants a track.
    Subscribe {
        /// The subscriber.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// How it is sent to the subscriber.
        parameters: SubscriptionParameters,
    },
    /// A peer no longer wants a track.
    Unsubscribe {
        /// The subscriber.
        peer: PeerId,
        /// The track.
        track: TrackId,
    },
    /// A track is not for these any more: their subscriptions end; who has none is passed over.
    EndSubscriptions {
        /// The track.
        track: TrackId,
        /// The subscribers' transports.
        peers: Vec<PeerId>,
    },
    /// What a subscriber wants of a track it is subscribed to.
    SetWish {
        /// The subscriber.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// Replaces the former one. Shown again, the track begins with a keyframe.
        wish: Wish,
    },
    /// The sound slots of a subscriber. Slot by slot, they carry who holds the seats of the room, each
    /// the same seat for as long as it lasts: see [`Event::SoundSeats`]. All subscribers of a room are
    /// to have equally many; a room has as many seats as the one that has most. Since 1.5.
    SetSoundSlots {
        /// The subscriber.
        peer: PeerId,
        /// All of them; replaces the former ones. What stays under its SSRC goes on.
        slots: Vec<SoundSlot>,
    },
    /// Whether sound slots may carry a track, since everybody in the room may hear it: not before
    /// this is said, nor after it is taken back. Since 1.5.
    SetOpen {
        /// The track.
        track: TrackId,
        /// They may.
        open: bool,
    },
    /// Sends a message of the server's own to every peer of the room that receives data.
    SendData {
        /// The label of the channels it goes to.
        label: String,
        /// Only to these participants; to all where empty.
        to: Vec<ParticipantId>,
        /// The message.
        payload: Bytes,
    },
    /// The active node's handshake is done: the standby may answer checks.
    WarmStandby {
        /// The peer.
        peer: PeerId,
    },
    /// Gives the state of a peer's transport away; answered by [`Event::Exported`].
    ///
    /// From then on the node sends nothing to the peer under the old indices. It goes on
    /// receiving from it until [`Command::RemovePeer`].
    Export {
        /// The peer.
        peer: PeerId,
    },
    /// Takes over a transport that another node exported: indices jump, the path is claimed
    /// (USE-CANDIDATE where controlling, a request of higher priority where not), video resumes
    /// with a keyframe.
    Restore {
        /// The peer; made warm before, or made now.
        peer: PeerId,
        /// As at the former node, with this node's generation.
        parameters: Box<PeerParameters>,
        /// What [`Event::Exported`] carried.
        #[serde(with = "crate::secret::bytes")]
        state: Secret<Vec<u8>>,
    },
    /// Begins to send tracks of the room to a recorder; see [`crate::relay`]. Said again with another
    /// one, what that has not written down yet goes there instead, with all that follows.
    OpenRelay {
        /// For which recording.
        recording: RecordingId,
        /// Who is linked to.
        recorder: RecorderId,
        /// Where it is; empty where everything is in one process.
        addresses: Vec<SocketAddr>,
    },
    /// Sends a track to the recorder as well, until it ends. Video begins with a keyframe.
    RelayTrack {
        /// For which recording.
        recording: RecordingId,
        /// Which.
        track: TrackId,
    },
    /// Sends nothing more of a track, not even when it is published again.
    UnrelayTrack {
        /// For which recording.
        recording: RecordingId,
        /// Which.
        track: TrackId,
    },
    /// Sends nothing more of any track; what is on its way still arrives.
    CloseRelay {
        /// Of which recording.
        recording: RecordingId,
    },
    /// Ends all of the room.
    CloseRoom,
}

/// What a node tells a controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A command could not be carried out.
    CommandFailed {
        /// Which.
        request: RequestId,
        /// Why.
        error: CommandError,
    },
    /// ICE and DTLS are done.
    PeerConnected {
        /// The peer.
        peer: PeerId,
        /// What was negotiated.
        security: Security,
    },
    /// The client's path has moved here after [`Command::Restore`].
    PeerMoved {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is gone; the node has forgotten it.
    PeerDisconnected {
        /// The peer.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// The first packet of a track was forwarded or could have been.
    TrackStarted {
        /// The track.
        track: TrackId,
    },
    /// Who speaks has changed: all who speak now, loudest first.
    Speakers {
        /// Participant and level, 0 (silence) to 1.
        speakers: Vec<(ParticipantId, f32)>,
    },
    /// Who sits in the room's seats has changed, where anybody has sound slots. A slot carries the
    /// seat of its number, unless the subscriber's own participant holds that: then it carries the
    /// last seat, which belongs to no slot. Since 1.5.
    SoundSeats {
        /// All seats, one more than there are slots; `None` for one that nobody holds.
        seats: Vec<Option<SoundSeat>>,
    },
    /// A subscriber is sent less, or more again, for want of bandwidth: the tracks for which that
    /// has changed. A track is sent where nothing was said since [`Command::Subscribe`] or
    /// [`Command::Restore`].
    StreamStates {
        /// The subscriber.
        peer: PeerId,
        /// Track and state.
        states: Vec<(TrackId, StreamState)>,
    },
    /// Which encodings of a track anybody watches has changed. All are wanted where nothing was
    /// said since [`Command::Publish`] or [`Command::Restore`].
    LayersWanted {
        /// The track.
        track: TrackId,
        /// All of its encodings; where none is wanted, nobody watches.
        layers: Vec<LayerWanted>,
    },
    /// How well a participant's transports do; every five seconds.
    Quality {
        /// The participant.
        participant: ParticipantId,
        /// The figures.
        quality: Quality,
    },
    /// The answer to [`Command::Export`].
    Exported {
        /// The peer.
        peer: PeerId,
        /// Its state: opaque, and as secret as its keys.
        #[serde(with = "crate::secret::bytes")]
        state: Secret<Vec<u8>>,
    },
}
