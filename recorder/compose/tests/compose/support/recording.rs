//! A recording of tracks that FFmpeg made.

use super::matroska::frames;
use bytes::Bytes;
use lectern_compose::{Media, Part, Parts, Plan, Tools, Track, Units};
use lectern_control::media::{CodecName, MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_control::recording::Layout;
use lectern_control::{ParticipantId, TrackId};
use lectern_mux::{Size, Unit};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Tracks with their units.
#[derive(Default)]
pub struct Recording {
    pub tracks: Vec<(Track, Vec<Unit>)>,
    pub opened: AtomicUsize,
}

impl Media for Recording {
    fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|(track, _)| *track).collect()
    }

    fn units(&self, track: TrackId, from_us: i64) -> io::Result<Units> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (_, units) = self.tracks.iter().find(|(known, _)| known.id == track).expect("a track");
        let before = |unit: &Unit| unit.keyframe && unit.at_us <= from_us;
        let first = units.iter().rposition(before);
        let first = first.or(units.iter().position(|unit| unit.keyframe)).unwrap_or(units.len());
        let units = Vec::from(&units[first..]);
        Ok(Box::new(units.into_iter().map(Ok)))
    }
}

impl Recording {
    /// Adds a track; its times follow from its units.
    pub fn add(&mut self, id: u64, who: u64, source: Source, units: Vec<Unit>) -> TrackId {
        let first = units.first().expect("a unit");
        let track = Track {
            id: TrackId(id),
            participant: ParticipantId(who),
            kind: first.codec.kind(),
            source,
            from_us: first.at_us,
            until_us: units.last().expect("a unit").at_us + 33_000,
        };
        self.tracks.push((track, units));
        track.id
    }
}

/// What a filter of FFmpeg shows, encoded.
pub fn video(codec: CodecName, filter: &str, seconds: f64, size: Size) -> Vec<Unit> {
    let encoder: &[&str] = match codec {
        CodecName::Vp8 => &["libvpx", "-deadline", "realtime", "-cpu-used", "12", "-b:v", "1M"],
        CodecName::Vp9 => &["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"],
        CodecName::Av1 => &["libsvtav1", "-preset", "12", "-svtav1-params", "pred-struct=1"],
        _ => &["libx264", "-preset", "ultrafast", "-bf", "0", "-x264-params", "repeat-headers=1"],
    };
    let source = format!("{filter},scale={}:{},format=yuv420p", size.width, size.height);
    let seconds = seconds.to_string();
    let mut args = vec!["-f", "lavfi", "-i", &source, "-t", &seconds, "-g", "60", "-c:v"];
    args.extend(encoder);
    let unit = |frame: super::matroska::Frame| Unit {
        // The file's times are in milliseconds; frames come 30 times a second.
        at_us: (frame.at_ms as f64 * 0.03).round() as i64 * 1_000_000 / 30,
        codec,
        keyframe: frame.keyframe,
        size: frame.keyframe.then_some(size),
        quarter_turns: 0,
        samples: 0,
        after_gap: false,
        data: Bytes::from(frame.data),
    };
    frames(&made(&args)).into_iter().map(unit).collect()
}

/// What an expression of FFmpeg sounds like, in Opus.
pub fn sound(expression: &str, seconds: f64) -> Vec<Unit> {
    let source = format!("aevalsrc='{expression}':s=48000:c=mono");
    let seconds = seconds.to_string();
    let mut args = vec!["-f", "lavfi", "-i", &source, "-t", &seconds];
    args.extend(["-c:a", "libopus", "-b:a", "48k", "-application", "voip"]);
    let unit = |(index, frame): (usize, super::matroska::Frame)| Unit {
        // As WebRTC counts: the encoder's delay is not taken off.
        at_us: index as i64 * 20_000,
        codec: CodecName::Opus,
        keyframe: true,
        size: None,
        quarter_turns: 0,
        samples: 960,
        after_gap: index == 0,
        data: Bytes::from(frame.data),
    };
    frames(&made(&args)).into_iter().enumerate().map(unit).collect()
}

fn made(args: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(args)
        .args(["-f", "matroska", "pipe:1"])
        .output()
        .expect("FFmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The same units at other times.
pub fn moved(units: Vec<Unit>, by_us: i64) -> Vec<Unit> {
    units.into_iter().map(|unit| Unit { at_us: unit.at_us + by_us, ..unit }).collect()
}

/// FFmpeg in the sandbox.
pub fn tools() -> Tools {
    Tools::new("ffmpeg".into(), vec![env!("CARGO_BIN_EXE_compose-program").into()])
}

/// A film of so many seconds.
pub fn plan(layout: Layout, seconds: f64) -> Plan {
    Plan {
        layout,
        without: Vec::new(),
        duration_us: (seconds * 1e6) as i64,
        events: Vec::new(),
        tools: tools(),
        cores: 2,
    }
}

/// Somebody comes.
pub fn joined(who: u64, name: &str) -> Event {
    let (participant, identity) = (ParticipantId(who), name.to_owned());
    Event::Joined { participant, identity, name: name.to_owned() }
}

/// A track begins.
pub fn published(track: u64, who: u64, source: Source) -> Event {
    let kind = match source {
        Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
        _ => MediaKind::Video,
    };
    let (track, participant) = (TrackId(track), ParticipantId(who));
    Event::Track { track, participant, kind, source, muted: false }
}

/// Parts in memory.
#[derive(Default)]
pub struct Kept {
    pub finished: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub begun: Mutex<Vec<String>>,
}

struct Writing {
    name: String,
    bytes: Vec<u8>,
    finished: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Parts for Kept {
    fn has(&self, name: &str) -> bool {
        self.finished.lock().expect("parts").contains_key(name)
    }

    fn put(&self, name: &str) -> io::Result<Box<dyn Part>> {
        self.begun.lock().expect("parts").push(name.to_owned());
        let (name, finished) = (name.to_owned(), Arc::clone(&self.finished));
        Ok(Box::new(Writing { name, bytes: Vec::new(), finished }))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let finished = self.finished.lock().expect("parts");
        let bytes = finished.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(io::Cursor::new(bytes.clone())))
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Part for Writing {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.finished.lock().expect("parts").insert(self.name, self.bytes);
        Ok(())
    }
}
