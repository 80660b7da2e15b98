//! Datagrams of real sockets, and when the kernel got them (`SO_TIMESTAMPNS`, socket(7)): what a client of
//! this machine does afterwards, on cores that it shares, is no part of a packet's way.

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
};
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime};

/// A datagram that has come.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Its bytes.
    pub len: usize,
    /// Where from.
    pub from: SocketAddr,
    /// When the kernel got it.
    pub at: SystemTime,
}

/// Has the kernel note when datagrams come.
pub fn stamp(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, ReceiveTimestampns, &true)?)
}

/// The next datagram of a socket of IPv4. What an error says is up to the socket: one that waits for so
/// long at most says [`ErrorKind::WouldBlock`] then.
pub fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<Received> {
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    let (socket, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    let received = recvmsg::<SockaddrIn>(socket, &mut parts, Some(&mut control), flags)?;
    let from = received.address.ok_or(ErrorKind::AddrNotAvailable)?.into();
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmTimestampns(at) = message {
            let at = SystemTime::UNIX_EPOCH + Duration::from(at);
            return Ok(Received { len: received.bytes, from: SocketAddr::V4(from), at });
        }
    }
    Err(io::Error::other("the kernel does not say when a datagram came"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn a_datagram_came_when_the_kernel_got_it() {
        let ours = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        stamp(&ours).expect("noted");
        ours.set_nonblocking(true).expect("set");
        let mut buffer = [0; 100];
        let nothing = receive(&ours, &mut buffer).expect_err("nothing has come");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        let other = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        // The kernel begins to note a moment after it was told to; until then it says when we asked.
        let is_noted = (0..100).any(|_| {
            other.send_to(b"hello", ours.local_addr().expect("bound")).expect("sent");
            let sent = SystemTime::now();
            std::thread::sleep(Duration::from_millis(20));
            let asked = SystemTime::now();
            let Received { len, from, at } = receive(&ours, &mut buffer).expect("it has come");
            let expected = (&b"hello"[..], other.local_addr().expect("bound"));
            assert_eq!((&buffer[..len], from), expected);
            at < asked && at.duration_since(sent).unwrap_or_default() < Duration::from_millis(20)
        });
        assert!(is_noted, "the kernel never says when it got a datagram");
    }
}
