//! One track's way from its publisher to a node: muted or cut off at times, else through the weather.

use super::cast::Person;
use super::script::{Script, Stretch, is_in};
use super::tape::Tape;
use super::weather::Weather;
use crate::clip::Frame;
use crate::folder::Folder;
use crate::rtp::ntp_of;
use anyhow::Result;
use lectern_control::TrackId;
use lectern_control::media::{CodecName, MediaKind};

/// A sender report, so often.
const REPORT_US: f64 = 1e6;
/// What a report's two clocks differ by, at most: they are not read at once.
const REPORT_NOISE_US: f64 = 1e3;

/// The way.
pub struct Line<'a> {
    person: &'a Person,
    script: &'a Script,
    tape: Tape,
    weather: Weather,
    muted: Vec<Stretch>,
    outages: Vec<Stretch>,
    /// An encoder that begins, or goes on, does so with a keyframe.
    begins: bool,
    random: fastrand::Rng,
    next_report_us: f64,
    started_unix_us: f64,
}

impl<'a> Line<'a> {
    /// Of somebody's camera or microphone.
    pub fn new(
        folder: &Folder,
        script: &'a Script,
        person: &'a Person,
        (track, codec): (TrackId, CodecName),
    ) -> Result<Line<'a>> {
        let seed = script.seed.wrapping_mul(1_000).wrapping_add(10 * track.0);
        Ok(Line {
            person,
            script,
            tape: Tape::new(folder, track, codec, seed)?,
            weather: Weather::new(script, person.way_us, seed + 1),
            muted: script.mutes(person, codec.kind()),
            outages: script.outages(person),
            begins: true,
            random: fastrand::Rng::with_seed(seed + 2),
            next_report_us: 0.0,
            started_unix_us: folder.started_unix_us() as f64,
        })
    }

    /// A number from 0 to 1.
    pub fn chance(&mut self) -> f64 {
        self.random.f64()
    }

    /// Sends a frame; whether all of it comes.
    pub fn send(
        &mut self,
        frame: &Frame,
        ticks: u64,
        sent_us: f64,
        level: Option<u8>,
    ) -> Result<bool> {
        // What is sent from now on comes later.
        self.tape.until(sent_us)?;
        let node = self.script.node(sent_us).filter(|_| !is_in(&self.muted, sent_us));
        self.begins = node.is_none() || (self.begins && !frame.keyframe);
        let Some(node) = node.filter(|_| !self.begins) else { return Ok(false) };
        let Some(stream) = self.tape.stream(node) else { return Ok(false) };
        let packets = stream.packets(frame, ticks);
        if is_in(&self.outages, sent_us) {
            return Ok(false);
        }
        let mut all = true;
        for packet in packets {
            let arrival_us = self.weather.arrival_us(sent_us);
            match arrival_us.filter(|arrival_us| self.script.node(*arrival_us) == Some(node)) {
                Some(arrival_us) => self.tape.packet(node, arrival_us, packet, level),
                None => all = false,
            }
        }
        self.report(node, ticks, sent_us);
        Ok(all)
    }

    /// Says at times what the publisher's clock showed when the last frame was taken.
    fn report(&mut self, node: u16, ticks: u64, sent_us: f64) {
        if sent_us < self.next_report_us {
            return;
        }
        self.next_report_us = sent_us + REPORT_US * (0.5 + self.random.f64());
        let taken_us = match self.kind() {
            MediaKind::Audio => self.person.sample_us(ticks),
            MediaKind::Video => self.person.tick_us(ticks),
        };
        let noise_us = (2.0 * self.random.f64() - 1.0) * REPORT_NOISE_US;
        let shown_us = self.started_unix_us + self.person.clock.shows(taken_us) + noise_us;
        self.tape.report(node, sent_us + self.person.way_us, ticks, ntp_of(shown_us as u64));
    }

    fn kind(&self) -> MediaKind {
        self.tape.codec().kind()
    }

    /// Writes down all the rest.
    pub fn end(self) -> Result<()> {
        self.tape.end()
    }
}
