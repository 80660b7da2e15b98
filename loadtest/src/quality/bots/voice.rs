//! A voice: packets of Opus every 20 ms, loud at times and soft at others, as the header extension of
//! RFC 6464 tells. What is in the packets is no sound; nobody decodes it.

use anyhow::Result;
use std::time::{Duration, Instant};
use str0m::Rtc;
use str0m::media::Mid;
use str0m::rtp::{ExtensionValues, RtpWrite};

const EVERY: Duration = Duration::from_millis(20);
const TICKS: u32 = 960;
/// Octets of a packet: 32 kbit/s.
const PACKET_LEN: usize = 80;
/// Decibels over overload while speaking, and while not.
const LOUD: i8 = -20;
const SOFT: i8 = -70;

/// When somebody speaks.
#[derive(Debug, Clone, Copy)]
pub struct Turns {
    /// From when on.
    pub first: Instant,
    /// For how long.
    pub length: Duration,
    /// From one time to the next.
    pub every: Duration,
}

impl Turns {
    fn is_speaking(&self, at: Instant) -> bool {
        let Some(since) = at.checked_duration_since(self.first) else { return false };
        since.as_nanos() % self.every.as_nanos().max(1) < self.length.as_nanos()
    }
}

/// A voice that is published.
#[derive(Debug)]
pub struct Voice {
    name: String,
    number: u32,
    turns: Turns,
    mid: Option<Mid>,
    next: Instant,
    sequence: u64,
}

impl Voice {
    /// A voice with a number, by which it is known wherever its packets come.
    pub fn new(number: u32, turns: Turns) -> Voice {
        let name = format!("voice-{number}");
        Voice { name, number, turns, mid: None, next: Instant::now(), sequence: 1 }
    }

    /// Whose packet it is.
    pub fn number_in(payload: &[u8]) -> Option<u32> {
        let (packet, number) = payload.split_at_checked(PACKET_LEN)?;
        packet.iter().all(|byte| *byte == 0x78).then_some(())?;
        Some(u32::from_be_bytes(number.try_into().ok()?))
    }

    /// Its track's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It has a media section now.
    pub fn begin(&mut self, mid: Mid) {
        self.mid = Some(mid);
        self.next = Instant::now();
    }

    /// When it speaks next, where it has begun.
    pub fn next(&self) -> Option<Instant> {
        self.mid.map(|_| self.next)
    }

    /// Sends what is due.
    pub fn speak(&mut self, rtc: &mut Rtc) -> Result<()> {
        let now = Instant::now();
        let Some(mid) = self.mid else { return Ok(()) };
        while self.next <= now {
            let at = self.next;
            self.next += EVERY;
            self.sequence += 1;
            let payload_type = rtc.media(mid).and_then(|media| media.remote_pts().first().copied());
            let (Some(pt), true) = (payload_type, rtc.is_connected()) else { continue };
            let mut api = rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(mid, None) else { continue };
            let level = if self.turns.is_speaking(at) { LOUD } else { SOFT };
            let values = ExtensionValues {
                audio_level: Some(level),
                voice_activity: Some(level == LOUD),
                ..ExtensionValues::default()
            };
            let time = (self.sequence as u32).wrapping_mul(TICKS);
            let mut payload = vec![0x78; PACKET_LEN];
            payload.extend(self.number.to_be_bytes());
            let write = RtpWrite::new(pt, self.sequence.into(), time, now, payload);
            stream.write_rtp(write.ext_vals(values));
        }
        Ok(())
    }
}
