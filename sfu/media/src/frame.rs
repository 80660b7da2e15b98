//! What selection must know of the frame a packet belongs to: which layers show it, and which of
//! them it opens.
//!
//! A layer to decode up to (a *decode target*) is a bit: bit 8·s + t for spatial layer s and
//! temporal layer t, or the number that a dependency descriptor gives it. So a choice of layers is a
//! bit, a set of layers is a word, and all codecs are selected by the same few operations.

use serde::{Deserialize, Serialize};

/// Spatial layers told apart; higher ones count as the highest. Encoders make three.
pub const SPATIAL_LAYERS: u8 = 4;
/// Temporal layers told apart: three bits in every codec.
pub const TEMPORAL_LAYERS: u8 = 8;

/// A set of decode targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets(pub u32);

impl Targets {
    /// None.
    pub const NONE: Targets = Targets(0);
    /// All.
    pub const ALL: Targets = Targets(u32::MAX);

    /// One spatial layer with all its temporal layers.
    #[inline]
    pub fn lane(spatial: u8) -> Targets {
        Targets(0xff << (8 * spatial.min(SPATIAL_LAYERS - 1)))
    }

    /// These spatial layers and all above.
    #[inline]
    pub fn lanes_from(spatial: u8) -> Targets {
        Targets(u32::MAX << (8 * spatial.min(SPATIAL_LAYERS - 1)))
    }

    /// In every spatial layer, this temporal layer and all above.
    #[inline]
    pub fn temporal_from(temporal: u8) -> Targets {
        Targets((0xff << temporal.min(TEMPORAL_LAYERS - 1) & 0xff) * 0x0101_0101)
    }

    /// In every spatial layer, this temporal layer and all below.
    #[inline]
    pub fn temporal_to(temporal: u8) -> Targets {
        Targets((0xff >> (7 - temporal.min(TEMPORAL_LAYERS - 1))) * 0x0101_0101)
    }

    /// The target of one spatial and one temporal layer.
    #[inline]
    pub fn one(spatial: u8, temporal: u8) -> Targets {
        let (spatial, temporal) =
            (spatial.min(SPATIAL_LAYERS - 1), temporal.min(TEMPORAL_LAYERS - 1));
        Targets(1 << (8 * spatial + temporal))
    }

    /// What is in both.
    #[inline]
    pub fn and(self, other: Targets) -> Targets {
        Targets(self.0 & other.0)
    }

    /// What is in either.
    #[inline]
    pub fn or(self, other: Targets) -> Targets {
        Targets(self.0 | other.0)
    }

    /// What is in this one and not in the other.
    #[inline]
    pub fn without(self, other: Targets) -> Targets {
        Targets(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether something is in both.
    #[inline]
    pub fn meets(self, other: Targets) -> bool {
        self.0 & other.0 != 0
    }
}

/// Which targets can be decoded from a frame on, although something before it was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Opens {
    /// None.
    #[default]
    Nothing,
    /// All: a keyframe begins.
    All,
    /// Of the frame's spatial layer the temporal layers `above + 1` to `upto`, for whoever has
    /// `above` whole: VP8's layer sync (RFC 7741 section 4.2, bit Y), VP9's switching up point
    /// (RFC 9628 section 4.2, bit U).
    Temporal {
        /// The layer that must be whole.
        above: u8,
        /// The highest that is opened.
        upto: u8,
    },
    /// The frame's spatial layer, which begins here: it depends on no picture before, only on the
    /// layer below if `on_lower` (VP9 without bit P).
    Spatial {
        /// Whether the layer below must be whole.
        on_lower: bool,
        /// Whether all its temporal layers are opened, or only the frame's.
        all_temporal: bool,
    },
    /// These, where all frames it depends on are there: the switch indications of a dependency
    /// descriptor (AV1 RTP specification section A.4).
    Targets {
        /// Which.
        targets: Targets,
        /// Bit d: it depends on the frame that is d frame numbers before. Bit 0: on one further
        /// back than is remembered.
        references: u64,
    },
}

/// The frame of a packet. One spatial layer of a picture is a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frame {
    /// Tells frames with one timestamp apart: the frame number of a dependency descriptor, or the
    /// spatial layer.
    pub part: u16,
    /// Its spatial layer.
    pub spatial: u8,
    /// Its temporal layer.
    pub temporal: u8,
    /// It depends on the layer below in the same picture, where the codec says so by itself.
    pub on_lower: bool,
    /// The packet is its first.
    pub begins: bool,
    /// The packet is its last.
    pub ends: bool,
    /// The targets that it is decoded for.
    pub targets: Targets,
    /// The targets in which later frames may depend on it.
    pub needed: Targets,
    /// What may be decoded from it on.
    pub opens: Opens,
    /// Where its dependency descriptor names the active decode targets.
    pub descriptor: Option<DescriptorPlace>,
}

/// Where in a dependency descriptor the bit mask of active decode targets stands or would stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorPlace {
    /// The first bit of the mask.
    pub bit: u16,
    /// Its length in bits.
    pub targets: u8,
    /// It is there.
    pub present: bool,
}

impl Frame {
    /// A frame of which nothing is known: it belongs to every target.
    pub fn unknown() -> Frame {
        Frame { targets: Targets::ALL, needed: Targets::ALL, ..Frame::default() }
    }
}

/// What a subscriber is to get of a track: one encoding, and of it the layers up to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The encoding's place in its track, lowest quality first.
    pub encoding: u8,
    /// The highest spatial layer; more than there are means all.
    pub spatial: u8,
    /// The highest temporal layer; more than there are means all.
    pub temporal: u8,
}

impl Target {
    /// Whether it is no more than another target.
    pub fn is_within(&self, other: &Target) -> bool {
        self.encoding < other.encoding
            || self.encoding == other.encoding
                && self.spatial <= other.spatial
                && self.temporal <= other.temporal
    }

    /// All layers of an encoding.
    pub fn whole(encoding: u8) -> Target {
        Target { encoding, spatial: u8::MAX, temporal: u8::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_targets_are_lanes_of_temporal_layers() {
        assert_eq!(Targets::lane(1), Targets(0x0000_ff00));
        assert_eq!(Targets::lanes_from(2), Targets(0xffff_0000));
        assert_eq!(Targets::temporal_from(2), Targets(0xfcfc_fcfc));
        assert_eq!(Targets::temporal_to(1), Targets(0x0303_0303));
        assert_eq!(Targets::one(2, 1), Targets(0x0002_0000));
        assert_eq!(Targets::one(9, 9), Targets(0x8000_0000), "beyond the limits counts as highest");
        assert_eq!(Targets::temporal_to(u8::MAX), Targets::ALL);
    }
}
