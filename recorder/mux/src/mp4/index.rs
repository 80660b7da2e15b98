//! The index of fragments, which is written over a reserved place in the end.

use super::boxes::append;
use crate::error::Error;
use mp4_atom::{SegmentReference, Sidx};

/// Entries of the index: those of half an hour at two seconds each. In a longer file, each entry is
/// some fragments.
const MAX_ENTRIES: usize = 900;
/// Box header, version, fixed fields with 64-bit times; then twelve bytes an entry, and the header of
/// what is left free.
const RESERVED_BYTES: usize = 8 + 4 + 8 + 16 + 4 + 12 * MAX_ENTRIES + 8;

/// One or some fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Where it begins, in ticks.
    pub at: u64,
    /// Bytes.
    pub len: u64,
    /// Begins with a keyframe.
    pub is_sync: bool,
}

/// All fragments, bounded by joining neighbours.
#[derive(Debug, Default)]
pub struct Index {
    fragments: Vec<Fragment>,
}

impl Index {
    /// Appends a box that holds the place.
    pub fn reserve(out: &mut Vec<u8>) {
        free(out, RESERVED_BYTES);
    }

    /// Takes note of the next fragment.
    pub fn push(&mut self, fragment: Fragment) {
        if self.fragments.len() >= MAX_ENTRIES.saturating_mul(2) {
            self.halve();
        }
        self.fragments.push(fragment);
    }

    /// Joins each two fragments; the first of them says what begins.
    fn halve(&mut self) {
        let pairs = self.fragments.chunks(2).filter_map(|pair| {
            let (first, rest) = pair.split_first()?;
            let len = rest.iter().fold(first.len, |len, next| len.saturating_add(next.len));
            Some(Fragment { len, ..*first })
        });
        self.fragments = pairs.collect();
    }

    /// What is written over the reserved place: the index (ISO/IEC 14496-12 section 8.16.3), and free
    /// space. `offset` ticks are empty before the first fragment; the last one ends at `end`.
    pub fn boxes(
        &mut self,
        track: u32,
        rate: u32,
        offset: u64,
        end: u64,
    ) -> Result<Vec<u8>, Error> {
        while self.fragments.len() > MAX_ENTRIES {
            self.halve();
        }
        let ends = self.fragments.iter().skip(1).map(|next| next.at).chain([end]);
        let references: Result<Vec<_>, Error> = self
            .fragments
            .iter()
            .zip(ends)
            .map(|(fragment, end)| {
                let duration = end.saturating_sub(fragment.at);
                Ok(SegmentReference {
                    reference_type: false,
                    referenced_size: u32::try_from(fragment.len).map_err(|_| Error::TooMuch)?,
                    subsegment_duration: u32::try_from(duration).unwrap_or(u32::MAX),
                    starts_with_sap: fragment.is_sync,
                    sap_type: u8::from(fragment.is_sync),
                    sap_delta_time: 0,
                })
            })
            .collect();
        let mut sidx = Sidx {
            reference_id: track,
            timescale: rate,
            earliest_presentation_time: offset,
            first_offset: 0,
            references: references?,
        };
        let mut out = Vec::with_capacity(RESERVED_BYTES);
        append(&mut out, &sidx)?;
        let free_len = RESERVED_BYTES.saturating_sub(out.len());
        sidx.first_offset = free_len as u64;
        out.clear();
        append(&mut out, &sidx)?;
        free(&mut out, free_len);
        Ok(out)
    }
}

/// A box of `len` bytes, its header included, with nothing in it.
fn free(out: &mut Vec<u8>, len: usize) {
    let end = out.len().saturating_add(len);
    out.extend_from_slice(&u32::try_from(len).unwrap_or(8).to_be_bytes());
    out.extend_from_slice(b"free");
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_long_file_fits_its_place() {
        let mut index = Index::default();
        let seconds = 24 * 3_600;
        for at in (0..seconds).step_by(2) {
            index.push(Fragment { at, len: 1_000, is_sync: at % 60 == 0 });
        }
        let boxes = index.boxes(1, 1, 0, seconds).expect("fits");
        assert_eq!(boxes.len(), RESERVED_BYTES);
        let count = index.fragments.len();
        assert!((MAX_ENTRIES / 2..=MAX_ENTRIES).contains(&count), "{count}");
        let total: u64 = index.fragments.iter().map(|fragment| fragment.len).sum();
        assert_eq!(total, seconds / 2 * 1_000);
    }

    #[test]
    fn an_index_of_nothing_fits_its_place() {
        assert_eq!(Index::default().boxes(1, 90_000, 5, 0).map(|b| b.len()), Ok(RESERVED_BYTES));
    }
}
