//! Control messages beside a datagram (`cmsghdr`, cmsg(3)): its segments' size, its local address.
//!
//! Plain bytes, so that no pointer has to be cast.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A `cmsghdr`: length, level, type.
const HEADER_BYTES: usize = size_of::<libc::cmsghdr>();
/// Control messages begin at multiples of the length's size.
const ALIGNMENT: usize = size_of::<usize>();
/// Room for an address of each family, a segment size, and as much again that we do not ask for.
const CONTROL_BYTES: usize = 192;

/// The control messages of one datagram.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control {
    bytes: [u8; CONTROL_BYTES],
    used: usize,
}

/// What the kernel says beside a received datagram.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// The address it came to.
    pub(super) local: Option<IpAddr>,
    /// The length of its segments, where the kernel joined several (UDP_GRO).
    pub(super) segment_bytes: Option<u16>,
}

impl Control {
    /// No control message.
    pub(super) const EMPTY: Control = Control { bytes: [0; CONTROL_BYTES], used: 0 };
    /// Bytes the kernel may fill in.
    pub(super) const CAPACITY: usize = CONTROL_BYTES;

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Asks the kernel to cut the datagram into segments of this length (UDP_SEGMENT).
    pub(super) fn put_segment_bytes(&mut self, bytes: u16) {
        self.put(libc::SOL_UDP, libc::UDP_SEGMENT, &bytes.to_ne_bytes());
    }

    /// Asks the kernel to send from this address. An IPv6 socket wants a mapped one for IPv4.
    pub(super) fn put_source(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(v4) => {
                // `in_pktinfo`: interface index, local address, destination of a received packet.
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&v4.octets());
                self.put(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            IpAddr::V6(v6) => {
                // `in6_pktinfo`: address, interface index.
                let mut info = [0; 20];
                info[..16].copy_from_slice(&v6.octets());
                self.put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
        }
    }

    /// How many bytes the kernel should read.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Where the bytes are, for a system call.
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Reads what the kernel wrote in the first `len` bytes.
    pub(super) fn received(&self, len: usize) -> Received {
        let mut received = Received::default();
        let mut rest = self.bytes.get(..len).unwrap_or_default();
        while let Some((level, kind, data, after)) = next(rest) {
            match (level, kind) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    // An `int` on receive, a `u16` on send.
                    let size = data.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
                    received.segment_bytes =
                        size.and_then(|size| u16::try_from(size).ok()).filter(|size| *size > 0);
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let ip = data.get(8..).and_then(|address| address.first_chunk::<4>());
                    received.local = ip.map(|octets| IpAddr::V4(Ipv4Addr::from(*octets)));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let ip = data.first_chunk::<16>();
                    received.local = ip.map(|octets| Ipv6Addr::from(*octets).to_canonical());
                }
                _ => {}
            }
            rest = after;
        }
        received
    }

    fn put(&mut self, level: i32, kind: i32, data: &[u8]) {
        let len = HEADER_BYTES + data.len();
        let end = self.used + len.next_multiple_of(ALIGNMENT);
        let Some(space) = self.bytes.get_mut(self.used..end) else { return };
        space.fill(0);
        space[..ALIGNMENT].copy_from_slice(&len.to_ne_bytes());
        space[HEADER_BYTES - 8..HEADER_BYTES - 4].copy_from_slice(&level.to_ne_bytes());
        space[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&kind.to_ne_bytes());
        space[HEADER_BYTES..len].copy_from_slice(data);
        self.used = end;
    }
}

/// The first control message: level, type, data, and what comes after it.
fn next(bytes: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let len = usize::from_ne_bytes(*bytes.first_chunk()?);
    let message = bytes.get(..len)?;
    let level = message.get(HEADER_BYTES - 8..)?.first_chunk()?;
    let kind = message.get(HEADER_BYTES - 4..)?.first_chunk()?;
    let data = message.get(HEADER_BYTES..)?;
    let after = bytes.get(len.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    Some((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_written_for_the_kernel_reads_back() {
        for text in ["192.0.2.1", "2001:db8::1"] {
            let ip: IpAddr = text.parse().expect("an address");
            let mut control = Control::EMPTY;
            control.put_segment_bytes(1200);
            control.put_source(ip);
            let (level, kind, data, after) = next(&control.bytes[..control.len()]).expect("first");
            assert_eq!((level, kind), (libc::SOL_UDP, libc::UDP_SEGMENT));
            assert_eq!(data, 1200_u16.to_ne_bytes());
            let (_, _, data, _) = next(after).expect("second");
            let address = if ip.is_ipv4() { &data[4..8] } else { &data[..16] };
            match ip {
                IpAddr::V4(v4) => assert_eq!(address, v4.octets()),
                IpAddr::V6(v6) => assert_eq!(address, v6.octets()),
            }
        }
    }

    #[test]
    fn damaged_control_messages_end_the_reading() {
        let mut control = Control::EMPTY;
        for len in [1, 15, 16, 17, CONTROL_BYTES + 1, usize::MAX] {
            control.bytes[..ALIGNMENT].copy_from_slice(&len.to_ne_bytes());
            for filled in 0..CONTROL_BYTES {
                assert_eq!(control.received(filled), Received::default(), "{len} in {filled}");
            }
        }
    }
}
