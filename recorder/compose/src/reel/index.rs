//! What belongs to a piece besides its samples' bytes.

use crate::film::{Note, Thumbnail};
use lectern_control::TrackId;

/// A piece's table of contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// The decoder's configuration, of pictures.
    pub configuration: Vec<u8>,
    /// Its samples, in order.
    pub samples: Vec<Sample>,
    /// Pictures of it.
    pub thumbnails: Vec<Thumbnail>,
    /// What could not be decoded.
    pub notes: Vec<Note>,
}

/// An encoded picture or packet of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When: frames of the film, or packets of sound.
    pub number: u64,
    /// Its bytes.
    pub len: u32,
    /// It needs none before it.
    pub keyframe: bool,
}

impl Index {
    /// As bytes.
    pub fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(&mut out, &self.configuration);
        put(&mut out, self.samples.len() as u64);
        for Sample { number, len, keyframe } in &self.samples {
            put(&mut out, *number);
            put(&mut out, u64::from(*len) << 1 | u64::from(*keyframe));
        }
        put(&mut out, self.thumbnails.len() as u64);
        for Thumbnail { at_ms, jpeg } in &self.thumbnails {
            put(&mut out, *at_ms);
            put_bytes(&mut out, jpeg);
        }
        let undecoded = self.notes.iter().filter_map(|note| match note {
            Note::Undecoded { track, reason } => Some((track, reason)),
            Note::NoFont => None,
        });
        let undecoded: Vec<_> = undecoded.collect();
        put(&mut out, undecoded.len() as u64);
        for (track, reason) in undecoded {
            put(&mut out, track.0);
            put_bytes(&mut out, reason.as_bytes());
        }
        out
    }

    /// From bytes; `None` where they make no sense.
    pub fn decoded(mut bytes: &[u8]) -> Option<Index> {
        let from = &mut bytes;
        let mut index = Index { configuration: take_bytes(from)?, ..Index::default() };
        for _ in 0..take(from)? {
            let (number, rest) = (take(from)?, take(from)?);
            let len = u32::try_from(rest >> 1).ok()?;
            index.samples.push(Sample { number, len, keyframe: rest & 1 == 1 });
        }
        for _ in 0..take(from)? {
            index.thumbnails.push(Thumbnail { at_ms: take(from)?, jpeg: take_bytes(from)? });
        }
        for _ in 0..take(from)? {
            let track = TrackId(take(from)?);
            let reason = String::from_utf8(take_bytes(from)?).ok()?;
            index.notes.push(Note::Undecoded { track, reason });
        }
        bytes.is_empty().then_some(index)
    }
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take(from: &mut &[u8]) -> Option<u64> {
    let (number, rest) = from.split_first_chunk::<8>()?;
    *from = rest;
    Some(u64::from_be_bytes(*number))
}

fn take_bytes(from: &mut &[u8]) -> Option<Vec<u8>> {
    let len = usize::try_from(take(from)?).ok()?;
    let (bytes, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Index {
        Index {
            configuration: vec![1, 2, 3],
            samples: vec![
                Sample { number: 0, len: 70_000, keyframe: true },
                Sample { number: 9, len: 1, keyframe: false },
            ],
            thumbnails: vec![Thumbnail { at_ms: 5_000, jpeg: vec![0xff, 0xd8] }],
            notes: vec![Note::Undecoded { track: TrackId(7), reason: "broken".to_owned() }],
        }
    }

    #[test]
    fn an_index_is_read_as_it_was_written() {
        assert_eq!(Index::decoded(&some().encoded()), Some(some()));
        assert_eq!(Index::decoded(&Index::default().encoded()), Some(Index::default()));
    }

    #[test]
    fn an_index_that_is_cut_is_none() {
        let bytes = some().encoded();
        for len in 0..bytes.len() {
            assert_eq!(Index::decoded(&bytes[..len]), None, "{len}");
        }
    }
}
