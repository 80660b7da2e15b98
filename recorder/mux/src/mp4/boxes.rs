//! Boxes that fragments and films have in common.

use crate::error::Error;
use crate::unit::Size;
use mp4_atom::{
    BufMut, Codec, Dinf, Dref, Edts, Elst, ElstEntry, Encode, Ftyp, Hdlr, Matrix, Mdhd, Mdia, Minf,
    Mvhd, Smhd, Stbl, Stsd, Tkhd, Trak, Url, Vmhd,
};

const ONE: i32 = 0x1_0000;

/// Sound or picture, as a track's boxes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Heard.
    Sound,
    /// Seen, with this size, after this many clockwise quarter turns.
    Picture {
        /// Pixels before the turns.
        size: Size,
        /// 0 to 3.
        quarter_turns: u8,
    },
}

/// What a track's boxes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackBoxes {
    /// From 1.
    pub id: u32,
    /// Sound or picture.
    pub look: Look,
    /// Ticks a second.
    pub timescale: u32,
    /// Ticks of media; 0 where fragments say.
    pub media_duration: u64,
    /// The movie's ticks it is shown; 0 where fragments say.
    pub movie_duration: u64,
    /// The edit list.
    pub edits: Vec<ElstEntry>,
    /// The sample tables but for the description.
    pub tables: Stbl,
    /// The sample entry.
    pub entry: Codec,
}

impl TrackBoxes {
    /// The track's box.
    pub fn trak(self) -> Trak {
        let is_sound = self.look == Look::Sound;
        let handler: &[u8; 4] = if is_sound { b"soun" } else { b"vide" };
        let name = if is_sound { "Sound" } else { "Picture" };
        let edts = Edts { elst: Some(Elst { entries: self.edits }) };
        let has_edits = edts.elst.as_ref().is_some_and(|elst| !elst.entries.is_empty());
        Trak {
            tkhd: tkhd(self.id, self.look, self.movie_duration),
            edts: has_edits.then_some(edts),
            mdia: Mdia {
                mdhd: Mdhd {
                    timescale: self.timescale,
                    duration: self.media_duration,
                    language: "und".to_owned(),
                    ..Mdhd::default()
                },
                hdlr: Hdlr { handler: handler.into(), name: name.to_owned() },
                minf: Minf {
                    vmhd: (!is_sound).then(Vmhd::default),
                    smhd: is_sound.then(Smhd::default),
                    dinf: dinf(),
                    stbl: Stbl { stsd: Stsd { codecs: vec![self.entry] }, ..self.tables },
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }
    }
}

/// The media is in the file itself.
pub fn dinf() -> Dinf {
    Dinf { dref: Dref { entries: vec![mp4_atom::DrefEntry::Url(Url::default())] } }
}

fn tkhd(track_id: u32, look: Look, duration: u64) -> Tkhd {
    let mut tkhd = Tkhd { track_id, duration, enabled: true, in_movie: true, ..Tkhd::default() };
    match look {
        Look::Sound => tkhd.volume = 1.into(),
        Look::Picture { size, quarter_turns } => {
            let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
            tkhd.width = side(size.width).into();
            tkhd.height = side(size.height).into();
            tkhd.matrix = turned(size, quarter_turns);
        }
    }
    tkhd
}

/// The matrix that turns a picture and moves it back to where it was (ISO/IEC 14496-12 section 6.2.2).
fn turned(size: Size, quarter_turns: u8) -> Matrix {
    let whole = |side: u32| i32::from(u16::try_from(side).unwrap_or(u16::MAX)).saturating_mul(ONE);
    let (a, b, c, d, x, y) = match quarter_turns & 3 {
        0 => (ONE, 0, 0, ONE, 0, 0),
        1 => (0, ONE, ONE.saturating_neg(), 0, whole(size.height), 0),
        2 => (
            ONE.saturating_neg(),
            0,
            0,
            ONE.saturating_neg(),
            whole(size.width),
            whole(size.height),
        ),
        _ => (0, ONE.saturating_neg(), ONE, 0, 0, whole(size.width)),
    };
    Matrix { a, b, c, d, x, y, ..Matrix::default() }
}

/// An edit that shows media from a moment on.
pub fn edit(segment_duration: u64, media_time: u64) -> ElstEntry {
    ElstEntry { segment_duration, media_time: Some(media_time), media_rate: 1.into() }
}

/// An edit that shows nothing.
pub fn empty_edit(segment_duration: u64) -> ElstEntry {
    ElstEntry { segment_duration, media_time: None, media_rate: 1.into() }
}

/// The movie's header.
pub fn mvhd(timescale: u32, duration: u64, next_track_id: u32) -> Mvhd {
    Mvhd {
        creation_time: 0,
        modification_time: 0,
        timescale,
        duration,
        rate: 1.into(),
        volume: 1.into(),
        matrix: Matrix::default(),
        next_track_id,
    }
}

/// What kind of file it is.
pub fn ftyp(major: &[u8; 4], compatible: &[&[u8; 4]]) -> Ftyp {
    Ftyp {
        major_brand: major.into(),
        minor_version: 0,
        compatible_brands: compatible.iter().map(|brand| (*brand).into()).collect(),
    }
}

/// Appends a box.
pub fn append(out: &mut Vec<u8>, atom: &impl Encode) -> Result<(), Error> {
    atom.encode(out).map_err(|_| Error::Box)
}

/// Appends a box of this kind around what `body` appends.
pub fn nest(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let nested = out.encode_atom(kind, |out| body(out).map_err(|_| mp4_atom::Error::InvalidSize));
    nested.map_err(|_| Error::Box)
}
