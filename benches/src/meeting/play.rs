//! Plays the meeting into journals: what each publishes, and what becomes of it on its way.

use super::cast::{
    BEEP_AT, CYCLE_FRAMES, CYCLE_SAMPLES, CYCLE_US, Clips, FLASH_FRAME, PACKET_SAMPLES, Person,
    nodes,
};
use super::clock::Clock;
use super::line::Line;
use super::script::Script;
use crate::clip::Clip;
use crate::folder::Folder;
use anyhow::Result;
use lectern_control::NodeId;
use lectern_control::media::{CodecName, MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_journal::Entry;
use std::collections::BTreeSet;

/// Pictures are taken as far from their time as this.
const CAPTURE_NOISE_US: f64 = 4e3;
/// An encoder takes longer at times.
const ENCODING_NOISE_US: f64 = 8e3;
/// Without noise a packet is sent so often in silence.
const DTX_PACKETS: u64 = 20;
/// So many packets around the beginning of a beep are sent.
const BEFORE_BEEP: u64 = 25;
const AFTER_BEEP: u64 = 35;
/// Packets without which its beginning is not heard where it is.
const NEEDED_BEFORE: u64 = 2;
const NEEDED_AFTER: u64 = 1;
/// How loud packets are said to be, in -dBov.
const LOUD: u8 = 20;
const QUIET: u8 = 90;

/// A flash and a beep at once.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Whose, counted from zero.
    pub person: usize,
    /// On the recorder's clock, as it can be known.
    pub at_us: f64,
    /// All packets that are needed to see it came.
    pub flashes: bool,
    /// And those to hear it.
    pub beeps: bool,
}

/// Writes all journals; gives what there is to be seen and heard.
pub fn write(
    folder: &Folder,
    script: &Script,
    people: &[Person],
    clips: &Clips,
) -> Result<Vec<Moment>> {
    write_session(folder, script, people)?;
    let mut moments = Vec::new();
    for (index, person) in people.iter().enumerate() {
        let sounds = clips.sounds.get(index).map_or(&[][..], Vec::as_slice);
        let flashes = pictures(folder, script, person, &clips.pictures)?;
        let beeps = sound(folder, script, person, sounds)?;
        for cycle in flashes.union(&beeps) {
            moments.push(Moment {
                person: index,
                at_us: person.seen_us(person.moment_us(*cycle)),
                flashes: flashes.contains(cycle),
                beeps: beeps.contains(cycle),
            });
        }
    }
    moments.sort_by(|a, b| a.at_us.total_cmp(&b.at_us));
    Ok(moments)
}

fn write_session(folder: &Folder, script: &Script, people: &[Person]) -> Result<()> {
    let mut events: Vec<(f64, Event)> = Vec::new();
    for ((name, _), from_us) in nodes().into_iter().zip([0.0, script.moved_us]) {
        let node: NodeId = name.parse()?;
        events.push((from_us, Event::Node { node }));
    }
    for person in people {
        let (participant, name) = (person.participant, person.name.to_owned());
        let identity = name.clone();
        events.push((0.0, Event::Joined { participant, identity, name }));
        for (track, kind, source) in [
            (person.camera, MediaKind::Video, Source::Camera),
            (person.microphone, MediaKind::Audio, Source::Microphone),
        ] {
            events.push((0.0, Event::Track { track, participant, kind, source, muted: false }));
            for (from_us, until_us) in script.mutes(person, kind) {
                events.push((from_us, Event::Muted { track, muted: true }));
                events.push((until_us, Event::Muted { track, muted: false }));
            }
        }
    }
    events.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut session = folder.session()?;
    for (index, (name, _)) in nodes().into_iter().enumerate() {
        session.node(index as u16, name)?;
    }
    let mut random = fastrand::Rng::with_seed(script.seed);
    let mut events = events.into_iter().peekable();
    for second in 0..(script.duration_us / 1e6) as u64 {
        let at_us = second as f64 * 1e6;
        for (index, (_, clock)) in nodes().into_iter().enumerate() {
            session.entry(&clock_sample(folder, (index as u16, clock), at_us, &mut random))?;
        }
        while let Some((at_us, event)) = events.next_if(|(event_us, _)| *event_us <= at_us) {
            let at_unix_ms = (folder.started_unix_us() as f64 + at_us) as u64 / 1_000;
            session.event(at_unix_ms, event)?;
        }
        session.commit()?;
    }
    session.end()
}

/// An answer to a ping, of which either way took longer by chance.
fn clock_sample(
    folder: &Folder,
    (node, clock): (u16, Clock),
    at_us: f64,
    random: &mut fastrand::Rng,
) -> Entry {
    let mut way_us = || 300.0 - random.f64().max(1e-9).ln() * 3e3;
    let (there_us, back_us) = (way_us(), way_us());
    let started_unix_us = folder.started_unix_us() as f64;
    let middle_us = at_us + (there_us + back_us) / 2.0;
    let answered_us = clock.shows(at_us + there_us);
    Entry::Clock {
        node,
        at_unix_us: (started_unix_us + middle_us) as u64,
        offset_us: (answered_us - middle_us) as i64,
        rtt_us: (there_us + back_us) as u32,
    }
}

/// The cycles of somebody's that are whole, and when they begin.
fn cycles(script: &Script, person: &Person) -> impl Iterator<Item = (u64, f64)> {
    let begins = (0..).map(|cycle| (cycle, person.sample_us(cycle * CYCLE_SAMPLES)));
    begins.take_while(|(_, begin_us)| begin_us + CYCLE_US <= script.duration_us)
}

/// Pictures; gives the cycles whose flash can be seen.
fn pictures(
    folder: &Folder,
    script: &Script,
    person: &Person,
    clips: &[Clip],
) -> Result<BTreeSet<u64>> {
    let mut line = Line::new(folder, script, person, (person.camera, CodecName::Vp8))?;
    let mut seen = BTreeSet::new();
    for (cycle, begin_us) in cycles(script, person) {
        let Some(clip) = clips.get(script.size(cycle, clips.len())) else { break };
        let mut decodable = false;
        for (index, frame) in clip.frames.iter().take(CYCLE_FRAMES).enumerate() {
            let in_cycle_us = CYCLE_US * index as f64 / CYCLE_FRAMES as f64;
            let taken_us = match index {
                FLASH_FRAME => person.moment_us(cycle),
                _ => begin_us + in_cycle_us + line.chance() * CAPTURE_NOISE_US,
            };
            let ticks = person.tick_at(taken_us);
            let sent_us = taken_us + person.encoding_us + line.chance() * ENCODING_NOISE_US;
            let came = line.send(frame, ticks, sent_us, None)?;
            decodable = came && (decodable || frame.keyframe);
            if index == FLASH_FRAME && decodable {
                seen.insert(cycle);
            }
        }
    }
    line.end()?;
    Ok(seen)
}

/// Sound; gives the cycles whose beep can be heard.
fn sound(
    folder: &Folder,
    script: &Script,
    person: &Person,
    clips: &[Clip],
) -> Result<BTreeSet<u64>> {
    let mut line = Line::new(folder, script, person, (person.microphone, CodecName::Opus))?;
    let mut heard = BTreeSet::new();
    for (cycle, _) in cycles(script, person) {
        let turn = cycle as usize % BEEP_AT.len();
        let (Some(clip), Some(begins)) = (clips.get(turn), BEEP_AT.get(turn)) else { break };
        let begins = begins / PACKET_SAMPLES;
        let mut comes = true;
        let packets = CYCLE_SAMPLES / PACKET_SAMPLES;
        for (index, frame) in (0..packets).zip(&clip.frames) {
            let near = (begins.saturating_sub(BEFORE_BEEP)..begins + AFTER_BEEP).contains(&index);
            if person.dtx && !near && !index.is_multiple_of(DTX_PACKETS) {
                continue;
            }
            let sample = cycle * CYCLE_SAMPLES + index * PACKET_SAMPLES;
            // A packet is sent when all of it was taken.
            let sent_us = person.sample_us(sample + PACKET_SAMPLES);
            let level = if near { LOUD } else { QUIET };
            let came = line.send(frame, sample, sent_us, Some(level))?;
            let needed = (begins - NEEDED_BEFORE..=begins + NEEDED_AFTER).contains(&index);
            comes &= came || !needed;
        }
        if comes {
            heard.insert(cycle);
        }
    }
    line.end()?;
    Ok(heard)
}
