//! What the browsers saw, as the script writes it down. Times are milliseconds since 1970.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Everything.
#[derive(Debug, Deserialize)]
pub struct Seen {
    pub presenter: Person,
    pub slides: Vec<Slide>,
    pub viewers: HashMap<String, Person>,
}

/// A slide, and when it was drawn.
#[derive(Debug, Clone, Deserialize)]
pub struct Slide {
    pub at: f64,
    pub words: Vec<String>,
}

/// One participant's page.
#[derive(Debug, Default, Deserialize)]
pub struct Person {
    /// Ten times a second.
    pub samples: Vec<Sample>,
    /// By source.
    pub frames: HashMap<String, Vec<Frame>>,
    /// What happened.
    pub events: Vec<Event>,
    /// Pictures that were kept.
    #[serde(default)]
    pub stills: Vec<Still>,
}

/// A picture that was shown: when, its lines, and its RTP timestamp.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Frame(pub f64, pub u32, pub u32);

impl Frame {
    /// When it was shown.
    pub fn at(&self) -> f64 {
        self.0
    }

    /// Its lines.
    pub fn height(&self) -> u32 {
        self.1
    }
}

/// Something that happened in a page.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    pub at: f64,
    pub event: String,
}

/// A picture as PNG.
#[derive(Debug, Clone, Deserialize)]
pub struct Still {
    pub at: f64,
    pub name: String,
    pub file: PathBuf,
}

/// The figures of all connections of a page.
#[derive(Debug, Clone, Deserialize)]
pub struct Sample {
    pub at: f64,
    pub ports: Vec<u16>,
    pub inbound: Vec<Inbound>,
    pub outbound: Vec<Outbound>,
}

/// What is received (W3C webrtc-stats, RTCInboundRtpStreamStats); sums since the beginning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inbound {
    pub source: Option<String>,
    pub codec: Option<String>,
    pub bytes_received: u64,
    pub header_bytes_received: u64,
    pub frames_received: u64,
    pub frames_decoded: u64,
    pub freeze_count: u64,
    pub total_freezes_duration: f64,
    pub concealed_samples: u64,
    pub total_samples_received: u64,
    pub pli_count: u64,
}

/// What is sent (RTCOutboundRtpStreamStats); sums since the beginning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outbound {
    pub pli_count: u64,
    pub fir_count: u64,
    pub quality_limitation_reason: String,
}

impl Seen {
    /// Reads the script's file.
    pub fn read(file: &Path) -> Result<Seen> {
        let text = std::fs::read_to_string(file)?;
        serde_json::from_str(&text).with_context(|| format!("{} is something else", file.display()))
    }
}

impl Person {
    /// The latest figures of a source at a time, before which there may be none.
    pub fn inbound(&self, source: &str, at: f64) -> Inbound {
        let until = self.samples.partition_point(|sample| sample.at <= at);
        let of = |inbound: &&Inbound| inbound.source.as_deref() == Some(source);
        let mut before = self.samples[..until].iter().rev();
        before.find_map(|sample| sample.inbound.iter().find(of)).cloned().unwrap_or_default()
    }

    /// The pictures shown of a source between two times.
    pub fn frames(&self, source: &str, from: f64, until: f64) -> &[Frame] {
        let Some(frames) = self.frames.get(source) else { return &[] };
        let place = |at: f64| frames.partition_point(|frame| frame.at() < at);
        &frames[place(from)..place(until.max(from))]
    }

    /// When something happened first.
    pub fn first(&self, event: &str) -> Option<f64> {
        self.events.iter().find(|one| one.event == event).map(|one| one.at)
    }

    /// How often something happened between two times.
    pub fn count(&self, event: &str, from: f64, until: f64) -> f64 {
        let within = |one: &&Event| one.event == event && (from..until).contains(&one.at);
        self.events.iter().filter(within).count() as f64
    }

    /// Keyframe requests that came for what it sends, by PLI and FIR, until a time.
    pub fn keyframe_requests(&self, at: f64) -> u64 {
        let until = self.samples.partition_point(|sample| sample.at <= at);
        let Some(last) = until.checked_sub(1).and_then(|last| self.samples.get(last)) else {
            return 0;
        };
        last.outbound.iter().map(|sent| sent.pli_count + sent.fir_count).sum()
    }
}
