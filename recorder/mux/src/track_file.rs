//! The file that a track's frames go into, by their codec.

use crate::error::Error;
use crate::mp4::Fragmented;
use crate::output::Output;
use crate::unit::{Size, Unit};
use crate::webm::Writer;
use lectern_control::media::CodecName;

/// Players refuse VP8 in MP4: it goes into WebM, all else into fragmented MP4.
#[derive(Debug)]
pub enum TrackFile {
    /// H.264, VP9, AV1, Opus.
    Mp4(Fragmented),
    /// VP8.
    WebM(Writer),
}

impl TrackFile {
    /// Begins a file that `first` fits in, which is then pushed as all others. See
    /// [`Fragmented::new`].
    pub fn new(first: &Unit, origin_us: i64) -> Result<TrackFile, Error> {
        match first.codec {
            CodecName::Vp8 => Writer::new(first, origin_us).map(TrackFile::WebM),
            _ => Fragmented::new(first, origin_us).map(TrackFile::Mp4),
        }
    }

    /// Whether the frame can go into this file; if not, it begins a new one.
    pub fn takes(&self, unit: &Unit) -> bool {
        match self {
            TrackFile::Mp4(file) => file.takes(unit),
            TrackFile::WebM(file) => file.takes(unit),
        }
    }

    /// Takes the next frame.
    pub fn push(&mut self, unit: Unit) -> Result<(), Error> {
        match self {
            TrackFile::Mp4(file) => file.push(unit),
            TrackFile::WebM(file) => file.push(unit),
        }
    }

    /// Ends the file. The last picture is shown until `end_us` of the recording, where that is known.
    pub fn finish(&mut self, end_us: Option<i64>) -> Result<(), Error> {
        match self {
            TrackFile::Mp4(file) => file.finish(end_us),
            TrackFile::WebM(file) => file.finish(end_us),
        }
    }

    /// The next piece of the file.
    pub fn poll(&mut self) -> Option<Output> {
        match self {
            TrackFile::Mp4(file) => file.poll(),
            TrackFile::WebM(file) => file.poll(),
        }
    }

    /// From the file's zero to the end of the last frame.
    pub fn duration_us(&self) -> i64 {
        match self {
            TrackFile::Mp4(file) => file.duration_us(),
            TrackFile::WebM(file) => file.duration_us(),
        }
    }

    /// The largest picture, of pictures.
    pub fn size(&self) -> Option<Size> {
        match self {
            TrackFile::Mp4(file) => file.size(),
            TrackFile::WebM(file) => file.size(),
        }
    }

    /// What the file's name ends in.
    pub fn extension(&self) -> &'static str {
        match self {
            TrackFile::Mp4(_) => "mp4",
            TrackFile::WebM(_) => "webm",
        }
    }
}
