//! RTCP that goes out: compounds of reports, requests and feedback, split where a datagram is full.

use crate::Counters;
use crate::outbox::Outbox;
use crate::transport::Transport;
use lectern_wire::rtcp::Writer;
use lectern_wire::{Error, Ssrc};
use std::net::SocketAddr;

/// Bytes of one RTCP datagram before encryption: fits any path that carries media.
pub const MAX_RTCP_BYTES: usize = 1_200;

/// Times something is added to one compound; receivers bound the packets of a compound.
const MAX_ADDED: usize = 14;

/// RTCP packets for one peer. Each datagram begins with a report, as RFC 3550 section 6.1 wants.
#[derive(Debug)]
pub struct Compound {
    sender: Ssrc,
    buffer: [u8; MAX_RTCP_BYTES],
    len: usize,
    added: usize,
}

impl Compound {
    /// An empty compound from `sender`.
    pub fn new(sender: Ssrc) -> Compound {
        Compound { sender, buffer: [0; MAX_RTCP_BYTES], len: 0, added: 0 }
    }

    /// Who sends it.
    pub fn sender(&self) -> Ssrc {
        self.sender
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Adds what `write` writes, which begins with a report of its own.
    pub fn add_report<T>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.added >= MAX_ADDED {
            return Err(Error::NoSpace);
        }
        let place = self.buffer.get_mut(self.len..).ok_or(Error::NoSpace)?;
        let mut writer = Writer::new(place);
        let result = write(&mut writer)?;
        self.len += writer.len();
        self.added += 1;
        Ok(result)
    }

    /// Adds what `write` writes, after an empty report where nothing stands before it.
    pub fn add<T>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.len == 0 {
            let sender = self.sender;
            self.add_report(|writer| writer.receiver_report(sender, &[]))?;
        }
        self.add_report(write)
    }

    /// Begins the next datagram.
    pub fn clear(&mut self) {
        self.len = 0;
        self.added = 0;
    }

    /// Whether anything but an empty report stands in it.
    pub fn is_empty(&self) -> bool {
        const EMPTY_REPORT: usize = 8;
        self.len <= EMPTY_REPORT
    }
}

/// Sends RTCP to one peer, in as many datagrams as it takes.
pub struct Sender<'a> {
    compound: Compound,
    owner: u32,
    remote: SocketAddr,
    transport: &'a mut Transport,
    outbox: &'a mut Outbox,
    counters: &'a mut Counters,
}

impl<'a> Sender<'a> {
    /// Sends from `ssrc` to the peer `owner` at `remote`.
    pub fn new(
        ssrc: Ssrc,
        owner: u32,
        remote: SocketAddr,
        transport: &'a mut Transport,
        outbox: &'a mut Outbox,
        counters: &'a mut Counters,
    ) -> Sender<'a> {
        Sender { compound: Compound::new(ssrc), owner, remote, transport, outbox, counters }
    }

    /// The SSRC it sends from.
    pub fn ssrc(&self) -> Ssrc {
        self.compound.sender()
    }

    /// What is counted.
    pub fn counters(&mut self) -> &mut Counters {
        self.counters
    }

    /// Adds what `write` writes, in the next datagram where this one is full.
    pub fn add<T>(
        &mut self,
        mut write: impl FnMut(&mut Writer<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.compound.add(&mut write) {
            Err(Error::NoSpace) => {
                self.flush();
                self.compound.add(&mut write)
            }
            other => other,
        }
    }

    /// Adds a report, given our SSRC; whether it could be written.
    pub fn add_report(
        &mut self,
        write: impl Fn(&mut Writer<'_>, Ssrc) -> Result<(), Error>,
    ) -> bool {
        let ssrc = self.ssrc();
        let mut written = self.compound.add_report(|writer| write(writer, ssrc));
        if written == Err(Error::NoSpace) {
            self.flush();
            written = self.compound.add_report(|writer| write(writer, ssrc));
        }
        written.is_ok()
    }

    /// Sends what is left.
    pub fn finish(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        if self.compound.is_empty() {
            return;
        }
        let bytes = self.compound.bytes();
        let slot = self.outbox.slot();
        slot[..bytes.len()].copy_from_slice(bytes);
        match self.transport.seal_rtcp(slot, bytes.len()) {
            Ok(len) => {
                self.outbox.commit(self.owner, self.remote, len);
                self.counters.rtcp_out += 1;
            }
            Err(reason) => self.counters.drop(reason),
        }
        self.compound.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_wire::rtcp::{Packet, packets};

    #[test]
    fn a_datagram_begins_with_a_report() {
        let mut compound = Compound::new(Ssrc(1));
        assert!(compound.is_empty());
        compound.add(|writer| writer.picture_loss(Ssrc(1), Ssrc(2))).expect("room");
        compound.add(|writer| writer.nack(Ssrc(1), Ssrc(2), [7, 9])).expect("room");
        let kinds: Vec<_> = packets(compound.bytes()).collect();
        assert!(matches!(
            kinds.as_slice(),
            [Ok(Packet::ReceiverReport(_)), Ok(Packet::PictureLoss(_)), Ok(Packet::Nack(_))]
        ));
        compound.clear();
        assert!(compound.bytes().is_empty());
    }

    #[test]
    fn what_does_not_fit_leaves_the_datagram_whole() {
        let mut compound = Compound::new(Ssrc(1));
        let mut added = 0;
        while compound.add(|writer| writer.picture_loss(Ssrc(1), Ssrc(added))).is_ok() {
            added += 1;
        }
        assert_eq!(packets(compound.bytes()).filter(|packet| packet.is_err()).count(), 0);
        assert_eq!(added as usize, MAX_ADDED - 1);
        compound.clear();
        let many: Vec<u16> = (0..u16::MAX).step_by(17).collect();
        let taken = compound.add(|writer| writer.nack(Ssrc(1), Ssrc(2), many.iter().copied()));
        assert!(taken.is_ok_and(|taken| taken < many.len()));
        assert!(compound.add(|writer| writer.picture_loss(Ssrc(1), Ssrc(2))).is_err());
        assert_eq!(packets(compound.bytes()).filter(|packet| packet.is_err()).count(), 0);
    }
}
