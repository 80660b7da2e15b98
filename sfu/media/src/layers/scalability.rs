//! What the packets of one encoding tell of its layers: structure, sizes, rates. Kept once for all
//! subscribers, updated per packet.

use super::Report;
use super::rates::Rates;
use crate::frame::{
    DescriptorPlace, Frame, Opens, SPATIAL_LAYERS, TEMPORAL_LAYERS, Target, Targets,
};
use crate::limits::REMEMBERED_FRAMES;
use crate::packet::Packet;
use lectern_control::media::CodecName;
use lectern_wire::dependency::{self, Descriptor, Structure};
use lectern_wire::{Bitrate, Error, SeqNo, h264, vp8, vp9};
use std::time::Instant;

/// Layers of one encoding.
#[derive(Debug)]
pub struct Scalability {
    /// How much comes in each layer.
    pub rates: Rates,
    /// The highest spatial layer that is announced, or was seen since the last keyframe.
    top: u8,
    /// The highest temporal layer that was seen.
    top_temporal: u8,
    /// Whether a frame said that it opens a temporal layer.
    tells_openings: bool,
    /// Whether each spatial layer's pictures all depend on those of the layer below, so that who
    /// has the upper one has the lower ones as well.
    nested: bool,
    /// Width and height of each spatial layer in pixels, where told.
    sizes: [Option<(u16, u16)>; SPATIAL_LAYERS as usize],
    /// The structure of the dependency descriptors, and the one before, for packets that are late.
    structures: [Option<Box<Structure>>; 2],
    /// The frame with which the present structure came: those before are read by the former one.
    structure_from: u16,
    /// The first frame that it does not describe: the structure of that one was lost.
    stale_from: Option<u16>,
    /// The decode targets that the publisher serves now.
    active: Targets,
    /// Frames whose packets are coming, by timestamp and part.
    frames: [Known; REMEMBERED_FRAMES],
    latest: usize,
    /// The packet with the highest number, and whether it ended a frame.
    newest: Option<(SeqNo, bool)>,
}

/// A frame of which packets have come.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    id: Option<(u32, u16)>,
    frame: Frame,
}

impl Default for Scalability {
    fn default() -> Self {
        Scalability {
            rates: Rates::default(),
            top: 0,
            top_temporal: 0,
            tells_openings: false,
            nested: false,
            sizes: [None; SPATIAL_LAYERS as usize],
            structures: [None, None],
            structure_from: 0,
            stale_from: None,
            active: Targets::ALL,
            frames: [Known::default(); REMEMBERED_FRAMES],
            latest: 0,
            newest: None,
        }
    }
}

impl Scalability {
    /// Completes what a packet tells of its frame by what is known of the encoding, and takes note
    /// of it.
    pub fn note(&mut self, now: Instant, packet: &mut Packet, bytes: &[u8]) {
        match packet.dependency_descriptor(bytes) {
            Some(value) => self.describe(packet, value),
            None => self.complete(packet, bytes),
        }
        self.note_beginning(packet);
        self.inherit(packet);
        let Frame { spatial, temporal, begins, .. } = packet.frame;
        self.rates.note(now, (spatial, temporal), bytes.len(), begins);
    }

    /// The structure that decode targets of new frames belong to; `None` where they are lanes.
    #[inline]
    pub fn structure(&self) -> Option<&Structure> {
        self.structures[0].as_deref()
    }

    /// The decode targets that the publisher serves now.
    #[inline]
    pub fn active(&self) -> Targets {
        self.active
    }

    /// The highest spatial layer.
    pub fn top(&self) -> u8 {
        match self.structure() {
            Some(structure) => structure.target_layers().iter().map(|layer| layer.0).max(),
            None => None,
        }
        .unwrap_or(self.top)
    }

    /// The highest spatial and the highest temporal layer, as far as was announced or seen.
    pub fn top_layers(&self) -> (u8, u8) {
        let described = self.structure().map(|structure| {
            let layers = structure.target_layers().iter();
            layers.map(|layer| layer.1).max().unwrap_or(0)
        });
        (self.top(), described.unwrap_or(self.top_temporal))
    }

    /// Whether who has a spatial layer has those below as well.
    pub fn is_nested(&self) -> bool {
        let Some(structure) = self.structure() else { return self.nested };
        let layers = structure.target_layers();
        let highest = (0u8..).zip(layers).max_by_key(|(_, layer)| **layer);
        highest.is_some_and(|(target, _)| {
            structure.within(target).count_ones() as usize == layers.len()
        })
    }

    /// Tells of every layer that was heard, lowest first, under the place of the encoding.
    pub fn report(&self, now: Instant, encoding: u8, mut tell: impl FnMut(Report)) {
        let (top, top_temporal) = self.top_layers();
        let is_nested = self.is_nested();
        for spatial in 0..=top.min(SPATIAL_LAYERS - 1) {
            for temporal in 0..=top_temporal.min(TEMPORAL_LAYERS - 1) {
                let heard = self.rates.heard((spatial, temporal));
                if heard.is_none() {
                    continue;
                }
                let lowest = if is_nested { 0 } else { spatial };
                let layers = (lowest..=spatial).flat_map(|s| (0..=temporal).map(move |t| (s, t)));
                let bits = layers.map(|layer| self.rates.rate(now, layer).0.as_bps()).sum();
                let own = (0..=temporal).map(|t| self.rates.rate(now, (spatial, t)).1);
                tell(Report {
                    target: Target { encoding, spatial, temporal },
                    bitrate: Bitrate::bps(bits),
                    size: self.size(spatial),
                    frames_per_second: own.sum(),
                    heard,
                });
            }
        }
    }

    /// Whether frames say where temporal layers begin.
    pub fn tells_openings(&self) -> bool {
        self.structure().is_some() || self.tells_openings
    }

    /// The size of a spatial layer's pictures in pixels, where told.
    pub fn size(&self, spatial: u8) -> Option<(u16, u16)> {
        *self.sizes.get(usize::from(spatial))?
    }

    /// The targets all of whose frames belong to a given one as well.
    #[inline]
    pub fn within(&self, target: u8) -> Targets {
        if let Some(structure) = self.structure() {
            return Targets(structure.within(target));
        }
        let (spatial, temporal) = (target / TEMPORAL_LAYERS, target % TEMPORAL_LAYERS);
        let above = Targets::lanes_from(spatial).without(Targets::lane(spatial));
        let lanes = if self.nested { Targets::ALL.without(above) } else { Targets::lane(spatial) };
        Targets::temporal_to(temporal).and(lanes)
    }

    /// Reads a dependency descriptor.
    fn describe(&mut self, packet: &mut Packet, value: &[u8]) {
        let Ok((begins, ends, number)) = dependency::mandatory(value) else { return };
        if let Ok(structure) = Structure::parse(value) {
            self.take_structure(number, &structure);
        }
        let unknown = Frame { part: number, begins, ends, ..Frame::unknown() };
        let Some(descriptor) = self.read_descriptor(number, value) else {
            packet.frame = Frame { opens: packet.frame.opens, ..unknown };
            return;
        };
        let Descriptor { spatial, temporal, indications, references, mask, .. } = descriptor;
        packet.starts_keyframe |=
            descriptor.has_structure && begins && references == 0 && spatial == 0;
        if let Some(active) = descriptor.active_targets {
            self.active = Targets(active);
        } else if descriptor.has_structure {
            self.active = Targets::ALL;
        }
        packet.frame = Frame {
            spatial,
            temporal,
            targets: Targets(indications.present),
            needed: Targets(indications.present & !indications.discardable),
            opens: if packet.starts_keyframe {
                Opens::All
            } else {
                Opens::Targets { targets: Targets(indications.switch), references }
            },
            descriptor: begins.then_some(DescriptorPlace {
                bit: mask.bit,
                targets: mask.targets,
                present: mask.present,
            }),
            ..unknown
        };
    }

    /// Reads a descriptor under the structure of its time. Template ids are used again after a few
    /// structures: once one was missed, what comes is not guessed until the next.
    fn read_descriptor(&mut self, number: u16, value: &[u8]) -> Option<Descriptor> {
        let [present, former] = &self.structures;
        if is_before(number, self.structure_from) {
            return Descriptor::parse(value, former.as_deref()?).ok();
        }
        if self.stale_from.is_some_and(|from| !is_before(number, from)) {
            return None;
        }
        let read = Descriptor::parse(value, present.as_deref()?);
        if read == Err(Error::Unsupported) {
            self.stale_from = Some(number);
        }
        read.ok()
    }

    /// A structure has come, with a keyframe or with its repetition.
    fn take_structure(&mut self, number: u16, structure: &Structure) {
        let [present, former] = &mut self.structures;
        if present.is_some() && is_before(number, self.structure_from) {
            return;
        }
        self.structure_from = number;
        self.stale_from = None;
        if present.as_deref() == Some(structure) {
            return;
        }
        std::mem::swap(present, former);
        match present {
            Some(place) => **place = structure.clone(),
            None => *present = Some(Box::new(structure.clone())),
        }
        for (size, told) in self.sizes.iter_mut().zip(structure.sizes()) {
            *size = told;
        }
    }

    /// What the payload of a codec tells, where there is no dependency descriptor.
    fn complete(&mut self, packet: &mut Packet, bytes: &[u8]) {
        if packet.starts_keyframe {
            self.structures = [None, None];
            self.active = Targets::ALL;
        }
        if packet.tells_layers {
            self.read_layers(packet, bytes);
        }
        let Frame { spatial, targets, opens, .. } = packet.frame;
        self.top_temporal = self.top_temporal.max(packet.frame.temporal);
        self.tells_openings |= matches!(opens, Opens::Temporal { .. });
        if packet.codec != Some(CodecName::Vp9) {
            return;
        }
        self.top = self.top.max(spatial);
        if spatial > 0 && packet.frame.begins {
            match opens {
                Opens::Spatial { .. } => {}
                _ => self.nested = packet.frame.on_lower,
            }
        }
        if spatial >= self.top {
            // Nothing is above it: whoever wants more gets this.
            let temporal = Targets::temporal_from(packet.frame.temporal);
            packet.frame.targets = targets.or(temporal.and(Targets::lanes_from(spatial)));
            packet.frame.needed = packet.frame.targets;
        }
    }

    fn read_layers(&mut self, packet: &Packet, bytes: &[u8]) {
        let payload = packet.payload(bytes);
        match packet.codec {
            Some(CodecName::Vp8) => {
                let size = vp8::Descriptor::parse(payload).ok().and_then(|read| read.size);
                self.sizes[0] = size.map(|size| (size.width, size.height));
            }
            Some(CodecName::H264) => {
                self.sizes[0] = h264::Payload::parse(payload).ok().and_then(|read| read.size);
            }
            Some(CodecName::Vp9) => {
                let read = vp9::Descriptor::parse(payload).ok().and_then(|read| read.structure);
                let Some(structure) = read else { return };
                self.top = (structure.spatial_layers - 1).min(SPATIAL_LAYERS - 1);
                for (size, told) in self.sizes.iter_mut().zip(structure.sizes) {
                    *size = told;
                }
            }
            _ => {}
        }
    }

    /// A packet that follows the end of a frame begins one, whether its codec says so or not.
    fn note_beginning(&mut self, packet: &mut Packet) {
        let Packet { number, frame, .. } = packet;
        let follows = |(newest, ended): (SeqNo, bool)| newest.next() == *number && ended;
        frame.begins |= self.newest.is_none_or(follows);
        if self.newest.is_none_or(|(newest, _)| newest < *number) {
            self.newest = Some((*number, frame.ends));
        }
    }

    /// All packets of a frame tell of it what the first did that came.
    fn inherit(&mut self, packet: &mut Packet) {
        let id = Some((packet.timestamp.0, packet.frame.part));
        let len = self.frames.len();
        let places = (0..len).map(|back| (self.latest + len - back) % len);
        for place in places {
            let Some(known) = self.frames.get(place).filter(|known| known.id == id) else {
                continue;
            };
            let Frame { begins, ends, descriptor, opens, .. } = packet.frame;
            let opens = if packet.starts_keyframe { opens } else { known.frame.opens };
            packet.frame = Frame { begins, ends, descriptor, opens, ..known.frame };
            return;
        }
        self.latest = (self.latest + 1) % len;
        self.frames[self.latest] = Known { id, frame: packet.frame };
    }
}

/// Whether a frame number is before another one; they wrap.
fn is_before(number: u16, other: u16) -> bool {
    number.wrapping_sub(other) >= 1 << 15
}
