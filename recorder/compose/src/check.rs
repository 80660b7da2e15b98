//! Whether FFmpeg is there and has what is needed.

use crate::error::Error;
use crate::ffmpeg::Source;
use crate::tools::Tools;
use std::io::Read;
use std::sync::atomic::AtomicBool;

/// Encoders that are needed.
const ENCODERS: &[&[&str]] = &[&["libx264"], &["aac"], &["mjpeg"], &["rawvideo"], &["pcm_f32le"]];
/// Decoders of what browsers send; one of each.
const DECODERS: &[&[&str]] = &[
    &["libopus"],
    &["h264"],
    &["vp8", "libvpx"],
    &["vp9", "libvpx-vp9"],
    &["libdav1d", "libaom-av1", "av1"],
];
/// Its lists have some hundred lines.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

impl Tools {
    /// Whether FFmpeg runs in its sandbox and has all that is needed: for the recorder's start, so
    /// that an operator learns of it before the first recording.
    pub fn check(&self, stop: &AtomicBool) -> Result<(), Error> {
        let version = self.ask("-version", stop)?;
        let named = version.split_whitespace().nth(2).unwrap_or_default();
        if is_old(named) {
            return Err(self.poor(format!("newer options ({named} is too old, 5.1 is needed)")));
        }
        let lists = [("-encoders", ENCODERS), ("-decoders", DECODERS)];
        for (question, needed) in lists {
            let answer = self.ask(question, stop)?;
            let has = |name: &str| {
                answer.lines().any(|line| line.split_whitespace().nth(1) == Some(name))
            };
            let lacks = needed.iter().find(|names| !names.iter().any(|name| has(name)));
            if let Some(names) = lacks {
                return Err(self.poor(names.join(" or ")));
            }
        }
        Ok(())
    }

    fn ask(&self, question: &str, stop: &AtomicBool) -> Result<String, Error> {
        let (mut source, stdin, _) = Source::start(self, "itself", [question], stop)?;
        drop(stdin);
        let mut answer = Vec::new();
        let read = (&mut source).take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
        read.map_err(|error| source.failed(&error))?;
        source.end()?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn poor(&self, lacks: String) -> Error {
        Error::PoorFfmpeg { path: self.ffmpeg.clone(), lacks }
    }
}

/// Whether a version is before 5.1; what is no number is built from its sources, and new.
fn is_old(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('n').split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (5, 1),
        (Some(Ok(major)), _) => major < 5,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for old in ["4.4.2-0ubuntu0.22.04.1", "4.4", "n4.3.1", "5.0.1"] {
            assert!(is_old(old), "{old}");
        }
        for new in ["5.1.9-0+deb12u1", "n6.1", "7.1", "10.0", "N-109542-gd3a7b3c", ""] {
            assert!(!is_old(new), "{new}");
        }
    }
}
