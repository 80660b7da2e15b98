//! A client that is no browser: `str0m` behind LiveKit's protocol. It receives whatever it is sent, and
//! publishes a voice if it is told to.

use super::signal::{Door, Socket, Wants};
use super::voice::Voice;
use anyhow::{Context, Result};
use lectern_sim::arrival;
use livekit_protocol as proto;
use proto::signal_request::Message as Ask;
use proto::signal_response::Message as Told;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::sleep_until;

/// The longest datagram that is media.
const MAX_DATAGRAM_LEN: usize = 2_048;

/// A packet of a voice.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// When it came.
    pub at: Instant,
    /// Whose it is.
    pub voice: u32,
}

/// What clients have received so far.
#[derive(Debug, Default)]
pub struct Received {
    packets: AtomicU64,
    voices: Mutex<Vec<Heard>>,
}

impl Received {
    /// RTP packets of any track.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Those of voices.
    pub fn heard(&self) -> Vec<Heard> {
        self.voices.lock().map(|voices| voices.clone()).unwrap_or_default()
    }

    fn take(&self, packet: &RtpPacket) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        let Some(voice) = Voice::number_in(&packet.payload) else { return };
        if let Ok(mut voices) = self.voices.lock() {
            voices.push(Heard { at: Instant::now(), voice });
        }
    }
}

/// One PeerConnection: `str0m` and its socket.
struct Connection {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    deadline: Instant,
    /// The time that `rtc` knows of.
    now: Instant,
}

impl Connection {
    async fn open() -> Result<Connection> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        arrival::stamp(&socket)?;
        let address = socket.local_addr()?;
        let now = Instant::now();
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp")?);
        Ok(Connection { rtc, socket, address, deadline: now, now })
    }

    /// Sends what there is to send, and counts what has come.
    async fn drain(&mut self, received: &Received) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
                Output::Transmit(packet) => {
                    // What the kernel does not take is lost, as on any network.
                    let _ = self.socket.send_to(&packet.contents, packet.destination).await;
                }
                Output::Event(Event::RtpPacket(packet)) => received.take(&packet),
                Output::Event(_) => {}
            }
        }
    }

    /// Waits for a datagram or for the time at which something is due, and takes it: what has come
    /// first, by the time at which it came. A hundred clients share a core, and their own delay is not
    /// the network's.
    async fn step(&mut self, buffer: &mut [u8]) -> Result<()> {
        let deadline = self.deadline;
        tokio::select! {
            biased;
            ready = self.socket.readable() => {
                ready?;
                let read = || arrival::receive(&self.socket, buffer);
                match self.socket.try_io(Interest::READABLE, read) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    received => self.take(&received?, buffer)?,
                }
            }
            () = sleep_until(deadline.into()) => {
                self.now = Instant::now();
                self.rtc.handle_input(Input::Timeout(self.now))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, received: &arrival::Received, buffer: &[u8]) -> Result<()> {
        let datagram = buffer.get(..received.len).unwrap_or_default();
        let Ok(receive) = Receive::new(Protocol::Udp, received.from, self.address, datagram) else {
            return Ok(());
        };
        let waited = SystemTime::now().duration_since(received.at).unwrap_or_default();
        let came = Instant::now().checked_sub(waited).unwrap_or(self.now);
        // Time goes on only.
        self.now = self.now.max(came);
        Ok(self.rtc.handle_input(Input::Receive(self.now, receive))?)
    }
}

/// A client with its two PeerConnections, as the older form of the protocol has them.
pub struct Client {
    signal: Socket,
    down: Connection,
    up: Connection,
    offered: Option<SdpPendingOffer>,
    voice: Option<Voice>,
    received: Arc<Received>,
}

impl Client {
    /// Comes in with a token; announces a voice where one is given.
    pub async fn join(
        door: &Door,
        token: &str,
        voice: Option<Voice>,
        received: Arc<Received>,
    ) -> Result<Client> {
        let wants = if voice.is_some() { Wants::Nothing } else { Wants::Everything };
        let (signal, down, up) =
            (door.open(token, wants).await?, Connection::open().await?, Connection::open().await?);
        Ok(Client { signal, down, up, offered: None, voice, received })
    }

    /// Goes on until the server closes.
    pub async fn run(mut self) -> Result<()> {
        let mut buffers = [[0; MAX_DATAGRAM_LEN]; 2];
        let [down, up] = &mut buffers;
        loop {
            self.down.drain(&self.received).await?;
            self.up.drain(&self.received).await?;
            let speaks = self.voice.as_ref().and_then(Voice::next);
            let never = Instant::now() + Duration::from_secs(3_600);
            tokio::select! {
                told = self.signal.hear() => match told? {
                    Some(told) => self.handle(told).await?,
                    None => return Ok(()),
                },
                stepped = self.down.step(down) => stepped?,
                stepped = self.up.step(up) => stepped?,
                () = sleep_until(speaks.unwrap_or(never).into()) => {
                    if let Some(voice) = &mut self.voice {
                        voice.speak(&mut self.up.rtc)?;
                    }
                }
            }
        }
    }

    async fn handle(&mut self, told: Told) -> Result<()> {
        match told {
            Told::Join(_) => self.publish().await,
            Told::Offer(offer) => self.answer(&offer).await,
            Told::Answer(answer) => {
                let pending = self.offered.take().context("nothing was offered")?;
                let answer = SdpAnswer::from_sdp_string(&answer.sdp)?;
                Ok(self.up.rtc.sdp_api().accept_answer(pending, answer)?)
            }
            Told::Trickle(trickle) => self.add(&trickle),
            _ => Ok(()),
        }
    }

    async fn answer(&mut self, offer: &proto::SessionDescription) -> Result<()> {
        let theirs = SdpOffer::from_sdp_string(&offer.sdp)?;
        let answer = self.down.rtc.sdp_api().accept_offer(theirs)?;
        let description = proto::SessionDescription {
            r#type: "answer".to_owned(),
            sdp: answer.to_sdp_string(),
            id: offer.id,
            ..proto::SessionDescription::default()
        };
        self.signal.say(Ask::Answer(description)).await
    }

    async fn publish(&mut self) -> Result<()> {
        let Some(voice) = &mut self.voice else { return Ok(()) };
        let track = proto::AddTrackRequest {
            cid: voice.name().to_owned(),
            name: "voice".to_owned(),
            r#type: proto::TrackType::Audio.into(),
            source: proto::TrackSource::Microphone.into(),
            ..proto::AddTrackRequest::default()
        };
        self.signal.say(Ask::AddTrack(track)).await?;
        let mut change = self.up.rtc.sdp_api();
        let (stream, track) = (Some("voices".to_owned()), Some(voice.name().to_owned()));
        let mid = change.add_media(MediaKind::Audio, Direction::SendOnly, stream, track, None);
        voice.begin(mid);
        let (offer, pending) = change.apply().context("nothing to offer")?;
        self.offered = Some(pending);
        let description = proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offer.to_sdp_string(),
            id: 1,
            ..proto::SessionDescription::default()
        };
        self.signal.say(Ask::Offer(description)).await
    }

    fn add(&mut self, trickle: &proto::TrickleRequest) -> Result<()> {
        let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init)?;
        let Some(line) = init["candidate"].as_str().filter(|line| !line.is_empty()) else {
            return Ok(());
        };
        let candidate = Candidate::from_sdp_string(line)?;
        let connection = match trickle.target() {
            proto::SignalTarget::Publisher => &mut self.up,
            proto::SignalTarget::Subscriber => &mut self.down,
        };
        connection.rtc.add_remote_candidate(candidate);
        Ok(())
    }
}
