//! The transport that we offer: one section for each track the participant receives, in a stable
//! order, one offer at a time.
//!
//! A track that ends has its section rejected; once the client agreed, the section is used anew
//! under another mid (RFC 9429 section 5.2.2), so that descriptions do not grow.

use super::payload::PayloadTypes;
use super::slot::{Sending, Slot, State, Wanted};
use super::uplink::{count, dtls_role};
use super::{Error, random};
use crate::sdp::MAX_SECTIONS;
use crate::sdp::candidate::{self, Loopback};
use crate::sdp::client_answer::ClientAnswer;
use crate::sdp::extension;
use crate::sdp::server_offer::{self, LocalTransport, Origin, SentSection};
use crate::sdp::transport::{Setup, Transport};
use lectern_control::limits::MAX_CANDIDATES_PER_PEER;
use lectern_control::media::{Codec, CodecName, ExtensionId, MediaKind, SubscriptionParameters};
use lectern_control::room::Placement;
use lectern_control::transport::{Candidate, Fingerprint, IceCredentials, RemoteParameters};
use lectern_control::{NodeId, PeerId, TrackId};
use rand::rngs::StdRng;
use std::collections::BTreeSet;

/// Tracks one participant receives at once: at about 1.5 KB each the description stays under the
/// limit we keep ourselves.
pub const MAX_SUBSCRIPTIONS: usize = 100;
/// Sections after the one of the data channels, rejected ones among them: no more than we read in
/// the answer.
const MAX_SLOTS: usize = MAX_SECTIONS - 1;

/// What an answer means for the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The client's side is known.
    Connect(RemoteParameters),
    /// New credentials on both sides.
    Restart(Vec<Candidate>),
    /// Nothing new.
    None,
}

/// What an answer says.
#[derive(Debug)]
pub struct Answered {
    /// About the transport.
    pub change: Change,
    /// The extensions of all sections, where they differ from before.
    pub extensions: Option<Vec<ExtensionId>>,
    /// About tracks that were new in the offer.
    pub tracks: Vec<AnsweredTrack>,
}

/// What an answer says about a track.
#[derive(Debug)]
pub struct AnsweredTrack {
    /// Which, as the client knows it.
    pub track: TrackId,
    /// Which, as nodes know it.
    pub sent: TrackId,
    /// How to send it; `None` where the client cannot receive it.
    pub parameters: Option<SubscriptionParameters>,
}

/// The lower transport.
#[derive(Debug)]
pub struct Downlink {
    /// Its id.
    pub peer: PeerId,
    /// Our credentials.
    pub ice: IceCredentials,
    /// The client's side.
    pub remote: Option<Transport>,
    /// Extensions the node knows.
    pub extensions: Vec<ExtensionId>,
    /// Credentials for the next offer.
    restarting: Option<IceCredentials>,
    /// Credentials that stand new in the offer that is unanswered.
    offered: Option<IceCredentials>,
    origin: Origin,
    fingerprint: Fingerprint,
    /// Announced in the next offer.
    announce: Vec<Candidate>,
    /// The node whose candidates the client has checked beside those of the active one.
    warm: Option<NodeId>,
    slots: Vec<Slot>,
    mids: u32,
    payload_types: PayloadTypes,
    offers: u32,
    outstanding: Option<u32>,
    due: bool,
    early: Vec<Candidate>,
    candidates: usize,
    /// Tracks for which there is no place, as the client was told.
    excess: BTreeSet<TrackId>,
}

impl Downlink {
    /// A transport whose first offer names the candidates of the active node and of the standby.
    pub fn new(fingerprint: Fingerprint, placement: &Placement, rng: &mut StdRng) -> Downlink {
        let (active, standby) = (&placement.candidates, &placement.standby_candidates);
        let mut extensions = extension::offered(MediaKind::Audio);
        extension::merge(&mut extensions, &extension::offered(MediaKind::Video));
        Downlink {
            peer: PeerId(random::id(rng)),
            ice: random::credentials(rng),
            remote: None,
            extensions,
            restarting: None,
            offered: None,
            origin: Origin { session: random::id(rng), version: 0 },
            fingerprint,
            announce: active.iter().chain(standby).copied().collect(),
            warm: placement.standby.clone(),
            slots: Vec::new(),
            mids: 0,
            payload_types: PayloadTypes::default(),
            offers: 0,
            outstanding: None,
            due: true,
            early: Vec::new(),
            candidates: 0,
            excess: BTreeSet::new(),
        }
    }

    /// Whether the client has answered all that was offered.
    pub fn is_settled(&self) -> bool {
        self.outstanding.is_none()
    }

    /// Whether anything was offered yet.
    pub fn has_offered(&self) -> bool {
        self.offers > 0
    }

    /// Whether a track has a section whose answer came.
    pub fn is_sending(&self, track: TrackId) -> bool {
        self.sending().any(|(_, sending)| sending.wanted.track == track && sending.answered)
    }

    /// As what a track is sent to the client, where it is.
    pub fn sent_as(&self, track: TrackId) -> Option<TrackId> {
        let mut sending = self.sending().filter(|(_, sending)| sending.answered);
        sending.find(|(_, one)| one.wanted.track == track).map(|(_, one)| one.wanted.sent)
    }

    /// As what the client knows a track that is sent to it.
    pub fn shown_as(&self, sent: TrackId) -> Option<TrackId> {
        let mut sending = self.sending().filter(|(_, sending)| sending.answered);
        sending.find(|(_, one)| one.wanted.sent == sent).map(|(_, one)| one.wanted.track)
    }

    /// Tracks that are sent, as the client and as nodes know them.
    pub fn sent(&self) -> Vec<(TrackId, TrackId)> {
        let sending = self.sending().filter(|(_, sending)| sending.answered);
        sending.map(|(_, sending)| (sending.wanted.track, sending.wanted.sent)).collect()
    }

    /// Tracks that have a section.
    pub fn tracks(&self) -> Vec<TrackId> {
        self.sending().map(|(_, sending)| sending.wanted.track).collect()
    }

    fn sending(&self) -> impl Iterator<Item = (&Slot, &Sending)> {
        self.slots.iter().filter_map(|slot| match &slot.state {
            State::Sending(sending) => Some((slot, &**sending)),
            State::Rejected { .. } => None,
        })
    }

    /// Renews the path with the next offer.
    pub fn restart(&mut self, candidates: Vec<Candidate>, rng: &mut StdRng) {
        if self.remote.is_none() {
            return; // Nothing to renew: the first offer is still on its way.
        }
        self.restarting = Some(random::credentials(rng));
        self.announce = candidates;
        self.warm = None;
        self.early.clear();
        self.candidates = 0;
        self.due = true;
    }

    /// The transport lives at another node now. Where that one was held warm the client has moved
    /// by itself; where not, a request from there may reach it, and a restart does in any case.
    pub fn moved(&mut self, placement: &Placement, rng: &mut StdRng) {
        if self.warm.take().is_none_or(|warm| warm != placement.node) {
            self.restart(placement.candidates.clone(), rng);
        }
    }

    /// An offer or its answer may be lost with a connection: the next offer replaces it.
    pub fn forget_outstanding(&mut self) {
        self.outstanding = None;
        self.due = true;
    }

    /// Leaves out what is too much, and tells of tracks that were not too much before. Screens come
    /// first, then what is sent already: nobody can crowd out what people look at.
    pub fn limit(&mut self, wanted: &mut Vec<Wanted>) -> Vec<TrackId> {
        if wanted.len() <= MAX_SUBSCRIPTIONS {
            self.excess.clear();
            return Vec::new();
        }
        let placed: BTreeSet<TrackId> = self.tracks().into_iter().collect();
        wanted.sort_by_key(|one| (!one.is_of_screen(), !placed.contains(&one.track)));
        let excess = wanted.split_off(MAX_SUBSCRIPTIONS).into_iter();
        let excess: BTreeSet<TrackId> = excess.map(|one| one.track).collect();
        let fresh = excess.difference(&self.excess).copied().collect();
        self.excess = excess;
        fresh
    }

    /// The next offer, if one is due and none is unanswered: its number, text, and tracks by mid.
    pub fn offer(&mut self, wanted: &[Wanted], rng: &mut StdRng) -> Option<(u32, String)> {
        if self.outstanding.is_some() {
            return None;
        }
        self.drop_unwanted(wanted);
        self.place_new(wanted, rng);
        if !std::mem::take(&mut self.due) {
            return None;
        }
        self.offers += 1;
        self.origin.version += 1;
        self.outstanding = Some(self.offers);
        self.offered.clone_from(&self.restarting);
        let ice = self.restarting.as_ref().unwrap_or(&self.ice);
        let transport = LocalTransport {
            ice,
            fingerprint: self.fingerprint,
            setup: Setup::ActPass,
            candidates: &self.announce,
        };
        let sections: Vec<SentSection> = self.slots.iter().map(Slot::section).collect();
        let text = server_offer::write(&sections, transport, self.origin);
        Some((self.offers, text))
    }

    /// Which track each section carries.
    pub fn tracks_by_mid(&self) -> Vec<(String, TrackId)> {
        self.sending().map(|(slot, sending)| (slot.mid.clone(), sending.wanted.track)).collect()
    }

    fn drop_unwanted(&mut self, wanted: &[Wanted]) {
        for slot in &mut self.slots {
            let State::Sending(sending) = &slot.state else { continue };
            if !wanted.iter().any(|wanted| wanted.is_same(&sending.wanted)) {
                slot.state = State::Rejected { acknowledged: false };
                self.due = true;
            }
        }
    }

    fn place_new(&mut self, wanted: &[Wanted], rng: &mut StdRng) {
        for wanted in wanted {
            let placed = self.sending().any(|(_, sending)| sending.wanted.is_same(wanted));
            if placed {
                continue;
            }
            let free = self.free_slot(wanted.kind);
            if free.is_none() && self.slots.len() >= MAX_SLOTS {
                continue; // The answer that frees sections brings us back here.
            }
            let offer = |codec: &Codec| Some((codec.clone(), self.payload_types.offer(codec)?));
            let plain = wanted.codecs.iter().filter(|codec| codec.name != CodecName::Red);
            let codecs: Vec<(Codec, Codec)> = plain.filter_map(offer).collect();
            let Some((_, first)) = codecs.first() else { continue };
            let red = wanted.may_be_redundant.then(|| self.payload_types.around(first)).flatten();
            let has_rtx = codecs.iter().any(|(_, ours)| ours.rtx_payload_type.is_some());
            let ssrc = self.free_ssrc(0, rng);
            let rtx_ssrc = has_rtx.then(|| self.free_ssrc(ssrc, rng));
            let (wanted, kind) = (wanted.clone(), wanted.kind);
            let sending = Sending { wanted, codecs, red, ssrc, rtx_ssrc, answered: false };
            let slot =
                Slot { mid: self.mids.to_string(), kind, state: State::Sending(Box::new(sending)) };
            self.mids += 1;
            self.due = true;
            match free.and_then(|index| self.slots.get_mut(index)) {
                Some(free) => *free = slot,
                None => self.slots.push(slot),
            }
        }
    }

    fn free_slot(&self, kind: MediaKind) -> Option<usize> {
        self.slots.iter().position(|slot| {
            slot.kind == kind && matches!(slot.state, State::Rejected { acknowledged: true })
        })
    }

    fn free_ssrc(&self, other: u32, rng: &mut StdRng) -> u32 {
        loop {
            let ssrc = random::ssrc(rng);
            let taken = |(_, sending): (&Slot, &Sending)| {
                sending.ssrc == ssrc || sending.rtx_ssrc == Some(ssrc)
            };
            if ssrc != other && !self.sending().any(taken) {
                return ssrc;
            }
        }
    }

    /// Takes the client's answer; `None` where it answers no offer that is open.
    pub fn answer(
        &mut self,
        offer: u32,
        text: &str,
        loopback: Loopback,
    ) -> Result<Option<Answered>, Error> {
        if self.outstanding.is_none() || (offer != 0 && self.outstanding != Some(offer)) {
            return Ok(None);
        }
        let answer = ClientAnswer::parse(text, self.slots.len() + 1, loopback)?;
        let change = self.connect(&answer)?;
        self.outstanding = None;
        if self.restarting.is_none() {
            self.announce.clear();
        }
        let mut all = Vec::new();
        for section in &answer.sections {
            extension::merge(&mut all, &section.extensions);
        }
        // Before anything is received no section names an extension.
        let extensions = (!all.is_empty() && all != self.extensions).then(|| {
            self.extensions.clone_from(&all);
            all
        });
        let mut tracks = Vec::new();
        // The first section is the one of the data channels.
        for (slot, section) in self.slots.iter_mut().zip(answer.sections.iter().skip(1)) {
            match &mut slot.state {
                State::Rejected { acknowledged } => *acknowledged = true,
                State::Sending(sending) if !sending.answered => {
                    sending.answered = true;
                    let (track, sent) = (sending.wanted.track, sending.wanted.sent);
                    let parameters = sending.parameters(&slot.mid, section);
                    tracks.push(AnsweredTrack { track, sent, parameters });
                }
                State::Sending(_) => {}
            }
        }
        Ok(Some(Answered { change, extensions, tracks }))
    }

    fn connect(&mut self, answer: &ClientAnswer) -> Result<Change, Error> {
        let theirs = &answer.transport;
        let known = self.remote.replace(theirs.clone());
        if known.as_ref().is_some_and(|known| known.fingerprint != theirs.fingerprint) {
            return Err(Error::FingerprintChanged);
        }
        let candidates = together(&std::mem::take(&mut self.early), &theirs.candidates);
        if known.is_none() {
            self.candidates = candidates.len();
            return Ok(Change::Connect(RemoteParameters {
                ice: theirs.ice.clone(),
                fingerprint: theirs.fingerprint,
                dtls_role: dtls_role(theirs.setup).0,
                candidates,
            }));
        }
        match self.offered.take() {
            Some(ours) => {
                // Another restart may have been asked for since.
                self.restarting.take_if(|next| *next == ours);
                self.ice = ours;
                self.candidates = candidates.len();
                Ok(Change::Restart(candidates))
            }
            None => Ok(Change::None),
        }
    }

    /// A candidate that trickled in; kept for later while no answer has come.
    pub fn candidate(&mut self, line: &str, loopback: Loopback) -> Option<Candidate> {
        let candidate = candidate::parse(line, loopback).ok()?;
        let candidate = count(&mut self.candidates, candidate)?;
        if self.remote.is_none() || self.restarting.is_some() {
            self.early.push(candidate);
            return None;
        }
        Some(candidate)
    }
}

/// Candidates that trickled in and those of the description: clients name most of them twice, and
/// more than a peer may have are left out.
fn together(early: &[Candidate], described: &[Candidate]) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for candidate in early.iter().chain(described) {
        if !all.contains(candidate) && all.len() < MAX_CANDIDATES_PER_PEER {
            all.push(*candidate);
        }
    }
    all
}
