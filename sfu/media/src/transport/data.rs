//! Data channels: SCTP over DTLS (RFC 8831) by `dcsctp`, opened by DCEP (RFC 8832).
//!
//! The node opens channels and takes those a client opens; messages go by label. Liveness is ICE's
//! to judge: SCTP never gives up by itself.

mod dcep;
mod guard;
mod handover;
mod state;
#[cfg(test)]
mod tests;

use crate::DropReason;
use bytes::Bytes;
use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendError, SendOptions, SocketEvent, SocketState,
    SocketTime, StreamId,
};
use guard::Guard;
use lectern_control::limits::{MAX_CHANNELS_PER_PEER, MAX_DATA_MESSAGE_BYTES, MAX_SPLICE_BYTES};
use lectern_control::transport::{ChannelParameters, DtlsRole};
use serde::{Deserialize, Serialize};
pub use state::State;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes queued for one peer; a reader slower than that is refused more. An export carries them.
const MAX_BUFFERED_BYTES: usize = 256 << 10;
/// Bytes queued on one lossy channel: what waits longer has lost its interest.
const MAX_LOSSY_BUFFERED_BYTES: usize = 32 << 10;
/// Bytes of unfinished messages from one peer: a whole message, and others beside it.
const RECEIVE_WINDOW_BYTES: usize = 256 << 10;
/// Streams a client may use; Chromium numbers its channels up to 1,023.
const MAX_STREAMS: u16 = 1_024;
/// The longest wait before SCTP tries again: after an outage it should be quick.
const MAX_BACKOFF: Duration = Duration::from_secs(3);
const PORT: u16 = 5_000;
/// One SCTP packet: with DTLS, UDP and IPv6 it stays under 1,280 bytes.
const MTU: usize = 1_180;

/// Payload protocol identifiers (RFC 8831 section 8).
const PPID_DCEP: u32 = 50;
const PPID_STRING: u32 = 51;
const PPID_BINARY: u32 = 53;
const PPID_STRING_EMPTY: u32 = 56;
const PPID_BINARY_EMPTY: u32 = 57;

/// What the channels tell their transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A channel is open.
    Opened(String),
    /// A channel is gone.
    Closed(String),
    /// A message has come.
    Message {
        /// The label of its channel.
        label: String,
        /// Bytes, not text.
        binary: bool,
        /// The message.
        payload: Bytes,
    },
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Channel {
    stream: u16,
    parameters: ChannelParameters,
    /// The other side knows of it.
    open: bool,
}

/// The data channels of one peer.
pub struct Channels {
    socket: Box<dyn DcSctpSocket>,
    guard: Guard,
    /// The zero of the library's clock.
    began: Instant,
    role: DtlsRole,
    channels: Vec<Channel>,
    packets: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    /// Messages that were of no use since it was last asked.
    dropped: Option<DropReason>,
}

fn options() -> Options {
    Options {
        local_port: PORT,
        remote_port: PORT,
        announced_maximum_incoming_streams: MAX_STREAMS,
        announced_maximum_outgoing_streams: MAX_STREAMS,
        mtu: MTU,
        max_message_size: MAX_DATA_MESSAGE_BYTES + MAX_SPLICE_BYTES,
        max_receiver_window_buffer_size: RECEIVE_WINDOW_BYTES,
        max_send_buffer_size: MAX_BUFFERED_BYTES,
        per_stream_send_queue_limit: MAX_BUFFERED_BYTES,
        max_timer_backoff_duration: Some(MAX_BACKOFF),
        max_retransmissions: None,
        max_init_retransmits: None,
        enable_handover_with_outstanding_data: true,
        ..Options::default()
    }
}

impl Channels {
    /// Channels over a new association; `wanted` are opened by us. Without any the association is
    /// the client's to begin.
    pub fn new(now: Instant, role: DtlsRole, wanted: &[ChannelParameters]) -> Channels {
        let mut channels = Channels {
            socket: dcsctp::new_socket("", &options()),
            guard: Guard::new(now, None),
            began: now,
            role,
            channels: Vec::new(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
            dropped: None,
        };
        channels.open(now, wanted);
        channels
    }

    /// Opens channels, except those whose label there is already.
    pub fn open(&mut self, now: Instant, wanted: &[ChannelParameters]) {
        self.advance(now);
        for parameters in wanted {
            let exists = |channel: &Channel| channel.parameters.label == parameters.label;
            let Some(stream) = self.free_stream() else { return };
            if self.channels.len() >= MAX_CHANNELS_PER_PEER || self.channels.iter().any(exists) {
                continue;
            }
            if self.socket.state() == SocketState::Closed {
                self.socket.connect();
            }
            let open = dcep::Message::Open(parameters.clone()).build();
            let message = Message::new(StreamId(stream), PpId(PPID_DCEP), open);
            if self.socket.send(message, &SendOptions::default()).is_ok() {
                let parameters = parameters.clone();
                self.channels.push(Channel { stream, parameters, open: false });
            }
        }
        self.collect();
    }

    /// The DTLS client takes even streams, the server odd ones (RFC 8832 section 6).
    fn free_stream(&self) -> Option<u16> {
        let first = match self.role {
            DtlsRole::Client => 0,
            DtlsRole::Server => 1,
        };
        (first..MAX_STREAMS).step_by(2).find(|stream| self.channel(*stream).is_none())
    }

    fn channel(&self, stream: u16) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.stream == stream)
    }

    /// Takes an SCTP packet.
    pub fn handle(&mut self, now: Instant, packet: &[u8]) -> Result<(), DropReason> {
        self.advance(now);
        self.guard.admit(now, packet)?;
        self.socket.handle_input(packet);
        self.collect();
        self.guard.settle(&*self.socket);
        self.dropped.take().map_or(Ok(()), Err)
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.collect();
    }

    /// When [`Self::handle_timeout`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        let timeout = self.socket.poll_timeout();
        let is_set = timeout != SocketTime::infinite_future();
        is_set.then(|| self.began.checked_add(timeout - SocketTime::zero())).flatten()
    }

    /// The next SCTP packet to send.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends a message on the channels of that label.
    pub fn send(
        &mut self,
        now: Instant,
        label: &str,
        binary: bool,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        if payload.len() > MAX_DATA_MESSAGE_BYTES + MAX_SPLICE_BYTES {
            return Err(DropReason::DataTooLarge);
        }
        self.advance(now);
        let mut outcome = Err(DropReason::DataUnknownChannel);
        for channel in self.channels.iter().filter(|c| c.parameters.label == label) {
            outcome = send_on(&mut *self.socket, channel, binary, payload);
        }
        self.collect();
        outcome
    }

    fn advance(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.began);
        self.socket.advance_time(SocketTime::zero() + since);
    }

    /// Fetches all that the library has to give.
    fn collect(&mut self) {
        loop {
            while let Some(message) = self.socket.get_next_message() {
                self.guard.delivered();
                self.handle_message(message);
            }
            let Some(event) = self.socket.poll_event() else { return };
            match event {
                SocketEvent::SendPacket(packet) => {
                    self.guard.sent(&packet);
                    self.packets.push_back(packet);
                }
                SocketEvent::OnConnected() | SocketEvent::OnConnectionRestarted() => {
                    self.guard.begin_anew();
                }
                SocketEvent::OnIncomingStreamReset(streams) => self.forget(&streams),
                SocketEvent::OnAborted(..) | SocketEvent::OnClosed() => {
                    for channel in self.channels.drain(..) {
                        self.events.push_back(Event::Closed(channel.parameters.label));
                    }
                }
                _ => {}
            }
        }
    }

    /// The client has closed these channels, all where none is named (RFC 6525 section 4.1): we
    /// close our half (RFC 8831 section 6.7).
    fn forget(&mut self, streams: &[StreamId]) {
        let is_closed = |channel: &mut Channel| {
            streams.is_empty() || streams.contains(&StreamId(channel.stream))
        };
        let mut closed = Vec::new();
        for channel in self.channels.extract_if(.., is_closed) {
            closed.push(StreamId(channel.stream));
            self.events.push_back(Event::Closed(channel.parameters.label));
        }
        // Where the client does not know stream resets there is nothing left to do.
        if !closed.is_empty() && self.socket.reset_streams(&closed).is_err() {
            self.dropped = Some(DropReason::DataUnknownChannel);
        }
    }

    fn handle_message(&mut self, message: Message) {
        let Message { stream_id: StreamId(stream), ppid: PpId(ppid), payload } = message;
        let (binary, payload) = match ppid {
            PPID_DCEP => return self.handle_dcep(stream, &payload),
            PPID_STRING => (false, payload),
            PPID_BINARY => (true, payload),
            PPID_STRING_EMPTY => (false, Vec::new()),
            PPID_BINARY_EMPTY => (true, Vec::new()),
            _ => return self.dropped = Some(DropReason::Malformed),
        };
        if payload.len() > MAX_DATA_MESSAGE_BYTES {
            return self.dropped = Some(DropReason::DataTooLarge);
        }
        match self.channel(stream) {
            Some(channel) => {
                let label = channel.parameters.label.clone();
                let payload = Bytes::from(payload);
                self.events.push_back(Event::Message { label, binary, payload });
            }
            None => self.dropped = Some(DropReason::DataUnknownChannel),
        }
    }

    fn handle_dcep(&mut self, stream: u16, payload: &[u8]) {
        match dcep::Message::parse(payload) {
            Some(dcep::Message::Ack) => {
                let channel = self.channels.iter_mut().find(|channel| channel.stream == stream);
                match channel.filter(|channel| !channel.open) {
                    Some(channel) => {
                        channel.open = true;
                        self.events.push_back(Event::Opened(channel.parameters.label.clone()));
                    }
                    None => self.dropped = Some(DropReason::DataUnknownChannel),
                }
            }
            Some(dcep::Message::Open(parameters)) => self.accept(stream, parameters),
            None => self.refuse(stream, DropReason::Malformed),
        }
    }

    /// The client opens a channel.
    fn accept(&mut self, stream: u16, parameters: ChannelParameters) {
        if self.channel(stream).is_some() {
            self.dropped = Some(DropReason::DataUnknownChannel);
            return;
        }
        if self.channels.len() >= MAX_CHANNELS_PER_PEER {
            return self.refuse(stream, DropReason::DataTooManyChannels);
        }
        let ack = Message::new(StreamId(stream), PpId(PPID_DCEP), dcep::Message::Ack.build());
        if self.socket.send(ack, &SendOptions::default()).is_err() {
            return self.refuse(stream, DropReason::DataBufferFull);
        }
        self.events.push_back(Event::Opened(parameters.label.clone()));
        self.channels.push(Channel { stream, parameters, open: true });
    }

    fn refuse(&mut self, stream: u16, reason: DropReason) {
        self.dropped = Some(reason);
        if self.channel(stream).is_none() && self.socket.reset_streams(&[StreamId(stream)]).is_err()
        {
            self.dropped = Some(DropReason::DataUnknownChannel);
        }
    }
}

fn send_on(
    socket: &mut dyn DcSctpSocket,
    channel: &Channel,
    binary: bool,
    payload: &[u8],
) -> Result<(), DropReason> {
    let stream = StreamId(channel.stream);
    let max_retransmissions = channel.parameters.max_retransmits;
    let is_lossy = max_retransmissions.is_some();
    if is_lossy && socket.buffered_amount(stream) > MAX_LOSSY_BUFFERED_BYTES {
        return Err(DropReason::DataBufferFull);
    }
    let (ppid, payload) = match (binary, payload.is_empty()) {
        (false, false) => (PPID_STRING, payload.to_vec()),
        (true, false) => (PPID_BINARY, payload.to_vec()),
        (false, true) => (PPID_STRING_EMPTY, vec![0]),
        (true, true) => (PPID_BINARY_EMPTY, vec![0]),
    };
    // Until the other side has answered OPEN, only ordered messages are safe behind it.
    let unordered = channel.open && !channel.parameters.ordered;
    let options = SendOptions { unordered, max_retransmissions, ..SendOptions::default() };
    socket.send(Message::new(stream, PpId(ppid), payload), &options).map_err(|error| match error {
        SendError::MessageTooLarge { .. } => DropReason::DataTooLarge,
        SendError::ResourceExhaustion => DropReason::DataBufferFull,
        SendError::EmptyPayload | SendError::ShuttingDown => DropReason::NotConnected,
    })
}
