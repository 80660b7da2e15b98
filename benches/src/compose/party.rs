//! The meeting that a film is made of: somebody shares a screen, two have cameras, three speak.

use crate::clip::{Clip, Recipe, Shelf};
use crate::folder::Folder;
use crate::rtp::{Stream, ntp_of};
use anyhow::Result;
use lectern_control::media::{CodecName, Source};
use lectern_control::recorder::Event;
use lectern_control::{ParticipantId, TrackId};
use std::path::{Path, PathBuf};

/// How long the shared screen goes on.
pub const SECONDS: u64 = 60;
const STARTED_UNIX_MS: u64 = 1_790_000_000_000;
/// From capture to the node.
const DELAY_US: u64 = 30_000;
/// Somebody else speaks after so long.
const TURN_S: u64 = 6;

/// Twenty seconds of slides, one every five with a picture on it; twenty of a text that scrolls; then an
/// editor with a clock that counts.
const SCREEN: &str = "color=c=0xfafafa:s=1920x1080:r=30:d=60[paper];\
testsrc2=s=560x420:r=30:d=60,select='not(mod(n,150))',fps=30[picture];\
[paper][picture]overlay=x=1240:y=300:enable='lt(t,20)'[slide];\
[slide]drawtext=font=Sans:text='Slide %{eif\\:1+floor(t/5)\\:d}\\: results of the quarter':fontsize=64:\
x=120:y=90:fontcolor=0x202040:enable='lt(t,20)',\
drawtext=font=Sans:textfile='BODY':fontsize=30:line_spacing=16:fontcolor=0x303030:\
x=120+40*floor(t/5):y=240:enable='lt(t,20)',\
drawtext=font=Sans:textfile='LONG':fontsize=22:line_spacing=9:fontcolor=0x101010:\
x=160:y='1080-160*(t-20)':enable='between(t,20,40)',\
drawbox=c=0x1e1e2e:t=fill:enable='gte(t,40)',\
drawtext=font=Monospace:textfile='CODE':fontsize=18:line_spacing=6:fontcolor=0xd0d0e0:\
x=80:y=60:enable='gte(t,40)',\
drawtext=font=Monospace:text='%{pts}':fontsize=18:fontcolor=0x80ff80:x=1500:y=1020:enable='gte(t,40)'";
/// Soft shapes that move a little, and the noise of a camera.
const CAMERA: &str = "gradients=s=640x360:r=30:d=10:speed=0.01:c0=0x405060:c1=0x907060[room];\
testsrc2=s=180x220:r=30:d=10,gblur=6[head];\
[room][head]overlay=x='230+40*sin(1.3*t)':y='90+12*sin(2.1*t)',noise=alls=6:allf=t";
const VOICE: &str =
    "aevalsrc=0.3*sin(2*PI*(150+40*sin(2*PI*0.7*t))*t)*abs(sin(2*PI*1.3*t)):s=48000:d=10";

/// The meeting.
pub struct Party {
    /// How long it is.
    pub seconds: u64,
    screen: Clip,
    cameras: [Clip; 2],
    voice: Clip,
}

/// One track of it.
struct Track<'a> {
    id: TrackId,
    participant: ParticipantId,
    source: Source,
    clip: &'a Clip,
}

impl Party {
    /// Encodes what is needed.
    pub fn new(shelf: &Shelf, seconds: u64) -> Result<Party> {
        let source = screen(&shelf.path(&recipe("texts", CodecName::Vp8, "", 30, 1)))?;
        let screen = shelf.clip(&screen_recipe(&source))?;
        let camera = |name, codec| shelf.clip(&recipe(name, codec, CAMERA, 30, 600_000));
        let cameras =
            [camera("camera.h264", CodecName::H264)?, camera("camera.vp8", CodecName::Vp8)?];
        let voice = shelf.clip(&recipe("voice.opus", CodecName::Opus, VOICE, 50, 32_000))?;
        Ok(Party { seconds: seconds.clamp(1, SECONDS), screen, cameras, voice })
    }

    /// The shared screen as it was sent.
    pub fn screen_path(&self, shelf: &Shelf) -> PathBuf {
        shelf.path(&screen_recipe(""))
    }

    /// Seconds at which the film's screen is looked at: slides, text that scrolls, the editor.
    pub fn moments(&self) -> Vec<f64> {
        let all = [2.5, 7.5, 12.5, 17.5, 23.0, 28.0, 33.0, 38.0, 44.0, 49.0, 55.0];
        all.into_iter().filter(|at| *at + 1.0 < self.seconds as f64).collect()
    }

    /// Writes it down as a recorder does.
    pub fn record(&self, path: &Path) -> Result<Folder> {
        let folder = Folder::new(path, STARTED_UNIX_MS)?;
        let tracks = self.tracks();
        self.write_session(&folder, &tracks)?;
        for track in &tracks {
            self.write_track(&folder, track)?;
        }
        folder.wants(self.seconds * 1_000, &[])?;
        Ok(folder)
    }

    fn tracks(&self) -> Vec<Track<'_>> {
        let [first, second] = &self.cameras;
        let track = |(index, (participant, source, clip)): (usize, (u64, Source, _))| Track {
            id: TrackId(index as u64 + 1),
            participant: ParticipantId(participant),
            source,
            clip,
        };
        let all = [
            (1, Source::Screen, &self.screen),
            (1, Source::Camera, first),
            (1, Source::Microphone, &self.voice),
            (2, Source::Camera, second),
            (2, Source::Microphone, &self.voice),
            (3, Source::Microphone, &self.voice),
        ];
        all.into_iter().enumerate().map(track).collect()
    }

    fn write_session(&self, folder: &Folder, tracks: &[Track<'_>]) -> Result<()> {
        let mut session = folder.session()?;
        session.node(0, "node-1")?;
        for (id, name) in [(1, "Ada Example"), (2, "Boris Beispiel"), (3, "Chiara Esempio")] {
            let (participant, name) = (ParticipantId(id), name.to_owned());
            let identity = name.clone();
            session.event(STARTED_UNIX_MS, Event::Joined { participant, identity, name })?;
        }
        for Track { id, participant, source, clip } in tracks {
            let (track, participant, kind) = (*id, *participant, clip.codec.kind());
            let event = Event::Track { track, participant, kind, source: *source, muted: false };
            session.event(STARTED_UNIX_MS, event)?;
        }
        for turn in 0..self.seconds / TURN_S {
            let speakers = vec![ParticipantId(turn % 3 + 1)];
            let at_unix_ms = STARTED_UNIX_MS + turn * TURN_S * 1_000;
            session.event(at_unix_ms, Event::Speakers { speakers })?;
        }
        session.end()
    }

    fn write_track(&self, folder: &Folder, track: &Track<'_>) -> Result<()> {
        let mut journal = folder.track(track.id)?;
        journal.node(0, "node-1")?;
        let mut random = fastrand::Rng::with_seed(track.id.0);
        let mut stream = Stream::new(track.id, 1, track.clip.codec, &mut random);
        let rate = u64::from(track.clip.codec.clock_rate());
        let (mut ticks, mut reported) = (0, 0);
        for frame in track.clip.frames.iter().cycle() {
            let at_us = ticks * 1_000_000 / rate;
            if at_us >= self.seconds * 1_000_000 {
                break;
            }
            let unix_us = folder.started_unix_us() + at_us + DELAY_US + random.u64(0..5_000);
            for packet in stream.packets(frame, ticks) {
                journal.record(0, &stream.record(&packet, unix_us, Some(30)))?;
            }
            if at_us >= reported {
                reported += 1_000_000;
                let ntp = ntp_of(folder.started_unix_us() + at_us);
                journal.record(0, &stream.report(ticks, ntp, unix_us))?;
            }
            ticks += u64::from(track.clip.step);
        }
        journal.end()
    }
}

fn recipe<'a>(
    name: &'a str,
    codec: CodecName,
    source: &'a str,
    rate: u32,
    bitrate: u32,
) -> Recipe<'a> {
    Recipe { name, codec, source, rate, bitrate, keyframe_every: 10 * rate }
}

fn screen_recipe(source: &str) -> Recipe<'_> {
    recipe("screen.vp8", CodecName::Vp8, source, 30, 4_000_000)
}

/// The graph of the screen, with texts that lie in files beside the streams.
fn screen(texts: &Path) -> Result<String> {
    let mut source = SCREEN.to_owned();
    let words =
        "the quick brown fox jumps over a lazy dog while five boxing wizards count 0123456789";
    let words: Vec<&str> = words.split(' ').collect();
    let line = |number: usize, len: usize| {
        let from = number * 7 % words.len();
        words.iter().cycle().skip(from).take(len).copied().collect::<Vec<_>>().join(" ")
    };
    let text = |lines: usize, len| {
        (0..lines).map(|number| line(number, len)).collect::<Vec<_>>().join("\n")
    };
    let code = |number: usize| {
        format!(
            "{:4}  {}let value_{number} = {};",
            number,
            "    ".repeat(number % 4),
            line(number, 9)
        )
    };
    let code = (1..=40).map(code).collect::<Vec<_>>().join("\n");
    for (mark, text) in [("BODY", text(14, 9)), ("LONG", text(130, 22)), ("CODE", code)] {
        let path = texts.with_extension(mark.to_lowercase());
        std::fs::write(&path, text)?;
        source = source.replace(mark, &path.to_string_lossy());
    }
    Ok(source)
}
