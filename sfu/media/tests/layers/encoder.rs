//! Encoders that make no pictures, but whose frames depend on each other as real ones do, and say so
//! in the bytes of their codec.

use crate::bytes::Bits;
use rand::RngExt;
use rand::rngs::StdRng;

/// Pictures after which the pattern of temporal layers begins again.
const CYCLE: u64 = 8;

/// How an encoder says what depends on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Vp8,
    Vp9 {
        flexible: bool,
    },
    H264Prefix,
    /// The dependency descriptor before a payload of AV1 or H.264.
    Av1,
    H264Described,
}

/// What is encoded.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub name: &'static str,
    pub syntax: Syntax,
    pub encodings: usize,
    pub spatial: u8,
    pub temporal: u8,
    /// Spatial layers depend on each other in key pictures only.
    pub key_only: bool,
}

impl Mode {
    pub fn is_described(&self) -> bool {
        matches!(self.syntax, Syntax::Av1 | Syntax::H264Described)
    }
}

/// A frame's place: its key picture, the picture since then, the spatial layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId {
    pub encoding: u8,
    pub key: u16,
    pub picture: u16,
    pub spatial: u8,
}

/// What stands at the end of every payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub frame: FrameId,
    pub index: u8,
    pub count: u8,
}

pub const STAMP_LEN: usize = 8;

impl Stamp {
    fn bytes(&self) -> [u8; STAMP_LEN] {
        let ([k0, k1], [p0, p1]) = (self.frame.key.to_be_bytes(), self.frame.picture.to_be_bytes());
        [self.frame.encoding, k0, k1, p0, p1, self.frame.spatial, self.index, self.count]
    }

    pub fn read(payload: &[u8]) -> Option<Stamp> {
        let [encoding, k0, k1, p0, p1, spatial, index, count] = *payload.last_chunk()?;
        let (key, picture) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([p0, p1]));
        Some(Stamp { frame: FrameId { encoding, key, picture, spatial }, index, count })
    }
}

/// A packet as it leaves the encoder.
#[derive(Debug, Clone)]
pub struct Sent {
    pub encoding: usize,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub descriptor: Option<Vec<u8>>,
    pub payload: Vec<u8>,
    pub stamp: Stamp,
}

/// The temporal layer of a picture, of the last four.
pub fn temporal_of(layers: u8, picture: u64) -> u8 {
    match (layers, picture % 4) {
        (3, 1 | 3) => 2,
        (3, 2) => 1,
        (2, 1 | 3) => 1,
        _ => 0,
    }
}

/// The pictures that one depends on through its own spatial layer, as distances. In the first half
/// of a cycle each layer begins anew; in the second half it depends on the first.
fn temporal_distances(layers: u8, picture: u64) -> &'static [u64] {
    if picture == 0 {
        return &[];
    }
    match (layers, picture % CYCLE) {
        (3, 0 | 4) => &[4],
        (3, 1) => &[1],
        (3, 2) => &[2],
        (3, 3) => &[1],
        (3, 5) => &[1, 2],
        (3, 6) => &[2, 4],
        (3, 7) => &[1, 2],
        (2, 0 | 2 | 4 | 6) => &[2],
        (2, 1) => &[1],
        (2, _) => &[1, 2],
        _ => &[1],
    }
}

/// All frames that a frame depends on: distance in pictures, spatial layer.
pub fn dependencies(mode: &Mode, picture: u64, spatial: u8) -> Vec<(u64, u8)> {
    let own = temporal_distances(mode.temporal, picture).iter().map(|back| (*back, spatial));
    let lower = (spatial > 0 && (picture == 0 || !mode.key_only)).then(|| (0, spatial - 1));
    own.chain(lower).collect()
}

/// Whether layers above the picture's may begin with it (VP9, bit U).
fn is_switching_point(layers: u8, picture: u64) -> bool {
    match layers {
        3 => matches!(picture % CYCLE, 0..=3),
        2 => matches!(picture % CYCLE, 0 | 1),
        _ => false,
    }
}

/// Whether a picture above the lowest layer depends on the lowest alone (VP8, bit Y).
fn is_sync(layers: u8, picture: u64) -> bool {
    match layers {
        3 => matches!(picture % CYCLE, 1 | 2),
        2 => picture % CYCLE == 1,
        _ => false,
    }
}

/// One encoder: one encoding of a track.
pub struct Encoder {
    mode: Mode,
    encoding: u8,
    key: u16,
    picture: u64,
    sequence: u64,
    picture_id: u16,
    tl0: u8,
    frame_number: u16,
    first_template: u8,
    templates: Vec<Template>,
    pub wants_keyframe: bool,
    first_timestamp: u32,
}

/// A template: of a key picture, or of a place in the cycle.
struct Template {
    spatial: u8,
    temporal: u8,
    /// `None`: of the key picture.
    place: Option<u64>,
    indications: Vec<u8>,
    distances: Vec<u64>,
}

impl Encoder {
    pub fn new(mode: Mode, encoding: u8, random: &mut StdRng) -> Encoder {
        Encoder {
            mode,
            encoding,
            key: 0,
            picture: 0,
            sequence: random.random_range(1..66_000),
            picture_id: random.random(),
            tl0: random.random(),
            frame_number: random.random(),
            first_template: 0,
            templates: templates(&mode),
            wants_keyframe: true,
            first_timestamp: random.random(),
        }
    }

    /// The packets of the picture that is captured `ticks` after the beginning.
    pub fn encode(&mut self, ticks: u32, random: &mut StdRng) -> Vec<Sent> {
        if std::mem::take(&mut self.wants_keyframe) {
            self.key += 1;
            self.picture = 0;
            let count = self.templates.len() as u8;
            self.first_template = (self.first_template + count) % 64;
        }
        let temporal = temporal_of(self.mode.temporal, self.picture);
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        let mut packets = Vec::new();
        for spatial in 0..self.mode.spatial {
            let count = random.random_range(1..=3 + u8::from(self.picture == 0));
            for index in 0..count {
                let picture = self.picture as u16;
                let frame = FrameId { encoding: self.encoding, key: self.key, picture, spatial };
                let stamp = Stamp { frame, index, count };
                let is_last = index + 1 == count && spatial + 1 == self.mode.spatial;
                packets.push(Sent {
                    encoding: usize::from(self.encoding),
                    sequence: self.sequence,
                    timestamp: self.first_timestamp.wrapping_add(ticks),
                    marker: is_last,
                    descriptor: self.mode.is_described().then(|| self.descriptor(&stamp, random)),
                    payload: self.payload(&stamp, random),
                    stamp,
                });
                self.sequence += 1;
            }
            self.frame_number = self.frame_number.wrapping_add(1);
        }
        self.picture += 1;
        packets
    }

    fn payload(&self, stamp: &Stamp, random: &mut StdRng) -> Vec<u8> {
        let mut payload = match self.mode.syntax {
            Syntax::Vp8 => self.vp8(stamp),
            Syntax::Vp9 { flexible } => self.vp9(stamp, flexible),
            Syntax::H264Prefix | Syntax::H264Described => self.h264(stamp),
            Syntax::Av1 => {
                let new_sequence =
                    self.picture == 0 && stamp.index == 0 && stamp.frame.spatial == 0;
                vec![0x10 | if new_sequence { 0x08 } else { 0 }, 0x30]
            }
        };
        payload.extend(std::iter::repeat_n(0xee, random.random_range(0..40)));
        let body = payload.len();
        payload.extend(stamp.bytes());
        if matches!(self.mode.syntax, Syntax::H264Prefix) && stamp.index == 0 {
            // The last unit of the aggregation reaches to the end.
            let at = if self.picture == 0 { 13 } else { 7 };
            let len = (payload.len() - at - 2) as u16;
            payload[at..at + 2].copy_from_slice(&len.to_be_bytes());
        }
        assert!(payload.len() == body + STAMP_LEN);
        payload
    }

    fn vp8(&self, stamp: &Stamp) -> Vec<u8> {
        let [high, low] = self.picture_id.to_be_bytes();
        let temporal = temporal_of(self.mode.temporal, self.picture);
        let sync = u8::from(is_sync(self.mode.temporal, self.picture)) << 5;
        let start = if stamp.index == 0 { 0x10 } else { 0 };
        let mut payload =
            vec![0x80 | start, 0xe0, 0x80 | high, low, self.tl0, temporal << 6 | sync];
        if stamp.index == 0 {
            payload.push(u8::from(self.picture != 0));
            payload.extend([0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]);
        }
        payload
    }

    fn vp9(&self, stamp: &Stamp, flexible: bool) -> Vec<u8> {
        let spatial = stamp.frame.spatial;
        let is_key = self.picture == 0;
        let temporal = temporal_of(self.mode.temporal, self.picture);
        let distances = temporal_distances(self.mode.temporal, self.picture);
        let on_lower = spatial > 0 && (is_key || !self.mode.key_only);
        let is_top = spatial + 1 == self.mode.spatial;
        let has_structure = is_key && spatial == 0 && stamp.index == 0;
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let first = 0xa0
            | flag(!distances.is_empty(), 0x40)
            | flag(flexible, 0x10)
            | flag(stamp.index == 0, 0x08)
            | flag(stamp.index + 1 == stamp.count, 0x04)
            | flag(has_structure, 0x02)
            | flag(is_top || self.mode.key_only && !is_key, 0x01);
        let [high, low] = self.picture_id.to_be_bytes();
        let up = flag(is_switching_point(self.mode.temporal, self.picture), 0x10);
        let mut payload = vec![first, 0x80 | high, low];
        payload.push(temporal << 5 | up | spatial << 1 | u8::from(on_lower));
        if !flexible {
            payload.push(self.tl0);
        } else if let Some((last, others)) = distances.split_last() {
            payload.extend(others.iter().map(|distance| (*distance as u8) << 1 | 1));
            payload.push((*last as u8) << 1);
        }
        if has_structure {
            payload.push((self.mode.spatial - 1) << 5 | 0x10);
            for layer in 0..self.mode.spatial {
                payload.extend((320u16 << layer).to_be_bytes());
                payload.extend((180u16 << layer).to_be_bytes());
            }
        }
        payload
    }

    fn h264(&self, stamp: &Stamp) -> Vec<u8> {
        let temporal = temporal_of(self.mode.temporal, self.picture);
        let is_key = self.picture == 0;
        let slice = if is_key { 0x65 } else { 0x41 };
        if self.mode.syntax == Syntax::H264Described {
            return match (is_key, stamp.index) {
                (true, 0) => vec![0x67, 0x42, 0xc0, 0x1f],
                _ => vec![slice],
            };
        }
        if stamp.index > 0 {
            let end = if stamp.index + 1 == stamp.count { 0x40 } else { 0 };
            return vec![slice & 0xe0 | 0x1c, end | slice & 0x1f];
        }
        let mut payload = vec![0x78];
        if is_key {
            payload.extend([0, 4, 0x67, 0x42, 0xc0, 0x1f]);
        }
        payload.extend([0, 4, 0x6e, 0x80, 0x00, temporal << 5 | 0x07]);
        payload.extend([0, 0, slice]);
        payload
    }

    /// The descriptor of a packet: all fields that may differ in the first one, three bytes in the
    /// others.
    fn descriptor(&self, stamp: &Stamp, random: &mut StdRng) -> Vec<u8> {
        let place = (self.picture > 0).then_some(self.picture % CYCLE);
        let is_mine = |template: &Template| {
            template.spatial == stamp.frame.spatial && template.place == place
        };
        let template = self.templates.iter().position(is_mine).expect("for every frame");
        let id = (usize::from(self.first_template) + template) % 64;
        let mut bits = Bits::default();
        bits.put(u32::from(stamp.index == 0), 1);
        bits.put(u32::from(stamp.index + 1 == stamp.count), 1);
        bits.put(id as u32, 6);
        bits.put(u32::from(self.frame_number), 16);
        let attached = self.picture == 0 && stamp.index == 0 && stamp.frame.spatial == 0;
        let custom = stamp.index == 0 && random.random_range(0..4) == 0;
        if !attached && !custom {
            return bits.bytes;
        }
        bits.put(u32::from(attached), 1);
        bits.put(0, 1);
        bits.put(u32::from(custom), 1);
        bits.put(u32::from(custom), 1);
        bits.put(0, 1);
        if attached {
            self.structure(&mut bits);
        }
        if custom {
            // The same as in the template, said anew.
            let template = &self.templates[template];
            template.indications.iter().for_each(|indication| bits.put(u32::from(*indication), 2));
            for distance in &template.distances {
                bits.put(2, 2);
                bits.put(*distance as u32 - 1, 8);
            }
            bits.put(0, 2);
        }
        bits.bytes
    }

    fn structure(&self, bits: &mut Bits) {
        let targets = u32::from(self.mode.spatial * self.mode.temporal);
        bits.put(u32::from(self.first_template), 6);
        bits.put(targets - 1, 5);
        for pair in self.templates.windows(2) {
            let next = match (&pair[0], &pair[1]) {
                (a, b) if a.spatial < b.spatial => 2,
                (a, b) if a.temporal < b.temporal => 1,
                _ => 0,
            };
            bits.put(next, 2);
        }
        bits.put(3, 2);
        for template in &self.templates {
            template.indications.iter().for_each(|indication| bits.put(u32::from(*indication), 2));
        }
        for template in &self.templates {
            for distance in &template.distances {
                bits.put(1, 1);
                bits.put(*distance as u32 - 1, 4);
            }
            bits.put(0, 1);
        }
        let chains = u32::from(self.mode.spatial);
        bits.put_below(chains, targets + 1);
        for target in 0..targets {
            bits.put_below(target / u32::from(self.mode.temporal), chains);
        }
        for _ in 0..self.templates.len() as u32 * chains {
            bits.put(0, 4);
        }
        bits.put(1, 1);
        for layer in 0..self.mode.spatial {
            bits.put((320 << layer) - 1, 16);
            bits.put((180 << layer) - 1, 16);
        }
    }
}

fn templates(mode: &Mode) -> Vec<Template> {
    let mut templates = Vec::new();
    for spatial in 0..mode.spatial {
        let places = std::iter::once(None).chain((0..CYCLE).map(Some));
        let mut of_layer: Vec<Template> = places
            .map(|place| {
                let picture = place.map_or(0, |place| place + CYCLE);
                let distances = dependencies(mode, picture, spatial).into_iter();
                let pictures = u64::from(mode.spatial);
                let numbers = distances
                    .map(|(back, layer)| back * pictures + u64::from(spatial) - u64::from(layer));
                Template {
                    spatial,
                    temporal: temporal_of(mode.temporal, picture),
                    place,
                    indications: indications(mode, picture, spatial),
                    distances: numbers.collect(),
                }
            })
            .collect();
        of_layer.sort_by_key(|template| template.temporal);
        templates.extend(of_layer);
    }
    templates
}

/// Whether a frame belongs to the target of some layers.
pub fn is_present(mode: &Mode, picture: u64, spatial: u8, target: (u8, u8)) -> bool {
    let is_above = temporal_of(mode.temporal, picture) > target.1 || spatial > target.0;
    !is_above && (picture == 0 || !mode.key_only || spatial == target.0)
}

/// Not present, discardable, switch, required: found by looking at what follows.
fn indications(mode: &Mode, picture: u64, spatial: u8) -> Vec<u8> {
    let targets = (0..mode.spatial).flat_map(|s| (0..mode.temporal).map(move |t| (s, t)));
    let later = || {
        let rest = (spatial + 1..mode.spatial).map(move |s| (picture, s));
        let next = picture + 1..picture + 3 * CYCLE;
        rest.chain(next.flat_map(|p| (0..mode.spatial).map(move |s| (p, s))))
    };
    let needs = |(p, s): (u64, u8)| {
        dependencies(mode, p, s).into_iter().map(move |(back, layer)| (p - back, layer))
    };
    let mut known = std::collections::BTreeSet::from([(picture, spatial)]);
    let mut open = vec![(picture, spatial)];
    while let Some(frame) = open.pop() {
        open.extend(needs(frame).filter(|needed| known.insert(*needed)));
    }
    let indication = |target: (u8, u8)| {
        if !is_present(mode, picture, spatial, target) {
            return 0;
        }
        let mut of_target = later().filter(|(p, s)| is_present(mode, *p, *s, target));
        let is_switch = of_target.clone().all(|frame| {
            needs(frame).all(|(p, s)| {
                known.contains(&(p, s))
                    || (p, s) > (picture, spatial) && is_present(mode, p, s, target)
            })
        });
        let is_needed =
            of_target.any(|frame| needs(frame).any(|needed| needed == (picture, spatial)));
        match (is_switch, is_needed) {
            (_, false) => 1,
            (true, true) => 2,
            (false, true) => 3,
        }
    };
    targets.map(indication).collect()
}
