//! What depacketisers take and give, and the bytes of a frame as they come together.

use crate::unit::{Size, Unit};
use bytes::{Bytes, BytesMut};
use lectern_control::media::CodecName;
use lectern_wire::Error;

/// Bytes of one frame at most: an uncompressed one of a shared screen in 4K is hardly larger, and
/// hostile packets that never end a frame go no further.
pub const MAX_FRAME_BYTES: usize = 8 << 20;

/// A packet's payload with what its header says.
#[derive(Debug, Clone)]
pub struct Part {
    /// Without header and padding; not empty.
    pub payload: Bytes,
    /// The timestamp.
    pub rtp: u32,
    /// The last of its picture.
    pub marker: bool,
    /// When it came.
    pub arrival_us: i64,
    /// Clockwise quarter turns that show the picture upright.
    pub quarter_turns: u8,
}

/// A whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub data: Bytes,
    /// Needs none before it.
    pub keyframe: bool,
    /// Of keyframes.
    pub size: Option<Size>,
}

/// A frame whose time is still the stream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How it is coded.
    pub codec: CodecName,
    /// The timestamp.
    pub rtp: u32,
    /// When its first packet came, of those in order.
    pub arrival_us: i64,
    /// Needs nothing before it.
    pub keyframe: bool,
    /// Of keyframes.
    pub size: Option<Size>,
    /// Clockwise quarter turns that show it upright.
    pub quarter_turns: u8,
    /// Of sound, at 48 kHz.
    pub samples: u32,
    /// Something is missing just before it.
    pub after_gap: bool,
    /// The bytes.
    pub data: Bytes,
}

impl Frame {
    /// The frame, at a moment of the recording.
    pub fn unit(self, at_us: i64) -> Unit {
        Unit {
            at_us,
            codec: self.codec,
            keyframe: self.keyframe,
            size: self.size,
            quarter_turns: self.quarter_turns,
            samples: self.samples,
            after_gap: self.after_gap,
            data: self.data,
        }
    }
}

/// Bytes put one after the other; a single piece is not copied.
#[derive(Debug, Default)]
pub struct Gather {
    single: Option<Bytes>,
    joined: BytesMut,
}

impl Gather {
    /// Appends a piece.
    pub fn push(&mut self, piece: Bytes) -> Result<(), Error> {
        if self.len().saturating_add(piece.len()) > MAX_FRAME_BYTES {
            return Err(Error::TooMany);
        }
        if self.is_empty() {
            self.single = Some(piece);
            return Ok(());
        }
        if let Some(single) = self.single.take() {
            self.joined.reserve(single.len().saturating_add(piece.len()).saturating_mul(4));
            self.joined.extend_from_slice(&single);
        }
        self.joined.extend_from_slice(&piece);
        Ok(())
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.single.as_ref().map_or(self.joined.len(), Bytes::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes; none are left.
    pub fn take(&mut self) -> Bytes {
        self.single.take().unwrap_or_else(|| self.joined.split().freeze())
    }
}
