//! Room for what one `recvmmsg` reads, and the datagrams in it.
//!
//! It only lays out; the system call is in the file above.

use super::address::Name;
use super::control::Control;
use super::empty_header;
use lectern_media::Datagram;
use std::net::SocketAddr;

/// Datagrams read by one call: enough to empty the queue of a busy worker in a few calls.
pub(super) const DATAGRAMS_PER_READ: usize = 32;
/// The most that the kernel joins into one datagram, and 20 cache lines more: without them all
/// slots would begin in the same cache set.
const SLOT_BYTES: usize = 65_536 + 20 * 64;
/// Room for what one [`Socket::recv`] reads; used again for the next.
#[derive(Debug)]
pub struct Inbox {
    slots: Box<[u8]>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    pieces: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    received: Vec<Received>,
    unusable: u64,
}

/// What lies in one slot.
#[derive(Debug, Clone, Copy)]
struct Received {
    local: SocketAddr,
    remote: SocketAddr,
    len: usize,
    segment_bytes: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        let piece = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        Inbox {
            slots: vec![0; DATAGRAMS_PER_READ * SLOT_BYTES].into(),
            names: [Name::EMPTY; DATAGRAMS_PER_READ].into(),
            controls: [Control::EMPTY; DATAGRAMS_PER_READ].into(),
            pieces: [piece; DATAGRAMS_PER_READ].into(),
            headers: [empty_header(); DATAGRAMS_PER_READ].into(),
            received: Vec::with_capacity(DATAGRAMS_PER_READ),
            unusable: 0,
        }
    }
}

impl Inbox {
    /// The datagrams of the last read, joined ones split.
    pub fn datagrams(&mut self) -> impl Iterator<Item = Datagram<'_>> {
        let slots = self.slots.chunks_exact_mut(SLOT_BYTES);
        slots.zip(&self.received).flat_map(|(slot, received)| {
            let Received { local, remote, len, segment_bytes } = *received;
            let filled = slot.get_mut(..len).unwrap_or_default();
            filled.chunks_mut(segment_bytes).map(move |bytes| Datagram { local, remote, bytes })
        })
    }

    /// Datagrams so far that were empty, cut off, or from no address.
    pub fn unusable(&self) -> u64 {
        self.unusable
    }

    /// Whether the last read may have left something behind.
    pub fn was_filled(&self) -> bool {
        self.received.len() == DATAGRAMS_PER_READ
    }

    /// Points each header at its own name, control bytes and slot, and returns them.
    pub(super) fn aim(&mut self) -> &mut [libc::mmsghdr] {
        self.received.clear();
        let slots = self.slots.chunks_exact_mut(SLOT_BYTES);
        let buffers = self.names.iter_mut().zip(&mut self.controls).zip(slots);
        for ((header, piece), ((name, control), slot)) in
            self.headers.iter_mut().zip(&mut self.pieces).zip(buffers)
        {
            *piece = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() };
            header.msg_len = 0;
            header.msg_hdr.msg_name = name.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = Name::CAPACITY;
            header.msg_hdr.msg_iov = piece;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = Control::CAPACITY as _;
            header.msg_hdr.msg_flags = 0;
        }
        &mut self.headers
    }

    /// Notes what the kernel filled in; says how many datagrams that are.
    pub(super) fn read_headers(&mut self, read: usize, bound: SocketAddr) -> usize {
        let mut datagrams = 0;
        let filled = self.headers.iter().zip(&self.names).zip(&self.controls).take(read);
        for ((header, name), control) in filled {
            let cut_off = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let len = if cut_off { 0 } else { header.msg_len as usize };
            let beside = control.received(header.msg_hdr.msg_controllen as _);
            let segment_bytes = beside.segment_bytes.map_or(len, usize::from).max(1);
            let local = SocketAddr::new(beside.local.unwrap_or(bound.ip()), bound.port());
            let remote = name.address();
            let len = if remote.is_some() { len } else { 0 };
            self.unusable += u64::from(len == 0);
            datagrams += len.div_ceil(segment_bytes);
            let remote = remote.unwrap_or(bound);
            self.received.push(Received { local, remote, len, segment_bytes });
        }
        datagrams
    }
}
