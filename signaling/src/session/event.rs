//! What goes into a session and what comes out, in words of no protocol.

use lectern_control::edge::Request;
use lectern_control::media::{CodecName, MediaKind, Source};
use lectern_control::node::{LayerWanted, Quality, StreamState};
use lectern_control::room::{Audience, LeaveReason, Participant, Track};
use lectern_control::transport::Candidate;
use lectern_control::{ParticipantId, TrackId};
use std::collections::BTreeMap;

/// A participant's transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Offered by the client, carries what it publishes.
    Up,
    /// Offered by us, carries what it receives.
    Down,
}

/// One encoding a publisher means to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnouncedLayer {
    /// Its rid, where the client names it.
    pub rid: String,
    /// 0 is the lowest.
    pub rank: u8,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits a second, at most.
    pub max_bitrate_bps: u64,
}

/// A track a client is about to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The client's own id: the track id of `a=msid` in its offer.
    pub key: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// The stream it is played in step with; empty lets the source decide.
    pub stream: String,
    /// Begins muted.
    pub muted: bool,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The codec the client means to send.
    pub codec: Option<CodecName>,
    /// The one it can send as well, should somebody need it.
    pub backup: Option<CodecName>,
    /// The track that this one stands in for.
    pub stands_for: Option<TrackId>,
    /// Encodings it means to send.
    pub layers: Vec<AnnouncedLayer>,
    /// Opus: two channels.
    pub stereo: bool,
    /// Opus: silence is sent.
    pub disable_dtx: bool,
    /// Opus: no redundancy.
    pub disable_red: bool,
}

/// How a client shows a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// Not at all, for now.
    pub hidden: bool,
    /// How large.
    pub size: Size,
    /// At most; 0 for all.
    pub frames_per_second: u32,
    /// What has more of it comes first where bandwidth is short; 0 is usual.
    pub priority: u32,
}

/// How large a client shows a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Size {
    /// As large as there is.
    #[default]
    Full,
    /// In an element of so many pixels.
    Pixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// As large as the layer of this rank, of which 0 is the lowest of three.
    Rank(u8),
}

/// What a client does.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientEvent {
    /// It will publish a track.
    Announce(Box<Announcement>),
    /// It describes the upper transport.
    Offer {
        /// SDP.
        sdp: String,
    },
    /// It answers an offer of ours.
    Answer {
        /// Which; 0 from clients that do not number them.
        offer: u32,
        /// SDP.
        sdp: String,
    },
    /// It found a candidate.
    Candidate {
        /// For which transport.
        side: Side,
        /// `candidate:…`.
        line: String,
    },
    /// It mutes a track of its own, or no longer.
    Mute {
        /// Which.
        track: TrackId,
        /// Muted.
        muted: bool,
    },
    /// It wants tracks of others, or no longer.
    Subscribe {
        /// Which.
        tracks: Vec<TrackId>,
        /// Wanted.
        wanted: bool,
    },
    /// It says how it shows tracks.
    View {
        /// Which.
        tracks: Vec<TrackId>,
        /// How.
        view: View,
    },
    /// It does not show tracks for now; how else it shows them is as before.
    Hide {
        /// Which.
        tracks: Vec<TrackId>,
    },
    /// A track of its own has another size now.
    Resize {
        /// Which.
        track: TrackId,
        /// Pixels; 0 where it is as before.
        width: u32,
        /// Pixels; 0 where it is as before.
        height: u32,
        /// What has changed of its encodings.
        layers: Vec<AnnouncedLayer>,
    },
    /// It says who may receive its tracks.
    Audience(Audience),
    /// It changes what others see of it.
    Update {
        /// The client's number for this request.
        request: u32,
        /// The new name.
        name: Option<String>,
        /// The new metadata.
        metadata: Option<String>,
        /// Keys to set; an empty value removes.
        attributes: BTreeMap<String, String>,
    },
    /// It is back after its connection to us broke; the transports may live.
    Resume {
        /// Renew the path of the lower transport.
        restart_down: bool,
    },
    /// It leaves.
    Leave,
}

/// Why something a client asked for is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It may not.
    NotPermitted,
    /// A named limit.
    Limit,
    /// Something in it cannot be used.
    Invalid,
    /// No such thing.
    NotFound,
    /// No codec both sides know.
    Codec,
    /// Not now.
    Unavailable,
}

/// What a session tells its client.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientNotice {
    /// An announced track has its id.
    Announced {
        /// The client's key.
        key: String,
        /// The track.
        track: Box<Track>,
    },
    /// A track that was announced and described is not taken after all.
    PublicationRefused {
        /// Which.
        track: TrackId,
        /// The client's key.
        key: String,
        /// Why.
        why: Refusal,
    },
    /// An announced track is not taken.
    AnnounceRefused {
        /// The client's key.
        key: String,
        /// Why.
        why: Refusal,
    },
    /// The answer to the client's latest offer.
    Answer {
        /// SDP.
        sdp: String,
    },
    /// An offer for the lower transport.
    Offer {
        /// Its number.
        id: u32,
        /// SDP.
        sdp: String,
        /// Which track each section carries.
        tracks: Vec<(String, TrackId)>,
    },
    /// The upper transport lives at another place now: the client must restart its ICE.
    UpMoved {
        /// Where.
        candidates: Vec<Candidate>,
    },
    /// Somebody came, or something about them changed; the client itself among them.
    Participant(Box<Participant>),
    /// Somebody left.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Its identity.
        identity: String,
        /// Why.
        reason: LeaveReason,
    },
    /// A wanted track cannot be sent to this client.
    SubscriptionRefused {
        /// Which.
        track: TrackId,
        /// Why.
        why: Refusal,
    },
    /// An update was made, or not.
    Updated {
        /// The client's number.
        request: u32,
        /// How it went.
        result: Result<(), Refusal>,
    },
    /// A moderator muted a track of the client's own.
    Muted(TrackId),
    /// A moderator ended a track of the client's own.
    Unpublished(TrackId),
    /// A publisher lets the client receive a track, or no longer.
    Permitted {
        /// Whose.
        publisher: ParticipantId,
        /// Which.
        track: TrackId,
        /// It may.
        allowed: bool,
    },
    /// How the room receives people has changed, or what the client may know of it.
    Reception,
    /// Somebody receives a track of the client's own, for the first time.
    TrackSubscribed(TrackId),
    /// Tracks that the client is sent no longer for want of bandwidth, or again.
    StreamStates(Vec<(TrackId, StreamState)>),
    /// Which encodings of a track of the client's own anybody watches.
    LayersWanted {
        /// Which.
        track: Box<Track>,
        /// All of its encodings; empty where nothing was said of them.
        layers: Vec<LayerWanted>,
        /// The same of its backup, where somebody needs that.
        backup: Option<Vec<LayerWanted>>,
    },
    /// Who speaks now, loudest first.
    Speakers(Vec<(ParticipantId, f32)>),
    /// How well a participant's transports do.
    Quality {
        /// Whose.
        participant: ParticipantId,
        /// The figures.
        quality: Quality,
    },
    /// The session is over; nothing follows.
    Ended(End),
}

/// How a session ends for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It may come again at once, as new.
    Rejoin(LeaveReason),
    /// It is out.
    Out(LeaveReason),
}

/// What a request was for; comes back with its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Without it the session's state is not what the node's is.
    Essential,
    /// A published track.
    Publish(TrackId),
    /// The client's own update, under its number.
    Update(u32),
    /// A track that the client waits for. Refused, it has just ended; but unheard of, its picture stays
    /// black.
    Subscribe,
    /// Nice to have.
    Courtesy,
}

/// What a session asks its shell to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send to the controller.
    Request {
        /// Comes back with the response.
        purpose: Purpose,
        /// What.
        body: Box<Request>,
    },
    /// Tell the client.
    Client(ClientNotice),
}
