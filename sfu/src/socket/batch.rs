//! What one `sendmmsg` takes: headers, names, control bytes and pieces, kept between calls.
//!
//! It only lays out; the system calls are in the file above.

use super::address::Name;
use super::control::Control;
use super::empty_header;
use std::net::IpAddr;
use std::ops::Range;

/// Messages of one call: 16, 64 and 256 differ by no more than noise.
pub(super) const MESSAGES_PER_CALL: usize = 64;
/// Packets of one call, over all its messages; one message may have 1,024 (UIO_MAXIOV).
pub(super) const PIECES_PER_CALL: usize = 1024;

/// Messages to be sent by one call. Each has a destination and one or more pieces: the packets
/// that the kernel cuts it into again.
#[derive(Debug)]
pub(super) struct Batch {
    headers: Box<[libc::mmsghdr]>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    pieces: Box<[libc::iovec]>,
    messages: Vec<Range<usize>>,
}

impl Batch {
    /// An empty batch.
    pub(super) fn new() -> Batch {
        let piece = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        Batch {
            headers: vec![empty_header(); MESSAGES_PER_CALL].into(),
            names: vec![Name::EMPTY; MESSAGES_PER_CALL].into(),
            controls: vec![Control::EMPTY; MESSAGES_PER_CALL].into(),
            pieces: vec![piece; PIECES_PER_CALL].into(),
            messages: Vec::with_capacity(MESSAGES_PER_CALL),
        }
    }

    /// How many messages it has.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether a message of so many packets has room.
    pub(super) fn fits(&self, packets: usize) -> bool {
        self.messages.len() < MESSAGES_PER_CALL && self.pieces_used() + packets <= PIECES_PER_CALL
    }

    /// Adds a message: packets of one length, the last of which may be shorter. There must be room.
    pub(super) fn push<'a>(
        &mut self,
        name: Name,
        source: Option<IpAddr>,
        packets: impl Iterator<Item = &'a [u8]>,
    ) {
        let message = self.messages.len();
        let first = self.pieces_used();
        let mut end = first;
        for (piece, packet) in self.pieces.iter_mut().skip(first).zip(packets) {
            // The kernel only reads what is sent.
            let base = packet.as_ptr().cast_mut().cast();
            *piece = libc::iovec { iov_base: base, iov_len: packet.len() };
            end += 1;
        }
        let segment_bytes = self.pieces.get(first).map_or(0, |piece| piece.iov_len);
        let (Some(slot), Some(control)) =
            (self.names.get_mut(message), self.controls.get_mut(message))
        else {
            return;
        };
        *slot = name;
        control.clear();
        if end - first > 1 {
            control.put_segment_bytes(u16::try_from(segment_bytes).unwrap_or(u16::MAX));
        }
        if let Some(ip) = source {
            control.put_source(ip);
        }
        self.messages.push(first..end);
    }

    /// Packets and bytes of a message.
    pub(super) fn size(&self, message: usize) -> (usize, usize) {
        let pieces = self.pieces.get(self.pieces_of(message)).unwrap_or_default();
        (pieces.len(), pieces.iter().map(|piece| piece.iov_len).sum())
    }

    /// The pieces of a message.
    pub(super) fn pieces_of(&self, message: usize) -> Range<usize> {
        self.messages.get(message).cloned().unwrap_or_default()
    }

    /// Points the headers from `next` on at what they send, and returns them.
    pub(super) fn aim(&mut self, next: usize) -> &mut [libc::mmsghdr] {
        for message in next..self.messages.len() {
            let pieces = self.pieces_of(message);
            self.aim_at(message, pieces, true);
        }
        self.headers.get_mut(next..self.messages.len()).unwrap_or_default()
    }

    /// Points a message's header at one of its pieces alone, and returns it.
    pub(super) fn aim_piece(&mut self, message: usize, piece: usize) -> &libc::msghdr {
        self.aim_at(message, piece..piece + 1, false);
        &self.headers[message].msg_hdr
    }

    /// Forgets all messages.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    fn pieces_used(&self) -> usize {
        self.messages.last().map_or(0, |pieces| pieces.end)
    }

    fn aim_at(&mut self, message: usize, pieces: Range<usize>, with_control: bool) {
        let Some(header) = self.headers.get_mut(message) else { return };
        let header = &mut header.msg_hdr;
        header.msg_name = self.names[message].as_mut_ptr().cast();
        header.msg_namelen = self.names[message].len();
        header.msg_iov = self.pieces.as_mut_ptr().wrapping_add(pieces.start);
        header.msg_iovlen = pieces.len() as _;
        let control = &mut self.controls[message];
        let len = if with_control { control.len() } else { 0 };
        header.msg_control =
            if len > 0 { control.as_mut_ptr().cast() } else { std::ptr::null_mut() };
        header.msg_controllen = len as _;
    }
}
