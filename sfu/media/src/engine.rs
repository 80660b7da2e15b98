//! The engine: four verbs around one packet path.
//!
//! `handle_batch → handle_datagram → forward`: a datagram is opened, placed into its encoding, and
//! for each subscription selected, rewritten, sealed and remembered. All else is in the children.

mod allocate;
mod command;
mod data;
mod feedback;
mod fill;
mod membership;
mod pace;
mod receive;
mod relay;
mod replay;
mod room;
mod rtcp;
mod serve;
mod slots;
mod snapshot;
mod timeout;

pub use pace::PathFigures;

use crate::arena::{Key, PeerKey};
use crate::cache::Pool;
use crate::clock::WallClock;
use crate::congestion::Sent;
use crate::demux::Demux;
use crate::fence::Fences;
use crate::forwarder::{Forwarder, Source};
use crate::hash::Keyed;
use crate::ingress::Binding;
use crate::limits::{MAX_ACCEPTED, UNDER_RTP_BYTES};
use crate::pacer::{Class, Waiting};
use crate::packet::Packet;
use crate::peer::Peer;
use crate::relay::Relays;
use crate::rewrite::Segment;
use crate::router::Router;
use crate::timers::Timers;
use crate::{Counters, DropReason, Outbox};
use lectern_control::node::Event;
use lectern_control::{RequestId, Revision, RoomId};
use lectern_wire::rtp::View;
use lectern_wire::stun::{Kind, Message};
use lectern_wire::{DataSize, SeqNo, classify};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// What an engine is made from.
#[derive(Debug, Clone)]
pub struct Config {
    /// All randomness of the engine except that of DTLS comes from here.
    pub seed: [u8; 32],
    /// Where clients reach this node, best first.
    pub addresses: Vec<SocketAddr>,
    /// One moment on both clocks: the engine's, and the time since 1970. Sender reports carry the
    /// wall clock that follows from it.
    pub epoch: (Instant, Duration),
    /// Bytes in the outbox at which the engine asks to be flushed.
    pub outbox_bytes: usize,
    /// Estimates what the path to each subscriber can take, paces what it is sent, and shares that out
    /// among what it watches. Without it everything is sent at once.
    pub estimates: bool,
}

/// A datagram as it came from the socket; decrypted in place.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// The address it came to.
    pub local: SocketAddr,
    /// The address it came from.
    pub remote: SocketAddr,
    /// Its bytes.
    pub bytes: &'a mut [u8],
}

/// How far a batch got.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All of it is handled.
    Done,
    /// The outbox is full: poll, send, call [`Engine::sent`], and go on with the rest.
    Flush,
}

/// What [`Engine::poll`] gives out.
#[derive(Debug)]
pub struct Output<'a> {
    /// Datagrams to send; they stay until [`Engine::sent`].
    pub outbox: &'a Outbox,
    /// What happened, oldest first; taken out by reading, or by dropping this.
    pub events: std::vec::Drain<'a, (RoomId, Event)>,
    /// When [`Engine::handle_timeout`] wants to be called, if nothing else comes first.
    pub deadline: Option<Instant>,
}

/// The media engine of one worker.
pub struct Engine {
    router: Router,
    demux: Demux,
    fences: Fences,
    pool: Pool,
    relays: Relays,
    outbox: Outbox,
    events: Vec<(RoomId, Event)>,
    accepted: Vec<(SocketAddr, IpAddr)>,
    counters: Counters,
    peer_timers: Timers,
    room_timers: Timers,
    wall: WallClock,
    addresses: Vec<SocketAddr>,
    estimates: bool,
    rng: StdRng,
}

impl Engine {
    /// An engine without rooms.
    pub fn new(_now: Instant, config: Config) -> Engine {
        let mut rng = StdRng::from_seed(config.seed);
        let keyed = Keyed::random(&mut rng);
        Engine {
            router: Router::new(keyed),
            demux: Demux::new(keyed),
            fences: Fences::new(keyed),
            pool: Pool::default(),
            relays: Relays::default(),
            outbox: Outbox::new(config.outbox_bytes),
            events: Vec::new(),
            accepted: Vec::with_capacity(MAX_ACCEPTED),
            counters: Counters::default(),
            peer_timers: Timers::default(),
            room_timers: Timers::default(),
            wall: WallClock::new(config.epoch.0, config.epoch.1),
            addresses: config.addresses,
            estimates: config.estimates,
            rng,
        }
    }

    /// Handles datagrams until the batch is empty or the outbox is full. Pass the iterator by
    /// reference (`&mut batch`) and call again with the rest after [`Progress::Flush`].
    pub fn handle_batch<'a>(
        &mut self,
        now: Instant,
        batch: impl Iterator<Item = Datagram<'a>>,
    ) -> Progress {
        for mut datagram in batch {
            self.counters.datagrams_in += 1;
            self.counters.bytes_in += datagram.bytes.len() as u64;
            if let Err(reason) = self.handle_datagram(now, &mut datagram) {
                self.counters.drop(reason);
            }
            if self.outbox.is_full() {
                return Progress::Flush;
            }
        }
        Progress::Done
    }

    /// Carries out a command. What cannot be done becomes [`Event::CommandFailed`].
    pub fn handle_command(
        &mut self,
        now: Instant,
        room: RoomId,
        revision: Revision,
        request: RequestId,
        command: lectern_control::node::Command,
    ) {
        if let Err(error) = self.command(now, room, revision, command) {
            self.events.push((room, Event::CommandFailed { request, error }));
        }
    }

    /// Does what is due. May leave work for the next call when the outbox is full; the deadline is
    /// then not after `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while !self.outbox.is_full() {
            if let Some(peer) = self.peer_timers.pop(now) {
                self.peer_timeout(now, PeerKey::from_index(peer));
            } else if let Some(room) = self.room_timers.pop(now) {
                self.room_timeout(now, room);
            } else {
                return;
            }
        }
    }

    /// What there is to send and to tell, and when to come back.
    pub fn poll(&mut self, _now: Instant) -> Output<'_> {
        self.outbox.group();
        let deadlines = self.peer_timers.first().into_iter().chain(self.room_timers.first());
        Output { outbox: &self.outbox, deadline: deadlines.min(), events: self.events.drain(..) }
    }

    /// Where accepted checks came from, and to which address of ours, since the last call of
    /// [`Self::sent`]: clients are to be answered from there (RFC 8445 section 7.3).
    pub fn accepted(&self) -> &[(SocketAddr, IpAddr)] {
        &self.accepted
    }

    /// The outbox has been sent: forgets it.
    pub fn sent(&mut self) {
        self.counters.datagrams_out += self.outbox.packets().len() as u64;
        self.counters.bytes_out += self.outbox.total_bytes();
        self.outbox.clear();
        self.accepted.clear();
    }

    /// What has been counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The rooms that live here.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.router.rooms.iter().map(|(_, room)| room.id)
    }

    /// One `match`: every datagram is one of four protocols, or dropped.
    fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut Datagram<'_>,
    ) -> Result<(), DropReason> {
        match classify(datagram.bytes) {
            lectern_wire::Class::Stun => self.handle_stun(now, datagram),
            lectern_wire::Class::Dtls => self.handle_dtls(now, datagram),
            lectern_wire::Class::Rtcp => self.handle_rtcp(now, datagram),
            lectern_wire::Class::Rtp => self.handle_rtp(now, datagram),
            lectern_wire::Class::Unknown => Err(DropReason::UnknownProtocol),
        }
    }

    fn handle_stun(&mut self, now: Instant, datagram: &Datagram<'_>) -> Result<(), DropReason> {
        self.counters.stun_in += 1;
        let Datagram { local, remote, .. } = *datagram;
        let message = Message::parse(datagram.bytes).map_err(|_| DropReason::Malformed)?;
        let key = self.demux.by_message(&message)?;
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownUfrag)?;
        let authenticated = peer.transport.handle_stun(now, local, remote, &message);
        let opened = authenticated.and_then(|()| self.open_address(now, key, remote));
        if opened.is_ok() && message.kind == Kind::Request && self.accepted.len() < MAX_ACCEPTED {
            self.accepted.push((remote, local.ip()));
        }
        self.serve(now, key);
        opened
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &Datagram<'_>) -> Result<(), DropReason> {
        self.counters.dtls_in += 1;
        let key = self.demux.by_address(datagram.remote)?;
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        if !peer.transport.accepts(datagram.remote) {
            return Err(DropReason::UnknownAddress);
        }
        let handled = peer.transport.handle_dtls(now, datagram.remote, datagram.bytes);
        self.serve(now, key);
        handled
    }

    /// Decrypt, find the encoding, put into order, forward.
    fn handle_rtp(&mut self, now: Instant, datagram: &mut Datagram<'_>) -> Result<(), DropReason> {
        let key = self.demux.by_address(datagram.remote)?;
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let opened = peer.transport.open_rtp(datagram.bytes)?;
        self.counters.rtp_in += 1;
        let bytes = datagram.bytes.get(..opened.len).ok_or(DropReason::Malformed)?;
        let view = View::parse(bytes).map_err(|_| DropReason::Malformed)?;
        let known = peer.ingress.binding(view.header.fields.ssrc);
        self.note_arrival(now, key, &view);
        let binding = match known {
            Some(binding) => binding,
            None => self.router.learn(&mut self.pool, key, &view)?,
        };
        let (packet, gap) = self.receive(now, key, binding, SeqNo(opened.index), &view)?;
        if let Some(gap) = gap.filter(|_| packet.copies > 0) {
            self.fill(now, key, binding, &gap, (&packet, bytes));
        }
        self.forward(now, binding, &packet, bytes);
        if !self.relays.is_empty() {
            self.relay(now, binding, &packet, bytes);
        }
        if packet.starts_keyframe {
            self.catch_up(now, binding, packet.number);
        }
        Ok(())
    }

    /// Egress: for each subscription of the track select, rewrite, seal, remember.
    fn forward(&mut self, now: Instant, binding: Binding, packet: &Packet, bytes: &[u8]) {
        let Engine { router, outbox, counters, peer_timers, pool, .. } = self;
        let Some(track) = router.tracks.get_mut(binding.track) else { return };
        let Some((source, forwarders)) = track.split(binding.encoding) else { return };
        let source = source.with_earlier(pool, packet.number);
        for forwarder in forwarders {
            let sent = match router.peers.get_mut(forwarder.peer) {
                Some(peer) => send(now, &source, packet, bytes, forwarder, peer, outbox),
                None => Err(DropReason::NotConnected),
            };
            count(counters, peer_timers, forwarder.peer, sent);
        }
    }
}

/// What became of a packet to a subscriber.
enum Outcome {
    /// It has left. With the first one comes the time of its first sender report.
    Left(Option<Instant>),
    /// It waits for its turn, which comes no sooner.
    Waits(Option<Instant>),
}

/// Counts what became of one packet to one subscriber. One that waits is counted when it leaves.
#[inline]
fn count(
    counters: &mut Counters,
    timers: &mut Timers,
    peer: PeerKey,
    sent: Result<Outcome, DropReason>,
) {
    let due = match sent {
        Ok(Outcome::Left(first_report)) => {
            counters.rtp_out += 1;
            first_report
        }
        Ok(Outcome::Waits(due)) => due,
        Err(reason) => return counters.drop(reason),
    };
    if let Some(due) = due {
        timers.advance(peer.index(), due);
    }
}

/// One packet to one subscriber: at once, or when its turn comes.
#[inline]
fn send(
    now: Instant,
    source: &Source<'_>,
    packet: &Packet,
    bytes: &[u8],
    forwarder: &mut Forwarder,
    peer: &mut Peer,
    outbox: &mut Outbox,
) -> Result<Outcome, DropReason> {
    let remote = peer.receives_media()?;
    let segment = forwarder.select(now, source, packet)?;
    if !peer.egress.path.is_open(now, source.class) {
        return hold(now, source.class, (&segment, packet, bytes), forwarder, peer);
    }
    let slot = outbox.slot();
    let earlier = source.earlier.within(peer.egress.redundancy.distance());
    let rewritten = forwarder.rewrite(&segment, packet, bytes, &earlier, &peer.extensions, slot)?;
    let len = peer.seal(now, &rewritten, slot, Sent::Media)?;
    if forwarder.repeats {
        peer.egress.sealed.keep(
            forwarder.ssrc,
            rewritten.index,
            slot.get(..len).unwrap_or_default(),
        );
    }
    forwarder.remember(now, &segment, packet, &rewritten);
    forwarder.has_left_at_once(rewritten.index);
    peer.egress.budget.earn(len);
    outbox.commit(forwarder.peer.index(), remote, len);
    Ok(Outcome::Left((forwarder.sent.packets == 1).then(|| peer.egress.report_soon(now))))
}

/// A packet waits for its turn: it has its number, and will be made from the cache. Where too much
/// waits already, nothing more of the picture is sent until a keyframe: what is left out in the
/// middle would be asked for again.
fn hold(
    now: Instant,
    class: Class,
    (segment, packet, bytes): (&Segment, &Packet, &[u8]),
    forwarder: &mut Forwarder,
    peer: &mut Peer,
) -> Result<Outcome, DropReason> {
    let placed = forwarder.place(segment, packet, bytes)?;
    let size = DataSize::bytes((bytes.len() + UNDER_RTP_BYTES) as u64);
    let waiting = Waiting { ssrc: forwarder.ssrc, number: placed.index, size };
    if !peer.egress.path.pacer.push(class, waiting) {
        forwarder.wait();
        return Err(DropReason::PacerFull);
    }
    forwarder.remember(now, segment, packet, &placed);
    peer.egress.budget.earn(bytes.len());
    let first_report = (forwarder.sent.packets == 1).then(|| peer.egress.report_soon(now));
    let due = peer.egress.path.pacer.deadline(now);
    Ok(Outcome::Waits(due.into_iter().chain(first_report).min()))
}
