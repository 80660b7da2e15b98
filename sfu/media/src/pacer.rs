//! The pacer of one subscriber: when packets leave, and in which order.
//!
//! A packet that may leave at once never enters a queue. What waits is no copy of a packet but its
//! number: the bytes are made from the cache when its turn comes, as for a retransmission. It is let go
//! in quanta, so that several packets leave as one run of equal datagrams.

use crate::limits::{
    MAX_PACED_PACKETS, MAX_WAITING_COPIES, MORE_PACED_DELAY, PACED_DELAY, PACING_BURST,
    PACING_QUANTUM,
};
use lectern_wire::{Bitrate, DataSize, SeqNo, Ssrc};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What leaves first: sound never waits behind pictures, retransmissions fill holes that a decoder waits
/// for, a shared screen comes before cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Sound, sent for the first time.
    Sound,
    /// Anything that is sent again.
    Repair,
    /// A shared screen.
    Screen,
    /// All other pictures.
    Camera,
}

impl Class {
    /// How long packets may wait. What matters more may wait behind what is full of what matters less.
    pub fn longest_wait(self) -> Duration {
        if self == Class::Camera { PACED_DELAY } else { MORE_PACED_DELAY * PACED_DELAY }
    }
}

const CLASSES: usize = 4;

/// A packet whose turn has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The stream at the subscriber.
    pub ssrc: Ssrc,
    /// Its number in that stream; for a retransmission the number of the packet that is sent again.
    pub number: SeqNo,
    /// About how long it will be.
    pub size: DataSize,
}

/// Packets that wait for their turn.
#[derive(Debug, Default)]
pub struct Pacer {
    queues: [VecDeque<Waiting>; CLASSES],
    backlog: u64,
    packets: usize,
    /// Without one everything leaves at once.
    rate: Option<Bitrate>,
    /// Bits that may leave now; below zero where more has left than was due.
    credit: i64,
    filled: Option<Instant>,
}

impl Pacer {
    /// How fast packets may leave from now on; `None` where nothing is known of the path.
    pub fn set_rate(&mut self, now: Instant, rate: Option<Bitrate>) {
        self.fill(now);
        self.rate = rate;
    }

    /// Whether a packet may leave at once: nothing of its class or a better one waits, and what left
    /// lately was not too much. Sound always may.
    #[inline]
    pub fn is_open(&mut self, now: Instant, class: Class) -> bool {
        if self.rate.is_none() || class == Class::Sound {
            return true;
        }
        self.fill(now);
        self.credit > 0 && (self.packets == 0 || self.first().is_none_or(|first| first > class))
    }

    /// A packet has left.
    #[inline]
    pub fn spend(&mut self, size: DataSize) {
        if self.rate.is_some() {
            self.credit = self.credit.saturating_sub(bits(size));
        }
    }

    /// A packet waits for its turn. `false` where too much waits already.
    #[must_use]
    pub fn push(&mut self, class: Class, waiting: Waiting) -> bool {
        if self.packets >= MAX_PACED_PACKETS || self.delay() > class.longest_wait() {
            return false;
        }
        self.packets += 1;
        self.backlog += waiting.size.as_bytes();
        let queue = self.queue(class);
        if class == Class::Repair && queue.capacity() == 0 {
            queue.reserve_exact(2 * MAX_WAITING_COPIES);
        }
        queue.push_back(waiting);
        true
    }

    /// One more copy of what is sent again waits for its turn. `false` where much of that waits already.
    #[must_use]
    pub fn push_copy(&mut self, waiting: Waiting) -> bool {
        let waits = self.queue(Class::Repair).len();
        waits < MAX_WAITING_COPIES && self.push(Class::Repair, waiting)
    }

    /// The next packet whose turn has come.
    pub fn pop(&mut self, now: Instant) -> Option<(Class, Waiting)> {
        if self.packets == 0 {
            return None;
        }
        self.fill(now);
        if self.rate.is_some() && self.credit <= 0 {
            return None;
        }
        self.pop_ahead()
    }

    /// The next packet, whether its turn has come or not.
    pub fn pop_ahead(&mut self) -> Option<(Class, Waiting)> {
        let class = self.first()?;
        let waiting = self.queue(class).pop_front()?;
        self.forgot(&waiting);
        Some((class, waiting))
    }

    /// When [`Self::pop`] is to be called next; `None` while nothing waits.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let rate = (self.packets > 0).then_some(self.rate)?;
        let Some(rate) = rate else { return Some(now) };
        let quantum = rate.data_in(PACING_QUANTUM).as_bytes().min(self.backlog);
        let missing = bits(DataSize::bytes(quantum)).saturating_sub(self.credit).max(0);
        let wait = rate.time_for(DataSize::bytes(missing.unsigned_abs() / 8));
        Some(self.filled.unwrap_or(now) + wait.min(PACED_DELAY))
    }

    /// Everything that waits.
    pub fn backlog(&self) -> DataSize {
        DataSize::bytes(self.backlog)
    }

    /// How long the last of what waits will have to wait.
    pub fn delay(&self) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| rate.time_for(self.backlog()))
    }

    /// Forgets what waits of a stream, but for what is sent again; gives how many packets.
    pub fn forget(&mut self, ssrc: Ssrc) -> usize {
        let before = self.packets;
        let (mut packets, mut bytes) = (0, 0);
        let first_time = [Class::Sound, Class::Screen, Class::Camera];
        for class in first_time {
            self.queue(class).retain(|waiting| {
                let stays = waiting.ssrc != ssrc;
                if !stays {
                    packets += 1;
                    bytes += waiting.size.as_bytes();
                }
                stays
            });
        }
        self.packets = before.saturating_sub(packets);
        self.backlog = self.backlog.saturating_sub(bytes);
        packets
    }

    fn forgot(&mut self, waiting: &Waiting) {
        self.packets = self.packets.saturating_sub(1);
        self.backlog = self.backlog.saturating_sub(waiting.size.as_bytes());
    }

    fn queue(&mut self, class: Class) -> &mut VecDeque<Waiting> {
        let [sound, repair, screen, camera] = &mut self.queues;
        match class {
            Class::Sound => sound,
            Class::Repair => repair,
            Class::Screen => screen,
            Class::Camera => camera,
        }
    }

    /// The best class of which something waits.
    fn first(&self) -> Option<Class> {
        let [sound, repair, screen, camera] = &self.queues;
        let all = [
            (sound, Class::Sound),
            (repair, Class::Repair),
            (screen, Class::Screen),
            (camera, Class::Camera),
        ];
        all.into_iter().find(|(queue, _)| !queue.is_empty()).map(|(_, class)| class)
    }

    /// Lets time pass.
    #[inline]
    fn fill(&mut self, now: Instant) {
        let Some(rate) = self.rate else {
            self.filled = Some(now);
            return;
        };
        let filled = self.filled.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(filled).min(PACED_DELAY);
        let most = bits(rate.data_in(PACING_BURST));
        let earned = bits_in(rate, passed);
        self.credit = self.credit.saturating_add(earned).min(most);
    }
}

fn bits(size: DataSize) -> i64 {
    i64::try_from(size.as_bytes().saturating_mul(8)).unwrap_or(i64::MAX)
}

/// As exact as the clock: at a high rate a packet takes a few microseconds.
fn bits_in(rate: Bitrate, time: Duration) -> i64 {
    let bits = u128::from(rate.as_bps()) * time.as_nanos() / 1_000_000_000;
    i64::try_from(bits).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
