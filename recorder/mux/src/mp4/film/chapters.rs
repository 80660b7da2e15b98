//! Chapters, told twice: a track of text that the others refer to, which QuickTime reads, and a list
//! (`chpl`), which most other players read.

use super::table::{Entry, Table, Width};
use super::{Chapter, MOVIE_RATE};
use crate::error::Error;
use crate::mp4::boxes::{append, dinf, nest};
use crate::ticks::Ticks;
use mp4_atom::{Chpl, ChplEntry, Hdlr, Mdhd, Tkhd};

/// Entries of the list: their count is a byte. A film has fewer chapters than that.
const MAX_LISTED: usize = 255;
/// Bytes of a title: their count is a byte.
const MAX_TITLE_BYTES: usize = 255;
/// What says that a sample's text is UTF-8 (QuickTime File Format, "Text sample data").
const UTF_8: [u8; 12] = [0, 0, 0, 12, b'e', b'n', b'c', b'd', 0, 0, 1, 0];

/// Chapters in order, from the film's beginning on.
#[derive(Debug)]
pub struct Chapters {
    list: Vec<(u64, String)>,
    table: Table,
    /// The samples of the track of text.
    pub samples: Vec<u8>,
}

impl Chapters {
    /// Of a film that ends at `end`, in the movie's ticks.
    pub fn new(chapters: &[Chapter], end: u64) -> Result<Chapters, Error> {
        let ticks = Ticks { origin_us: 0, rate: MOVIE_RATE };
        let mut list: Vec<(u64, String)> = chapters
            .iter()
            .map(|chapter| (ticks.at(chapter.at_us), shortened(&chapter.title).to_owned()))
            .filter(|(at, _)| *at < end)
            .collect();
        list.sort_by_key(|(at, _)| *at);
        list.dedup_by_key(|(at, _)| *at);
        if list.first().is_some_and(|(at, _)| *at > 0) {
            list.insert(0, (0, String::new()));
        }
        let ends = list.iter().skip(1).map(|(at, _)| *at).chain([end]);
        let (mut table, mut samples) = (Table::default(), Vec::new());
        for ((at, title), end) in list.iter().zip(ends) {
            let place = samples.len() as u64;
            samples.extend_from_slice(&(title.len() as u16).to_be_bytes());
            samples.extend_from_slice(title.as_bytes());
            samples.extend_from_slice(&UTF_8);
            let len = (samples.len() as u64).saturating_sub(place);
            table.push(
                place,
                Entry {
                    len: u32::try_from(len).map_err(|_| Error::TooMuch)?,
                    duration: u32::try_from(end.saturating_sub(*at)).unwrap_or(u32::MAX),
                    composition_offset: 0,
                    keyframe: true,
                },
            )?;
        }
        Ok(Chapters { list, table, samples })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The list.
    pub fn listed(&self) -> Chpl {
        // The list counts in tenths of a microsecond.
        let tenths = |at: u64| {
            let tenths = u128::from(at).saturating_mul(10_000_000);
            let tenths = tenths.checked_div(u128::from(MOVIE_RATE)).unwrap_or(0);
            u64::try_from(tenths).unwrap_or(u64::MAX)
        };
        let entries = self.list.iter().take(MAX_LISTED);
        let entries =
            entries.map(|(at, title)| ChplEntry { start: tenths(*at), title: title.clone() });
        Chpl { entries: entries.collect() }
    }

    /// Appends the track of text, whose samples lie at `base`.
    pub fn track(&self, out: &mut Vec<u8>, id: u32, base: u64, width: Width) -> Result<(), Error> {
        let tkhd = Tkhd {
            track_id: id,
            duration: self.table.total_ticks(),
            in_movie: true,
            ..Tkhd::default()
        };
        let mdhd = Mdhd {
            timescale: MOVIE_RATE,
            duration: self.table.total_ticks(),
            language: "und".to_owned(),
            ..Mdhd::default()
        };
        let hdlr = Hdlr { handler: b"text".into(), name: "Chapters".to_owned() };
        let tables = self.table.boxes(base, width)?;
        nest(out, b"trak", |out| {
            append(out, &tkhd)?;
            nest(out, b"mdia", |out| {
                append(out, &mdhd)?;
                append(out, &hdlr)?;
                nest(out, b"minf", |out| {
                    media_header(out)?;
                    append(out, &dinf())?;
                    nest(out, b"stbl", |out| {
                        description(out)?;
                        append(out, &tables.stts)?;
                        append(out, &tables.stsc)?;
                        append(out, &tables.stsz)?;
                        append(out, &tables.stco)?;
                        append(out, &tables.co64)
                    })
                })
            })
        })
    }
}

/// QuickTime File Format, "Base media information header".
fn media_header(out: &mut Vec<u8>) -> Result<(), Error> {
    nest(out, b"gmhd", |out| {
        nest(out, b"gmin", |out| {
            // Version and flags; dithered copy; grey; balance; reserved.
            out.extend_from_slice(&[0, 0, 0, 0, 0, 0x40, 0x80, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0]);
            Ok(())
        })?;
        nest(out, b"text", |out| append(out, &mp4_atom::Matrix::default()))
    })
}

/// QuickTime File Format, "Text sample description": nothing of it is shown.
fn description(out: &mut Vec<u8>) -> Result<(), Error> {
    nest(out, b"stsd", |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        nest(out, b"text", |out| {
            // Reserved, data reference.
            out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
            // Flags, justification, background, box, reserved, font, face, reserved, foreground, name.
            out.extend_from_slice(&[0; 4 + 4 + 6 + 8 + 8 + 2 + 2 + 1 + 2 + 6 + 1]);
            Ok(())
        })
    })
}

/// The beginning of a title that fits, cut between characters.
fn shortened(title: &str) -> &str {
    let end = title.floor_char_boundary(MAX_TITLE_BYTES);
    title.get(..end).unwrap_or_default()
}
