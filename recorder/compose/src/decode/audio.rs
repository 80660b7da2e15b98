//! The samples of one track, packet by packet, each with the time of its packet.

use crate::decode::feed::{Ended, Feed};
use crate::decode::{Faults, Studio};
use crate::error::Error;
use crate::ffmpeg::{Counted, Source};
use crate::matroska::{Block, Item, Reader};
use crate::media::Units;
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_mux::Unit;
use std::io::BufReader;
use std::sync::mpsc::{Receiver, channel};

/// What one packet sounds like.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// When its first sample is heard, in microseconds of the recording.
    pub at_us: i64,
    /// Something is missing just before it.
    pub after_gap: bool,
    /// Left and right, 48,000 a second, full scale is 1.
    pub samples: Vec<[f32; 2]>,
}

/// Gives a track's sound in order.
pub struct Sounds<'a> {
    studio: Studio<'a>,
    track: TrackId,
    decoder: Option<Decoder<'a>>,
    spare: Vec<u8>,
    /// Packets were not decoded since the last that was given.
    missing: bool,
}

struct Decoder<'a> {
    reader: Reader<BufReader<Source<'a>>>,
    feed: Feed,
    told: Receiver<Told>,
    index: u64,
}

/// A packet that was told to the decoder.
struct Told {
    at_us: i64,
    after_gap: bool,
}

/// Packets are told apart by times that lie so far apart; the longest lasts 120 ms (RFC 6716).
const STEP_MS: u64 = 200;
const ROLE: &str = "decoder of sound";

impl<'a> Sounds<'a> {
    /// Opens a track from a moment on.
    pub fn open(studio: Studio<'a>, track: TrackId, from_us: i64) -> Result<Sounds<'a>, Error> {
        let mut sounds = Sounds { studio, track, decoder: None, spare: Vec::new(), missing: true };
        let units = studio.media.units(track, from_us).map_err(Error::Media)?;
        sounds.decoder = sounds.first(units)?;
        Ok(sounds)
    }

    /// The next packet's sound.
    pub fn next(&mut self, faults: &mut Faults) -> Result<Option<Sound>, Error> {
        while let Some(decoder) = &mut self.decoder {
            let failed = match decoder.reader.next(std::mem::take(&mut self.spare)) {
                Ok(Some(Item::Block(block))) => {
                    let (sound, data) = decoder.sound(block, &mut self.missing);
                    self.spare = data;
                    match sound {
                        Some(sound) => return Ok(Some(sound)),
                        None => continue,
                    }
                }
                Ok(Some(Item::CodecPrivate(_))) => continue,
                Ok(None) => decoder.reader.source().get_mut().end().err(),
                Err(error) => Some(decoder.reader.source().get_mut().failed(&error)),
            };
            let Some(Decoder { reader, feed, .. }) = self.decoder.take() else { break };
            drop(reader);
            self.go_on(feed.end(), failed, faults)?;
        }
        Ok(None)
    }

    fn go_on(
        &mut self,
        ended: Ended,
        failed: Option<Error>,
        faults: &mut Faults,
    ) -> Result<(), Error> {
        let again = faults.after(self.track, ROLE, &ended, failed)?;
        self.missing = true;
        match ended {
            Ended::Media(error) => Err(Error::Media(error)),
            Ended::Changed(first, rest) => {
                let rest = Box::new(std::iter::once(Ok(first)).chain(rest));
                self.decoder = self.first(rest)?;
                Ok(())
            }
            Ended::Refused { at_us } if again => {
                let from_us = at_us.saturating_add(1);
                let units = self.studio.media.units(self.track, from_us).map_err(Error::Media)?;
                let rest = units
                    .skip_while(move |unit| unit.as_ref().is_ok_and(|unit| unit.at_us <= at_us));
                self.decoder = self.first(Box::new(rest))?;
                Ok(())
            }
            Ended::Refused { .. } | Ended::All => Ok(()),
        }
    }

    /// A decoder from the first packet of Opus on, if there is one.
    fn first(&self, mut units: Units) -> Result<Option<Decoder<'a>>, Error> {
        while let Some(unit) = units.next() {
            let unit = unit.map_err(Error::Media)?;
            if unit.codec == CodecName::Opus {
                return self.start(unit, units).map(Some);
            }
        }
        Ok(None)
    }

    fn start(&self, first: Unit, rest: Units) -> Result<Decoder<'a>, Error> {
        let mut args = vec!["-protocol_whitelist", "pipe", "-threads", "1", "-filter_threads", "1"];
        args.extend(["-copyts", "-probesize", "32", "-analyzeduration", "0"]);
        // The library's own decoder gives for each packet just its samples, without a delay.
        args.extend(["-c:a", "libopus", "-f", "matroska", "-i", "pipe:0", "-map", "0:a:0"]);
        args.extend(["-ac", "2", "-ar", "48000", "-c:a", "pcm_f32le", "-f", "matroska", "pipe:1"]);
        let Studio { tools, stop, .. } = self.studio;
        let (source, stdin, moved) = Source::start(tools, ROLE, args, stop)?;
        let (tell, told) = channel();
        let mut index = 0_u64;
        let stamp = Box::new(move |unit: &Unit| {
            // Nobody listens any more where the decoder has failed.
            let _ = tell.send(Told { at_us: unit.at_us, after_gap: unit.after_gap });
            let at_ms = index.saturating_mul(STEP_MS);
            index = index.saturating_add(1);
            at_ms
        });
        let feed = Feed::start(first, rest, Counted::new(stdin, moved), stamp);
        Ok(Decoder { reader: Reader::new(BufReader::new(source)), feed, told, index: 0 })
    }
}

impl Decoder<'_> {
    /// Finds the packet of a block; those before it were not decoded.
    fn sound(&mut self, block: Block, missing: &mut bool) -> (Option<Sound>, Vec<u8>) {
        let at_ms = block.at_ms.max(0) as u64;
        let index = at_ms.saturating_add(STEP_MS / 2) / STEP_MS;
        let mut told = None;
        let mut after_gap = *missing;
        while self.index <= index {
            // Told before the decoder was.
            let Ok(next) = self.told.try_recv() else { break };
            after_gap |= self.index < index || next.after_gap;
            self.index += 1;
            told = Some(next);
        }
        let Some(told) = told else { return (None, block.data) };
        *missing = false;
        let samples = block.data.chunks_exact(8).filter_map(frame).collect();
        (Some(Sound { at_us: told.at_us, after_gap, samples }), block.data)
    }
}

fn frame(bytes: &[u8]) -> Option<[f32; 2]> {
    let (left, right) = bytes.split_first_chunk::<4>()?;
    let sample = |bytes: [u8; 4]| {
        let sample = f32::from_le_bytes(bytes);
        if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 }
    };
    Some([sample(*left), sample(*right.first_chunk::<4>()?)])
}
