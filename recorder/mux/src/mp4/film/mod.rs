//! A whole film: one track of H.264 and one of AAC, the index before the data.
//!
//! Sample tables are kept here; the data is the caller's, which writes it after the head, in the
//! order in which the samples were told.

mod chapters;
mod table;
#[cfg(test)]
mod tests;

use self::chapters::Chapters;
use self::table::{Entry, Table, Width};
use super::boxes::{Look, TrackBoxes, append, edit, ftyp, mvhd, nest};
use super::entry::avc1;
use crate::error::Error;
use crate::ticks::Ticks;
use crate::unit::Size;
use bytes::Bytes;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{Audio, Codec, Encode, Esds, Mp4a, TrackReferenceTypeBox, Trak, Tref};

/// Ticks a second of the movie, chapters included.
const MOVIE_RATE: u32 = 90_000;
/// Samples of one packet of AAC.
const AAC_SAMPLES: u32 = 1_024;
const VIDEO: u32 = 1;
const SOUND: u32 = 2;
const CHAPTERS: u32 = 3;
/// Room for the head below 4 GiB, when it is decided whether places need 64 bits: tables are a few
/// bytes a sample.
const HEAD_ROOM: u64 = 256 << 20;
/// Bytes of a title.
const MAX_TITLE_BYTES: usize = 1_024;

/// What a film is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its picture.
    pub video: Video,
    /// Its sound; `None` where there is none.
    pub sound: Option<Sound>,
    /// Its title, for players to show.
    pub title: String,
    /// Its chapters, by time.
    pub chapters: Vec<Chapter>,
}

/// The picture of a film: H.264, NAL units with lengths of four bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// Pixels.
    pub size: Size,
    /// Ticks a second in [`Sample::duration`].
    pub timescale: u32,
    /// The sequence parameter set, a NAL unit.
    pub sequence_parameters: Bytes,
    /// The picture parameter set, a NAL unit.
    pub picture_parameters: Bytes,
}

/// The sound of a film: AAC, 1,024 samples a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// The encoder's AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).
    pub specific_config: Bytes,
    /// Samples that the encoder put before the first one given to it.
    pub priming: u32,
}

/// A place in a film that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// From when on, in microseconds of the film.
    pub at_us: i64,
    /// What players show.
    pub title: String,
}

/// An encoded picture, in the order of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Its bytes.
    pub len: u32,
    /// Ticks until the next one is decoded.
    pub duration: u32,
    /// Ticks from decoding to showing; not 0 only where pictures are reordered.
    pub composition_offset: i32,
    /// Needs none before it.
    pub keyframe: bool,
}

/// Makes the head of a film.
///
/// Players read data in the order of the file: what is heard and seen in the same second should stand
/// together.
#[derive(Debug)]
pub struct Film {
    config: Config,
    entry: Codec,
    video: Table,
    sound: Table,
    data_len: u64,
}

impl Film {
    /// Begins a film. Parameter sets that cannot be read are an error.
    pub fn new(config: Config) -> Result<Film, Error> {
        let video = &config.video;
        let entry = avc1(video.size, &video.sequence_parameters, &video.picture_parameters)?;
        let has_rates = video.timescale > 0 && config.sound.as_ref().is_none_or(|s| s.rate > 0);
        if !has_rates {
            return Err(Error::Configuration);
        }
        Ok(Film { config, entry, video: Table::default(), sound: Table::default(), data_len: 0 })
    }

    /// The next picture's data comes next.
    pub fn video(&mut self, sample: Sample) -> Result<(), Error> {
        let Sample { len, duration, composition_offset, keyframe } = sample;
        let entry = Entry { len, duration, composition_offset, keyframe };
        self.video.push(self.data_len, entry)?;
        self.data_len = self.data_len.saturating_add(u64::from(len));
        Ok(())
    }

    /// The next packet of sound's data comes next.
    pub fn sound(&mut self, len: u32) -> Result<(), Error> {
        let entry = Entry { len, duration: AAC_SAMPLES, composition_offset: 0, keyframe: true };
        self.sound.push(self.data_len, entry)?;
        self.data_len = self.data_len.saturating_add(u64::from(len));
        Ok(())
    }

    /// Bytes of data that the caller writes after the head.
    pub fn data_len(&self) -> u64 {
        self.data_len
    }

    /// All that stands before the data. `duration_us` is where the film ends: sound that an encoder
    /// put after it is not played.
    pub fn head(self, duration_us: i64) -> Result<Vec<Bytes>, Error> {
        let end = Ticks { origin_us: 0, rate: MOVIE_RATE }.span(duration_us);
        let chapters = Chapters::new(&self.config.chapters, end)?;
        let data_len = self.data_len.saturating_add(chapters.samples.len() as u64);
        let narrow = u64::from(u32::MAX).saturating_sub(HEAD_ROOM);
        let width = if data_len <= narrow { Width::Narrow } else { Width::Wide };
        let mut file_type = Vec::new();
        append(&mut file_type, &ftyp(b"isom", &[b"isom", b"iso2", b"avc1", b"mp41"]))?;
        let data_header = data_header(data_len, width)?;
        // Places in the file follow from the movie's length, which does not depend on them.
        let movie_len = self.movie(&chapters, end, 0, width)?.len();
        let before = [file_type.len(), movie_len, data_header.len()];
        let base = before.iter().fold(0u64, |sum, len| sum.saturating_add(*len as u64));
        let movie = self.movie(&chapters, end, base, width)?;
        if movie.len() != movie_len {
            return Err(Error::Box);
        }
        let pieces = [file_type, movie, data_header, chapters.samples];
        Ok(pieces.into_iter().map(Bytes::from).collect())
    }

    /// The movie box, where the data (chapters first) begins at `base`.
    fn movie(
        &self,
        chapters: &Chapters,
        end: u64,
        base: u64,
        width: Width,
    ) -> Result<Vec<u8>, Error> {
        let data = base.saturating_add(chapters.samples.len() as u64);
        let mut out = Vec::new();
        nest(&mut out, b"moov", |out| {
            append(out, &mvhd(MOVIE_RATE, end, CHAPTERS.saturating_add(1)))?;
            if !self.video.is_empty() {
                append(out, &self.video_track(chapters, end, data, width)?)?;
            }
            if let Some(sound) = self.config.sound.as_ref().filter(|_| !self.sound.is_empty()) {
                append(out, &self.sound_track(sound, chapters, end, data, width)?)?;
            }
            if !chapters.is_empty() {
                chapters.track(out, CHAPTERS, base, width)?;
            }
            about(out, &self.config.title, chapters)
        })?;
        Ok(out)
    }

    fn video_track(
        &self,
        chapters: &Chapters,
        end: u64,
        data: u64,
        width: Width,
    ) -> Result<Trak, Error> {
        let rate = self.config.video.timescale;
        let first = self.video.first_shown();
        let shown = movie_ticks(self.video.total_ticks(), rate).min(end);
        let track = TrackBoxes {
            id: VIDEO,
            look: Look::Picture { size: self.config.video.size, quarter_turns: 0 },
            timescale: rate,
            media_duration: self.video.total_ticks(),
            movie_duration: shown,
            edits: vec![edit(shown, first)],
            tables: self.video.boxes(data, width)?,
            entry: self.entry.clone(),
        };
        Ok(Trak { tref: tref(chapters), ..track.trak() })
    }

    fn sound_track(
        &self,
        sound: &Sound,
        chapters: &Chapters,
        end: u64,
        data: u64,
        width: Width,
    ) -> Result<Trak, Error> {
        let priming = u64::from(sound.priming);
        let heard = self.sound.total_ticks().saturating_sub(priming);
        let heard = movie_ticks(heard, sound.rate).min(end);
        let track = TrackBoxes {
            id: SOUND,
            look: Look::Sound,
            timescale: sound.rate,
            media_duration: self.sound.total_ticks(),
            movie_duration: heard,
            edits: vec![edit(heard, priming)],
            tables: self.sound.boxes(data, width)?,
            entry: mp4a(sound, &self.sound)?.into(),
        };
        Ok(Trak { tref: tref(chapters), ..track.trak() })
    }
}

fn movie_ticks(ticks: u64, rate: u32) -> u64 {
    let scaled = u128::from(ticks).saturating_mul(u128::from(MOVIE_RATE));
    u64::try_from(scaled.checked_div(u128::from(rate)).unwrap_or(0)).unwrap_or(u64::MAX)
}

fn tref(chapters: &Chapters) -> Option<Tref> {
    let reference =
        TrackReferenceTypeBox { reference_type: b"chap".into(), track_ids: vec![CHAPTERS] };
    let tref = Tref { track_reference_type_boxes: vec![reference] };
    (!chapters.is_empty()).then_some(tref)
}

/// ISO/IEC 14496-14 section 5.6, ISO/IEC 14496-1 section 7.2.6.
fn mp4a(sound: &Sound, table: &Table) -> Result<Mp4a, Error> {
    let bits = u128::from(table.total_bytes()).saturating_mul(8 * u128::from(sound.rate));
    let average = bits.checked_div(u128::from(table.total_ticks())).unwrap_or(0);
    let average = u32::try_from(average).unwrap_or(u32::MAX);
    let dec_config = DecoderConfig {
        object_type_indication: 0x40,
        stream_type: 5,
        max_bitrate: average,
        avg_bitrate: average,
        dec_specific: Some(DecoderSpecific {
            raw: sound.specific_config.to_vec(),
            ..DecoderSpecific::default()
        }),
        ..DecoderConfig::default()
    };
    let es_desc =
        EsDescriptor { dec_config, sl_config: SLConfig::default(), ..EsDescriptor::default() };
    let audio = Audio {
        data_reference_index: 1,
        channel_count: sound.channels,
        sample_size: 16,
        sample_rate: u16::try_from(sound.rate).map_err(|_| Error::TooMuch)?.into(),
    };
    Ok(Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None })
}

/// The box around the data, which says its length.
fn data_header(len: u64, width: Width) -> Result<Vec<u8>, Error> {
    Ok(match width {
        Width::Narrow => {
            let len = u32::try_from(len.saturating_add(8)).map_err(|_| Error::TooMuch)?;
            [&len.to_be_bytes()[..], b"mdat"].concat()
        }
        Width::Wide => {
            let len = len.saturating_add(16).to_be_bytes();
            [&1u32.to_be_bytes()[..], b"mdat", &len].concat()
        }
    })
}

/// Title and list of chapters, as iTunes and most players read them.
fn about(out: &mut Vec<u8>, title: &str, chapters: &Chapters) -> Result<(), Error> {
    let title = title.get(..title.floor_char_boundary(MAX_TITLE_BYTES)).unwrap_or_default();
    nest(out, b"udta", |out| {
        if !title.is_empty() {
            nest(out, b"meta", |out| {
                out.extend_from_slice(&[0; 4]);
                let handler = mp4_atom::Hdlr { handler: b"mdir".into(), name: String::new() };
                append(out, &handler)?;
                nest(out, b"ilst", |out| {
                    nest(out, b"\xa9nam", |out| {
                        nest(out, b"data", |out| {
                            // UTF-8, of no language.
                            out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0]);
                            title.as_bytes().encode(out).map_err(|_| Error::Box)
                        })
                    })
                })
            })?;
        }
        if chapters.is_empty() { Ok(()) } else { append(out, &chapters.listed()) }
    })
}
