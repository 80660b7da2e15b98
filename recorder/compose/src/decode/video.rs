//! The pictures of one track, in one shape, as the film's clock goes on.

use crate::decode::feed::{Ended, Feed};
use crate::decode::{Faults, Shape, Studio};
use crate::error::Error;
use crate::ffmpeg::{Counted, Source};
use crate::media::Units;
use crate::nut::Reader;
use lectern_control::TrackId;
use lectern_mux::Unit;
use std::io::BufReader;

/// A picture, in planar YUV 4:2:0.
#[derive(Debug)]
pub struct Picture {
    /// When it was taken, in microseconds of the recording.
    pub at_us: i64,
    /// Another picture has another number; one that looks like the one before has its number.
    pub number: u64,
    /// The planes, one after the other.
    pub data: Vec<u8>,
}

/// Gives a track's pictures in order of time.
pub struct Pictures<'a> {
    studio: Studio<'a>,
    track: TrackId,
    shape: Shape,
    around: [u8; 3],
    decoder: Option<Decoder<'a>>,
    shown: Option<Picture>,
    next: Option<Picture>,
    spare: Vec<u8>,
}

struct Decoder<'a> {
    reader: Reader<BufReader<Source<'a>>>,
    feed: Feed,
    base_us: i64,
}

/// No codec's pictures are decoded that are larger: 8,192 × 4,320 would fit.
const MAX_PIXELS: &str = "35400000";
const ROLE: &str = "decoder of pictures";

impl<'a> Pictures<'a> {
    /// Opens a track, so that what is shown at `from_us` is known.
    pub fn open(
        studio: Studio<'a>,
        track: TrackId,
        from_us: i64,
        shape: Shape,
        around: [u8; 3],
    ) -> Result<Pictures<'a>, Error> {
        let mut pictures = Pictures {
            studio,
            track,
            shape,
            around,
            decoder: None,
            shown: None,
            next: None,
            spare: Vec::new(),
        };
        let mut units = studio.media.units(track, from_us).map_err(Error::Media)?;
        let first = units.next().transpose().map_err(Error::Media)?;
        if let Some(first) = first {
            pictures.decoder = Some(pictures.start(first, units)?);
        }
        Ok(pictures)
    }

    /// Goes on to `at_us`: the latest picture up to then is shown.
    pub fn advance(&mut self, at_us: i64, faults: &mut Faults) -> Result<(), Error> {
        loop {
            if self.next.is_none() {
                self.next = self.decode(faults)?;
            }
            match self.next.take() {
                Some(next) if next.at_us <= at_us => self.show(next),
                later => {
                    self.next = later;
                    return Ok(());
                }
            }
        }
    }

    /// A screen on which nothing moves is sent again and again: that is found here, where it costs
    /// a look at its bytes, rather than by the encoder.
    fn show(&mut self, mut next: Picture) {
        let Some(old) = &self.shown else {
            self.shown = Some(next);
            return;
        };
        next.number = if next.data == old.data { old.number } else { old.number + 1 };
        if let Some(old) = self.shown.replace(next) {
            self.spare = old.data;
        }
    }

    /// What is shown.
    pub fn shown(&self) -> Option<&Picture> {
        self.shown.as_ref()
    }

    fn decode(&mut self, faults: &mut Faults) -> Result<Option<Picture>, Error> {
        while let Some(decoder) = &mut self.decoder {
            let failed = match decoder.reader.next(std::mem::take(&mut self.spare)) {
                Ok(Some(frame)) if frame.data.len() == self.shape.bytes() => {
                    let at_us = decoder.base_us.saturating_add(frame.at_ms.saturating_mul(1_000));
                    return Ok(Some(Picture { at_us, number: 0, data: frame.data }));
                }
                Ok(Some(_)) => {
                    let source = decoder.reader.source().get_mut();
                    Some(source.failed(&std::io::ErrorKind::InvalidData.into()))
                }
                Ok(None) => decoder.reader.source().get_mut().end().err(),
                Err(error) => Some(decoder.reader.source().get_mut().failed(&error)),
            };
            let Some(Decoder { reader, feed, .. }) = self.decoder.take() else { break };
            // Its feed ends with it.
            drop(reader);
            self.go_on(feed.end(), failed, faults)?;
        }
        Ok(None)
    }

    /// Another decoder, after one has ended.
    fn go_on(
        &mut self,
        ended: Ended,
        failed: Option<Error>,
        faults: &mut Faults,
    ) -> Result<(), Error> {
        let again = faults.after(self.track, ROLE, &ended, failed)?;
        match ended {
            Ended::Media(error) => Err(Error::Media(error)),
            Ended::Changed(first, rest) => {
                self.decoder = Some(self.start(first, rest)?);
                Ok(())
            }
            Ended::Refused { at_us } if again => self.skip(at_us),
            Ended::Refused { .. } | Ended::All => Ok(()),
        }
    }

    /// Goes on with the next keyframe after a moment at which a decoder failed.
    fn skip(&mut self, at_us: i64) -> Result<(), Error> {
        let mut units = self.studio.media.units(self.track, at_us).map_err(Error::Media)?;
        while let Some(unit) = units.next() {
            let unit = unit.map_err(Error::Media)?;
            if unit.keyframe && unit.at_us > at_us {
                self.decoder = Some(self.start(unit, units)?);
                return Ok(());
            }
        }
        Ok(())
    }

    fn start(&self, first: Unit, rest: Units) -> Result<Decoder<'a>, Error> {
        let filters = self.shape.filters(first.quarter_turns, self.around);
        let mut args = vec!["-protocol_whitelist", "pipe", "-max_pixels", MAX_PIXELS];
        args.extend(["-threads", "1", "-filter_threads", "1", "-copyts"]);
        args.extend(["-probesize", "32", "-analyzeduration", "0"]);
        args.extend(["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-vf", &filters]);
        args.extend(["-fps_mode", "passthrough", "-enc_time_base", "1:1000"]);
        args.extend(["-c:v", "rawvideo", "-f", "nut", "pipe:1"]);
        let Studio { tools, stop, .. } = self.studio;
        let (source, stdin, moved) = Source::start(tools, ROLE, args, stop)?;
        let base_us = first.at_us;
        let mut last_ms = None;
        let stamp = Box::new(move |unit: &Unit| {
            let at_ms = (unit.at_us.saturating_sub(base_us) / 1_000).max(0) as u64;
            let at_ms = last_ms.map_or(at_ms, |last: u64| at_ms.max(last.saturating_add(1)));
            last_ms = Some(at_ms);
            at_ms
        });
        let feed = Feed::start(first, rest, Counted::new(stdin, moved), stamp);
        Ok(Decoder { reader: Reader::new(BufReader::new(source)), feed, base_us })
    }
}
