//! Datagrams that the kernel gave to the wrong worker, on their way to the right one.
//!
//! A ring of bytes between each two workers, so that a datagram takes only the room it needs and
//! nothing is allocated. It does not decide who is right: [`crate::steer`] does.

use crate::alarm::Alarm;
use lectern_media::Datagram;
use rtrb::{Consumer, Producer, RingBuffer};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Bytes that may wait for one worker from all others together: 20 ms of 800 Mbit/s.
const WAITING_BYTES_PER_WORKER: usize = 2 << 20;
/// The least room between two workers, where there are many: some 40 packets.
const WAITING_BYTES_LEAST: usize = 64 << 10;
/// The longest datagram handed over; media and handshakes stay under the MTU.
const MAX_BYTES: usize = 2048;
/// Datagrams taken out at once.
const BATCH: usize = 64;
/// Length, then local and remote address: 16 bytes of IP (mapped where IPv4) and a port each.
const HEADER_BYTES: usize = 2 + 2 * ADDRESS_BYTES;
const ADDRESS_BYTES: usize = 18;

/// The end at which one worker puts in what belongs to another.
#[derive(Debug)]
pub(crate) struct Outward {
    ring: Producer<u8>,
    alarm: Alarm,
    filled: bool,
}

/// The end at which a worker takes out what is its own.
#[derive(Debug)]
pub(crate) struct Inward {
    ring: Consumer<u8>,
}

/// A ring towards the worker that `alarm` wakes, in a node of `workers`.
pub(crate) fn between(workers: usize, alarm: Alarm) -> (Outward, Inward) {
    let others = workers.saturating_sub(1).max(1);
    let bytes = (WAITING_BYTES_PER_WORKER / others).max(WAITING_BYTES_LEAST);
    let (producer, consumer) = RingBuffer::new(bytes);
    (Outward { ring: producer, alarm, filled: false }, Inward { ring: consumer })
}

impl Outward {
    /// Copies a datagram into the ring. `false`: it is too long, or the ring is full.
    pub(crate) fn put(&mut self, datagram: &Datagram<'_>) -> bool {
        let Ok(len) = u16::try_from(datagram.bytes.len()) else { return false };
        if datagram.bytes.len() > MAX_BYTES
            || self.ring.slots() < HEADER_BYTES + datagram.bytes.len()
        {
            return false;
        }
        let mut header = [0; HEADER_BYTES];
        header[..2].copy_from_slice(&len.to_ne_bytes());
        header[2..2 + ADDRESS_BYTES].copy_from_slice(&address_bytes(datagram.local));
        header[2 + ADDRESS_BYTES..].copy_from_slice(&address_bytes(datagram.remote));
        self.filled = self.ring.push_entire_slice(&header).is_ok()
            && self.ring.push_entire_slice(datagram.bytes).is_ok();
        self.filled
    }

    /// Wakes the worker, if something was put in since the last call.
    pub(crate) fn deliver(&mut self) {
        if std::mem::take(&mut self.filled) {
            self.alarm.ring();
        }
    }
}

impl Inward {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

/// Room for what is taken out of a ring at once; used again for the next.
#[derive(Debug)]
pub(crate) struct Handed {
    bytes: Box<[u8]>,
    datagrams: Vec<(SocketAddr, SocketAddr, usize)>,
}

impl Default for Handed {
    fn default() -> Self {
        Handed { bytes: vec![0; BATCH * MAX_BYTES].into(), datagrams: Vec::with_capacity(BATCH) }
    }
}

impl Handed {
    /// Takes out what waits, and returns the number of datagrams.
    pub(crate) fn take(&mut self, from: &mut Inward) -> usize {
        self.datagrams.clear();
        for slot in self.bytes.chunks_exact_mut(MAX_BYTES) {
            let Some(datagram) = take_one(&mut from.ring, slot) else { break };
            self.datagrams.push(datagram);
        }
        self.datagrams.len()
    }

    /// What was taken out last.
    pub(crate) fn datagrams(&mut self) -> impl Iterator<Item = Datagram<'_>> {
        let slots = self.bytes.chunks_exact_mut(MAX_BYTES);
        slots.zip(&self.datagrams).filter_map(|(slot, (local, remote, len))| {
            Some(Datagram { local: *local, remote: *remote, bytes: slot.get_mut(..*len)? })
        })
    }
}

fn take_one(ring: &mut Consumer<u8>, slot: &mut [u8]) -> Option<(SocketAddr, SocketAddr, usize)> {
    // Header and bytes become visible one after the other: look at the header before taking it.
    let waiting = ring.slots();
    let length = ring.read_chunk(2).ok()?;
    let (first, second) = length.as_slices();
    let mut bytes = first.iter().chain(second);
    let len = usize::from(u16::from_ne_bytes([*bytes.next()?, *bytes.next()?]));
    if waiting < HEADER_BYTES + len {
        return None;
    }
    let mut header = [0; HEADER_BYTES];
    ring.pop_entire_slice(&mut header).ok()?;
    ring.pop_entire_slice(slot.get_mut(..len)?).ok()?;
    let (local, remote) = header[2..].split_at(ADDRESS_BYTES);
    Some((address(local)?, address(remote)?, len))
}

/// Without the scope of link-local addresses: those are no candidates of ours.
fn address_bytes(address: SocketAddr) -> [u8; ADDRESS_BYTES] {
    let ip = match address.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let mut bytes = [0; ADDRESS_BYTES];
    bytes[..16].copy_from_slice(&ip.octets());
    bytes[16..].copy_from_slice(&address.port().to_be_bytes());
    bytes
}

fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_first_chunk::<16>()?;
    let port = u16::from_be_bytes(*port.first_chunk()?);
    Some(SocketAddr::new(Ipv6Addr::from(*ip).to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Outward, Inward) {
        between(2, Alarm::new().expect("a descriptor"))
    }

    #[test]
    fn datagrams_of_all_sizes_come_out_as_they_went_in() {
        let (mut outward, mut inward) = pair();
        let mut handed = Handed::default();
        let local: SocketAddr = "192.0.2.1:7882".parse().expect("an address");
        let remote: SocketAddr = "[2001:db8::1]:9".parse().expect("an address");
        // More bytes than the ring holds, so that datagrams lie across its end.
        for round in 0..200_usize {
            let sizes = (0..40).map(|n| (round * 40 + n) % (MAX_BYTES + 1));
            for len in sizes.clone() {
                let mut bytes = vec![len as u8; len];
                assert!(outward.put(&Datagram { local, remote, bytes: &mut bytes }));
            }
            assert_eq!(handed.take(&mut inward), 40);
            for (datagram, len) in handed.datagrams().zip(sizes) {
                assert_eq!((datagram.local, datagram.remote), (local, remote));
                assert!(
                    datagram.bytes.len() == len && datagram.bytes.iter().all(|b| *b == len as u8)
                );
            }
            assert!(inward.is_empty());
        }
    }

    #[test]
    fn a_full_ring_and_an_oversized_datagram_are_refused_whole() {
        let (mut outward, mut inward) = pair();
        let address: SocketAddr = "192.0.2.1:1".parse().expect("an address");
        let mut long = [0; MAX_BYTES + 1];
        assert!(!outward.put(&Datagram { local: address, remote: address, bytes: &mut long }));
        let mut bytes = [5; 1200];
        let mut put = 0;
        while outward.put(&Datagram { local: address, remote: address, bytes: &mut bytes }) {
            put += 1;
        }
        assert_eq!(put, WAITING_BYTES_PER_WORKER / (1200 + HEADER_BYTES));
        let mut handed = Handed::default();
        let mut taken = 0;
        while handed.take(&mut inward) > 0 {
            taken += handed.datagrams().filter(|datagram| datagram.bytes == [5; 1200]).count();
        }
        assert_eq!(taken, put);
    }
}
