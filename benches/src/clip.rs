//! Encoded streams as single frames, made by FFmpeg once and kept for the next time.

mod elementary;

pub use elementary::nal_units;

use crate::ffmpeg;
use anyhow::{Context, Result, ensure};
use lectern_control::media::CodecName;
use std::path::PathBuf;
use tempfile::TempDir;

/// Of a packet of sound: 20 ms.
const PACKET_SAMPLES: u32 = 960;

/// A frame, as its encoder gave it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Of H.264 NAL units with start codes; all else as the codec has it.
    pub data: Vec<u8>,
    /// It needs none before it.
    pub keyframe: bool,
}

/// Frames at equal distances.
#[derive(Debug, Clone)]
pub struct Clip {
    /// How they are encoded.
    pub codec: CodecName,
    /// In order; the first is a keyframe.
    pub frames: Vec<Frame>,
    /// Ticks of the codec's RTP clock from one to the next.
    pub step: u32,
}

/// What is to be encoded, and how.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    /// Its name on the shelf.
    pub name: &'a str,
    /// The codec.
    pub codec: CodecName,
    /// A graph of FFmpeg's filters that gives pictures or sound.
    pub source: &'a str,
    /// Pictures a second; of sound there are packets of 20 ms.
    pub rate: u32,
    /// Bits a second.
    pub bitrate: u32,
    /// Pictures from one keyframe to the next.
    pub keyframe_every: u32,
}

/// Where encoded streams lie.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// Removed in the end, where nobody named a folder.
    _temporary: Option<TempDir>,
}

impl Shelf {
    /// In a folder, or in one that is removed in the end.
    pub fn new(folder: Option<PathBuf>) -> Result<Shelf> {
        let (folder, _temporary) = match folder {
            Some(folder) => (folder, None),
            None => {
                let temporary = tempfile::tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        std::fs::create_dir_all(&folder)?;
        Ok(Shelf { folder, _temporary })
    }

    /// Where a stream lies.
    pub fn path(&self, recipe: &Recipe<'_>) -> PathBuf {
        self.folder.join(recipe.name)
    }

    /// A stream; it is encoded where it is not there.
    pub fn clip(&self, recipe: &Recipe<'_>) -> Result<Clip> {
        let path = self.path(recipe);
        if !path.exists() {
            eprintln!("encoding {} …", recipe.name);
            std::fs::write(&path, recipe.encode()?).context("the shelf")?;
        }
        let bytes = std::fs::read(&path)?;
        let frames = match recipe.codec {
            CodecName::H264 => elementary::access_units(&bytes),
            CodecName::Opus => elementary::packets_of_ogg(&bytes),
            _ => elementary::frames_of_ivf(&bytes),
        };
        let frames = frames.with_context(|| format!("{} makes no sense", recipe.name))?;
        ensure!(frames.first().is_some_and(|first| first.keyframe), "{} is empty", recipe.name);
        let step = match recipe.codec {
            CodecName::Opus => PACKET_SAMPLES,
            codec => codec.clock_rate() / recipe.rate,
        };
        Ok(Clip { codec: recipe.codec, frames, step })
    }
}

impl Recipe<'_> {
    fn encode(&self) -> Result<Vec<u8>> {
        let (rate, bitrate) = (self.rate.to_string(), self.bitrate.to_string());
        let buffer = (2 * self.bitrate).to_string();
        let keyframes = self.keyframe_every.to_string();
        let mut args = vec!["-f", "lavfi", "-i", self.source, "-b:v", &bitrate, "-b:a", &bitrate];
        if self.codec != CodecName::Opus {
            args.extend(["-r", &rate, "-pix_fmt", "yuv420p", "-g", &keyframes]);
            args.extend(["-maxrate", &bitrate, "-bufsize", &buffer]);
        }
        match self.codec {
            CodecName::H264 => {
                args.extend(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"]);
                args.extend(["-profile:v", "baseline", "-keyint_min", &keyframes]);
                args.extend(["-x264-params", "aud=1:scenecut=0:slices=1:sliced-threads=0"]);
                args.extend(["-f", "h264"]);
            }
            CodecName::Opus => {
                args.extend(["-c:a", "libopus", "-application", "voip", "-frame_duration", "20"]);
                args.extend(["-f", "ogg"]);
            }
            _ => {
                args.extend(["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]);
                args.extend(["-lag-in-frames", "0", "-error-resilient", "default"]);
                args.extend(["-keyint_min", &keyframes, "-f", "ivf"]);
            }
        }
        args.push("pipe:1");
        ffmpeg::output(&args)
    }
}
