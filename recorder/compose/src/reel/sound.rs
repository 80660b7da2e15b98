//! All of the film's sound.

use crate::decode::{Faults, Sounds, Studio};
use crate::encode::{Press, SoundEncoder};
use crate::error::Error;
use crate::media::Track;
use crate::mix::{Frame, Limiter, Voice, samples_until};
use crate::parts::Parts;
use crate::reel::{Index, Piece, Sample};
use lectern_control::TrackId;
use std::io::Write;

/// Mixed at once: some megabytes, and few enough turns from one decoder to the next.
const WINDOW_SAMPLES: i64 = 10 * 48_000;
/// Voices that stay open between windows. Others are opened again for each, which takes a tenth of a
/// second of a core, so that a hundred open microphones need no hundred processes.
const MAX_OPEN: usize = 16;
/// A decoder of Opus finds its way within 80 ms (RFC 6716 section 2.1.6); a packet lasts as long.
const EARLIER_US: i64 = 400_000;

struct Open<'a> {
    track: TrackId,
    sounds: Sounds<'a>,
    voice: Voice,
}

/// Mixes and encodes the sound of these tracks up to `until_us`, and keeps it as one piece; `done` is
/// told how much is, in microseconds.
pub fn sound(
    studio: Studio<'_>,
    press: Press<'_>,
    tracks: &[Track],
    until_us: i64,
    parts: &dyn Parts,
    done: &mut dyn FnMut(i64),
) -> Result<(), Error> {
    let piece = Piece::sound();
    let mut part = parts.put(piece.data()).map_err(Error::Parts)?;
    let mut index = Index::default();
    let mut keep = |packets: &mut Vec<Vec<u8>>| {
        for packet in packets.drain(..) {
            let (number, len) = (index.samples.len() as u64, packet.len() as u32);
            index.samples.push(Sample { number, len, keyframe: true });
            part.write_all(&packet).map_err(Error::Parts)?;
        }
        Ok(())
    };
    let mut encoder = SoundEncoder::start(press)?;
    let (mut limiter, mut faults) = (Limiter::new(), Faults::default());
    let (mut open, mut packets, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    // The encoder puts one packet before the first sample. It is given all but the first packet, so
    // that sound lies where it belongs in every player, whether it knows of such packets or not.
    let mut from = SoundEncoder::PRIMING_SAMPLES;
    let until = samples_until(until_us).max(from + SoundEncoder::PACKET_SAMPLES);
    while from < until {
        let len = WINDOW_SAMPLES.min(until - from) as usize;
        let mut mix: Vec<Frame> = vec![[0.0; 2]; len];
        for track in tracks.iter().filter(|track| is_near(track, from, len)) {
            add(studio, track, &mut open, &mut faults, &mut mix, from)?;
        }
        limiter.push(&mix, &mut limited);
        from += len as i64;
        if from >= until {
            limiter.flush(&mut limited);
        }
        encoder.push(&limited, &mut packets)?;
        limited.clear();
        keep(&mut packets)?;
        done((from * 125).saturating_div(6));
    }
    encoder.finish(&mut packets)?;
    keep(&mut packets)?;
    part.finish().map_err(Error::Parts)?;
    index.notes = faults.notes();
    piece.keep_index(parts, &index).map_err(Error::Parts)
}

/// Whether a track may be heard in a window.
fn is_near(track: &Track, from: i64, len: usize) -> bool {
    let (near_us, until) = (2 * EARLIER_US, from + len as i64);
    samples_until(track.from_us.saturating_sub(near_us)) < until
        && samples_until(track.until_us.saturating_add(near_us)) >= from
}

/// Adds a track's sound to a window.
fn add<'a>(
    studio: Studio<'a>,
    track: &Track,
    open: &mut Vec<Open<'a>>,
    faults: &mut Faults,
    mix: &mut [Frame],
    from: i64,
) -> Result<(), Error> {
    let known = open.iter().position(|open| open.track == track.id);
    let mut voice = match known {
        Some(index) => open.swap_remove(index),
        None if faults.given_up(track.id) => return Ok(()),
        None => {
            let from_us = (from * 125 / 6).saturating_sub(EARLIER_US);
            let sounds = Sounds::open(studio, track.id, from_us)?;
            Open { track: track.id, sounds, voice: Voice::new() }
        }
    };
    let until = from + mix.len() as i64;
    voice.voice.fill(until, || voice.sounds.next(faults))?;
    voice.voice.add_to(mix, from);
    let ends_later = samples_until(track.until_us.saturating_add(2 * EARLIER_US)) >= until;
    if open.len() < MAX_OPEN && ends_later {
        open.push(voice);
    }
    Ok(())
}
