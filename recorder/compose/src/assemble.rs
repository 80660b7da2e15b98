//! The film's file, of its finished pieces: they are only put in order, not encoded again.

use crate::encode::{FRAME_RATE, SoundEncoder};
use crate::error::Error;
use crate::film::{Chapter, Note, Thumbnail};
use crate::parts::Parts;
use crate::reel::{Index, Piece, Sample};
use bytes::Bytes;
use lectern_mux::Size;
use lectern_mux::mp4::{self, film};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the file is made of.
pub struct Assembly {
    /// The pieces with pictures, in order, and their indexes.
    pub pictures: Vec<(Piece, Index)>,
    /// The piece with sound.
    pub sound: (Piece, Index),
    /// Of the canvas.
    pub size: Size,
    /// How many frames the film has.
    pub frames: u64,
    /// In order.
    pub chapters: Vec<Chapter>,
}

/// Ticks of one frame: players know this clock from television.
const FRAME_TICKS: u64 = 1_000;
/// Sound and pictures of so much time stand together: players need not hold more of one while they
/// wait for the other.
const TOGETHER_MS: u64 = 500;
const COPY_BYTES: usize = 64 << 10;

/// Samples that stand together in the file.
struct Group {
    pictures: Vec<(Sample, u64)>,
    sound: Vec<Sample>,
}

impl Assembly {
    /// All pictures' small ones.
    pub fn thumbnails(&self) -> Vec<Thumbnail> {
        self.pictures.iter().flat_map(|(_, index)| index.thumbnails.iter().cloned()).collect()
    }

    /// What could not be decoded: the first reason of each track.
    pub fn notes(&self) -> Vec<Note> {
        let indexes = self.pictures.iter().map(|(_, index)| index).chain([&self.sound.1]);
        let mut notes: Vec<Note> = Vec::new();
        for note in indexes.flat_map(|index| &index.notes) {
            let track = |note: &Note| match note {
                Note::Undecoded { track, .. } => Some(*track),
                Note::NoFont => None,
            };
            if !notes.iter().any(|known| track(known) == track(note)) {
                notes.push(note.clone());
            }
        }
        notes
    }

    /// Writes the file; gives its length. `done` is told how much is written, and of how much.
    pub fn write(
        &self,
        parts: &dyn Parts,
        out: &mut dyn Write,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, Error> {
        let groups = self.groups();
        let mut file = mp4::Film::new(self.config()?).map_err(unwritable)?;
        for group in &groups {
            for (Sample { len, keyframe, .. }, frames) in &group.pictures {
                let duration = u32::try_from(frames.saturating_mul(FRAME_TICKS));
                let duration = duration.map_err(|_| unwritable(lectern_mux::Error::TooMuch))?;
                let (len, keyframe) = (*len, *keyframe);
                let sample = film::Sample { len, duration, composition_offset: 0, keyframe };
                file.video(sample).map_err(unwritable)?;
            }
            for sample in &group.sound {
                file.sound(sample.len).map_err(unwritable)?;
            }
        }
        let data_len = file.data_len();
        let duration_us = self.frames.saturating_mul(1_000_000) / FRAME_RATE;
        let head = file.head(duration_us as i64).map_err(unwritable)?;
        let mut written = 0;
        for bytes in &head {
            out.write_all(bytes).map_err(Error::Write)?;
            written += bytes.len() as u64;
        }
        let whole = written + data_len;
        let pictures = self.pictures.iter().map(|(piece, _)| piece);
        let mut pictures = Data::new(parts, pictures.collect());
        let mut sound = Data::new(parts, VecDeque::from([&self.sound.0]));
        for group in &groups {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let lens = group.pictures.iter().map(|(sample, _)| u64::from(sample.len));
            written += pictures.copy(lens.sum(), out)?;
            let lens = group.sound.iter().map(|sample| u64::from(sample.len));
            written += sound.copy(lens.sum(), out)?;
            done(written, whole);
        }
        Ok(written)
    }

    fn config(&self) -> Result<film::Config, Error> {
        let configurations = self.pictures.iter().map(|(_, index)| &index.configuration);
        let mut sets: Vec<_> = configurations.map(|bytes| parameter_sets(bytes)).collect();
        sets.dedup();
        // One encoder with one setting makes the same for every piece.
        let [Some((sequence, picture))] = &sets[..] else {
            return Err(unwritable(lectern_mux::Error::OtherConfiguration));
        };
        Ok(film::Config {
            video: film::Video {
                size: self.size,
                timescale: (FRAME_RATE * FRAME_TICKS) as u32,
                sequence_parameters: sequence.clone(),
                picture_parameters: picture.clone(),
            },
            sound: Some(film::Sound {
                rate: 48_000,
                channels: 2,
                specific_config: Bytes::from_static(&SoundEncoder::CONFIGURATION),
                // Sound was begun as much later: see `reel::sound`.
                priming: 0,
            }),
            title: String::new(),
            chapters: self.chapters.iter().map(chapter).collect(),
        })
    }

    /// The order of the file.
    fn groups(&self) -> Vec<Group> {
        let samples = self.pictures.iter().flat_map(|(_, index)| &index.samples);
        let ends = samples.clone().skip(1).map(|sample| sample.number).chain([self.frames]);
        let mut pictures = samples
            .zip(ends)
            .map(|(sample, end)| (*sample, end.saturating_sub(sample.number)))
            .peekable();
        let packets = SoundEncoder::PACKET_SAMPLES as u64;
        let mut sound = self.sound.1.samples.iter().copied().peekable();
        let mut groups = Vec::new();
        let mut until_ms = 0;
        while pictures.peek().is_some() || sound.peek().is_some() {
            until_ms += TOGETHER_MS;
            let mut group = Group { pictures: Vec::new(), sound: Vec::new() };
            let is_now =
                |(sample, _): &(Sample, u64)| sample.number * 1_000 < until_ms * FRAME_RATE;
            while let Some(picture) = pictures.next_if(is_now) {
                group.pictures.push(picture);
            }
            let is_now = |sample: &Sample| sample.number * packets < until_ms * 48;
            while let Some(packet) = sound.next_if(is_now) {
                group.sound.push(packet);
            }
            groups.push(group);
        }
        groups
    }
}

/// The data of several pieces, one after the other.
struct Data<'p> {
    parts: &'p dyn Parts,
    pieces: VecDeque<&'p Piece>,
    from: Option<Box<dyn Read>>,
    buffer: Vec<u8>,
}

impl<'p> Data<'p> {
    fn new(parts: &'p dyn Parts, pieces: VecDeque<&'p Piece>) -> Data<'p> {
        Data { parts, pieces, from: None, buffer: vec![0; COPY_BYTES] }
    }

    fn copy(&mut self, len: u64, out: &mut dyn Write) -> Result<u64, Error> {
        let mut left = len;
        while left > 0 {
            let Some(from) = &mut self.from else {
                let piece = self.pieces.pop_front();
                let piece =
                    piece.ok_or_else(|| Error::Parts(io::ErrorKind::UnexpectedEof.into()))?;
                self.from = Some(self.parts.get(piece.data()).map_err(Error::Parts)?);
                continue;
            };
            let wanted = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let buffer = self.buffer.get_mut(..wanted).unwrap_or_default();
            match from.read(buffer) {
                Ok(0) => self.from = None,
                Ok(read) => {
                    let bytes = buffer.get(..read).unwrap_or_default();
                    out.write_all(bytes).map_err(Error::Write)?;
                    left -= read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Parts(error)),
            }
        }
        Ok(len)
    }
}

fn chapter(chapter: &Chapter) -> film::Chapter {
    let at_us = i64::try_from(chapter.at_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
    film::Chapter { at_us, title: chapter.title.clone() }
}

fn unwritable(error: lectern_mux::Error) -> Error {
    Error::Write(io::Error::other(error))
}

/// The first sequence and picture parameter set of a decoder's configuration (ISO/IEC 14496-15
/// section 5.3.3.1).
fn parameter_sets(configuration: &[u8]) -> Option<(Bytes, Bytes)> {
    let (_, rest) = configuration.split_first_chunk::<5>()?;
    let (sequence, rest) = parameter_set(rest, 0x1f)?;
    let (picture, _) = parameter_set(rest, 0xff)?;
    Some((sequence, picture))
}

/// One set, where there is just one.
fn parameter_set(bytes: &[u8], count_bits: u8) -> Option<(Bytes, &[u8])> {
    let (count, rest) = bytes.split_first()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let (set, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    (count & count_bits == 1).then(|| (Bytes::copy_from_slice(set), rest))
}
