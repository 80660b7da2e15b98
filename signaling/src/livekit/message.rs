//! What a client's messages mean.

use super::adapter::Adapter;
use super::budget::MAX_NAMED_TRACKS;
use super::info::OWN_ATTRIBUTES;
use super::reply::response;
use crate::api::clean_name;
use crate::session::{
    AnnouncedLayer, Announcement, ClientEvent, Refusal, Side, Size, View, layers,
};
use lectern_control::TrackId;
use lectern_control::media::{CodecName, MediaKind, Source};
use lectern_control::room::LeaveReason;
use livekit_protocol as proto;
use prost::Message as _;
use proto::request_response::{Reason, Request};
use proto::signal_request::Message;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// Layers one announcement may name.
const MAX_LAYERS: usize = 8;

/// Priorities that are told apart: a client has fewer tracks.
const MAX_PRIORITY: u32 = 1_000;

/// When a message came.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For budgets.
    pub at: Instant,
    /// For the client, in milliseconds since 1970.
    pub unix_ms: i64,
}

/// What became of a message; each is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Understood.
    Handled,
    /// Of a kind we have no use for.
    Ignored,
    /// Not a message at all.
    Undecodable,
    /// More than a client may send: the session is over.
    Flood,
}

impl Outcome {
    /// As it stands in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Handled => "handled",
            Outcome::Ignored => "ignored",
            Outcome::Undecodable => "undecodable",
            Outcome::Flood => "flood",
        }
    }
}

impl Adapter {
    /// The client sent a message.
    pub fn handle_message(&mut self, bytes: &[u8], now: Now) -> Outcome {
        self.replay.heard_of(now.at);
        let request = proto::SignalRequest::decode(bytes);
        let message = request.as_ref().ok().and_then(|request| request.message.as_ref());
        if !self.budget.message(now.at, bytes.len(), message) {
            self.end(LeaveReason::ConnectionLost, None);
            return Outcome::Flood;
        }
        match request {
            Ok(proto::SignalRequest { message: Some(message) }) => self.handle_kind(message, now),
            Ok(_) => Outcome::Ignored,
            Err(_) => Outcome::Undecodable,
        }
    }

    #[expect(deprecated, reason = "older clients send what newer ones do not")]
    fn handle_kind(&mut self, message: Message, now: Now) -> Outcome {
        match message {
            Message::Offer(offer) => {
                self.client_offer = offer.id;
                self.handle(ClientEvent::Offer { sdp: offer.sdp });
            }
            Message::Answer(answer) => {
                self.handle(ClientEvent::Answer { offer: answer.id, sdp: answer.sdp });
            }
            Message::Trickle(trickle) => return self.trickle(&trickle),
            Message::AddTrack(add) => self.add_track(add),
            Message::Mute(mute) => {
                if let Ok(track) = mute.sid.parse() {
                    self.handle(ClientEvent::Mute { track, muted: mute.muted });
                }
            }
            Message::Subscription(update) => self.subscription(&update),
            Message::TrackSetting(setting) => {
                let tracks = track_ids(&setting.track_sids);
                self.handle(ClientEvent::View { tracks, view: view(&setting) });
            }
            Message::UpdateLayers(update) => self.resize(&update.track_sid, (0, 0), &update.layers),
            Message::UpdateVideoTrack(update) => {
                self.resize(&update.track_sid, (update.width, update.height), &[]);
            }
            Message::UpdateMetadata(update) => self.update_metadata(update, now.at),
            Message::SyncState(state) => self.sync_state(&state),
            Message::Ping(_) => {
                self.send(proto::signal_response::Message::Pong(now.unix_ms));
                self.pinged();
            }
            Message::PingReq(ping) => {
                let pong =
                    proto::Pong { last_ping_timestamp: ping.timestamp, timestamp: now.unix_ms };
                self.send(proto::signal_response::Message::PongResp(pong));
            }
            Message::Leave(_) => self.handle(ClientEvent::Leave),
            Message::SubscriptionPermission(permission) => {
                let audience = self.audience(&permission);
                self.handle(ClientEvent::Audience(audience));
            }
            Message::PublishDataTrackRequest(publish) => {
                self.refuse(0, Some(Request::PublishDataTrack(publish)));
            }
            Message::UnpublishDataTrackRequest(unpublish) => {
                self.refuse(0, Some(Request::UnpublishDataTrack(unpublish)));
            }
            Message::StoreDataBlobRequest(store) => self.refuse(store.request_id, None),
            Message::GetDataBlobRequest(get) => self.refuse(get.request_id, None),
            _ => return Outcome::Ignored,
        }
        Outcome::Handled
    }

    /// A request of a kind we do not serve still gets its answer: the client's promise waits for it.
    fn refuse(&mut self, number: u32, request: Option<Request>) {
        self.send(response(number, Reason::UnsupportedType, request));
    }

    fn trickle(&mut self, trickle: &proto::TrickleRequest) -> Outcome {
        /// The part of `RTCIceCandidateInit` that matters: all sections share one transport.
        #[derive(Deserialize)]
        struct Init {
            candidate: String,
        }
        let Ok(init) = serde_json::from_str::<Init>(&trickle.candidate_init) else {
            return Outcome::Undecodable;
        };
        let side = match trickle.target() {
            proto::SignalTarget::Publisher => Side::Up,
            proto::SignalTarget::Subscriber => Side::Down,
        };
        // An empty line ends a generation of candidates.
        if !init.candidate.is_empty() {
            self.handle(ClientEvent::Candidate { side, line: init.candidate });
        }
        Outcome::Handled
    }

    fn add_track(&mut self, add: proto::AddTrackRequest) {
        // Encrypted frames need an owner of keys: they are not served.
        let encrypted = add.encryption() != proto::encryption::Type::None;
        let kind = match add.r#type() {
            proto::TrackType::Audio => Some(MediaKind::Audio),
            proto::TrackType::Video => Some(MediaKind::Video),
            proto::TrackType::Data => None,
        };
        // With an id it is the second codec of a track of the client's own.
        let stands_for = (!add.sid.is_empty()).then(|| add.sid.parse());
        match (kind, stands_for.transpose()) {
            (Some(kind), Ok(stands_for)) if !encrypted => {
                let announcement = Announcement { stands_for, ..announcement(add, kind) };
                self.handle(ClientEvent::Announce(Box::new(announcement)));
            }
            _ => self.refuse(0, Some(Request::AddTrack(add))),
        }
    }

    fn subscription(&mut self, update: &proto::UpdateSubscription) {
        let mut tracks = track_ids(&update.track_sids);
        for participant in update.participant_tracks.iter().take(MAX_NAMED_TRACKS) {
            tracks.extend(track_ids(&participant.track_sids));
        }
        tracks.truncate(MAX_NAMED_TRACKS);
        self.handle(ClientEvent::Subscribe { tracks, wanted: update.subscribe });
    }

    fn sync_state(&mut self, state: &proto::SyncState) {
        if let Some(update) = &state.subscription {
            self.subscription(update);
        }
        let tracks = track_ids(&state.track_sids_disabled);
        self.handle(ClientEvent::Hide { tracks });
    }

    fn resize(&mut self, sid: &str, (width, height): (u32, u32), layers: &[proto::VideoLayer]) {
        if let Ok(track) = sid.parse() {
            let layers = layers.iter().take(MAX_LAYERS).map(layer).collect();
            self.handle(ClientEvent::Resize { track, width, height, layers });
        }
    }

    fn update_metadata(&mut self, update: proto::UpdateParticipantMetadata, now: Instant) {
        let request = update.request_id;
        if !self.budget.update(now) {
            return self.respond(request, Refusal::Limit, None);
        }
        let me = self.session.me();
        // Clients repeat what they do not mean to change, or leave it empty.
        let name = Some(update.name).filter(|name| !name.is_empty() && *name != me.name);
        let metadata =
            Some(update.metadata).filter(|text| !text.is_empty() && *text != me.metadata);
        let attributes: BTreeMap<String, String> = update.attributes.into_iter().collect();
        let foreign = attributes.keys().any(|key| key.starts_with(OWN_ATTRIBUTES));
        if !self.may_update || foreign {
            return self.respond(request, Refusal::NotPermitted, None);
        }
        let name = match name.map(|name| clean_name("name", &name)).transpose() {
            Ok(name) => name,
            Err(_) => return self.respond(request, Refusal::Invalid, None),
        };
        self.handle(ClientEvent::Update { request, name, metadata, attributes });
    }
}

/// Ids of ours among what a client wrote; it may name what is long gone.
fn track_ids(sids: &[String]) -> Vec<TrackId> {
    sids.iter().take(MAX_NAMED_TRACKS).filter_map(|sid| sid.parse().ok()).collect()
}

#[expect(deprecated, reason = "older clients write the fields that newer ones have replaced")]
fn announcement(add: proto::AddTrackRequest, kind: MediaKind) -> Announcement {
    let feature = |feature: proto::AudioTrackFeature| add.audio_features.contains(&feature.into());
    let stereo = add.stereo || feature(proto::AudioTrackFeature::TfStereo);
    let disable_dtx = add.disable_dtx || feature(proto::AudioTrackFeature::TfNoDtx);
    let source = match add.source() {
        proto::TrackSource::Unknown => Source::Unknown,
        proto::TrackSource::Camera => Source::Camera,
        proto::TrackSource::Microphone => Source::Microphone,
        proto::TrackSource::ScreenShare => Source::Screen,
        proto::TrackSource::ScreenShareAudio => Source::ScreenAudio,
    };
    let first = add.simulcast_codecs.first();
    let layers = match first {
        Some(codec) if !codec.layers.is_empty() => &codec.layers,
        _ => &add.layers,
    };
    let layers = layers.iter().take(MAX_LAYERS).map(layer).collect();
    let codec = first.and_then(|codec| codec_name(&codec.codec));
    let others = add.simulcast_codecs.iter().skip(1).take(MAX_LAYERS);
    let mut others = others.filter_map(|codec| codec_name(&codec.codec));
    let backup = others.find(|other| codec.is_some_and(|codec| codec != *other));
    Announcement {
        codec,
        backup: backup.filter(|backup| backup.kind() == kind && add.sid.is_empty()),
        stands_for: None,
        layers,
        kind,
        source,
        stereo,
        disable_dtx,
        // A frame that is encrypted from end to end is the whole payload: what is put around it at one
        // end is in the way of the other.
        disable_red: add.disable_red || add.encryption() != proto::encryption::Type::None,
        muted: add.muted,
        width: add.width,
        height: add.height,
        key: add.cid,
        name: add.name,
        stream: add.stream,
    }
}

fn layer(layer: &proto::VideoLayer) -> AnnouncedLayer {
    AnnouncedLayer {
        rid: layer.rid.clone(),
        rank: rank(layer.quality()),
        width: layer.width,
        height: layer.height,
        max_bitrate_bps: u64::from(layer.bitrate),
    }
}

fn rank(quality: proto::VideoQuality) -> u8 {
    match quality {
        proto::VideoQuality::Low => 0,
        proto::VideoQuality::Medium => 1,
        proto::VideoQuality::High | proto::VideoQuality::Off => layers::BEST,
    }
}

/// Clients of today say how large an element is; older ones name a layer.
fn view(setting: &proto::UpdateTrackSettings) -> View {
    let (width, height) = (setting.width, setting.height);
    let size = match rank(setting.quality()) {
        _ if width > 0 || height > 0 => Size::Pixels { width, height },
        layers::BEST => Size::Full,
        rank => Size::Rank(rank),
    };
    // Theirs begins with the highest, 1; nothing is said with 0.
    let priority = match setting.priority {
        0 => 0,
        priority => MAX_PRIORITY.saturating_sub(priority) + 1,
    };
    let frames_per_second = setting.fps;
    View { hidden: setting.disabled, size, frames_per_second, priority }
}

/// `vp8`, or `video/VP8`.
fn codec_name(text: &str) -> Option<CodecName> {
    let name = text.rsplit('/').next()?;
    let known = [CodecName::Opus, CodecName::Vp8, CodecName::H264, CodecName::Vp9, CodecName::Av1];
    known.into_iter().find(|codec| codec.encoding_name().eq_ignore_ascii_case(name))
}
