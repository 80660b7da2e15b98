//! Samples to AAC, all of the film in one go.

use crate::encode::{Press, adts};
use crate::error::Error;
use crate::ffmpeg::{Counted, Sink};
use crate::mix::Frame;
use std::io::{self, BufReader, Write};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};

/// Encodes the film's sound.
pub struct SoundEncoder<'a> {
    sink: Sink<'a>,
    got: Receiver<io::Result<Vec<u8>>>,
    bytes: Vec<u8>,
}

const ROLE: &str = "encoder of sound";
const RATE: &str = "128k";

impl<'a> SoundEncoder<'a> {
    /// Samples in a packet.
    pub const PACKET_SAMPLES: i64 = 1_024;
    /// The first packet holds what the encoder imagines before the first sample.
    pub const PRIMING_SAMPLES: i64 = 1_024;
    /// AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3 section 1.6.2.1).
    pub const CONFIGURATION: [u8; 2] = [0x11, 0x90];

    /// Begins.
    pub fn start(press: Press<'a>) -> Result<SoundEncoder<'a>, Error> {
        let mut args = vec!["-protocol_whitelist", "pipe", "-threads", "1"];
        args.extend(["-f", "f32le", "-ar", "48000", "-ac", "2", "-i", "pipe:0"]);
        args.extend(["-map", "0:a:0", "-filter_threads", "1"]);
        args.extend(["-c:a", "aac", "-b:a", RATE, "-f", "adts", "pipe:1"]);
        let (sink, stdout, moved) = Sink::start(press.tools, ROLE, args, press.stop)?;
        let (send, got) = channel();
        let stdout = Counted::new(stdout, moved);
        std::thread::spawn(move || read(stdout, &send));
        Ok(SoundEncoder { sink, got, bytes: Vec::new() })
    }

    /// Encodes further samples; packets that are ready are given to `out`.
    pub fn push(&mut self, samples: &[Frame], out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        self.bytes.clear();
        self.bytes.extend(samples.iter().flatten().flat_map(|part| part.to_le_bytes()));
        let written = self.sink.write_all(&self.bytes);
        written.map_err(|error| self.sink.failed(&error))?;
        loop {
            match self.got.try_recv() {
                Ok(Ok(packet)) => out.push(packet),
                Ok(Err(error)) => return Err(self.sink.failed(&error)),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => {
                    return Err(self.sink.failed(&io::ErrorKind::BrokenPipe.into()));
                }
            }
        }
    }

    /// Gives all packets that are left.
    pub fn finish(mut self, out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        self.sink.close();
        loop {
            let got = &self.got;
            let next = self.sink.wait(|patience| match got.recv_timeout(patience) {
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(None),
                Ok(got) => Some(Some(got)),
            });
            match next {
                Ok(Some(Ok(packet))) => out.push(packet),
                Ok(None) => return self.sink.end(),
                Ok(Some(Err(error))) | Err(error) => return Err(self.sink.failed(&error)),
            }
        }
    }
}

fn read(stdout: Counted<ChildStdout>, send: &Sender<io::Result<Vec<u8>>>) {
    let mut from = BufReader::new(stdout);
    while let Some(packet) = adts::packet(&mut from).transpose() {
        let last = packet.is_err();
        // Nobody listens any more where the film was given up.
        if send.send(packet).is_err() || last {
            return;
        }
    }
}
