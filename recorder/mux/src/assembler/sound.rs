//! Packets of sound from the packets of one stream, in order: Opus (RFC 7587), alone or with
//! redundancy (RFC 2198) that fills holes.

use super::frame::{Frame, Part};
use lectern_control::media::CodecName;
use lectern_wire::Error;
use lectern_wire::RtpTime;
use lectern_wire::opus::Toc;
use lectern_wire::red::Blocks;

/// Makes units of sound. All that it remembers is where the last one ended.
#[derive(Debug, Default)]
pub struct Sound {
    end: Option<RtpTime>,
}

/// What came of a packet.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sound, in order: what was lost before, then the packet's own.
    pub frames: Vec<Frame>,
    /// How many of them were lost before.
    pub restored: u64,
    /// The packet cannot be read.
    pub broken: bool,
}

impl Sound {
    /// Takes the next packet of plain Opus.
    pub fn opus(&mut self, part: &Part) -> Outcome {
        let mut outcome = Outcome::default();
        match self.unit(part, part.payload.clone(), part.rtp) {
            Ok(frame) => outcome.frames.push(frame),
            Err(_) => outcome.broken = true,
        }
        outcome
    }

    /// Takes the next packet with redundancy; `is_after_hole` says that there are some missing
    /// before it.
    pub fn red(&mut self, part: &Part, is_after_hole: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let Ok(blocks) = Blocks::parse(&part.payload) else {
            outcome.broken = true;
            return outcome;
        };
        for block in blocks.filter(|block| !block.data.is_empty()) {
            let rtp = RtpTime(part.rtp.wrapping_sub(u32::from(block.timestamp_offset)));
            let is_primary = block.timestamp_offset == 0;
            let is_missing = is_after_hole && self.end.is_some_and(|end| rtp.since(end) >= 0);
            if !is_primary && !is_missing {
                continue;
            }
            match self.unit(part, part.payload.slice_ref(block.data), rtp.0) {
                Ok(frame) => {
                    outcome.restored = outcome.restored.saturating_add(u64::from(!is_primary));
                    outcome.frames.push(frame);
                }
                Err(_) => outcome.broken = true,
            }
        }
        outcome
    }

    fn unit(&mut self, part: &Part, data: bytes::Bytes, rtp: u32) -> Result<Frame, Error> {
        let samples = Toc::parse(&data)?.duration.as_micros().saturating_mul(48).div_euclid(1_000);
        let samples = u32::try_from(samples).map_err(|_| Error::Invalid)?;
        let after_gap = self.end.is_some_and(|end| end.0 != rtp);
        self.end = Some(RtpTime(rtp.wrapping_add(samples)));
        Ok(Frame {
            codec: CodecName::Opus,
            rtp,
            arrival_us: part.arrival_us,
            keyframe: true,
            size: None,
            quarter_turns: 0,
            samples,
            after_gap,
            data,
        })
    }
}
