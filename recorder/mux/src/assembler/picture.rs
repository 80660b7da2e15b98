//! Pictures from the packets of one stream, in order: where they begin and end, and what can be shown.
//!
//! After a hole there is nothing until the next keyframe: what depends on a lost picture is wrong.

use super::av1::Av1;
use super::frame::{Frame, Part, Picture};
use super::h264::H264;
use super::vp8::Vp8;
use super::vp9::Vp9;
use bytes::Bytes;
use lectern_control::media::CodecName;
use lectern_wire::Error;

/// One of the payload formats.
#[derive(Debug)]
enum Format {
    Vp8(Vp8),
    Vp9(Vp9),
    H264(H264),
    Av1(Av1),
}

impl Format {
    fn new(codec: CodecName) -> Option<Format> {
        match codec {
            CodecName::Vp8 => Some(Format::Vp8(Vp8::default())),
            CodecName::Vp9 => Some(Format::Vp9(Vp9::default())),
            CodecName::H264 => Some(Format::H264(H264::default())),
            CodecName::Av1 => Some(Format::Av1(Av1::default())),
            CodecName::Opus | CodecName::Red => None,
        }
    }

    fn add(&mut self, payload: &Bytes) -> Result<(), Error> {
        match self {
            Format::Vp8(format) => format.add(payload),
            Format::Vp9(format) => format.add(payload),
            Format::H264(format) => format.add(payload),
            Format::Av1(format) => format.add(payload),
        }
    }

    fn take(&mut self) -> Result<Option<Picture>, Error> {
        match self {
            Format::Vp8(format) => format.take(),
            Format::Vp9(format) => format.take(),
            Format::H264(format) => format.take(),
            Format::Av1(format) => format.take(),
        }
    }

    /// Forgets the picture in the making.
    fn clear(&mut self) {
        match self {
            Format::Vp8(format) => *format = Vp8::default(),
            Format::Vp9(format) => format.clear(),
            Format::H264(format) => format.clear(),
            Format::Av1(format) => format.clear(),
        }
    }
}

/// The picture in the making.
#[derive(Debug, Clone, Copy)]
struct Open {
    rtp: u32,
    arrival_us: i64,
    quarter_turns: u8,
    is_spoilt: bool,
}

/// What came of a packet.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Pictures that became whole: at most the one before and this one.
    pub frames: [Option<Frame>; 2],
    /// Pictures left out.
    pub dropped: u64,
    /// The packet cannot be read.
    pub broken: bool,
}

/// Makes pictures of the packets of one stream and codec.
#[derive(Debug)]
pub struct Pictures {
    codec: CodecName,
    format: Format,
    open: Option<Open>,
    needs_keyframe: bool,
    has_gap: bool,
}

impl Pictures {
    /// For a codec; `None` for sound.
    pub fn new(codec: CodecName) -> Option<Pictures> {
        let format = Format::new(codec)?;
        Some(Pictures { codec, format, open: None, needs_keyframe: true, has_gap: false })
    }

    /// The codec.
    pub fn codec(&self) -> CodecName {
        self.codec
    }

    /// Takes the next packet; `is_after_hole` says that there are some missing before it.
    pub fn push(&mut self, part: &Part, is_after_hole: bool) -> Outcome {
        let mut outcome = Outcome::default();
        if is_after_hole {
            outcome.dropped = self.lose();
        }
        if self.open.is_some_and(|open| open.rtp != part.rtp) {
            outcome.frames[0] = self.end(&mut outcome);
        }
        let begun =
            Open { rtp: part.rtp, arrival_us: part.arrival_us, quarter_turns: 0, is_spoilt: false };
        let open = self.open.get_or_insert(begun);
        open.quarter_turns = part.quarter_turns;
        if !open.is_spoilt && self.format.add(&part.payload).is_err() {
            // A hole may have taken the picture's beginning: then it is not the packet's fault.
            outcome.broken = !self.needs_keyframe;
            open.is_spoilt = true;
        }
        if part.marker {
            outcome.frames[1] = self.end(&mut outcome);
        }
        outcome
    }

    /// No more packets come.
    pub fn finish(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.frames[0] = self.end(&mut outcome);
        outcome
    }

    /// Packets are lost: what is in the making will never be whole, and what follows depends on what
    /// is missing. Gives how many pictures are left out.
    pub fn lose(&mut self) -> u64 {
        self.format.clear();
        self.needs_keyframe = true;
        self.has_gap = true;
        u64::from(self.open.take().is_some())
    }

    fn end(&mut self, outcome: &mut Outcome) -> Option<Frame> {
        let open = self.open.take()?;
        let picture = if open.is_spoilt { Err(Error::Invalid) } else { self.format.take() };
        self.format.clear();
        let shown = match picture {
            Ok(None) => return None,
            Ok(Some(picture)) if picture.keyframe || !self.needs_keyframe => Some(picture),
            Ok(Some(_)) => None,
            Err(_) => {
                self.needs_keyframe = true;
                self.has_gap = true;
                None
            }
        };
        let Some(picture) = shown else {
            outcome.dropped = outcome.dropped.saturating_add(1);
            return None;
        };
        self.needs_keyframe = false;
        Some(Frame {
            codec: self.codec,
            rtp: open.rtp,
            arrival_us: open.arrival_us,
            keyframe: picture.keyframe,
            size: picture.size,
            quarter_turns: open.quarter_turns,
            samples: 0,
            after_gap: std::mem::take(&mut self.has_gap),
            data: picture.data,
        })
    }
}
