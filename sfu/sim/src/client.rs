//! A WebRTC client on `str0m`, in virtual time: full ICE, DTLS, SRTP, RTX, transport-wide feedback
//! and data channels, by an implementation that shares no line with ours.

use crate::frame::Codec;
use crate::negotiated::{CODECS, Config, Remote, add_codec, add_redundancy};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
pub use str0m::channel::ChannelId;
use str0m::channel::{ChannelConfig, Reliability};
use str0m::config::Fingerprint;
use str0m::media::{KeyframeRequestKind, MediaKind, Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionMap, ExtensionValues, RtpWrite, Ssrc};
use str0m::{Candidate, IceCreds, Input, Output, Rtc};

/// A source repairs what it sent within this.
const REPAIR_WINDOW: Duration = Duration::from_secs(3);
/// Packets a source keeps for repair.
const REPAIR_PACKETS: usize = 1_024;

/// What happens at a client.
#[derive(Debug, Clone)]
pub enum Event {
    /// ICE and DTLS are done.
    Connected,
    /// The other side closed DTLS, or ICE gave up.
    Closed,
    /// A packet has come, whether in its turn or repaired.
    Received(Received),
    /// A keyframe is wanted of a track, or of one encoding.
    KeyframeWanted {
        /// The m-line.
        mid: String,
        /// The encoding.
        rid: Option<String>,
    },
    /// A data channel is open.
    ChannelOpen {
        /// Which.
        channel: ChannelId,
        /// Its label.
        label: String,
    },
    /// A data message.
    Message {
        /// By which channel.
        channel: ChannelId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// `str0m` refused an input: a bug of the test or of what it tests.
    Failed(String),
}

/// A packet as a client received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The stream.
    pub ssrc: u32,
    /// The codec.
    pub payload_type: u8,
    /// The sequence number with its rollovers.
    pub sequence: u64,
    /// The timestamp with its rollovers.
    pub timestamp: u64,
    /// The last packet of a frame.
    pub marker: bool,
    /// The loudness that came with it, in decibels under overload.
    pub below_overload_db: Option<u8>,
    /// The payload.
    pub payload: Arc<[u8]>,
}

/// A packet to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The stream, declared before.
    pub ssrc: u32,
    /// The codec.
    pub codec: Codec,
    /// The sequence number with its rollovers, beginning under 2^16.
    pub sequence: u64,
    /// The timestamp.
    pub timestamp: u32,
    /// The last packet of a frame.
    pub marker: bool,
    /// The loudness of its sound, in decibels under overload.
    pub below_overload_db: Option<u8>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Makes `str0m` choose the same transaction ids and SSRCs again, in all clients of this thread.
/// What DTLS and SCTP choose stays random.
pub fn seed(seed: u64) {
    fastrand::seed(seed);
}

/// A client.
#[derive(Debug)]
pub struct Client {
    rtc: Rtc,
    config: Config,
    now: Instant,
    deadline: Instant,
    /// Streams that are sent, by SSRC.
    streams: HashMap<u32, (Mid, Option<Rid>)>,
    outgoing: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
}

impl Client {
    /// A client that knows nobody yet.
    pub fn new(now: Instant, config: Config) -> Client {
        let mut extensions = ExtensionMap::empty();
        for (id, extension) in config.extension_ids() {
            extensions.set(id, extension.into());
        }
        let mut rtc_config = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .set_extension_map(extensions)
            .set_send_buffer_video(REPAIR_PACKETS)
            .set_local_ice_credentials(IceCreds {
                ufrag: config.ufrag.clone(),
                pass: config.password.clone(),
            });
        for codec in CODECS {
            add_codec(rtc_config.codec_config(), codec, config.payload_types(codec));
        }
        add_redundancy(rtc_config.codec_config(), config.redundant_type());
        let mut rtc = rtc_config.build(now);
        let candidate = Candidate::host(config.address, "udp").expect("a host candidate");
        rtc.add_local_candidate(candidate);
        rtc.direct_api().set_ice_controlling(config.is_controlling);
        let mut client = Client {
            rtc,
            config,
            now,
            deadline: now,
            streams: HashMap::new(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        };
        client.settle();
        client
    }

    /// What it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// SHA-256 of its certificate.
    pub fn fingerprint(&mut self) -> [u8; 32] {
        let fingerprint = self.rtc.direct_api().local_dtls_fingerprint().bytes.clone();
        fingerprint.try_into().expect("SHA-256 has 32 bytes")
    }

    /// Begins to connect, with data channels.
    pub fn connect(&mut self, remote: &Remote) {
        self.connect_media(remote);
        self.rtc.direct_api().start_sctp(self.config.begins_dtls);
        self.settle();
    }

    /// Begins to connect without data channels. SCTP's timers are random, so that only what happens
    /// without it happens the same again.
    pub fn connect_media(&mut self, remote: &Remote) {
        let fingerprint =
            Fingerprint { hash_func: "sha-256".to_owned(), bytes: remote.fingerprint.to_vec() };
        let credentials = IceCreds { ufrag: remote.ufrag.clone(), pass: remote.password.clone() };
        let mut api = self.rtc.direct_api();
        api.set_remote_fingerprint(fingerprint);
        api.set_remote_ice_credentials(credentials);
        api.start_dtls(self.config.begins_dtls).expect("DTLS begins once");
        api.enable_twcc_feedback();
        for candidate in &remote.candidates {
            self.add_candidate(*candidate);
        }
        self.settle();
    }

    /// Learns of another candidate of the other side.
    pub fn add_candidate(&mut self, (address, priority): (SocketAddr, u32)) {
        let (ip, port) = (address.ip(), address.port());
        let line = format!("candidate:{port} 1 udp {priority} {ip} {port} typ host");
        let candidate = Candidate::from_sdp_string(&line).expect("a candidate");
        self.rtc.add_remote_candidate(candidate);
        self.settle();
    }

    /// Announces a track to send: one stream for each encoding, as SSRC, SSRC of retransmissions
    /// and rid.
    pub fn publish(
        &mut self,
        mid: &str,
        codec: Codec,
        encodings: &[(u32, Option<u32>, Option<&str>)],
    ) {
        let mid = Mid::from(mid);
        let mut api = self.rtc.direct_api();
        api.declare_media(mid, kind(codec));
        for (ssrc, rtx, rid) in encodings {
            let rid = rid.map(Rid::from);
            self.streams.insert(*ssrc, (mid, rid));
            let stream = api.declare_stream_tx((*ssrc).into(), rtx.map(Ssrc::from), mid, rid);
            stream.set_rtx_cache(REPAIR_PACKETS, REPAIR_WINDOW, None);
        }
        self.settle();
    }

    /// Sends one encoding under another SSRC from now on.
    pub fn change_ssrc(&mut self, mid: &str, rid: Option<&str>, ssrc: u32, rtx: Option<u32>) {
        let (mid, rid) = (Mid::from(mid), rid.map(Rid::from));
        let rtx = rtx.map(Ssrc::from);
        let stream = self.rtc.direct_api().reset_stream_tx(mid, rid, ssrc.into(), rtx).map(|_| ());
        stream.expect("the encoding was announced, with other SSRCs");
        self.streams.retain(|_, stream| *stream != (mid, rid));
        self.streams.insert(ssrc, (mid, rid));
        self.settle();
    }

    /// Announces a track to receive.
    pub fn expect(&mut self, mid: &str, codec: Codec, ssrc: u32, rtx: Option<u32>) {
        let mid = Mid::from(mid);
        let mut api = self.rtc.direct_api();
        api.declare_media(mid, kind(codec));
        let stream = api.expect_stream_rx(ssrc.into(), rtx.map(Ssrc::from), mid, None);
        stream.suppress_nack(rtx.is_none());
        self.settle();
    }

    /// Announces sound to receive that it asks for again where it is lost.
    pub fn expect_repeats(&mut self, mid: &str, ssrc: u32) {
        self.expect(mid, Codec::Opus, ssrc, None);
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc.into()) {
            stream.suppress_nack(false);
        }
        self.settle();
    }

    /// Asks for a keyframe of a stream it receives.
    pub fn request_keyframe(&mut self, ssrc: u32) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc.into()) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        self.settle();
    }

    /// Sends a packet.
    pub fn send(&mut self, now: Instant, packet: Outgoing) {
        let (payload_type, rtx) = self.config.payload_types(packet.codec);
        let level = packet.below_overload_db.map(|level| -i8::try_from(level).unwrap_or(127));
        let values = ExtensionValues {
            audio_level: level,
            voice_activity: level.map(|_| true),
            ..ExtensionValues::default()
        };
        let sequence = packet.sequence.into();
        let pt = Pt::from(payload_type);
        let write = RtpWrite::new(pt, sequence, packet.timestamp, now, packet.payload)
            .marker(packet.marker)
            .ext_vals(values)
            .nackable(rtx.is_some());
        let (mid, rid) = *self.streams.get(&packet.ssrc).expect("the stream was announced");
        let mut api = self.rtc.direct_api();
        api.stream_tx_by_mid(mid, rid).expect("the stream was announced").write_rtp(write);
        self.handle_timeout(now);
    }

    /// Opens a data channel; it may be used when [`Event::ChannelOpen`] has come.
    pub fn open_channel(&mut self, label: &str, max_retransmits: Option<u16>) -> ChannelId {
        let reliability = match max_retransmits {
            None => Reliability::Reliable,
            Some(retransmits) => Reliability::MaxRetransmits { retransmits },
        };
        let label = label.to_owned();
        let ordered = max_retransmits.is_none();
        let config = ChannelConfig { label, ordered, reliability, ..ChannelConfig::default() };
        let channel = self.rtc.direct_api().create_data_channel(config);
        self.settle();
        channel
    }

    /// Sends a data message. Says whether there was room for it.
    pub fn send_message(&mut self, channel: ChannelId, bytes: &[u8]) -> bool {
        let written = self
            .rtc
            .channel(channel)
            .is_some_and(|mut channel| channel.write(true, bytes).unwrap_or(false));
        self.settle();
        written
    }

    /// Takes a datagram. One that belongs to no protocol is ignored.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.now = self.now.max(now);
        let destination = self.config.address;
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, bytes) else { return };
        self.handle(Input::Receive(now, receive));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.handle(Input::Timeout(now));
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The next datagram to send, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.outgoing.pop_front()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// `str0m` looks at a change when time passes, be it none.
    fn settle(&mut self) {
        self.handle(Input::Timeout(self.now));
    }

    fn handle(&mut self, input: Input<'_>) {
        if !self.rtc.is_alive() {
            return;
        }
        if let Err(error) = self.rtc.handle_input(input) {
            self.events.push_back(Event::Failed(error.to_string()));
        }
        self.drain();
    }

    /// `str0m` wants all of its output taken after each change.
    fn drain(&mut self) {
        while self.rtc.is_alive() {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(deadline)) => {
                    self.deadline = deadline;
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    self.outgoing.push_back((transmit.destination, transmit.contents.to_vec()));
                }
                Ok(Output::Event(event)) => self.events.extend(translate(event)),
                Err(error) => {
                    self.events.push_back(Event::Failed(error.to_string()));
                    break;
                }
            }
        }
        self.deadline = self.now + NEVER;
    }
}

/// A client that is gone has nothing to do for longer than any test runs.
const NEVER: Duration = Duration::from_secs(24 * 3_600);

fn kind(codec: Codec) -> MediaKind {
    if codec.is_video() { MediaKind::Video } else { MediaKind::Audio }
}

fn translate(event: str0m::Event) -> Option<Event> {
    match event {
        str0m::Event::Connected => Some(Event::Connected),
        str0m::Event::Closed => Some(Event::Closed),
        str0m::Event::IceConnectionStateChange(str0m::IceConnectionState::Disconnected) => {
            Some(Event::Closed)
        }
        str0m::Event::RtpPacket(packet) => Some(Event::Received(Received {
            ssrc: *packet.header.ssrc,
            payload_type: *packet.header.payload_type,
            sequence: *packet.seq_no,
            timestamp: packet.time.numer(),
            marker: packet.header.marker,
            below_overload_db: packet.header.ext_vals.audio_level.map(i8::unsigned_abs),
            payload: packet.payload,
        })),
        str0m::Event::KeyframeRequest(request) => Some(Event::KeyframeWanted {
            mid: request.mid.to_string(),
            rid: request.rid.map(|rid| rid.to_string()),
        }),
        str0m::Event::ChannelOpen(channel, label) => Some(Event::ChannelOpen { channel, label }),
        str0m::Event::ChannelData(data) => {
            Some(Event::Message { channel: data.id, bytes: data.data })
        }
        _ => None,
    }
}
