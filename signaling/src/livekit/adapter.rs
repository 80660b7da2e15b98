//! One participant's signaling: messages of a LiveKit-compatible client in, messages and requests
//! out, with a neutral session between.
//!
//! Sans-IO. Owns what only this protocol has: two PeerConnections with their targets and offer
//! numbers, the order of the first messages, resuming, and the shape of leaving.

use super::again::{Again, OfTrack};
use super::budget::Budget;
use super::info;
use super::replay::Replay;
use super::reply::{
    description, leave, left, muted, permitted, published, qualities, request, response,
    subscribed, unpublished, update,
};
use crate::news::News;
use crate::session::{
    ClientEvent, ClientNotice, End, Entrance, Equipment, Error, Leaver, Output, Purpose, Refusal,
    Session, Sources,
};
use lectern_control::ParticipantId;
use lectern_control::edge::{Joined, Notice, Request, RequestError, Response};
use lectern_control::node::Quality;
use lectern_control::room::{LeaveReason, Participant};
use lectern_control::transport::Candidate;
use livekit_protocol as proto;
use proto::signal_response::Message;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// Clients ping so often.
const PING_INTERVAL_S: i32 = 5;
/// Clients give a connection up after so long without an answer.
const PING_TIMEOUT_S: i32 = 15;

/// What the shell must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Send to the client, if it is there.
    Message(Box<Message>),
    /// Send it what everybody is told of this.
    News(Arc<News>),
    /// Ask the controller.
    Request {
        /// Comes back with the response.
        purpose: Purpose,
        /// What.
        body: Box<Request>,
    },
}

/// Signaling of one participant.
#[derive(Debug)]
pub struct Adapter {
    pub(super) session: Session,
    pub(super) out: VecDeque<Out>,
    /// Kept across sockets: coming back does not fill it.
    pub(super) budget: Budget,
    pub(super) may_update: bool,
    pub(super) forgets: bool,
    /// The number of the client's latest offer, for our answer.
    pub(super) client_offer: u32,
    /// What it may not have heard.
    pub(super) replay: Replay,
    pub(super) region: String,
    /// How the room receives people, and whether it is recorded, as the client knows it.
    pub(super) room_told: (String, bool),
    /// It was told so after the join as well, and may not have heard it.
    pub(super) room_has_changed: bool,
    pub(super) speaking: BTreeMap<ParticipantId, f32>,
    pub(super) qualities: BTreeMap<ParticipantId, proto::ConnectionQuality>,
    pub(super) again: Again,
}

/// What the adapter must know beside the session.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The edge's region.
    pub region: String,
    /// The participant may change its own name, metadata and attributes.
    pub may_update: bool,
    /// Its client forgets whom it does not hear of when it comes back.
    pub forgets: bool,
}

impl Adapter {
    /// The controller let a participant in: first of all its client is told who is there.
    pub fn new(
        entrance: &Entrance,
        joined: Joined,
        equipment: Equipment,
        terms: Terms,
        now: Instant,
        rng: StdRng,
    ) -> Adapter {
        let session = entrance.enter(joined, equipment, rng);
        let mut adapter = Adapter {
            session,
            out: VecDeque::new(),
            budget: Budget::new(now),
            may_update: terms.may_update,
            forgets: terms.forgets,
            client_offer: 0,
            replay: Replay::new(now),
            region: terms.region,
            room_told: Default::default(),
            room_has_changed: false,
            speaking: BTreeMap::new(),
            qualities: BTreeMap::new(),
            again: Again::default(),
        };
        let join = adapter.join();
        adapter.room_told = adapter.room_now();
        adapter.send(Message::Join(join));
        adapter.pump();
        adapter
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// The controller answered.
    pub fn handle_response(&mut self, purpose: Purpose, result: Result<Response, RequestError>) {
        self.session.handle_response(purpose, result);
        self.pump();
    }

    /// News of the room.
    pub fn handle_notice(&mut self, news: &Arc<News>) {
        if let Notice::CommandFailed { participant, error } = &news.notice
            && *participant == self.session.me().id
        {
            tracing::warn!(%participant, %error, "a node could not do what was asked");
        }
        self.session.handle_notice(&news.notice);
        self.pump_news(Some(news));
    }

    /// A new token, so that the client can come back later.
    pub fn refresh_token(&mut self, token: String) {
        self.send(Message::RefreshToken(token));
    }

    /// Ends the session from our side.
    pub fn end(&mut self, reason: LeaveReason, client: Option<End>) {
        self.session.end(reason, client);
        self.pump();
    }

    pub(super) fn handle(&mut self, event: ClientEvent) {
        if let Err(error) = self.session.handle_client(event) {
            self.fail(&error);
        }
        self.pump();
    }

    fn fail(&mut self, error: &Error) {
        tracing::info!(participant = %self.session.me().id, %error, "a session ends");
        let reason = LeaveReason::MediaFailed;
        self.session.end(reason, Some(End::Out(reason)));
    }

    pub(super) fn send(&mut self, message: Message) {
        self.replay.keep_own(&message);
        self.out.push_back(Out::Message(Box::new(message)));
    }

    fn share(&mut self, news: &Arc<News>) {
        self.replay.keep_news(news);
        self.out.push_back(Out::News(news.clone()));
    }

    fn pump(&mut self) {
        self.pump_news(None);
    }

    /// Does what the session asks for; `news` is what it has just heard.
    fn pump_news(&mut self, news: Option<&Arc<News>>) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Request { purpose, body } => {
                    self.out.push_back(Out::Request { purpose, body });
                }
                Output::Client(notice) => self.tell(notice, news),
            }
        }
    }

    fn tell(&mut self, notice: ClientNotice, news: Option<&Arc<News>>) {
        match notice {
            ClientNotice::Announced { key, track } => {
                self.send(published(key, info::track(&track)));
            }
            ClientNotice::PublicationRefused { track, key, why } => {
                let add_track = proto::AddTrackRequest { cid: key, ..Default::default() };
                self.respond(0, why, Some(request(add_track)));
                self.send(unpublished(track));
                self.again.later(OfTrack::Refused(track));
            }
            ClientNotice::AnnounceRefused { key, why } => {
                let add_track = proto::AddTrackRequest { cid: key, ..Default::default() };
                self.respond(0, why, Some(request(add_track)));
            }
            ClientNotice::Answer { sdp } => {
                let id = self.client_offer;
                self.send(Message::Answer(description("answer", id, sdp, Vec::new())));
            }
            ClientNotice::Offer { id, sdp, tracks } => {
                self.send(Message::Offer(description("offer", id, sdp, tracks)));
            }
            ClientNotice::UpMoved { candidates } => self.up_moved(&candidates),
            ClientNotice::Participant(participant) => match news {
                Some(news) if participant.id != self.session.me().id => self.share(news),
                _ => self.send(update(self.info(&participant))),
            },
            ClientNotice::Left { participant, identity, reason } => {
                self.speaking.remove(&participant);
                self.qualities.remove(&participant);
                let leaver = Leaver { participant, identity, reason };
                match news {
                    Some(news) => self.share(news),
                    None => self.send(left(&leaver)),
                }
            }
            ClientNotice::SubscriptionRefused { track, why } => {
                let err = match why {
                    Refusal::Codec => proto::SubscriptionError::SeCodecUnsupported,
                    Refusal::NotFound => proto::SubscriptionError::SeTrackNotfound,
                    _ => proto::SubscriptionError::SeUnknown,
                };
                self.send(Message::SubscriptionResponse(proto::SubscriptionResponse {
                    track_sid: track.to_string(),
                    err: err.into(),
                }));
            }
            ClientNotice::Updated { request, result } => match result {
                Ok(()) => self.send(response(request, proto::request_response::Reason::Ok, None)),
                Err(why) => self.respond(request, why, None),
            },
            ClientNotice::TrackSubscribed(track) => self.send(subscribed(track)),
            ClientNotice::Muted(track) => self.send(muted(track)),
            ClientNotice::Unpublished(track) => self.send(unpublished(track)),
            ClientNotice::Permitted { publisher, track, allowed } => {
                self.send(permitted(publisher, track, allowed));
            }
            ClientNotice::StreamStates(states) => self.stream_states(&states),
            ClientNotice::LayersWanted { track, layers, backup } => {
                self.send(qualities((&track, &layers, backup.as_deref())));
                self.again.later(OfTrack::Layers(track.id));
            }
            ClientNotice::Reception => self.room_changed(),
            ClientNotice::Speakers(speakers) => self.speakers(&speakers),
            ClientNotice::Quality { participant, quality } => {
                self.quality(participant, &quality);
            }
            ClientNotice::Ended(end) => self.send(leave(end)),
        }
    }

    fn quality(&mut self, participant: ParticipantId, quality: &Quality) {
        let (quality, score) = info::quality(quality);
        if self.qualities.insert(participant, quality) != Some(quality) {
            let participant_sid = participant.to_string();
            let quality = quality.into();
            let updates = vec![proto::ConnectionQualityInfo { participant_sid, quality, score }];
            self.send(Message::ConnectionQuality(proto::ConnectionQualityUpdate { updates }));
        }
    }

    /// Clients are told of changes only: who speaks, how loudly, and who no longer does.
    pub(super) fn speakers(&mut self, speakers: &[(ParticipantId, f32)]) {
        let now: BTreeMap<ParticipantId, f32> = speakers.iter().copied().collect();
        let silent = self.speaking.keys().filter(|id| !now.contains_key(id));
        let silent = silent.map(|id| (*id, 0.0, false));
        let changed = now.iter().filter(|(id, level)| self.speaking.get(id) != Some(level));
        let changed = changed.map(|(id, level)| (*id, level.clamp(0.0, 1.0), true));
        let info = |(id, level, active): (ParticipantId, f32, bool)| proto::SpeakerInfo {
            sid: id.to_string(),
            level,
            active,
        };
        let speakers: Vec<proto::SpeakerInfo> = changed.chain(silent).map(info).collect();
        self.speaking = now;
        if !speakers.is_empty() {
            self.send(Message::SpeakersChanged(proto::SpeakersChanged { speakers }));
        }
    }

    /// The new place is named at once: Chromium checks it while the old one still works. The page
    /// then renews its connection to us and restarts ICE, without a reload; Firefox and NATs need it.
    fn up_moved(&mut self, candidates: &[Candidate]) {
        let ufrag = self.session.up_ufrag().to_owned();
        for (index, candidate) in candidates.iter().enumerate() {
            let line = crate::sdp::candidate::print(candidate, index + 1);
            let init = serde_json::json!({
                "candidate": line, "sdpMLineIndex": 0, "usernameFragment": ufrag,
            });
            self.send(Message::Trickle(proto::TrickleRequest {
                candidate_init: init.to_string(),
                target: proto::SignalTarget::Publisher.into(),
                r#final: false,
            }));
        }
        self.send(Message::Leave(proto::LeaveRequest {
            can_reconnect: true,
            reason: proto::DisconnectReason::Migration.into(),
            action: proto::leave_request::Action::Resume.into(),
            ..Default::default()
        }));
    }

    /// Answers a request that was not met.
    pub(super) fn respond(
        &mut self,
        number: u32,
        why: Refusal,
        request: Option<proto::request_response::Request>,
    ) {
        use proto::request_response::Reason;
        let reason = match why {
            Refusal::NotPermitted => Reason::NotAllowed,
            Refusal::Limit => Reason::LimitExceeded,
            Refusal::Invalid => Reason::InvalidRequest,
            Refusal::NotFound => Reason::NotFound,
            Refusal::Codec => Reason::UnsupportedType,
            Refusal::Unavailable => Reason::UnclassifiedError,
        };
        self.send(response(number, reason, request));
    }

    /// A participant as the client sees it; of itself it also hears what it may publish.
    pub(super) fn info(&self, participant: &Participant) -> proto::ParticipantInfo {
        let mut info = info::participant(participant);
        if participant.id == self.session.me().id
            && let Some(permission) = &mut info.permission
            && let Sources::Only(sources) = self.session.sources()
        {
            let sources = sources.iter().map(|source| info::source(*source).into());
            permission.can_publish_sources = sources.collect();
        }
        info
    }

    fn join(&self) -> proto::JoinResponse {
        let session = &self.session;
        let me = session.me();
        let others: Vec<proto::ParticipantInfo> = session.others().map(info::participant).collect();
        proto::JoinResponse {
            room: Some(self.room()),
            participant: Some(self.info(me)),
            other_participants: others,
            server_version: info::SERVER_VERSION.to_owned(),
            subscriber_primary: true,
            server_region: self.region.clone(),
            ping_timeout: PING_TIMEOUT_S,
            ping_interval: PING_INTERVAL_S,
            server_info: Some(info::server(&self.region)),
            enabled_publish_codecs: info::enabled_codecs(),
            // Whoever may publish connects for it at once: the first share then starts without delay.
            fast_publish: me.permissions.publish,
            ..Default::default()
        }
    }
}
