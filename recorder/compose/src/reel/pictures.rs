//! Minutes of pictures.

use crate::decode::{Faults, Studio};
use crate::encode::{self, FRAME_RATE, PictureEncoder, Press};
use crate::error::Error;
use crate::film::Thumbnail;
use crate::parts::Parts;
use crate::reel::stage::Stage;
use crate::reel::{Index, Piece, Sample};
use crate::scene::Timeline;

/// Frames of a piece: so much is made again after a restart at most, and each begins with a keyframe.
pub const REEL_FRAMES: u64 = 60 * FRAME_RATE;
/// A picture is shown by the frame that is nearest to it: by the next one, all would be late.
const HALF_FRAME_US: i64 = 1_000_000 / FRAME_RATE as i64 / 2;
/// A picture that stands still is said again so often, for players that seek.
const STILL_FRAMES: u64 = FRAME_RATE;

/// Makes the film's pictures, a minute after the other.
pub struct Pictures<'a> {
    timeline: &'a Timeline,
    press: Press<'a>,
    stage: Stage<'a>,
    scene: usize,
    faults: Faults,
    thumbnails: Vec<u64>,
}

impl<'a> Pictures<'a> {
    /// Begins; `thumbnails` are frames of which a small picture is wanted.
    pub fn new(
        timeline: &'a Timeline,
        studio: Studio<'a>,
        press: Press<'a>,
        thumbnails: Vec<u64>,
    ) -> Pictures<'a> {
        let stage = Stage::new(studio, timeline.size);
        let faults = Faults::default();
        Pictures { timeline, press, stage, scene: usize::MAX, faults, thumbnails }
    }

    /// Whether names, or letters of them, were left out.
    pub fn lacks_fonts(&self) -> bool {
        self.stage.lacks_fonts()
    }

    /// Makes one piece, of the frames from `first` to before `end`; `done` is told of each frame.
    pub fn reel(
        &mut self,
        piece: &Piece,
        (first, end): (u64, u64),
        parts: &dyn Parts,
        done: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let mut encoder = PictureEncoder::start(self.press, self.timeline.size)?;
        let mut thumbnails = Vec::new();
        let mut said = None;
        for frame in first..end {
            let changed = self.advance(at_us(frame))?;
            if changed || said.is_none_or(|said| frame - said >= STILL_FRAMES) {
                encoder.frame(frame - first, self.stage.canvas().data())?;
                said = Some(frame);
            }
            if self.thumbnails.contains(&frame) {
                let data = self.stage.canvas().data();
                let jpeg = encode::jpeg(self.press, self.timeline.size, data)?;
                thumbnails.push(Thumbnail { at_ms: at_us(frame) as u64 / 1_000, jpeg });
            }
            done(frame);
        }
        let encoded = encoder.finish()?;
        let sample = |packet: &encode::Packet| Sample {
            number: first + packet.number,
            len: packet.data.len() as u32,
            keyframe: packet.keyframe,
        };
        let index = Index {
            samples: encoded.packets.iter().map(sample).collect(),
            configuration: encoded.configuration,
            thumbnails,
            notes: self.faults.notes(),
        };
        piece.keep(parts, encoded.packets.iter().map(|packet| &packet.data[..]), &index)
    }

    fn advance(&mut self, at_us: i64) -> Result<bool, Error> {
        let scenes = &self.timeline.scenes;
        let scene = scenes.partition_point(|scene| scene.from_us <= at_us).saturating_sub(1);
        if let Some(setting) = scenes.get(scene).filter(|_| scene != self.scene) {
            self.stage.set(setting);
            self.scene = scene;
        }
        self.stage.advance(at_us.saturating_add(HALF_FRAME_US), &mut self.faults)
    }
}

/// When a frame is shown, in microseconds of the film.
pub fn at_us(frame: u64) -> i64 {
    (frame * 1_000_000 / FRAME_RATE) as i64
}
