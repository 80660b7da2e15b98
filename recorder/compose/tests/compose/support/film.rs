//! What is seen and heard in a film.

use super::recording::{Kept, Recording};
use lectern_compose::{Film, Plan, compose};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A film that was made, in a folder of its own.
pub struct Watched {
    pub film: Film,
    pub path: PathBuf,
    pictures: RefCell<BTreeMap<u64, Arc<Vec<u8>>>>,
    _folder: tempfile::TempDir,
}

/// Pictures a second that are looked at: more than the film has.
const LOOKS: usize = 120;

impl Watched {
    /// Makes a film.
    pub fn of(recording: &Recording, plan: &Plan) -> Watched {
        Watched::with(recording, plan, &Kept::default())
    }

    /// Makes a film with parts that may be there.
    pub fn with(recording: &Recording, plan: &Plan, parts: &Kept) -> Watched {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film.mp4");
        let mut out = std::fs::File::create(&path).expect("a file");
        let stop = AtomicBool::new(false);
        let film = compose(recording, plan, parts, &mut out, &|_| {}, &stop).expect("a film");
        Watched { film, path, pictures: RefCell::default(), _folder: folder }
    }

    /// What FFprobe says of it.
    pub fn probed(&self, args: &[&str]) -> String {
        let output =
            Command::new("ffprobe").args(["-v", "error"]).args(args).arg(&self.path).output();
        let output = output.expect("FFprobe");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn played(&self, args: &[&str]) -> Vec<u8> {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&self.path)
            .args(args)
            .arg("pipe:1")
            .output()
            .expect("FFmpeg");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// How bright a place (x, y, width, height) is over time, from 0 to 255, with seconds.
    pub fn brightness(&self, place: (u32, u32, u32, u32)) -> Vec<(f64, u8)> {
        let (x, y, width, height) = place;
        let filters =
            format!("fps={LOOKS},crop={width}:{height}:{x}:{y},scale=1:1:flags=area,format=gray");
        let bytes = self.played(&["-map", "0:v:0", "-vf", &filters, "-f", "rawvideo"]);
        let at = |(index, bright): (usize, &u8)| (index as f64 / LOOKS as f64, *bright);
        bytes.iter().enumerate().map(at).collect()
    }

    /// When a place becomes bright, in seconds.
    pub fn flashes(&self, place: (u32, u32, u32, u32)) -> Vec<f64> {
        let looks = self.brightness(place);
        let rises = looks.windows(2).filter(|pair| pair[0].1 < 128 && pair[1].1 >= 128);
        rises.map(|pair| pair[1].0).collect()
    }

    /// The film's sound, one channel at 48 kHz.
    pub fn sound(&self) -> Vec<f32> {
        let bytes = self.played(&["-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le"]);
        bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect()
    }

    /// When it becomes loud after silence of 0.2 s, in seconds.
    pub fn beeps(&self) -> Vec<f64> {
        beeps(&self.sound())
    }

    /// One picture of the film as RGB, with its width and height.
    pub fn picture(&self, at_s: f64) -> (Arc<Vec<u8>>, u32, u32) {
        let size = (self.film.width, self.film.height);
        let key = (at_s * 1_000.0) as u64;
        if let Some(picture) = self.pictures.borrow().get(&key) {
            return (Arc::clone(picture), size.0, size.1);
        }
        let at = at_s.to_string();
        let args = ["-map", "0:v:0", "-vf", "fps=30", "-ss", &at, "-frames:v", "1"];
        let raw = ["-pix_fmt", "rgb24", "-f", "rawvideo"];
        let picture = Arc::new(self.played(&[&args[..], &raw[..]].concat()));
        assert_eq!(picture.len(), size.0 as usize * size.1 as usize * 3, "a picture at {at_s}");
        self.pictures.borrow_mut().insert(key, Arc::clone(&picture));
        (picture, size.0, size.1)
    }

    /// The colour of one pixel of one moment.
    pub fn pixel(&self, at_s: f64, x: u32, y: u32) -> [u8; 3] {
        let (picture, width, _) = self.picture(at_s);
        let at = (y * width + x) as usize * 3;
        [picture[at], picture[at + 1], picture[at + 2]]
    }
}

/// When sound becomes loud after silence of 0.2 s, in seconds.
pub fn beeps(sound: &[f32]) -> Vec<f64> {
    let (mut found, mut quiet) = (Vec::new(), usize::MAX / 2);
    for (index, sample) in sound.iter().enumerate() {
        if sample.abs() > 0.1 {
            if quiet > 9_600 {
                found.push(index as f64 / 48_000.0);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    found
}
