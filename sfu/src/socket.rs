//! The batched UDP socket: many datagrams a system call, many packets a datagram (GSO, GRO).
//!
//! The only file with `unsafe`: std has neither `recvmmsg` nor `sendmmsg` nor control messages. It
//! never looks into the bytes. Why it is worth it: a send to its own destination costs 2.5-4 µs of
//! CPU, `sendmmsg` takes 5-25 % off, and runs of 8 segments bring it to 0.5 µs.
#![allow(unsafe_code)]

mod address;
mod batch;
mod control;
mod inbox;
mod probe;
mod report;
mod sources;
#[cfg(test)]
mod tests;

pub use inbox::Inbox;
pub use report::{Refusal, SendReport};

use address::{Family, Name};
use batch::{Batch, PIECES_PER_CALL};
use inbox::DATAGRAMS_PER_READ;
use lectern_media::{Outbox, Outgoing};
use serde::{Deserialize, Serialize};
use sources::Sources;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Segments of one run: what Linux took before 6.9, and more would gain little.
const MAX_SEGMENTS: usize = 64;
/// Bytes of one run: the largest UDP payload is 65,507, less room for options.
const MAX_RUN_BYTES: usize = 65_000;
/// Times one `send` waits for room in the kernel's buffer before it drops; each at most
/// [`FULL_WAIT`], so that a jammed interface holds a worker for two milliseconds and no longer.
const FULL_WAITS: u32 = 2;
/// How long one wait for room lasts.
const FULL_WAIT: Duration = Duration::from_millis(1);
/// Interrupted calls and errors of earlier datagrams that one `send` bears before it drops.
const RETRIES: u32 = 8;
/// Runs refused one after another until GSO is given up: a path with a small MTU refuses its own
/// runs only, a broken driver refuses all.
const GSO_REFUSALS: u32 = 64;

/// How a socket is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Kernel buffer for each direction in bytes: 4 MiB hold 10 ms at 3 Gbit/s. The kernel may
    /// grant less; see `net.core.rmem_max` and `net.core.wmem_max`.
    pub buffer_bytes: usize,
    /// Send runs of packets in one call where the kernel can (UDP_SEGMENT).
    pub gso: bool,
    /// Receive joined packets where the kernel can (UDP_GRO).
    pub gro: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { buffer_bytes: 4 << 20, gso: true, gro: true }
    }
}

/// Whether several sockets share one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// This socket alone; binding fails where another has the port.
    Alone,
    /// Several of this process: the kernel spreads clients over them (SO_REUSEPORT).
    Shared,
}

/// A bound UDP socket that sends and receives in batches. Never blocks, except for [`FULL_WAIT`].
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    local: SocketAddr,
    family: Family,
    gso: bool,
    gro: bool,
    gso_refusals: u32,
    batch: Batch,
    sources: Sources,
}

impl Socket {
    /// Binds. An unspecified IPv6 address takes IPv4 as well.
    pub fn bind(address: SocketAddr, sharing: Sharing, config: &Config) -> io::Result<Socket> {
        let mut socket = Socket::bind_plain(address, sharing, config)?;
        socket.gso = config.gso && probe::sends_runs(socket.family)?;
        socket.gro =
            config.gro && set_option(&socket.socket, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        Ok(socket)
    }

    /// Binds, and sends and receives packet by packet.
    fn bind_plain(address: SocketAddr, sharing: Sharing, config: &Config) -> io::Result<Socket> {
        let family = Family::of(address);
        let domain = socket2::Domain::for_address(address);
        let socket =
            socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if family == Family::V6 {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        socket.set_reuse_port(sharing == Sharing::Shared)?;
        set_buffers(&socket, config.buffer_bytes)?;
        match family {
            Family::V4 => set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?,
            Family::V6 => set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?,
        }
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let local = socket.local_addr()?;
        let (batch, sources) = (Batch::new(), Sources::new(local));
        let (gso, gro) = (false, false);
        Ok(Socket { socket, local, family, gso, gro, gso_refusals: 0, batch, sources })
    }

    /// Where it is bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Whether runs go out in one call now.
    pub fn sends_runs(&self) -> bool {
        self.gso
    }

    /// Whether the kernel joins what comes in.
    pub fn receives_runs(&self) -> bool {
        self.gro
    }

    /// What the kernel granted for receiving and for sending, in bytes.
    pub fn buffer_bytes(&self) -> io::Result<(usize, usize)> {
        let socket = socket2::SockRef::from(&self.socket);
        Ok((socket.recv_buffer_size()?, socket.send_buffer_size()?))
    }

    /// Sends to `remote` from the address at which its datagrams come: ICE takes an answer from
    /// elsewhere for another path (RFC 8445 section 7.2.5.2.1). Where routing chooses it anyway,
    /// nothing is kept.
    pub fn answer_from(&mut self, now: Instant, remote: SocketAddr, local: IpAddr) {
        self.sources.learn(now, remote, local);
    }

    /// Reads what has come, without waiting, and returns the number of datagrams after joined ones
    /// have been split. An error of an earlier send is no error here.
    pub fn recv(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        let headers = inbox.aim().as_mut_ptr();
        // SAFETY: `aim` has just pointed each header at a name, a control buffer and a slot of
        // their stated sizes, all owned by `inbox`, which is borrowed mutably; the kernel keeps no
        // pointer. Justified: one call for up to 32 datagrams; with UDP_GRO joined ones cost
        // 0.09-0.4 µs each against 0.7 µs.
        let read = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers,
                DATAGRAMS_PER_READ as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let Ok(read) = usize::try_from(read) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionRefused => Ok(0),
                _ => Err(error),
            };
        };
        Ok(inbox.read_headers(read, self.local))
    }

    /// Sends all of the outbox: neighbours with one destination and one length go as one run.
    /// What the kernel refuses is dropped and counted.
    pub fn send(&mut self, outbox: &Outbox) -> SendReport {
        let mut report = SendReport::default();
        for run in outbox.runs(MAX_SEGMENTS) {
            for run in run.chunks(self.run_limit(run)) {
                self.send_run(run, outbox, &mut report);
            }
        }
        self.flush(&mut report);
        report
    }

    fn run_limit(&self, run: &[Outgoing]) -> usize {
        match run.first() {
            Some(first) if self.gso => (MAX_RUN_BYTES / usize::from(first.len).max(1)).max(1),
            _ => 1,
        }
    }

    fn send_run(&mut self, run: &[Outgoing], outbox: &Outbox, report: &mut SendReport) {
        let Some(first) = run.first() else { return };
        let Some(name) = Name::new(first.remote, self.family) else {
            report.refuse(Refusal::Unreachable, run.len());
            return;
        };
        let source = self.sources.of(first.remote).and_then(|ip| self.family.ip(ip));
        if !self.batch.fits(run.len()) {
            self.flush(report);
        }
        self.batch.push(name, source, run.iter().map(|packet| outbox.bytes(packet)));
    }

    /// Sends the batch. Each turn either moves on by a message or uses up one of its retries.
    fn flush(&mut self, report: &mut SendReport) {
        let mut next = 0;
        while next < self.batch.len() {
            match self.send_messages(next) {
                Ok(sent) => {
                    report.calls += 1;
                    for message in next..next + sent {
                        self.count_sent(message, report);
                    }
                    next += sent;
                }
                Err(error) if self.may_retry(&error, report) => {}
                Err(error) => {
                    self.refused(next, &error, report);
                    next += 1;
                }
            }
        }
        self.batch.clear();
    }

    fn count_sent(&mut self, message: usize, report: &mut SendReport) {
        let (packets, bytes) = self.batch.size(message);
        report.sent(packets, bytes);
        if packets > 1 {
            self.gso_refusals = 0;
        }
    }

    /// Whether the same message is worth another try; waits for room where the buffer is full.
    fn may_retry(&self, error: &io::Error, report: &mut SendReport) -> bool {
        match error.kind() {
            io::ErrorKind::WouldBlock if report.waits < FULL_WAITS => {
                report.waits += 1;
                wait_for_room(self.socket.as_fd())
            }
            io::ErrorKind::Interrupted | io::ErrorKind::ConnectionRefused => {
                report.retries += 1;
                report.retries <= RETRIES
            }
            _ => false,
        }
    }

    /// A message was refused. A run may be too long for the path or too much for the driver: its
    /// packets get one try each.
    fn refused(&mut self, message: usize, error: &io::Error, report: &mut SendReport) {
        let (packets, _) = self.batch.size(message);
        let of_gso =
            matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE));
        if packets < 2 || !of_gso {
            report.refuse(Refusal::of(error), packets);
            return;
        }
        report.runs_refused += 1;
        self.gso_refusals += 1;
        // EIO: the interface cannot compute checksums, so it will refuse every run.
        if error.raw_os_error() == Some(libc::EIO) || self.gso_refusals >= GSO_REFUSALS {
            self.gso = false;
        }
        for piece in self.batch.pieces_of(message) {
            match self.send_piece(message, piece) {
                Ok(bytes) => {
                    report.calls += 1;
                    report.sent(1, bytes);
                }
                Err(error) => report.refuse(Refusal::of(&error), 1),
            }
        }
    }

    /// Sends messages of the batch, beginning at `next`; says how many went out.
    fn send_messages(&mut self, next: usize) -> io::Result<usize> {
        let headers = self.batch.aim(next);
        // SAFETY: `aim` has just pointed each of these headers at its name, its control bytes and
        // its pieces, all owned by `self.batch`; the pieces point into the outbox that `send`
        // borrows until the batch is empty again. The kernel only reads, and keeps no pointer.
        // Justified: the figures at the top of this file.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
            )
        };
        match usize::try_from(sent) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(sent) => Ok(sent),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Sends one piece of a message by itself; says how many bytes it has.
    fn send_piece(&mut self, message: usize, piece: usize) -> io::Result<usize> {
        let header = self.batch.aim_piece(message, piece);
        // SAFETY: as in `send_messages`. Only after the kernel refused a run.
        let sent = unsafe { libc::sendmsg(self.socket.as_raw_fd(), header, libc::MSG_DONTWAIT) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

// SAFETY: the pointers in `pieces` and `headers` are only followed by the kernel, inside
// `Socket::recv`, after `aim` has set them anew to memory that this very value owns.
unsafe impl Send for Inbox {}

// SAFETY: the pointers in its pieces and headers are only followed by the kernel, inside
// `Socket::send_messages` and `Socket::send_piece`, after `aim` has set them anew.
unsafe impl Send for Batch {}

/// A header that points nowhere.
fn empty_header() -> libc::mmsghdr {
    // SAFETY: all-zero bytes are a valid `mmsghdr`: null pointers and zero lengths. Justified: the
    // struct has private padding on some systems and cannot be written out.
    unsafe { std::mem::zeroed() }
}

/// Sets an option whose value is an `int`.
fn set_option(socket: &impl AsRawFd, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the kernel reads one `int` from `value`, which lives until the call returns.
    // Justified: std and socket2 know neither UDP_GRO nor the packet-information options.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Asks for large buffers: past the system's limit where we may, up to it where not.
fn set_buffers(socket: &socket2::Socket, bytes: usize) -> io::Result<()> {
    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    if set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, value).is_err() {
        socket.set_recv_buffer_size(bytes)?;
    }
    if set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, value).is_err() {
        socket.set_send_buffer_size(bytes)?;
    }
    Ok(())
}

/// Waits until the socket takes more, or [`FULL_WAIT`] is over.
fn wait_for_room(socket: BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(FULL_WAIT.subsec_nanos()) };
    let mut interest = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
    poll(&mut interest, Some(&timeout)).is_ok_and(|ready| ready > 0)
}

const _: () = assert!(MAX_SEGMENTS <= PIECES_PER_CALL);
