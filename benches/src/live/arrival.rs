//! Datagrams, and when the kernel got them (`SO_TIMESTAMPNS`, socket(7)): what a viewer of this process
//! does afterwards, on the same cores, is no part of a packet's way.

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
};
use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

/// A datagram that has come.
pub struct Received {
    /// Its bytes.
    pub len: usize,
    /// Where from.
    pub from: SocketAddr,
    /// When the kernel got it.
    pub at: SystemTime,
}

/// Has the kernel note when datagrams come.
pub fn stamp(socket: &UdpSocket) -> Result<()> {
    Ok(setsockopt(socket, ReceiveTimestampns, &true)?)
}

/// Waits for a datagram; `None` where none comes within the socket's patience.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Result<Option<Received>> {
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    let (socket, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    let received = match recvmsg::<SockaddrIn>(socket, &mut parts, Some(&mut control), flags) {
        Ok(received) => received,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let from = received.address.context("a datagram from nowhere")?.into();
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmTimestampns(at) = message {
            let at = SystemTime::UNIX_EPOCH + Duration::from(at);
            return Ok(Some(Received { len: received.bytes, from: SocketAddr::V4(from), at }));
        }
    }
    bail!("the kernel does not say when a datagram came")
}
