//! One frame of one track, as decoders and containers take it.

use bytes::Bytes;
use lectern_control::media::CodecName;

/// Pixels as they are coded, before any turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Size {
    /// The one with more pixels.
    pub fn larger(a: Option<Size>, b: Option<Size>) -> Option<Size> {
        let area = |size: &Size| u64::from(size.width).saturating_mul(u64::from(size.height));
        a.into_iter().chain(b).max_by_key(area)
    }
}

/// A picture, or a packet of sound.
///
/// H.264 stands as NAL units with lengths of four bytes before each, SPS and PPS before each IDR
/// picture; VP8 and VP9 as one frame (a superframe where there are spatial layers); AV1 as a temporal
/// unit of OBUs with sizes; Opus as one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// When it is shown or heard, in microseconds of the recording; negative where it began before.
    pub at_us: i64,
    /// How it is coded.
    pub codec: CodecName,
    /// Needs nothing before it. Always so for sound.
    pub keyframe: bool,
    /// Its size, of keyframes; `None` for sound and where the last keyframe's holds.
    pub size: Option<Size>,
    /// Clockwise quarter turns that show it upright.
    pub quarter_turns: u8,
    /// Samples at 48 kHz, of sound; 0 for pictures.
    pub samples: u32,
    /// Something is missing just before it: packets were lost, or the publisher paused.
    pub after_gap: bool,
    /// The bytes.
    pub data: Bytes,
}
