//! The publisher's side of a peer: which SSRC carries which encoding, and when packets arrived.
//!
//! SSRCs are learned from the mid and rid of authenticated packets (RFC 8843 section 9.2, RFC 8852),
//! or from the payload type where a client sends neither.

use crate::arena::TrackKey;
use crate::feedback::Arrivals;
use crate::limits::MAX_SSRCS_PER_PEER;
use crate::track::Role;
use lectern_wire::Ssrc;

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Which track.
    pub track: TrackKey,
    /// Which of its encodings.
    pub encoding: usize,
    /// For the first time, or again.
    pub role: Role,
}

/// What a peer publishes.
#[derive(Debug, Default)]
pub struct Ingress {
    /// Its tracks.
    pub tracks: Vec<TrackKey>,
    /// Arrivals for transport-wide feedback.
    pub arrivals: Arrivals,
    /// Ordered by SSRC.
    bindings: Vec<(Ssrc, Binding)>,
}

impl Ingress {
    /// What an SSRC carries, where that is known.
    #[inline]
    pub fn binding(&self, ssrc: Ssrc) -> Option<Binding> {
        let place = self.bindings.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc).ok()?;
        self.bindings.get(place).map(|(_, binding)| *binding)
    }

    /// Binds an SSRC; `false` where the peer has too many.
    #[must_use]
    pub fn bind(&mut self, ssrc: Ssrc, binding: Binding) -> bool {
        match self.bindings.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc) {
            Ok(place) => self.bindings[place].1 = binding,
            Err(_) if self.bindings.len() >= MAX_SSRCS_PER_PEER => return false,
            Err(place) => self.bindings.insert(place, (ssrc, binding)),
        }
        true
    }

    /// An SSRC carries nothing any more.
    pub fn unbind(&mut self, ssrc: Ssrc) {
        self.bindings.retain(|(bound, _)| *bound != ssrc);
    }

    /// No SSRC carries anything of a track any more.
    pub fn unbind_all(&mut self, track: TrackKey) {
        self.bindings.retain(|(_, binding)| binding.track != track);
    }

    /// A track has ended.
    pub fn remove(&mut self, track: TrackKey) {
        self.tracks.retain(|known| *known != track);
        self.unbind_all(track);
    }
}
