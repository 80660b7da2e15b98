//! Who takes part: clocks, sounds, and how their streams look and sound.

use super::clock::Clock;
use crate::clip::{Clip, Recipe, Shelf};
use anyhow::Result;
use lectern_control::media::CodecName;
use lectern_control::{ParticipantId, TrackId};

/// After so long all repeats: one flash and one beep.
pub const CYCLE_US: f64 = 10e6;
/// Samples of sound in it.
pub const CYCLE_SAMPLES: u64 = 480_000;
/// Samples of a packet.
pub const PACKET_SAMPLES: u64 = 960;
/// Pictures of it, and the white one.
pub const CYCLE_FRAMES: usize = 20;
pub const FLASH_FRAME: usize = 10;
/// The samples with which beeps begin, in turns: at other places of a packet each time.
pub const BEEP_AT: [u64; 3] = [240_000, 240_336, 240_700];
/// A beep swells for so many samples; its beginning is in the middle of them.
const SWELL_SAMPLES: u64 = 96;
/// Ticks of a camera's clock in a microsecond.
const TICKS_US: f64 = 0.09;
/// Sizes of pictures, in turns.
pub const SIZES: [&str; 3] = ["320x180", "160x90", "480x270"];

/// Somebody.
#[derive(Debug, Clone)]
pub struct Person {
    pub participant: ParticipantId,
    pub name: &'static str,
    pub camera: TrackId,
    pub microphone: TrackId,
    /// Of the computer; reports tell it.
    pub clock: Clock,
    /// How much faster the sound is taken than that clock says, in millionths.
    pub card_ppm: f64,
    /// To the node, at the least.
    pub way_us: f64,
    /// Until a picture is encoded, at the least.
    pub encoding_us: f64,
    /// Of the beeps, in hertz.
    pub tone: f64,
    /// In silence hardly anything is sent.
    pub dtx: bool,
    /// On the recorder's clock.
    pub begins_us: f64,
}

/// Clocks of the two nodes: the room moves from the first to the second.
pub fn nodes() -> [(&'static str, Clock); 2] {
    [("node-1", Clock::new(-2.7e6, 100.0)), ("node-2", Clock::new(0.4e6, -30.0))]
}

/// Two people, whose clocks run at +100 and -50 millionths against the node's.
pub fn cast() -> [Person; 2] {
    let [(_, node), _] = nodes();
    let person = |id, name, clock, card_ppm, tone, dtx| Person {
        participant: ParticipantId(id),
        name,
        camera: TrackId(2 * id),
        microphone: TrackId(2 * id + 1),
        clock,
        card_ppm,
        way_us: 15e3 * id as f64,
        encoding_us: 5e3,
        tone,
        dtx,
        begins_us: 1e6 + 5e6 * (id - 1) as f64,
    };
    let (first, second) = (Clock::beside(node, 300e6, 100.0), Clock::beside(node, -37e6, -50.0));
    [
        person(1, "Ada", first, 20.0, 1_000.0, false),
        person(2, "Boris", second, -15.0, 2_400.0, true),
    ]
}

impl Person {
    /// When a sample of sound is taken, on the recorder's clock; counted from the first.
    pub fn sample_us(&self, sample: u64) -> f64 {
        let since_us = sample as f64 * 1e6 / 48_000.0 / (1.0 + self.card_ppm / 1e6);
        self.clock.truth(self.clock.shows(self.begins_us) + since_us)
    }

    /// What the camera's clock shows at some time: it is the computer's.
    pub fn tick_at(&self, true_us: f64) -> u64 {
        let since_us = self.clock.shows(true_us) - self.clock.shows(self.begins_us);
        (since_us.max(0.0) * TICKS_US).round() as u64
    }

    /// When it shows this.
    pub fn tick_us(&self, ticks: u64) -> f64 {
        self.clock.truth(self.clock.shows(self.begins_us) + ticks as f64 / TICKS_US)
    }

    /// The moment of a cycle's flash and beep, on the recorder's clock.
    pub fn moment_us(&self, cycle: u64) -> f64 {
        let beep = BEEP_AT[cycle as usize % BEEP_AT.len()];
        self.sample_us(cycle * CYCLE_SAMPLES + beep + SWELL_SAMPLES / 2)
    }

    /// What the recorder takes for the moment at which something was taken: when it could be at the
    /// node at the earliest. How long that took nobody can know.
    pub fn seen_us(&self, taken_us: f64) -> f64 {
        taken_us + self.way_us + self.encoding_us.min(20e3)
    }
}

/// The encoded streams of all.
pub struct Clips {
    /// A cycle of pictures in each size.
    pub pictures: Vec<Clip>,
    /// A cycle of sound of each person, with each beginning of the beep.
    pub sounds: Vec<Vec<Clip>>,
}

impl Clips {
    /// Encodes what is needed.
    pub fn new(shelf: &Shelf, people: &[Person]) -> Result<Clips> {
        let pictures = SIZES.iter().map(|size| picture(shelf, size)).collect::<Result<_>>()?;
        let sounds = people.iter().map(|person| {
            BEEP_AT.iter().map(|begins| sound(shelf, person, *begins)).collect::<Result<Vec<_>>>()
        });
        Ok(Clips { pictures, sounds: sounds.collect::<Result<_>>()? })
    }
}

fn picture(shelf: &Shelf, size: &str) -> Result<Clip> {
    let source = format!(
        "color=c=0x202830:s={size}:r=2:d=10,drawbox=c=white:t=fill:enable='eq(n,{FLASH_FRAME})'"
    );
    let name = format!("flash-{size}.vp8");
    let codec = CodecName::Vp8;
    shelf.clip(&Recipe {
        name: &name,
        codec,
        source: &source,
        rate: 2,
        bitrate: 200_000,
        keyframe_every: 4,
    })
}

fn sound(shelf: &Shelf, person: &Person, begins: u64) -> Result<Clip> {
    let (tone, begins_s) = (person.tone, begins as f64 / 48_000.0);
    let swell_s = SWELL_SAMPLES as f64 / 48_000.0;
    let noise = if person.dtx { "0" } else { "0.004*(random(0)-0.5)" };
    let source = format!(
        "aevalsrc='if(between(t,{begins_s},{begins_s}+0.2),0.5*sin(2*PI*{tone}*(t-{begins_s}))\
         *min(1,(t-{begins_s})/{swell_s})*min(1,({begins_s}+0.2-t)/0.01),0)+{noise}':s=48000:d=10"
    );
    let name = format!("beep-{}-{begins}.opus", person.name);
    shelf.clip(&Recipe {
        name: &name,
        codec: CodecName::Opus,
        source: &source,
        rate: 50,
        bitrate: 32_000,
        keyframe_every: 1,
    })
}
