//! Whether the kernel cuts a datagram into segments: found out by sending one.

use super::address::{Family, Name};
use super::{Config, Sharing, Socket};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Tries a run of three packets over loopback.
pub(super) fn sends_runs(family: Family) -> io::Result<bool> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = match family {
        Family::V4 => loopback,
        Family::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let receiver = UdpSocket::bind(loopback)?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    let config = Config { buffer_bytes: 64 << 10, ..Config::default() };
    let mut sender = Socket::bind_plain(address, Sharing::Alone, &config)?;
    let packets = [&[1_u8; 100][..], &[2; 100], &[3; 50]];
    let Some(name) = Name::new(receiver.local_addr()?, family) else { return Ok(false) };
    sender.batch.push(name, None, packets.into_iter());
    let sent = sender.send_messages(0).is_ok();
    let mut buffer = [0; 512];
    let whole = |packet: &[u8]| {
        receiver.recv(&mut buffer).is_ok_and(|len| buffer.get(..len) == Some(packet))
    };
    Ok(sent && packets.into_iter().all(whole))
}
