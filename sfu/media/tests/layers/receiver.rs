//! The subscriber's end: puts frames together and knows what each really depends on.

use crate::bytes::DESCRIPTOR;
use crate::encoder::{FrameId, Mode, Stamp, Syntax, dependencies, temporal_of};
use crate::world::World;
use lectern_wire::dependency::{Descriptor, Structure};
use lectern_wire::rtp::View;
use lectern_wire::{vp8, vp9};
use std::collections::{BTreeMap, BTreeSet};

/// A frame as the subscriber sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: FrameId,
    pub first: u64,
    pub last: u64,
    pub parts: BTreeSet<u8>,
    pub count: u8,
    pub timestamp: u32,
    pub marker: bool,
    pub picture_id: Option<u16>,
    pub tl0: Option<u8>,
    pub frame_number: Option<u16>,
    pub at_ms: u64,
}

impl Seen {
    pub fn is_whole(&self) -> bool {
        self.parts.len() == usize::from(self.count)
    }
}

/// Everything that came, in the order of its numbers.
pub fn frames(world: &World) -> Vec<Seen> {
    let mut frames: Vec<Seen> = Vec::new();
    for (index, got) in &world.got {
        let Some(stamp) = got.stamp else { continue };
        let view = View::parse(&got.bytes).expect("well-formed");
        let Stamp { frame, index: part, count } = stamp;
        let (timestamp, marker) = (view.header.fields.timestamp.0, view.header.fields.marker);
        let (picture_id, tl0) = numbers(world.mode.syntax, view.payload());
        let descriptor = view.extensions().find(DESCRIPTOR[1]);
        let frame_number = descriptor.map(|value| u16::from_be_bytes([value[1], value[2]]));
        match frames.last_mut().filter(|last| last.id == frame && last.timestamp == timestamp) {
            Some(seen) => {
                assert_eq!(
                    u64::from(part) - u64::from(*seen.parts.last().expect("some")),
                    index - seen.last,
                    "{stamp:?}"
                );
                assert_eq!((seen.picture_id, seen.tl0), (picture_id, tl0), "{stamp:?}");
                seen.last = *index;
                seen.marker |= marker;
                seen.parts.insert(part);
                seen.at_ms = seen.at_ms.max(got.at_ms);
            }
            None => frames.push(Seen {
                id: frame,
                first: *index,
                last: *index,
                parts: BTreeSet::from([part]),
                count,
                timestamp,
                marker,
                picture_id,
                tl0,
                frame_number,
                at_ms: got.at_ms,
            }),
        }
    }
    frames
}

fn numbers(syntax: Syntax, payload: &[u8]) -> (Option<u16>, Option<u8>) {
    match syntax {
        Syntax::Vp8 => {
            let read = vp8::Descriptor::parse(payload).expect("valid");
            (read.picture_id.map(|id| id.value()), read.tl0_picture_index)
        }
        Syntax::Vp9 { .. } => {
            let read = vp9::Descriptor::parse(payload).expect("valid");
            let tl0 = read.layer.and_then(|layer| layer.tl0_picture_index);
            (read.picture_id.map(|id| id.value()), tl0)
        }
        _ => (None, None),
    }
}

/// Checks all that the subscriber got.
pub fn check(world: &World) {
    let frames = frames(world);
    assert!(frames.len() > 50, "{} frames", frames.len());
    check_order(&frames);
    check_references(world, &frames);
    check_numbers(world, &frames);
    check_markers(&frames);
    if world.mode.is_described() {
        check_descriptors(world, &frames);
    }
}

/// Frames come in the order in which they were encoded, and time does not go back.
fn check_order(frames: &[Seen]) {
    for pair in frames.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        assert!(a.last < b.first, "{a:?} {b:?}");
        let passed = b.timestamp.wrapping_sub(a.timestamp) as i32;
        let same_picture =
            (a.id.encoding, a.id.key, a.id.picture) == (b.id.encoding, b.id.key, b.id.picture);
        if same_picture && a.id.spatial < b.id.spatial {
            assert_eq!(passed, 0, "one picture, one time: {a:?} {b:?}");
            continue;
        }
        assert!(passed > 0, "time goes on: {a:?} {b:?}");
        if a.id.encoding == b.id.encoding && b.id.picture != 0 {
            assert!(a.id < b.id, "out of order: {a:?} {b:?}");
        }
    }
}

/// Whatever a frame depends on was sent, but for what never came to the node.
fn check_references(world: &World, frames: &[Seen]) {
    // A group may be sent again after a pause: each time it begins anew.
    let mut sent: BTreeMap<FrameId, &Seen> = BTreeMap::new();
    for frame in frames {
        if frame.id.picture == 0 && frame.id.spatial == 0 {
            sent.clear();
        }
        sent.insert(frame.id, frame);
        if !frame.is_whole() {
            // No decoder sees it.
            continue;
        }
        for needed in needed(&world.mode, frame.id) {
            let Some(seen) = sent.get(&needed) else {
                let came = world.arrived.iter().any(|(id, _)| *id == needed);
                assert!(!came, "{needed:?} is missing for {frame:?}");
                continue;
            };
            for part in 0..seen.count {
                let lacks = !seen.parts.contains(&part) && world.arrived.contains(&(needed, part));
                assert!(!lacks, "part {part} of {seen:?} is missing for {frame:?}");
            }
        }
    }
}

fn needed(mode: &Mode, id: FrameId) -> impl Iterator<Item = FrameId> {
    let needed = dependencies(mode, u64::from(id.picture), id.spatial).into_iter();
    needed.map(move |(back, spatial)| FrameId { picture: id.picture - back as u16, spatial, ..id })
}

/// Numbers of pictures go on, and what refers to others by them finds them.
fn check_numbers(world: &World, frames: &[Seen]) {
    let mut segment: BTreeMap<FrameId, &Seen> = BTreeMap::new();
    let mut former: Option<&Seen> = None;
    for frame in frames {
        if frame.id.picture == 0 && frame.id.spatial == 0 {
            segment.clear();
        }
        segment.insert(frame.id, frame);
        let needed = needed(&world.mode, frame.id).filter_map(|id| segment.get(&id));
        for other in needed {
            check_distance(world.mode, frame, other);
        }
        let is_next = former.filter(|former| former.last + 1 == frame.first);
        if let (Some(former), Syntax::Vp8) = (is_next, world.mode.syntax) {
            let step = frame.picture_id.zip(former.picture_id);
            let step = step.map(|(new, old)| new.wrapping_sub(old) & 0x7fff).expect("numbered");
            assert_eq!(step, 1, "picture ids go on: {former:?} {frame:?}");
            let temporal = temporal_of(world.mode.temporal, u64::from(frame.id.picture));
            let step = frame.tl0.zip(former.tl0).map(|(new, old)| new.wrapping_sub(old));
            assert_eq!(step, Some(u8::from(temporal == 0)), "{former:?} {frame:?}");
        }
        former = Some(frame);
    }
}

fn check_distance(mode: Mode, frame: &Seen, other: &Seen) {
    let pictures = frame.id.picture - other.id.picture;
    if let (Some(new), Some(old), Syntax::Vp9 { .. }) =
        (frame.picture_id, other.picture_id, mode.syntax)
    {
        assert_eq!(new.wrapping_sub(old) & 0x7fff, pictures, "{frame:?} {other:?}");
    }
    if let (Some(new), Some(old)) = (frame.frame_number, other.frame_number) {
        let numbers = pictures * u16::from(mode.spatial) + u16::from(frame.id.spatial);
        let numbers = numbers - u16::from(other.id.spatial);
        assert_eq!(new.wrapping_sub(old), numbers, "{frame:?} {other:?}");
    }
}

/// The last packet of a picture says so, and no other; but for the pictures in which an upper layer
/// is taken that begins there, after the lower one has been sent as the last.
fn check_markers(frames: &[Seen]) {
    let pictures: Vec<&[Seen]> = frames.chunk_by(|a, b| a.timestamp == b.timestamp).collect();
    let mut raised = 0;
    for (picture, next) in pictures.iter().zip(pictures.iter().skip(1)) {
        let (last, others) = picture.split_last().expect("some");
        let is_raised = others.iter().any(|frame| frame.marker);
        assert!(!is_raised || last.id.picture == 0, "{picture:?}");
        raised += usize::from(is_raised);
        // Before a keyframe, a pause may have cut the picture off.
        let is_known = last.is_whole() && next[0].first == last.last + 1 && next[0].id.picture != 0;
        assert!(last.marker || !is_known, "no marker: {picture:?} {next:?}");
    }
    assert!(raised * 30 < pictures.len(), "{raised} of {} pictures", pictures.len());
}

/// The decode targets that are still to be had are told with every frame, and show it; but where
/// the structure was lost, so that nobody knew what the frame was.
fn check_descriptors(world: &World, frames: &[Seen]) {
    let mut structure: Option<Structure> = None;
    let mut active = u32::MAX;
    let mut for_nobody = 0;
    for frame in frames {
        let Some(got) = world.got.get(&frame.first).filter(|_| frame.parts.contains(&0)) else {
            continue;
        };
        let view = View::parse(&got.bytes).expect("well-formed");
        let value = view.extensions().find(DESCRIPTOR[1]).expect("on every packet");
        if let Ok(fresh) = Structure::parse(value) {
            structure = Some(fresh);
            active = u32::MAX;
        }
        let Some(read) = structure.as_ref().and_then(|s| Descriptor::parse(value, s).ok()) else {
            continue;
        };
        active = read.active_targets.unwrap_or(active);
        for_nobody += usize::from(read.indications.present & active == 0);
    }
    let allowed = if world.has_losses() { frames.len() / 8 } else { 0 };
    assert!(for_nobody <= allowed, "{for_nobody} of {} frames are for nobody", frames.len());
}
