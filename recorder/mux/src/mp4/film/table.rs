//! Sample tables of one track, as samples are told (ISO/IEC 14496-12 section 8.6 and 8.7).

use crate::error::Error;
use mp4_atom::{
    Co64, Ctts, CttsEntry, Stbl, Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry,
};

/// Samples of a track at most: 24 hours of 100 pictures a second, which is 40 MB of tables.
const MAX_SAMPLES: usize = 8_640_000;
/// Samples of a chunk: some seconds, so that a player need not read far for the first.
const MAX_CHUNK_SAMPLES: u32 = 256;

/// A sample's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Bytes.
    pub len: u32,
    /// Ticks.
    pub duration: u32,
    /// Ticks from decoding to showing.
    pub composition_offset: i32,
    /// Needs none before it.
    pub keyframe: bool,
}

/// Samples that lie one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    at: u64,
    samples: u32,
}

/// The tables of a track.
#[derive(Debug, Default)]
pub struct Table {
    sizes: Vec<u32>,
    durations: Vec<SttsEntry>,
    offsets: Vec<CttsEntry>,
    syncs: Vec<u32>,
    chunks: Vec<Chunk>,
    has_offsets: bool,
    total_bytes: u64,
    total_ticks: u64,
    first_offset: Option<i32>,
    end: u64,
}

impl Table {
    /// Takes the next sample, which lies at `at` in the data.
    pub fn push(&mut self, at: u64, entry: Entry) -> Result<(), Error> {
        if self.sizes.len() >= MAX_SAMPLES {
            return Err(Error::TooMuch);
        }
        match self.chunks.last_mut() {
            Some(chunk) if self.end == at && chunk.samples < MAX_CHUNK_SAMPLES => {
                chunk.samples = chunk.samples.saturating_add(1);
            }
            _ => self.chunks.push(Chunk { at, samples: 1 }),
        }
        self.end = at.saturating_add(u64::from(entry.len));
        self.sizes.push(entry.len);
        self.total_bytes = self.total_bytes.saturating_add(u64::from(entry.len));
        self.total_ticks = self.total_ticks.saturating_add(u64::from(entry.duration));
        match self.durations.last_mut() {
            Some(last) if last.sample_delta == entry.duration => {
                last.sample_count = last.sample_count.saturating_add(1);
            }
            _ => self.durations.push(SttsEntry { sample_count: 1, sample_delta: entry.duration }),
        }
        let offset = i64::from(entry.composition_offset);
        self.first_offset.get_or_insert(entry.composition_offset);
        self.has_offsets |= offset != 0;
        match self.offsets.last_mut() {
            Some(last) if last.sample_offset == offset => {
                last.sample_count = last.sample_count.saturating_add(1);
            }
            _ => self.offsets.push(CttsEntry { sample_count: 1, sample_offset: offset }),
        }
        if entry.keyframe {
            self.syncs.push(u32::try_from(self.sizes.len()).map_err(|_| Error::TooMuch)?);
        }
        Ok(())
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Ticks of all samples.
    pub fn total_ticks(&self) -> u64 {
        self.total_ticks
    }

    /// Bytes of all samples.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// When the first sample is shown, in ticks.
    pub fn first_shown(&self) -> u64 {
        u64::try_from(self.first_offset.unwrap_or(0)).unwrap_or(0)
    }

    /// The boxes, where the data begins at `base`; `is_large` says that places need 64 bits.
    pub fn boxes(&self, base: u64, width: Width) -> Result<Stbl, Error> {
        let places = self.chunks.iter().map(|chunk| base.saturating_add(chunk.at));
        let (mut stco, mut co64) = (None, None);
        match width {
            Width::Narrow => {
                let narrow = places.map(|place| u32::try_from(place).map_err(|_| Error::TooMuch));
                stco = Some(Stco { entries: narrow.collect::<Result<_, _>>()? });
            }
            Width::Wide => co64 = Some(Co64 { entries: places.collect() }),
        }
        let all_sync = self.syncs.len() == self.sizes.len();
        Ok(Stbl {
            stts: Stts { entries: self.durations.clone() },
            ctts: self.has_offsets.then(|| Ctts { entries: self.offsets.clone() }),
            stss: (!all_sync).then(|| Stss { entries: self.syncs.clone() }),
            stsc: self.chunk_runs()?,
            stsz: Stsz { samples: StszSamples::Different { sizes: self.sizes.clone() } },
            stco,
            co64,
            ..Stbl::default()
        })
    }

    fn chunk_runs(&self) -> Result<Stsc, Error> {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (number, chunk) in (1u32..).zip(&self.chunks) {
            if entries.last().is_none_or(|last| last.samples_per_chunk != chunk.samples) {
                entries.push(StscEntry {
                    first_chunk: number,
                    samples_per_chunk: chunk.samples,
                    sample_description_index: 1,
                });
            }
        }
        Ok(Stsc { entries })
    }
}

/// Bits of a place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 32.
    Narrow,
    /// 64.
    Wide,
}
