//! What was sent and not yet answered for: a ring of the last packets by their transport-wide number.

use super::units::{MILLI, Micros};
use crate::limits::SENT_PACKETS;

/// After such a silence the ring starts anew: its times are 32 bits of microseconds.
const LONGEST_SILENCE: Micros = 30 * 60 * 1_000 * MILLI;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was sent under this number, on purpose or because it is before the first.
    Unsent,
    InFlight,
    /// Said not to have come; it still may.
    Missing,
    Received,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    sent: u32,
    size: u16,
    /// Milliseconds the packet has waited in the network, once it was received.
    queue: u16,
    cluster: u8,
    state: State,
}

const UNSENT: Entry = Entry { sent: 0, size: 0, queue: 0, cluster: 0, state: State::Unsent };

/// A packet that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub sent: Micros,
    /// Bytes on the wire.
    pub size: u16,
    /// The probe cluster it belongs to; 0 for none.
    pub cluster: u8,
}

/// What a number in a feedback stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The first word of this packet.
    First(Packet),
    /// It was missing, and has come after all.
    Late(Packet),
    /// It is known to have arrived.
    Again,
    /// Nothing was sent under this number, or so long ago that nobody should speak of it.
    Unknown,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It came, and has waited in the network for so many milliseconds.
    Arrived(u16),
    /// The receiver says that it did not come.
    Lost,
    /// Nothing was said: the feedback was lost, or somebody is silent on purpose.
    Unreported,
}

/// A packet about which nothing more is to be heard.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// The packet.
    pub packet: Packet,
    /// What became of it.
    pub fate: Fate,
}

/// The last [`SENT_PACKETS`] packets. Never grows.
#[derive(Debug)]
pub struct History {
    ring: Box<[Entry]>,
    /// The number of the next packet, extended.
    next: u64,
    /// The next packet to be judged.
    judged: u64,
    last_sent: Micros,
    /// When the latest packet that has arrived was sent.
    newest: Option<Micros>,
    outstanding: u64,
}

fn place(number: u64) -> usize {
    (number % SENT_PACKETS as u64) as usize
}

impl History {
    /// An empty one, that gives `first` to the first packet.
    pub fn new(first: u16) -> History {
        let first = u64::from(first) + (1 << 16);
        let ring = vec![UNSENT; SENT_PACKETS].into_boxed_slice();
        History { ring, next: first, judged: first, last_sent: 0, newest: None, outstanding: 0 }
    }

    /// Remembers a packet and gives its number.
    pub fn push(&mut self, packet: Packet) -> u16 {
        if packet.sent.saturating_sub(self.last_sent) > LONGEST_SILENCE {
            self.forget();
        }
        self.last_sent = self.last_sent.max(packet.sent);
        self.outstanding += u64::from(packet.size);
        self.put(Entry {
            sent: packet.sent as u32,
            size: packet.size,
            queue: 0,
            cluster: packet.cluster,
            state: State::InFlight,
        })
    }

    /// The transport-wide number of the next packet.
    pub fn next(&self) -> u16 {
        self.next as u16
    }

    /// Leaves a number out. Who says to have received it lies.
    pub fn skip(&mut self) {
        self.put(UNSENT);
    }

    /// Bytes that were sent and of which nothing is known yet.
    pub fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Whether a packet was sent under a number, lately.
    pub fn has_sent(&self, sequence: u16) -> bool {
        let entry = self.number(sequence).and_then(|number| self.ring.get(place(number)));
        entry.is_some_and(|entry| entry.state != State::Unsent)
    }

    /// What a number that is said to have come stands for.
    pub fn acknowledge(&mut self, sequence: u16) -> Answer {
        let Some(number) = self.number(sequence) else { return Answer::Unknown };
        let (packet, state) = match self.ring.get(place(number)) {
            Some(entry) => (self.packet(entry), entry.state),
            None => return Answer::Unknown,
        };
        let answer = match state {
            State::Unsent => return Answer::Unknown,
            State::Received => return Answer::Again,
            State::InFlight => Answer::First(packet),
            State::Missing => Answer::Late(packet),
        };
        if let Some(entry) = self.ring.get_mut(place(number)) {
            entry.state = State::Received;
        }
        self.newest = Some(self.newest.map_or(packet.sent, |newest| newest.max(packet.sent)));
        answer
    }

    /// A number that is said not to have come.
    pub fn miss(&mut self, sequence: u16) {
        if let Some(number) = self.number(sequence)
            && let Some(entry) = self.ring.get_mut(place(number))
            && entry.state == State::InFlight
        {
            entry.state = State::Missing;
        }
    }

    /// Notes how long a packet has waited in the network.
    pub fn note_queue(&mut self, sequence: u16, waited: Micros) {
        if let Some(number) = self.number(sequence)
            && let Some(entry) = self.ring.get_mut(place(number))
        {
            entry.queue = u16::try_from((waited / MILLI).max(0)).unwrap_or(u16::MAX);
        }
    }

    /// The next packet about which nothing more is to be heard: one that was sent `patience` before
    /// the latest that has arrived. Each packet comes out once.
    pub fn judge(&mut self, patience: Micros) -> Option<Judged> {
        let until = self.newest?.saturating_sub(patience);
        while self.judged < self.next {
            let entry = *self.ring.get(place(self.judged))?;
            let packet = self.packet(&entry);
            if entry.state != State::Unsent && packet.sent > until {
                return None;
            }
            self.judged += 1;
            let fate = match entry.state {
                State::Unsent => continue,
                State::Received => Fate::Arrived(entry.queue),
                State::Missing => Fate::Lost,
                State::InFlight => Fate::Unreported,
            };
            self.outstanding = self.outstanding.saturating_sub(u64::from(entry.size));
            return Some(Judged { packet, fate });
        }
        None
    }

    /// The extended number of one that the ring still holds.
    fn number(&self, sequence: u16) -> Option<u64> {
        let last = self.next.wrapping_sub(1);
        let ago = (last as u16).wrapping_sub(sequence);
        (usize::from(ago) < SENT_PACKETS).then(|| last.wrapping_sub(u64::from(ago)))
    }

    fn put(&mut self, entry: Entry) -> u16 {
        let number = self.next;
        if number.saturating_sub(self.judged) >= SENT_PACKETS as u64 {
            // Nobody has told of the oldest packet in time; it is overwritten unjudged.
            let size = self.ring.get(place(self.judged)).map_or(0, |entry| entry.size);
            self.outstanding = self.outstanding.saturating_sub(u64::from(size));
            self.judged += 1;
        }
        if let Some(slot) = self.ring.get_mut(place(number)) {
            *slot = entry;
        }
        self.next = number.wrapping_add(1);
        number as u16
    }

    fn forget(&mut self) {
        self.ring.fill(UNSENT);
        self.judged = self.next;
        self.outstanding = 0;
        self.newest = None;
    }

    fn packet(&self, entry: &Entry) -> Packet {
        let ago = (self.last_sent as u32).wrapping_sub(entry.sent);
        let sent = self.last_sent.saturating_sub(i64::from(ago));
        Packet { sent, size: entry.size, cluster: entry.cluster }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn packet(sent: Micros) -> Packet {
        Packet { sent, size: 1_000, cluster: 0 }
    }

    #[test]
    fn a_packet_is_answered_for_once() {
        let mut history = History::new(65_535);
        assert_eq!(history.push(packet(1_000)), 65_535);
        assert_eq!(history.push(packet(2_000)), 0);
        assert_eq!(history.acknowledge(0), Answer::First(packet(2_000)));
        assert_eq!(history.acknowledge(0), Answer::Again);
        assert_eq!(history.acknowledge(1), Answer::Unknown);
        assert_eq!(history.acknowledge(65_534), Answer::Unknown);
        assert_eq!(history.outstanding(), 2_000);
    }

    #[test]
    fn what_stays_out_is_lost_and_may_still_come() {
        let mut history = History::new(0);
        for sent in 0..10 {
            history.push(packet(sent * 10_000));
        }
        history.acknowledge(9);
        (0..5).for_each(|number| history.miss(number));
        let lost = std::iter::from_fn(|| history.judge(40_000)).collect::<Vec<_>>();
        assert_eq!(lost.len(), 6);
        assert!(lost.iter().take(5).all(|judged| judged.fate == Fate::Lost));
        assert_eq!(lost.last().expect("six").fate, Fate::Unreported);
        assert_eq!(history.acknowledge(3), Answer::Late(packet(30_000)));
        assert_eq!(history.acknowledge(7), Answer::First(packet(70_000)));
    }

    #[test]
    fn a_number_that_was_left_out_is_a_lie() {
        let mut history = History::new(0);
        history.push(packet(0));
        history.skip();
        assert_eq!(history.push(packet(10)), 2);
        assert_eq!(history.acknowledge(1), Answer::Unknown);
        assert_eq!(history.acknowledge(2), Answer::First(packet(10)));
    }

    #[test]
    fn the_ring_is_bounded_and_times_survive_their_wrap() {
        let mut history = History::new(7);
        let hour = 3_600 * 1_000 * MILLI;
        for number in 0..3 * SENT_PACKETS as i64 {
            history.push(packet(2 * hour + number));
        }
        assert_eq!(history.outstanding(), 1_000 * SENT_PACKETS as u64);
        let last = (7 + 3 * SENT_PACKETS - 1) as u16;
        let sent = 2 * hour + 3 * SENT_PACKETS as i64 - 1;
        assert_eq!(history.acknowledge(last), Answer::First(packet(sent)));
        let gone = last.wrapping_sub(SENT_PACKETS as u16);
        assert_eq!(history.acknowledge(gone), Answer::Unknown);
        history.push(packet(5 * hour));
        assert_eq!(history.acknowledge(last), Answer::Unknown, "all is forgotten");
    }
}
