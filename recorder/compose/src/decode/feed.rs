//! Writes a track's units to a decoder, on a thread of its own.

use crate::error::Error;
use crate::ffmpeg::{Counted, Role};
use crate::matroska::{Content, Keyframe, Writer};
use crate::media::Units;
use lectern_control::media::CodecName;
use lectern_mux::{Size, Unit};
use std::borrow::Cow;
use std::io::{self, Write};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How a feed ended.
pub enum Ended {
    /// The track has no more.
    All,
    /// What comes next needs another decoder.
    Changed(Unit, Units),
    /// The recording cannot be read.
    Media(io::Error),
    /// The decoder takes nothing more; the last unit that it may have seen is of this time.
    Refused {
        /// In microseconds of the recording.
        at_us: i64,
    },
}

impl Ended {
    /// A decoder that takes nothing more has failed, whatever it says of itself.
    pub fn too_early(&self, role: Role) -> Option<Error> {
        let reason = "it ended too early".to_owned();
        matches!(self, Ended::Refused { .. }).then_some(Error::Ffmpeg { role, reason })
    }
}

/// What a unit is told to the decoder as: its time there, in milliseconds.
pub type Stamp = Box<dyn FnMut(&Unit) -> u64 + Send>;

/// A feed that runs.
pub struct Feed {
    ended: Receiver<Ended>,
}

/// What a feed needs to hand over its end, once the decoder's output has ended.
const END_PATIENCE: Duration = Duration::from_secs(10);
const STREAM_SIZE: Size = Size { width: 16, height: 16 };

impl Feed {
    /// Feeds `first` and what follows it while it fits the same decoder.
    pub fn start(first: Unit, rest: Units, stdin: Counted<ChildStdin>, stamp: Stamp) -> Feed {
        let (done, ended) = channel();
        std::thread::spawn(move || run(first, rest, stdin, stamp, &done));
        Feed { ended }
    }

    /// How it ended. A storage that hangs just now is waited for no longer than this.
    pub fn end(self) -> Ended {
        match self.ended.recv_timeout(END_PATIENCE) {
            Ok(ended) => ended,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Ended::Media(io::ErrorKind::TimedOut.into())
            }
        }
    }
}

fn run(
    first: Unit,
    mut rest: Units,
    mut stdin: Counted<ChildStdin>,
    mut stamp: Stamp,
    done: &Sender<Ended>,
) {
    let (codec, turns) = (first.codec, first.quarter_turns);
    let content = match codec {
        CodecName::Opus | CodecName::Red => Content::Opus,
        video => Content::Video(video, first.size.unwrap_or(STREAM_SIZE)),
    };
    let mut writer = Writer::new(content);
    let mut unit = first;
    let ended = loop {
        if let Err(ended) = put(&mut stdin, &mut writer, &unit, stamp(&unit)) {
            break ended;
        }
        match rest.next() {
            None => break Ended::All,
            Some(Err(error)) => break Ended::Media(error),
            Some(Ok(next)) if next.codec != codec || next.quarter_turns != turns => {
                break Ended::Changed(next, rest);
            }
            Some(Ok(next)) => unit = next,
        }
    };
    // First, so that what the decoder still has comes out.
    drop(stdin);
    // Nobody may want to know.
    let _ = done.send(ended);
}

fn put(
    stdin: &mut Counted<ChildStdin>,
    writer: &mut Writer,
    unit: &Unit,
    at_ms: u64,
) -> Result<(), Ended> {
    let data = match unit.codec {
        CodecName::H264 => Cow::Owned(with_start_codes(&unit.data)),
        _ => Cow::Borrowed(&unit.data[..]),
    };
    if data.is_empty() {
        // To FFmpeg it would be the end.
        return Ok(());
    }
    let keyframe = if unit.keyframe { Keyframe::Yes } else { Keyframe::No };
    let refused = |_| Ended::Refused { at_us: unit.at_us };
    stdin.write_all(writer.head(at_ms, keyframe, data.len())).map_err(refused)?;
    writer.clear();
    stdin.write_all(&data).map_err(refused)
}

/// NAL units with start codes (ITU-T H.264 Annex B), of ones with lengths: so parameter sets may
/// change at any time.
fn with_start_codes(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*len) as usize;
        let (unit, after) = after.split_at_checked(len).unwrap_or((after, &[]));
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(unit);
        rest = after;
    }
    out
}
