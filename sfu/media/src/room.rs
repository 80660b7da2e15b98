//! A room: the peers that may see each other, and what is kept for all of them.

use crate::arena::{PeerKey, TrackKey};
use crate::bucket::Bucket;
use crate::forwarder;
use crate::levels::Speakers;
use crate::seats::Seats;
use lectern_control::media::{SubscriptionParameters, Wish};
use lectern_control::{ParticipantId, Revision, RoomId, TrackId};
use std::time::{Duration, Instant};

/// The peers that may see each other.
#[derive(Debug)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// The highest revision of a command about it.
    pub revision: Revision,
    /// Its peers.
    pub peers: Vec<PeerKey>,
    /// Its tracks.
    pub tracks: Vec<TrackKey>,
    /// Subscriptions of restored peers whose track is still to be restored.
    pub pending: Vec<Pending>,
    /// Until when everybody's messages are held back: the room moves.
    pub data_rests: Option<Instant>,
    /// What messages may still cost on their way to everybody.
    pub deliveries: Bucket,
    /// Who is heard in sound slots.
    pub seats: Seats,
    /// Who speaks.
    pub speakers: Speakers,
    /// When to look who speaks.
    pub speakers_due: Instant,
    /// When to tell how well transports do.
    pub quality_due: Instant,
    /// Memory for [`Self::quality_due`].
    pub figures: Vec<Figures>,
}

/// A subscription that waits for its track.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The track.
    pub track: TrackId,
    /// The subscriber.
    pub peer: PeerKey,
    /// How it is sent.
    pub parameters: SubscriptionParameters,
    /// What the subscriber wants of it.
    pub wish: Wish,
    /// Where the former node stopped.
    pub state: forwarder::State,
}

/// How well one transport did over the last period.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Whose.
    pub participant: ParticipantId,
    /// Packets that should have come.
    pub expected: u64,
    /// Packets that came, repaired ones included.
    pub complete: u64,
    /// Loss on the way down, where the peer reported any.
    pub downlink_loss: Option<f32>,
    /// Round trip, where known.
    pub round_trip: Option<Duration>,
}

impl Figures {
    /// Both transports of one participant together: all packets up, the worse way down.
    pub fn merge(&mut self, other: &Figures) {
        self.expected += other.expected;
        self.complete += other.complete;
        self.downlink_loss = match (self.downlink_loss, other.downlink_loss) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        self.round_trip = self.round_trip.max(other.round_trip);
    }

    /// As they are told.
    pub fn quality(&self) -> lectern_control::node::Quality {
        let lost = self.expected.saturating_sub(self.complete);
        let uplink_loss = if self.expected == 0 { 0.0 } else { lost as f32 / self.expected as f32 };
        let rtt_ms = self.round_trip.map_or(0, |round_trip| round_trip.as_millis());
        lectern_control::node::Quality {
            uplink_loss,
            downlink_loss: self.downlink_loss.unwrap_or(0.0),
            rtt_ms: u32::try_from(rtt_ms).unwrap_or(u32::MAX),
        }
    }
}
