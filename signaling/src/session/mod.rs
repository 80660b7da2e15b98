//! One participant's stay in a room: join, publish, subscribe, mute, leave, resume.
//!
//! Sans-IO and neutral: events of any client protocol go in, notices and requests come out. Knows
//! SDP, but neither protobuf nor sockets nor the clock.

mod action;
pub mod downlink;
mod entrance;
pub mod event;
pub mod layers;
mod negotiation;
mod payload;
mod profile;
mod publication;
pub mod random;
mod response;
mod roster;
mod slot;
mod sound;
mod sources;
mod streams;
#[cfg(test)]
mod tests;
mod uplink;

pub use entrance::{Entrance, Equipment};
pub use event::{
    AnnouncedLayer, Announcement, ClientEvent, ClientNotice, End, Output, Purpose, Refusal, Side,
    Size, View,
};
pub use roster::{Leaver, MAX_LEAVERS, TrackIds};
pub use sound::SoundSlots;
pub use sources::Sources;
pub use streams::Watched;

use crate::sdp;
use downlink::Downlink;
use lectern_control::edge::{Joined, Notice, Reception, Request, RequestError};
use lectern_control::node::{Command, CommandError, DisconnectReason};
use lectern_control::room::{Audience, LeaveReason, Participant, Placement};
use lectern_control::transport::IceRole;
use lectern_control::{ParticipantId, PeerId, TrackId};
use profile::{Profile, Trust};
use publication::Publications;
use rand::rngs::StdRng;
use roster::Roster;
use sound::Sound;
use std::collections::VecDeque;
use streams::Streams;
use thiserror::Error;
use uplink::Uplink;

/// Why a session cannot go on: the client did what no working client does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A description cannot be used.
    #[error("a description cannot be used: {0}")]
    Sdp(#[from] sdp::Error),
    /// The client's certificate changed under a transport that lives.
    #[error("the fingerprint changed")]
    FingerprintChanged,
}

/// A participant in a room.
#[derive(Debug)]
pub struct Session {
    me: Participant,
    placement: Placement,
    reception: Reception,
    room_name: String,
    created_at_unix_ms: u64,
    equipment: Equipment,
    profile: Profile,
    /// Who may receive its tracks, as was asked last: what the controller has told lags behind.
    audience: Audience,
    /// What the client said of that while it might not publish.
    audience_unasked: Option<Audience>,
    sources: Sources,
    roster: Roster,
    publications: Publications,
    up: Uplink,
    down: Downlink,
    streams: Streams,
    sound: Sound,
    /// The client was asked to come back because the room has moved.
    moved: bool,
    ended: bool,
    rng: StdRng,
    out: VecDeque<Output>,
}

impl Session {
    fn new(entrance: &Entrance, joined: Joined, equipment: Equipment, mut rng: StdRng) -> Session {
        let placement = joined.placement;
        let up = Uplink::new(&mut rng);
        let down = Downlink::new(equipment.fingerprint, &placement, &mut rng);
        let sound = Sound::new(entrance.sound, &mut rng);
        let trust = if entrance.link.is_some() { Trust::Link } else { Trust::Integrator };
        let mut session = Session {
            roster: Roster::new(joined.others, entrance.auto_subscribe, entrance.track_ids),
            profile: Profile::new(&joined.participant, trust),
            audience: joined.participant.audience.clone(),
            audience_unasked: None,
            sources: entrance.sources.clone(),
            me: joined.participant,
            placement,
            reception: joined.reception,
            room_name: joined.room_name,
            created_at_unix_ms: joined.created_at_unix_ms,
            equipment,
            publications: Publications::new(entrance.track_ids),
            up,
            down,
            streams: Streams::default(),
            sound,
            moved: false,
            ended: false,
            rng,
            out: VecDeque::new(),
        };
        let peer = session.down.peer;
        let parameters = session.peer(
            IceRole::Controlling,
            session.down.ice.clone(),
            None,
            session.down.extensions.clone(),
            session.equipment.down_data.clone(),
        );
        session.open(peer, parameters, session.placement.standby.is_some());
        for (publisher, track) in session.barred() {
            session.tell(ClientNotice::Permitted { publisher, track, allowed: false });
        }
        session.renegotiate();
        session
    }

    /// The participant itself.
    pub fn me(&self) -> &Participant {
        &self.me
    }

    /// What it may publish.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Where its transports are.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// How the room receives people.
    pub fn reception(&self) -> &Reception {
        &self.reception
    }

    /// The meeting's name.
    pub fn room_name(&self) -> &str {
        &self.room_name
    }

    /// When the room began, in milliseconds since 1970.
    pub fn created_at_unix_ms(&self) -> u64 {
        self.created_at_unix_ms
    }

    /// Everybody else.
    pub fn others(&self) -> impl Iterator<Item = &Participant> {
        self.roster.others()
    }

    /// Those who left lately.
    pub fn leavers(&self) -> impl Iterator<Item = &Leaver> {
        self.roster.leavers()
    }

    /// Tracks that are not for the client, with their publishers.
    pub fn barred(&self) -> Vec<(ParticipantId, TrackId)> {
        self.roster.barred(&self.me.identity)
    }

    /// The owner of a track of somebody else.
    pub fn owner_of(&self, track: TrackId) -> Option<&Participant> {
        self.roster.track(track).map(|(owner, _)| owner)
    }

    /// The fragment of our credentials for the upper transport.
    pub fn up_ufrag(&self) -> &str {
        &self.up.ice.ufrag
    }

    /// Announced tracks without a section, with the client's keys.
    pub fn pending_tracks(&self) -> impl Iterator<Item = (&str, &lectern_control::room::Track)> {
        self.publications.pending()
    }

    /// Whether the participant publishes a track, or has announced it.
    pub fn publishes(&self, track: TrackId) -> bool {
        self.publications.find(track).is_some()
    }

    /// Whether the session is over.
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// The client did something.
    pub fn handle_client(&mut self, event: ClientEvent) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        match event {
            ClientEvent::Announce(announcement) => self.announce(*announcement),
            ClientEvent::Offer { sdp } => self.offered(&sdp)?,
            ClientEvent::Answer { offer, sdp } => self.answered(offer, &sdp)?,
            ClientEvent::Candidate { side, line } => self.candidate(side, &line),
            ClientEvent::Mute { track, muted } => self.mute(track, muted),
            ClientEvent::Subscribe { tracks, wanted } => self.subscribe(&tracks, wanted),
            ClientEvent::View { tracks, view } => self.view(&tracks, |known| *known = view),
            ClientEvent::Hide { tracks } => self.view(&tracks, |known| known.hidden = true),
            ClientEvent::Resize { track, width, height, layers } => {
                self.resize(track, (width, height), &layers);
            }
            ClientEvent::Update { request, name, metadata, attributes } => {
                self.update(request, name, metadata, attributes);
            }
            ClientEvent::Audience(audience) => self.set_audience(audience),
            ClientEvent::Resume { restart_down } => self.resume(restart_down),
            ClientEvent::Leave => self.end(LeaveReason::ClientLeft, None),
        }
        Ok(())
    }

    /// News of the room.
    pub fn handle_notice(&mut self, notice: &Notice) {
        if self.ended {
            return;
        }
        match notice {
            Notice::Participant(participant) => self.participant(participant),
            Notice::ParticipantLeft { participant, identity, reason } => {
                if *participant == self.me.id {
                    return self.end_unasked(*reason);
                }
                let (participant, reason) = (*participant, *reason);
                let leaver = Leaver { participant, identity: identity.clone(), reason };
                if self.roster.leave(leaver) {
                    let identity = identity.clone();
                    self.tell(ClientNotice::Left { participant, identity, reason });
                    self.renegotiate();
                }
            }
            Notice::PeerDisconnected { peer, reason, .. } => self.disconnected(*peer, *reason),
            Notice::CommandFailed { participant, error: CommandError::UnknownPeer }
                if *participant == self.me.id =>
            {
                let reason = LeaveReason::MediaFailed;
                self.end(reason, Some(End::Rejoin(reason)));
            }
            Notice::TrackRefused { participant, track, error } if *participant == self.me.id => {
                let error = match error {
                    CommandError::Limit(of) => RequestError::Limit(of.clone()),
                    other => RequestError::Invalid(other.to_string()),
                };
                self.handle_response(Purpose::Publish(*track), Err(error));
            }
            Notice::StreamStates { .. }
            | Notice::LayersWanted { .. }
            | Notice::BackupWanted { .. }
            | Notice::Muted { .. }
            | Notice::Unpublished { .. }
            | Notice::TrackSubscribed(..) => self.of_tracks(notice),
            Notice::Speakers { .. } | Notice::SoundSeats { .. } => self.of_sound(notice),
            Notice::Quality { participant, quality } => {
                let (participant, quality) = (*participant, *quality);
                self.tell(ClientNotice::Quality { participant, quality });
            }
            Notice::Moved { placement } => self.moved_to(placement),
            Notice::RoomClosed => self.end_unasked(LeaveReason::RoomClosed),
            Notice::Reception(reception) => {
                self.reception = reception.clone();
                self.tell(ClientNotice::Reception);
            }
            Notice::CommandFailed { .. }
            | Notice::TrackRefused { .. }
            | Notice::Decided { .. }
            | Notice::PeerConnected { .. }
            | Notice::TrackStarted { .. } => {}
        }
    }

    /// Ends the stay: the controller is told, and the client where it should know.
    pub fn end(&mut self, reason: LeaveReason, client: Option<End>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (room, participant) = (self.placement.room, self.me.id);
        self.request(Purpose::Courtesy, Request::Leave { room, participant, reason });
        if let Some(end) = client {
            self.tell(ClientNotice::Ended(end));
        }
    }

    /// The controller ended the stay.
    fn end_unasked(&mut self, reason: LeaveReason) {
        self.ended = true;
        let end = match reason {
            LeaveReason::ConnectionLost | LeaveReason::ServerShutdown => End::Rejoin(reason),
            _ => End::Out(reason),
        };
        self.tell(ClientNotice::Ended(end));
    }

    fn disconnected(&mut self, peer: PeerId, reason: DisconnectReason) {
        if peer != self.up.peer && peer != self.down.peer {
            return;
        }
        let why = LeaveReason::MediaFailed;
        match reason {
            // The page goes, or makes a new connection; it says so by itself.
            DisconnectReason::Closed => {}
            DisconnectReason::ConsentExpired => self.end(why, Some(End::Rejoin(why))),
            DisconnectReason::HandshakeTimeout
            | DisconnectReason::Refused
            | DisconnectReason::HandshakeFailed
            | DisconnectReason::FingerprintMismatch => self.end(why, Some(End::Out(why))),
        }
    }

    fn participant(&mut self, participant: &Participant) {
        if participant.id == self.me.id {
            if participant.version < self.me.version {
                return;
            }
            let role = std::mem::replace(&mut self.me, participant.clone()).role;
            if role != self.me.role {
                self.tell(ClientNotice::Reception);
            }
            if let Some(audience) = self.audience_unasked.take() {
                self.set_audience(audience);
            }
            return self.changed(participant);
        }
        let before = self.roster.barred_of(participant.id, &self.me.identity);
        if !self.roster.update(participant) {
            return;
        }
        self.changed(participant);
        let after = self.roster.barred_of(participant.id, &self.me.identity);
        let publisher = participant.id;
        for track in before.difference(&after).copied() {
            self.tell(ClientNotice::Permitted { publisher, track, allowed: true });
        }
        for track in after.difference(&before).copied() {
            self.tell(ClientNotice::Permitted { publisher, track, allowed: false });
        }
    }

    fn changed(&mut self, participant: &Participant) {
        self.tell(ClientNotice::Participant(Box::new(participant.clone())));
        self.renegotiate();
    }

    fn command(&mut self, purpose: Purpose, command: Command) {
        let (room, participant) = (self.placement.room, self.me.id);
        self.request(purpose, Request::Node { room, participant, command });
    }

    fn request(&mut self, purpose: Purpose, body: Request) {
        self.out.push_back(Output::Request { purpose, body: Box::new(body) });
    }

    fn tell(&mut self, notice: ClientNotice) {
        self.out.push_back(Output::Client(notice));
    }
}
