//! Descriptions of both transports: the client's offers and our answers, our offers and the
//! client's answers, candidates, restarts.

use super::event::{ClientNotice, Purpose, Refusal, Side};
use super::{Error, Session, downlink, publication, uplink};
use crate::sdp;
use crate::sdp::answer::LocalTransport;
use crate::sdp::candidate::Loopback;
use crate::sdp::offer::Offer;
use lectern_control::edge::Request;
use lectern_control::media::{ExtensionId, Wish};
use lectern_control::node::Command;
use lectern_control::room::Placement;
use lectern_control::transport::{
    DataParameters, Duty, IceCredentials, IceRole, PeerParameters, RemoteParameters,
};
use lectern_control::{PeerId, TrackId};

impl Session {
    pub(super) fn offered(&mut self, text: &str) -> Result<(), Error> {
        let offer = Offer::parse(text, self.loopback())?;
        let change = self.up.offered(&offer.transport, &mut self.rng)?;
        let extensions = offer.extensions();
        let peer = self.up.peer;
        match change {
            uplink::Change::Open(remote) => {
                let data = self.equipment.up_data.clone();
                let parameters = self.peer(
                    IceRole::Controlled,
                    self.up.ice.clone(),
                    Some(remote),
                    extensions.clone(),
                    data,
                );
                self.open(peer, parameters, false);
            }
            uplink::Change::Restart => {
                let (local, remote) = (self.up.ice.clone(), offer.transport.ice.clone());
                let candidates = offer.transport.candidates.clone();
                let command = Command::RestartIce { peer, local, remote, candidates };
                self.command(Purpose::Essential, command);
            }
            uplink::Change::None => {}
        }
        if change_of(&mut self.up.extensions, &extensions) && self.up.origin.version > 0 {
            self.command(Purpose::Essential, Command::SetExtensions { peer, extensions });
        }
        let may_publish = self.me.permissions.publish;
        let (verdicts, changes) = self.publications.offered(&offer, may_publish);
        self.publish_changes(changes);
        self.up.origin.version += 1;
        let announce = std::mem::take(&mut self.up.announce_candidates);
        let transport = LocalTransport {
            ice: &self.up.ice,
            fingerprint: self.equipment.fingerprint,
            setup: self.up.setup(),
            candidates: if announce { &self.placement.candidates } else { &[] },
        };
        let sdp = sdp::answer::write(&offer, &verdicts, transport, self.up.origin);
        self.tell(ClientNotice::Answer { sdp });
        Ok(())
    }

    pub(super) fn publish_changes(&mut self, changes: Vec<publication::Change>) {
        let (room, participant, peer) = (self.placement.room, self.me.id, self.up.peer);
        for change in changes {
            match change {
                publication::Change::Began(id) => {
                    let Some(publication) = self.publications.find(id) else { continue };
                    let parameters = publication.parameters();
                    let publish = Command::Publish { peer, track: id, parameters };
                    if publication.stands_for().is_some() {
                        self.publish_backup(id, publish);
                        continue;
                    }
                    let track = publication.track.clone();
                    // Both may be refused, as to somebody who is just made a viewer: the first refusal
                    // is told, and takes the track back.
                    self.command(Purpose::Publish(id), publish);
                    let request = Request::AddTrack { room, participant, track };
                    self.request(Purpose::Publish(id), request);
                }
                // Node and room hear of it together.
                publication::Change::Ended(track) => {
                    let request = Request::RemoveTrack { room, participant, track };
                    self.request(Purpose::Courtesy, request);
                }
            }
        }
    }

    /// Shown as a part of its track first, so that nobody takes it for a track of its own.
    fn publish_backup(&mut self, id: TrackId, publish: Command) {
        let (room, participant) = (self.placement.room, self.me.id);
        if let Some(track) = self.publications.with_backup(id) {
            let request = Request::AddTrack { room, participant, track };
            self.request(Purpose::Publish(id), request);
            self.command(Purpose::Publish(id), publish);
        }
    }

    pub(super) fn answered(&mut self, offer: u32, text: &str) -> Result<(), Error> {
        let loopback = self.loopback();
        let Some(answered) = self.down.answer(offer, text, loopback)? else { return Ok(()) };
        let peer = self.down.peer;
        match answered.change {
            downlink::Change::Connect(remote) => {
                self.command(Purpose::Essential, Command::SetRemote { peer, remote });
            }
            downlink::Change::Restart(candidates) => {
                let Some(remote) = &self.down.remote else { return Ok(()) };
                let (local, remote) = (self.down.ice.clone(), remote.ice.clone());
                let command = Command::RestartIce { peer, local, remote, candidates };
                self.command(Purpose::Essential, command);
            }
            downlink::Change::None => {}
        }
        if let Some(extensions) = answered.extensions {
            self.command(Purpose::Essential, Command::SetExtensions { peer, extensions });
        }
        let (slots, tracks) = answered.tracks.into_iter().partition(|one| self.sound.is_slot(one));
        self.answered_slots(slots);
        for downlink::AnsweredTrack { track, sent, parameters } in tracks {
            match parameters {
                Some(parameters) if self.roster.track(track).is_some() => {
                    // Where it is refused the track has ended, and the roster is about to say so.
                    let command = Command::Subscribe { peer, track: sent, parameters };
                    self.command(Purpose::Subscribe, command);
                    self.streams.subscribed(track);
                    let wish = self.roster.wish(track);
                    if wish != Wish::default() {
                        self.wish(sent, wish);
                    }
                }
                Some(_) => {} // It ended meanwhile.
                None => {
                    // Told at once: the backup may be long in coming, or never come.
                    let why = Refusal::Codec;
                    self.tell(ClientNotice::SubscriptionRefused { track, why });
                    self.ask_backup(track);
                }
            }
        }
        self.renegotiate();
        Ok(())
    }

    pub(super) fn candidate(&mut self, side: Side, line: &str) {
        let loopback = self.loopback();
        let (peer, candidate) = match side {
            Side::Up => (self.up.peer, self.up.candidate(line, loopback)),
            Side::Down => (self.down.peer, self.down.candidate(line, loopback)),
        };
        if let Some(candidate) = candidate {
            self.command(Purpose::Courtesy, Command::AddCandidate { peer, candidate });
        }
    }

    pub(super) fn moved_to(&mut self, placement: &Placement) {
        self.placement = placement.clone();
        self.moved = self.up.remote.is_some();
        self.down.moved(placement, &mut self.rng);
        self.renegotiate();
        if self.moved {
            self.up.announce_candidates = true;
            let candidates = placement.candidates.clone();
            self.tell(ClientNotice::UpMoved { candidates });
        }
    }

    pub(super) fn resume(&mut self, restart_down: bool) {
        self.down.forget_outstanding();
        // After a move the lower transport has been seen to; only what the client offers is renewed.
        if restart_down && !std::mem::take(&mut self.moved) {
            let candidates = self.placement.candidates.clone();
            self.down.restart(candidates, &mut self.rng);
        }
        self.tell_streams();
        self.renegotiate();
    }

    /// Offers what has changed, unless an offer is unanswered: then the answer brings us back here.
    pub(super) fn renegotiate(&mut self) {
        if self.ended {
            return;
        }
        let subscribes = self.me.permissions.subscribe;
        let mut wanted =
            if subscribes { self.roster.wanted(&self.me.identity) } else { Vec::new() };
        self.choose_sound(&mut wanted);
        for track in self.down.limit(&mut wanted) {
            self.tell(ClientNotice::SubscriptionRefused { track, why: Refusal::Limit });
        }
        if subscribes {
            // First of all: they stay where they are, whoever comes and goes.
            wanted.splice(0..0, self.sound.sections().iter().cloned());
        }
        let peer = self.down.peer;
        let before = self.down.sent();
        let offer = self.down.offer(&wanted, &mut self.rng);
        let now = self.down.sent();
        for (track, sent) in before.into_iter().filter(|one| !now.contains(one)) {
            // A track that ended needs no word: the node has dropped it.
            if self.roster.track(track).is_some() {
                self.command(Purpose::Courtesy, Command::Unsubscribe { peer, track: sent });
            }
        }
        if let Some((id, sdp)) = offer {
            let mut tracks = self.down.tracks_by_mid();
            tracks.retain(|(_, track)| self.roster.track(*track).is_some());
            self.tell(ClientNotice::Offer { id, sdp, tracks });
        }
    }

    fn loopback(&self) -> Loopback {
        Loopback::of_node(&self.placement.candidates)
    }

    pub(super) fn peer(
        &self,
        ice_role: IceRole,
        ice: IceCredentials,
        remote: Option<RemoteParameters>,
        extensions: Vec<ExtensionId>,
        data: DataParameters,
    ) -> PeerParameters {
        PeerParameters {
            participant: self.me.id,
            duty: Duty::Active,
            ice_role,
            ice,
            generation: self.placement.generation,
            dtls: self.equipment.dtls.clone(),
            remote,
            extensions,
            permissions: self.me.permissions,
            data,
        }
    }

    pub(super) fn open(&mut self, peer: PeerId, parameters: PeerParameters, warm: bool) {
        let (room, participant) = (self.placement.room, self.me.id);
        let parameters = Box::new(parameters);
        let request = Request::OpenPeer { room, participant, peer, parameters, warm };
        self.request(Purpose::Essential, request);
    }
}

fn change_of(known: &mut Vec<ExtensionId>, new: &[ExtensionId]) -> bool {
    let differs = known.as_slice() != new;
    if differs {
        *known = new.to_vec();
    }
    differs
}
