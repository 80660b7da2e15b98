//! The receiving side of one encoding: order, statistics, losses, keyframe requests, cache.

use crate::DropReason;
use crate::cache::{Cache, Extent, Pool};
use crate::clock::SenderClock;
use crate::keyframe::{Group, Requests};
use crate::layers::Scalability;
use crate::limits::LAYER_GONE;
use crate::nack::Losses;
use crate::order::{Order, Place};
use crate::pacer::Class;
use crate::packet::Packet;
use crate::reception::Reception;
use crate::rewrite::{Moment, Stream};
use lectern_control::media::MediaKind;
use lectern_wire::{Rid, RtpTime, SeqNo, Ssrc};
use std::time::Instant;

/// One encoding (rid) of a track.
#[derive(Debug)]
pub struct Encoding {
    /// Its rid; `None` where the track has one encoding without a rid.
    pub rid: Option<Rid>,
    /// The SSRC it comes on, once known.
    pub ssrc: Option<Ssrc>,
    /// The SSRC of its retransmissions, once known.
    pub repair_ssrc: Option<Ssrc>,
    /// Changes whenever it begins anew under another SSRC: numbers before and after have nothing
    /// to do with each other.
    pub stream: Stream,
    /// When its last packet came.
    pub heard: Option<Instant>,
    /// When it came for the first time, or again after it was gone.
    pub began: Option<Instant>,
    /// The timestamp of the packet with the highest number.
    newest_timestamp: RtpTime,
    /// Its sender's clock, once a sender report has come.
    pub clock: Option<SenderClock>,
    /// Requests for a keyframe.
    pub keyframes: Requests,
    /// How the present group of pictures has grown.
    pub group: Group,
    /// What is missing.
    pub losses: Losses,
    /// Statistics for reports.
    pub reception: Reception,
    /// Its layers; of sound there are none.
    pub layers: Option<Box<Scalability>>,
    /// The latest packets.
    pub cache: Cache,
    /// Counts full intra requests (RFC 5104 section 4.3.1.1).
    pub intra_requests: u8,
    former_ssrc: Option<Ssrc>,
    order: Order,
    kind: MediaKind,
}

/// What arrives for an encoding, as far as its header tells.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The extended sequence number under which it was first sent.
    pub sent: SeqNo,
    /// Its timestamp.
    pub timestamp: RtpTime,
    /// It carries no payload.
    pub padding: bool,
    /// It came as a retransmission.
    pub repair: bool,
}

impl Encoding {
    /// An encoding of which nothing has come.
    pub fn new(rid: Option<Rid>, class: Class) -> Encoding {
        let kind = if class == Class::Sound { MediaKind::Audio } else { MediaKind::Video };
        Encoding {
            rid,
            ssrc: None,
            repair_ssrc: None,
            stream: Stream::NONE,
            heard: None,
            began: None,
            newest_timestamp: RtpTime::default(),
            clock: None,
            keyframes: Requests::default(),
            group: Group::default(),
            losses: Losses::new(kind),
            reception: Reception::default(),
            layers: (kind == MediaKind::Video).then(Box::default),
            cache: Cache::new(Extent::of(class)),
            intra_requests: 0,
            former_ssrc: None,
            order: Order::default(),
            kind,
        }
    }

    /// Whether an SSRC may be learned for this encoding: not the one it has just left, of which
    /// late packets may still come.
    pub fn may_learn(&self, ssrc: Ssrc) -> bool {
        self.former_ssrc != Some(ssrc)
    }

    /// From now on the encoding comes under `ssrc`; `stream` is a number not used before. Where it
    /// came under another one, it begins anew.
    pub fn bind(&mut self, pool: &mut Pool, ssrc: Ssrc, stream: Stream) {
        self.former_ssrc = self.ssrc.replace(ssrc);
        self.stream = stream;
        self.clock = None;
        self.order = Order::default();
        self.losses.clear();
        self.group = Group::default();
        self.reception = Reception::default();
        self.layers = self.layers.take().map(|_| Box::default());
        self.cache.clear(pool);
    }

    /// Ticks of its clock a second.
    pub fn clock_rate(&self) -> u32 {
        match self.kind {
            MediaKind::Audio => 48_000,
            MediaKind::Video => 90_000,
        }
    }

    /// Takes note of a packet. Gives its place in the order, or why it is not to be forwarded.
    pub fn receive(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        asks_again: bool,
    ) -> Result<Place, DropReason> {
        let Arrival { sent, timestamp, padding, repair } = *arrival;
        let place = self.order.take(sent, padding)?;
        if repair {
            self.reception.repair();
        } else {
            self.reception.receive(now, sent, timestamp, self.clock_rate());
        }
        let is_gone = |heard| now.saturating_duration_since(heard) >= LAYER_GONE;
        if self.heard.replace(now).is_none_or(is_gone) {
            self.began = Some(now);
        }
        if !place.in_order {
            self.losses.arrived(now, sent);
        } else if let Some(from) = place.gap_from
            && asks_again
            && !self.losses.skipped(now, from, sent)
        {
            self.keyframes.want();
        }
        if place.is_padding {
            return Err(DropReason::Padding);
        }
        if place.in_order {
            self.newest_timestamp = timestamp;
        }
        Ok(place)
    }

    /// Completes what a packet tells of its frame, and takes note of it.
    #[inline]
    pub fn note_layers(&mut self, now: Instant, packet: &mut Packet, bytes: &[u8]) {
        if let Some(layers) = &mut self.layers {
            layers.note(now, packet, bytes);
        }
    }

    /// Keeps a packet for retransmission, and notes a keyframe.
    #[must_use]
    pub fn keep(&mut self, pool: &mut Pool, now: Instant, packet: &Packet, bytes: &[u8]) -> bool {
        if packet.starts_keyframe {
            self.keyframes.arrived();
        }
        self.cache.insert(pool, now, packet, bytes)
    }

    /// The extended number of a packet that was sent again with its old 16 bits.
    pub fn original(&self, sequence: u16) -> Option<SeqNo> {
        self.order.highest()?.nearest(sequence)
    }

    /// The packet with the highest number so far, padding taken out.
    pub fn newest_moment(&self) -> Option<Moment> {
        Some(Moment { number: self.newest()?, timestamp: self.newest_timestamp })
    }

    /// The highest number so far, padding taken out.
    pub fn newest(&self) -> Option<SeqNo> {
        self.order.highest_number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn arrival(sent: u64) -> Arrival {
        Arrival {
            sent: SeqNo(sent),
            timestamp: RtpTime(sent as u32 * 3_000),
            padding: false,
            repair: false,
        }
    }

    #[test]
    fn a_lost_packet_is_asked_for_and_its_repair_fills_the_gap() {
        let start = Instant::now();
        let mut encoding = Encoding::new(None, Class::Camera);
        for sent in [100, 101, 103] {
            encoding.receive(start, &arrival(sent), true).expect("new");
        }
        let mut asked = Vec::new();
        let later = start + Duration::from_millis(10);
        encoding.losses.take_due(later, |number| asked.push(number.wire()));
        assert_eq!(asked, [102]);
        let original = encoding.original(102).expect("near");
        let repair = Arrival { sent: original, repair: true, ..arrival(102) };
        let place = encoding.receive(later, &repair, true).expect("new");
        assert_eq!((place.number, place.in_order), (SeqNo(102), false));
        assert_eq!(encoding.losses.deadline(), None);
        assert_eq!(encoding.receive(later, &repair, true), Err(DropReason::Duplicate));
    }

    #[test]
    fn a_hole_that_cannot_be_repaired_wants_a_keyframe() {
        let start = Instant::now();
        let mut encoding = Encoding::new(None, Class::Camera);
        encoding.receive(start, &arrival(100), true).expect("new");
        encoding.receive(start, &arrival(5_000), true).expect("new");
        assert!(encoding.keyframes.is_wanted());
        assert_eq!(encoding.losses.deadline(), None);
    }

    #[test]
    fn another_ssrc_begins_anew_and_the_former_one_does_not_come_back() {
        let start = Instant::now();
        let mut pool = Pool::default();
        let mut encoding = Encoding::new(None, Class::Camera);
        encoding.bind(&mut pool, Ssrc(1), Stream::NONE);
        encoding.receive(start, &arrival(60_000), true).expect("new");
        encoding.bind(&mut pool, Ssrc(2), Stream { life: 2, ..Stream::NONE });
        assert!(!encoding.may_learn(Ssrc(1)) && encoding.may_learn(Ssrc(3)));
        let place = encoding.receive(start, &arrival(5), true).expect("new");
        assert_eq!((place.number, place.gap_from), (SeqNo(5), None));
    }
}
