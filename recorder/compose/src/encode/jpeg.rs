//! One picture to JPEG.

use crate::encode::Press;
use crate::error::Error;
use crate::ffmpeg::{Counted, Sink};
use crate::matroska::{Content, Keyframe, Writer};
use lectern_mux::Size;
use std::io::{Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};

const ROLE: &str = "encoder of thumbnails";
/// A large card in a list; the height follows.
const WIDTH: u32 = 640;
/// No thumbnail comes near to it.
const MAX_BYTES: u64 = 4 << 20;

/// A small JPEG of a picture in planar YUV 4:2:0.
pub fn jpeg(press: Press<'_>, size: Size, picture: &[u8]) -> Result<Vec<u8>, Error> {
    let scale = format!("scale={WIDTH}:-2:flags=area:in_color_matrix=bt601:out_color_matrix=bt601");
    let filters = format!("{scale}:in_range=tv:out_range=pc,format=yuvj420p");
    let mut args = vec!["-protocol_whitelist", "pipe", "-threads", "1"];
    args.extend(["-probesize", "32", "-analyzeduration", "0"]);
    args.extend(["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-filter_threads", "1"]);
    args.extend(["-vf", &filters, "-frames:v", "1", "-threads", "1"]);
    args.extend(["-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1"]);
    let (mut sink, stdout, moved) = Sink::start(press.tools, ROLE, args, press.stop)?;
    let (send, got) = channel();
    let from = Counted::new(stdout, moved);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.take(MAX_BYTES).read_to_end(&mut bytes);
        // Nobody listens any more where the film was given up.
        let _ = send.send(read.map(|_| bytes));
    });
    let mut writer = Writer::new(Content::Raw(size));
    let head = writer.head(0, Keyframe::Yes, picture.len());
    let written = sink.write_all(head).and_then(|()| sink.write_all(picture));
    written.map_err(|error| sink.failed(&error))?;
    sink.close();
    let bytes = sink.wait(|patience| match got.recv_timeout(patience) {
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Ok(Vec::new())),
        Ok(got) => Some(got),
    });
    let bytes = bytes.flatten().map_err(|error| sink.failed(&error))?;
    sink.end()?;
    Ok(bytes)
}
