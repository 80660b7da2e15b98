//! One track in fragments, as it was sent: H.264, VP9, AV1 or Opus.
//!
//! A fragment is two seconds, or ends where a keyframe begins the next. A reserved place behind the
//! head takes the index when all is known.

use super::boxes::{Look, TrackBoxes, append, empty_edit, ftyp, mvhd};
use super::entry::{Configuration, Fit};
use super::index::{Fragment, Index};
use crate::error::Error;
use crate::output::{HEAD_BYTES, Output};
use crate::ticks::Ticks;
use crate::unit::{Size, Unit};
use bytes::Bytes;
use lectern_control::media::MediaKind;
use mp4_atom::{Mehd, Moof, Moov, Mvex, Tfdt, Tfhd, Traf, Trex, Trun, TrunEntry};
use std::collections::VecDeque;

const TRACK: u32 = 1;
/// A fragment is the least that a player fetches, and about forty bytes of overhead with each.
const FRAGMENT_US: i64 = 2_000_000;
/// Frames of one fragment, so that hostile timestamps cannot make one grow without end.
const MAX_SAMPLES: usize = 1_024;
/// Sound that is further off than this is moved at once, and leaves a gap.
const SOUND_JUMP_US: i64 = 5_000;
/// Bytes of one fragment: many times what two seconds of a shared screen take.
const MAX_FRAGMENT_BYTES: usize = 32 << 20;
/// The longest that a frame is shown: its ticks have 32 bits.
const MAX_HOLD_US: i64 = 12 * 3_600 * 1_000_000;
/// How long the last picture is shown where nobody knows.
const LAST_HOLD_US: i64 = 33_333;
/// sample_depends_on = 2 (ISO/IEC 14496-12 section 8.8.3.1).
const FLAGS_KEYFRAME: u32 = 0x0200_0000;
/// sample_depends_on = 1, sample_is_non_sync_sample = 1.
const FLAGS_DEPENDENT: u32 = 0x0101_0000;

/// A frame whose place is known, and whose duration is not.
#[derive(Debug)]
struct Pending {
    at: u64,
    samples: u32,
    keyframe: bool,
    data: Bytes,
}

/// Writes one track to fragmented MP4. [`Fragmented::push`] frames, and [`Fragmented::poll`] after
/// each until there is nothing more.
///
/// H.264 is labelled `avc3`, because parameter sets may change inside the file and stand before each
/// IDR picture; where they never do, `avc1` is written over it in the end, which more players know.
/// So a change of size needs no new file, and none of the codecs does otherwise.
#[derive(Debug)]
pub struct Fragmented {
    configuration: Configuration,
    is_in_band: bool,
    kind: MediaKind,
    quarter_turns: u8,
    ticks: Ticks,
    size: Option<Size>,
    out: VecDeque<Output>,
    places: Places,
    index: Index,
    pending: Option<Pending>,
    /// Where the fragment in the making begins, its frames, and their bytes.
    base: u64,
    samples: Vec<TrunEntry>,
    data: Vec<Bytes>,
    data_len: usize,
    is_sync: bool,
    sequence: u32,
    end: u64,
}

/// Where in the head something is written over in the end.
#[derive(Debug, Clone, Copy)]
struct Places {
    duration: u64,
    label: Option<u64>,
    index: u64,
    /// The empty beginning, in ticks.
    offset: u64,
}

impl Fragmented {
    /// Begins a file that `first` fits in, a keyframe or a packet of sound, which is then pushed as
    /// all others. `origin_us` is the moment of the recording that is the file's zero, not after
    /// `first`; what lies between is an empty beginning.
    pub fn new(first: &Unit, origin_us: i64) -> Result<Fragmented, Error> {
        let configuration = Configuration::of(first)?;
        let kind = first.codec.kind();
        let ticks = Ticks { origin_us: first.at_us, rate: first.codec.clock_rate() };
        let offset = Ticks { origin_us, ..ticks }.at(first.at_us);
        let (head, places) = head(&configuration, first, ticks.rate, offset)?;
        Ok(Fragmented {
            configuration,
            is_in_band: false,
            kind,
            quarter_turns: first.quarter_turns,
            ticks,
            size: first.size,
            out: VecDeque::from([Output::Append(Bytes::from(head))]),
            places,
            index: Index::default(),
            pending: None,
            base: 0,
            samples: Vec::new(),
            data: Vec::new(),
            data_len: 0,
            is_sync: false,
            sequence: 0,
            end: 0,
        })
    }

    /// Whether the frame can go into this file; if not, it begins a new one. A picture that is turned
    /// otherwise needs a new file as well, from the next keyframe on.
    pub fn takes(&self, unit: &Unit) -> bool {
        let is_turned = unit.keyframe && unit.quarter_turns != self.quarter_turns;
        !is_turned && self.configuration.fit(unit) != Fit::Other
    }

    /// Takes the next frame.
    pub fn push(&mut self, unit: Unit) -> Result<(), Error> {
        match self.configuration.fit(&unit) {
            Fit::Same => {}
            Fit::InBand => self.is_in_band = true,
            Fit::Other => return Err(Error::OtherConfiguration),
        }
        self.size = Size::larger(self.size, unit.size);
        let at = match self.pending.take() {
            Some(before) => self.place(before, &unit)?,
            None => self.ticks.at(unit.at_us),
        };
        if self.kind == MediaKind::Video && unit.keyframe {
            self.flush()?;
        }
        self.pending =
            Some(Pending { at, samples: unit.samples, keyframe: unit.keyframe, data: unit.data });
        Ok(())
    }

    /// Ends the file. The last picture is shown until `end_us` of the recording, where that is known.
    pub fn finish(&mut self, end_us: Option<i64>) -> Result<(), Error> {
        if let Some(last) = self.pending.take() {
            let duration = match self.kind {
                MediaKind::Audio => u64::from(last.samples),
                MediaKind::Video => {
                    let hold = self.ticks.span(LAST_HOLD_US);
                    let until = end_us.map_or(last.at.saturating_add(hold), |us| self.ticks.at(us));
                    until.saturating_sub(last.at).max(1)
                }
            };
            self.sample(last, duration)?;
        }
        self.flush()?;
        let total = self.end.saturating_add(self.places.offset);
        let duration = Bytes::copy_from_slice(&total.to_be_bytes());
        self.out.push_back(Output::Rewrite { at: self.places.duration, bytes: duration });
        if let Some(at) = self.places.label.filter(|_| !self.is_in_band) {
            self.out.push_back(Output::Rewrite { at, bytes: Bytes::from_static(b"avc1") });
        }
        let index = self.index.boxes(TRACK, self.ticks.rate, self.places.offset, self.end)?;
        self.out.push_back(Output::Rewrite { at: self.places.index, bytes: Bytes::from(index) });
        Ok(())
    }

    /// The next piece of the file.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// From the file's zero to the end of the last frame.
    pub fn duration_us(&self) -> i64 {
        self.ticks.to_us(self.end.saturating_add(self.places.offset))
    }

    /// The largest picture, of pictures.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Gives the frame before its duration, now that the next one is known; gives where that begins.
    fn place(&mut self, before: Pending, next: &Unit) -> Result<u64, Error> {
        let at = self.ticks.at(next.at_us);
        if self.kind == MediaKind::Video {
            let longest = self.ticks.span(MAX_HOLD_US);
            let duration = at.saturating_sub(before.at).clamp(1, longest);
            let at = before.at.saturating_add(duration);
            self.sample(before, duration)?;
            return Ok(at);
        }
        // Sound is counted in samples; the clocks' drift is taken in a tick now and then.
        let nominal = u64::from(before.samples);
        let end = before.at.saturating_add(nominal);
        let jump = self.ticks.span(SOUND_JUMP_US);
        if at > end.saturating_add(jump) {
            self.sample(before, nominal)?;
            self.flush()?;
            return Ok(at);
        }
        let most = (nominal >> 6).max(1);
        let nearest = if at.saturating_add(jump) < end { 1 } else { nominal.saturating_sub(most) };
        let duration =
            at.saturating_sub(before.at).clamp(nearest.max(1), nominal.saturating_add(most));
        let at = before.at.saturating_add(duration);
        self.sample(before, duration)?;
        Ok(at)
    }

    fn sample(&mut self, frame: Pending, duration: u64) -> Result<(), Error> {
        let Pending { at, keyframe, data, .. } = frame;
        if self.samples.is_empty() {
            self.base = at;
            self.is_sync = keyframe;
        }
        let flags = self.samples.is_empty().then_some(if keyframe {
            FLAGS_KEYFRAME
        } else {
            FLAGS_DEPENDENT
        });
        self.samples.push(TrunEntry {
            duration: Some(u32::try_from(duration).map_err(|_| Error::TooMuch)?),
            size: Some(u32::try_from(data.len()).map_err(|_| Error::TooMuch)?),
            flags,
            cts: None,
        });
        self.data_len = self.data_len.saturating_add(data.len());
        self.data.push(data);
        self.end = at.saturating_add(duration);
        let is_long = self.end.saturating_sub(self.base) >= self.ticks.span(FRAGMENT_US);
        let is_large = self.data_len >= MAX_FRAGMENT_BYTES;
        if is_long || is_large || self.samples.len() >= MAX_SAMPLES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the fragment in the making, where there is one.
    fn flush(&mut self) -> Result<(), Error> {
        if self.samples.is_empty() {
            return Ok(());
        }
        self.sequence = self.sequence.saturating_add(1);
        let data_len = std::mem::take(&mut self.data_len).saturating_add(8);
        let samples = std::mem::take(&mut self.samples);
        let mut moof = self.moof(samples);
        let mut head = Vec::with_capacity(128);
        append(&mut head, &moof)?;
        let offset = i32::try_from(head.len().saturating_add(8)).map_err(|_| Error::TooMuch)?;
        for trun in moof.traf.iter_mut().flat_map(|traf| traf.trun.iter_mut()) {
            trun.data_offset = Some(offset);
        }
        head.clear();
        append(&mut head, &moof)?;
        let mdat_len = u32::try_from(data_len).map_err(|_| Error::TooMuch)?;
        head.extend_from_slice(&mdat_len.to_be_bytes());
        head.extend_from_slice(b"mdat");
        let len = head.len().saturating_sub(8).saturating_add(data_len);
        self.index.push(Fragment {
            at: self.base,
            len: u64::try_from(len).map_err(|_| Error::TooMuch)?,
            is_sync: self.is_sync,
        });
        self.out.push_back(Output::Append(Bytes::from(head)));
        self.out.extend(self.data.drain(..).map(Output::Append));
        Ok(())
    }

    fn moof(&self, samples: Vec<TrunEntry>) -> Moof {
        let flags = match self.kind {
            MediaKind::Audio => FLAGS_KEYFRAME,
            MediaKind::Video => FLAGS_DEPENDENT,
        };
        Moof {
            mfhd: mp4_atom::Mfhd { sequence_number: self.sequence },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: TRACK,
                    default_sample_flags: Some(flags),
                    default_base_is_moof: true,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt { base_media_decode_time: self.base }),
                trun: vec![Trun { data_offset: Some(0), samples: samples.into() }],
                ..Traf::default()
            }],
        }
    }
}

/// File type, movie and the reserved place; and where in them something is written over.
fn head(
    configuration: &Configuration,
    first: &Unit,
    rate: u32,
    offset: u64,
) -> Result<(Vec<u8>, Places), Error> {
    let look = match first.size {
        Some(size) => Look::Picture { size, quarter_turns: first.quarter_turns },
        None => Look::Sound,
    };
    let edits =
        if offset == 0 { Vec::new() } else { vec![empty_edit(offset), super::boxes::edit(0, 0)] };
    let track = TrackBoxes {
        id: TRACK,
        look,
        timescale: rate,
        media_duration: 0,
        movie_duration: 0,
        edits,
        tables: mp4_atom::Stbl { stco: Some(mp4_atom::Stco::default()), ..Default::default() },
        entry: configuration.entry(first)?,
    };
    let trex = Trex { track_id: TRACK, default_sample_description_index: 1, ..Trex::default() };
    let moov = Moov {
        mvhd: mvhd(rate, 0, 2),
        mvex: Some(Mvex { mehd: Some(Mehd::default()), trex: vec![trex] }),
        trak: vec![track.trak()],
        ..Moov::default()
    };
    let mut head = Vec::with_capacity(HEAD_BYTES as usize);
    append(&mut head, &ftyp(b"iso6", &[b"iso6", b"isom", b"mp41"]))?;
    append(&mut head, &moov)?;
    // The first box of each kind: what follows in the entry is the sender's, and may look like one.
    let find = |kind: &[u8; 4]| head.windows(4).position(|bytes| bytes == kind);
    let duration = find(b"mehd").ok_or(Error::Box)?.saturating_add(8) as u64;
    let label = match configuration {
        Configuration::H264(_) => Some(find(b"avc3").ok_or(Error::Box)? as u64),
        _ => None,
    };
    let index = head.len() as u64;
    Index::reserve(&mut head);
    if head.len() as u64 > HEAD_BYTES {
        return Err(Error::TooMuch);
    }
    Ok((head, Places { duration, label, index, offset }))
}
