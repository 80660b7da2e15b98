//! One track's sound on the film's clock.
//!
//! Each packet has a time; between packets that follow each other the sound is stretched by as little
//! as the clocks differ, so nothing is ever cut in or left out while somebody speaks.

use crate::decode::Sound;
use crate::mix::resample::{REACH, Resampler};
use crate::mix::{Frame, RATE};
use std::collections::VecDeque;

/// Sound of one track, packet after packet in, samples of the film out.
pub struct Voice {
    resampler: Resampler,
    run: Option<Run>,
    /// Finished samples of the film, from `ready_from` on.
    ready: VecDeque<Frame>,
    ready_from: i64,
    /// Samples of the film before this one were given.
    given: i64,
    over: bool,
}

/// Packets that follow each other.
struct Run {
    /// Their samples; the first ones were used already, and are kept for the kernel's reach.
    samples: Vec<Frame>,
    /// The next packet's first sample, in `samples`.
    begin: usize,
    /// Where that is in the film, in samples.
    at: f64,
    /// Samples of the film that were made of this run.
    made: i64,
}

/// WebRTC's encoder looks ahead so long, and its decoder's output is as much later than the time of
/// the packet (RFC 7845 section 4.2, libopus `OPUS_GET_LOOKAHEAD`).
const LOOKAHEAD_US: i64 = 6_500;
/// How much faster or slower a voice is made at most: a sixth of what would be heard as another
/// pitch, and twenty times what clocks differ by.
const MAX_STRETCH: f64 = 0.005;
/// A packet is placed anew where it is farther from where it should be than a viewer could see on
/// lips; nearer ones are stretched to it.
const MAX_OFF: f64 = 0.020 * RATE as f64;
/// A gap that is shorter is none: no packet is.
const LEAST_GAP: f64 = 0.002 * RATE as f64;
/// Into and out of silence: no click is heard, and no consonant lost.
const RAMP: usize = 144;

impl Voice {
    /// Silence so far.
    pub fn new() -> Voice {
        let (resampler, ready) = (Resampler::new(), VecDeque::new());
        Voice { resampler, run: None, ready, ready_from: 0, given: 0, over: false }
    }

    /// Takes packets until all is known up to the film's sample `until`.
    pub fn fill<E>(
        &mut self,
        until: i64,
        mut next: impl FnMut() -> Result<Option<Sound>, E>,
    ) -> Result<(), E> {
        while !self.over {
            let known_until = self.run.as_ref().map_or(f64::MIN, |run| run.at);
            if known_until >= until as f64 {
                break;
            }
            match next()? {
                Some(sound) => self.push(&sound),
                None => {
                    self.end_run();
                    self.over = true;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, sound: &Sound) {
        let wanted = sound.at_us.saturating_sub(LOOKAHEAD_US) as f64 * RATE as f64 / 1e6;
        let mut skipped = 0;
        if let Some(run) = &mut self.run {
            let len = run.samples.len() - run.begin;
            let off = wanted - (run.at + len as f64);
            let gap = sound.after_gap && off > LEAST_GAP;
            if !gap && off.abs() <= MAX_OFF {
                let stretched = (len as f64 + off)
                    .clamp(len as f64 * (1.0 - MAX_STRETCH), len as f64 * (1.0 + MAX_STRETCH));
                let reach = sound.samples.len().min(REACH);
                run.samples.extend_from_slice(sound.samples.get(..reach).unwrap_or_default());
                self.make(len, stretched);
                if let Some(run) = &mut self.run {
                    run.samples.extend_from_slice(sound.samples.get(reach..).unwrap_or_default());
                }
                return;
            }
            self.end_run();
            // What would lie over what was heard already is left out.
            let over = self.ready_until() as f64 - wanted;
            skipped = (over.max(0.0).ceil() as usize).min(sound.samples.len());
        }
        let samples: Vec<Frame> = sound.samples.iter().skip(skipped).copied().collect();
        if !samples.is_empty() {
            let at = wanted + skipped as f64;
            self.run = Some(Run { samples, begin: 0, at, made: 0 });
        }
    }

    fn end_run(&mut self) {
        if let Some(run) = &self.run {
            let len = run.samples.len() - run.begin;
            self.make(len, len as f64);
        }
        self.run = None;
        let fading = self.ready.iter_mut().rev().take(RAMP).enumerate();
        for (index, frame) in fading {
            *frame = frame.map(|part| part * (index as f32 + 0.5) / RAMP as f32);
        }
    }

    fn ready_until(&self) -> i64 {
        self.ready_from + self.ready.len() as i64
    }

    /// Makes the film's samples of the run's next packet, of `len` samples, over `stretched` samples
    /// of the film.
    fn make(&mut self, len: usize, stretched: f64) {
        if self.ready_until() <= self.given {
            self.ready.clear();
        }
        let Some(run) = &mut self.run else { return };
        let (first, end) = (run.at.ceil() as i64, (run.at + stretched).ceil() as i64);
        if self.ready.is_empty() {
            self.ready_from = first;
        }
        // Between runs there is silence.
        let ready_until = self.ready_from + self.ready.len() as i64;
        self.ready.extend((ready_until..first).map(|_| [0.0; 2]));
        for index in first.max(ready_until)..end {
            let place = (index as f64 - run.at) / stretched * len as f64;
            let whole = place.floor();
            let at = run.begin + whole as usize;
            let frame = self.resampler.at(&run.samples, at, place - whole);
            let ramp = ((run.made as f32 + 0.5) / RAMP as f32).min(1.0);
            run.made += 1;
            self.ready.push_back(frame.map(|part| part * ramp));
        }
        run.begin += len;
        run.at += stretched;
        let used = run.begin.saturating_sub(REACH);
        run.samples.drain(..used);
        run.begin -= used;
    }

    /// Adds to `mix`, whose first sample is the film's sample `from`, and forgets what was added.
    pub fn add_to(&mut self, mix: &mut [Frame], from: i64) {
        let until = from + mix.len() as i64;
        while self.ready_from < until {
            let Some(frame) = self.ready.pop_front() else { break };
            let place = usize::try_from(self.ready_from - from).ok();
            if let Some(sum) = place.and_then(|place| mix.get_mut(place)) {
                sum[0] += frame[0];
                sum[1] += frame[1];
            }
            self.ready_from += 1;
        }
        self.given = until;
    }
}
