//! The connection over `rtc-dtls`: its configuration, what goes into it and what comes out.
//!
//! The library sees only whole handshake messages, in order, that [`super::gate`] let through.

use super::hello::Cookie;
use super::library;
use super::reassembly::{Message, Reassembly};
use super::record::{build_handshake, renumber};
use super::{Config, Dtls, Established, Event, State};
use crate::DropReason;
use crate::transport::srtp::replay::Window;
use crate::transport::srtp::{Keys, Profile};
use crate::transport::{Error, align};
use bytes::{Bytes, BytesMut};
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{DtlsRole, Fingerprint};
use rtc_crypto::providers::RingProvider;
use rtc_crypto::{RTCCryptoProvider, SignatureScheme};
use rtc_dtls::config::HandshakeConfig;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State as LibraryState;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error as LibraryError;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The library tells connections apart by address; ours has one, which never changes.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
/// When an unanswered flight is first repeated; each time twice as late (RFC 6347 section 4.2.4.1
/// asks for a second where the path is unknown: ours has just been checked by ICE).
const FIRST_REPEAT: Duration = Duration::from_millis(200);
const LAST_REPEAT: Duration = Duration::from_millis(12_800);
/// By how many records the numbering jumps when a connection is restored: more than the former
/// node can have sent after its last report. Each costs a microsecond, as nothing but sending moves
/// the library's counter.
pub const RECORD_JUMP: usize = 64;
/// Records (64 × words) by which an encrypted one may come late.
pub(super) const WINDOW_WORDS: usize = 2;
/// What DTLS-SRTP keys are exported under (RFC 5764 section 4.2).
const SRTP_EXPORTER: &str = "EXTRACTOR-dtls_srtp";

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No state yet: waits for a ClientHello with our cookie, or to be started.
    Idle,
    /// In the handshake.
    Handshaking,
    /// Data flows.
    Established,
    /// Closed or failed.
    Over,
}

/// A connection over `rtc-dtls`.
pub struct RtcDtls {
    pub(super) role: DtlsRole,
    pub(super) fingerprint: Fingerprint,
    pub(super) cookie: Cookie,
    pub(super) stage: Stage,
    pub(super) reassembly: Reassembly,
    /// The type of the last message in the clear that the library has got.
    pub(super) last_message: Option<u8>,
    pub(super) change_cipher_spec: bool,
    pub(super) unlocked: bool,
    /// Encrypted records that came before their time.
    pub(super) held: VecDeque<Vec<u8>>,
    pub(super) encrypted_budget: (Instant, u32),
    pub(super) received: Option<Window<WINDOW_WORDS>>,
    pub(super) pokes: (u32, Option<Instant>),
    /// Something speaks against the handshake; it ends then, unless it is done before.
    pub(super) fails_at: Option<(Instant, DisconnectReason)>,
    /// Records in the clear sent so far, the gate's and the library's.
    pub(super) sent_clear: u64,
    fed_clear: u64,
    certificate: Option<Certificate>,
    endpoint: Option<Endpoint>,
    repeat: Option<(Instant, Duration)>,
    transmits: VecDeque<Bytes>,
    events: VecDeque<Event>,
}

impl RtcDtls {
    /// A connection before its handshake.
    pub fn new(now: Instant, config: Config<'_>) -> Result<RtcDtls, Error> {
        let key = config.identity.private_key.expose();
        let signing_key = RingProvider::new()
            .crypto()
            .import_signing_key(SignatureScheme::EcdsaP256Sha256, key)
            .map_err(|_| Error::Invalid("the private key is not ECDSA P-256 in PKCS#8"))?;
        let chain = vec![config.identity.certificate.clone().into()];
        let mut connection = RtcDtls::idle(now, config.role, config.fingerprint, &config.random);
        connection.certificate = Some(Certificate::from_signing_key(chain, signing_key));
        Ok(connection)
    }

    fn idle(now: Instant, role: DtlsRole, fingerprint: Fingerprint, random: &[u8; 32]) -> RtcDtls {
        RtcDtls {
            role,
            fingerprint,
            cookie: Cookie::new(random),
            stage: Stage::Idle,
            reassembly: Reassembly::default(),
            last_message: None,
            change_cipher_spec: false,
            unlocked: false,
            held: VecDeque::new(),
            encrypted_budget: (now, 0),
            received: None,
            pokes: (0, None),
            fails_at: None,
            sent_clear: 0,
            fed_clear: 0,
            certificate: None,
            endpoint: None,
            repeat: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Goes on where another node stopped; record numbers jump by [`RECORD_JUMP`].
    pub fn restore(
        now: Instant,
        state: &State,
        fingerprint: Fingerprint,
        random: &[u8; 32],
    ) -> Result<RtcDtls, Error> {
        let invalid = |_: LibraryError| Error::Invalid("the DTLS state cannot be used");
        let provider: Arc<dyn RTCCryptoProvider> = Arc::new(RingProvider::new());
        let mut session = LibraryState::new(provider.clone(), state.role == DtlsRole::Client);
        let mut room = Vec::new();
        session.unmarshal_binary(align(&state.session, &mut room)).map_err(invalid)?;
        if certificate_fingerprint(&session) != Some(fingerprint) {
            return Err(Error::Invalid("the DTLS state is another client's"));
        }
        // An association with a state is established at once, and only a client may bring one.
        let config = library::builder(provider).build(true, None).map_err(invalid)?;
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        endpoint.connect(now, PEER, Arc::new(config), Some(session)).map_err(invalid)?;
        // Records that never leave: the only way to move the library's counter.
        for _ in 0..RECORD_JUMP {
            endpoint.write(now, PEER, &[]).map_err(invalid)?;
            while endpoint.poll_transmit().is_some() {}
        }
        let mut connection = RtcDtls::idle(now, state.role, fingerprint, random);
        connection.endpoint = Some(endpoint);
        connection.stage = Stage::Established;
        connection.unlocked = true;
        connection.received = Some(Window::restore(&state.received));
        // There is no flight left to repeat.
        connection.pokes = (u32::MAX, None);
        Ok(connection)
    }

    fn build_config(&self, profiles: &[Profile]) -> Result<Arc<HandshakeConfig>, LibraryError> {
        library::config(
            self.role,
            self.certificate.as_ref(),
            self.fingerprint,
            profiles,
            self.cookie,
        )
    }

    /// A ClientHello with our cookie has come: the library takes over. It wants to have asked for
    /// that cookie itself, so it is shown the ClientHello without it first.
    pub(super) fn accept_hello(
        &mut self,
        now: Instant,
        message: &Message,
        profile: Profile,
        first: &[u8],
    ) {
        let Ok(config) = self.build_config(&[profile]) else {
            return self.fail(DisconnectReason::HandshakeFailed);
        };
        self.endpoint = Some(Endpoint::new(PEER, TransportProtocol::UDP, Some(config)));
        self.stage = Stage::Handshaking;
        self.feed_message(now, message.message_type, 0, first);
        self.transmits.clear();
        self.feed_message(now, message.message_type, message.sequence, &message.body);
    }

    /// Gives a whole message in the clear to the library.
    pub(super) fn feed_message(
        &mut self,
        now: Instant,
        message_type: u8,
        sequence: u16,
        body: &[u8],
    ) {
        let number = self.next_clear();
        if let Some(record) = build_handshake(message_type, sequence, number, body) {
            self.feed(now, &record);
        }
    }

    pub(super) fn next_clear(&mut self) -> u64 {
        self.fed_clear += 1;
        self.fed_clear - 1
    }

    /// Gives a record to the library. Whether something came of it.
    pub(super) fn feed(&mut self, now: Instant, record: &[u8]) -> bool {
        let Some(endpoint) = &mut self.endpoint else { return false };
        let result = endpoint.read(now, PEER, None, BytesMut::from(record));
        let queued = self.events.len();
        let (events, error) = match result {
            Ok(events) => (events, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => self.establish(),
                EndpointEvent::ApplicationData(data) if self.stage == Stage::Established => {
                    self.events.push_back(Event::Data(data.freeze()));
                }
                EndpointEvent::PeerClosed if self.stage == Stage::Established => {
                    self.end(Event::Closed);
                }
                _ => {}
            }
        }
        let has_sent = self.drain();
        if has_sent && self.stage == Stage::Handshaking {
            self.repeat = Some((now + FIRST_REPEAT, FIRST_REPEAT));
        }
        match (error, self.stage) {
            (Some(_), Stage::Handshaking) => self.fail(DisconnectReason::HandshakeFailed),
            (Some(LibraryError::ErrAlertFatalOrClose), Stage::Established) => {
                self.end(Event::Closed);
            }
            _ => {}
        }
        self.events.len() > queued
    }

    /// Whether the library has keys.
    pub(super) fn has_keys(&self) -> bool {
        let state = self.endpoint.as_ref().and_then(|e| e.get_connection_state(PEER));
        state.and_then(|state| state.cipher_suite()).is_some_and(|suite| suite.is_initialized())
    }

    /// The handshake is done. Nothing is used of it before the certificate was compared.
    fn establish(&mut self) {
        let state = self.endpoint.as_ref().and_then(|e| e.get_connection_state(PEER));
        let Some(state) = state else { return };
        if certificate_fingerprint(state) != Some(self.fingerprint) {
            return self.fail(DisconnectReason::FingerprintMismatch);
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::Aes128CmHmacSha1_80,
            _ => return self.fail(DisconnectReason::HandshakeFailed),
        };
        let material =
            state.export_keying_material(SRTP_EXPORTER, &[], profile.keying_material_len());
        let is_client = self.role == DtlsRole::Client;
        let keys = material.ok().and_then(|m| Keys::new(profile, m.as_ref(), is_client));
        let Some(keys) = keys else { return self.fail(DisconnectReason::HandshakeFailed) };
        self.stage = Stage::Established;
        self.repeat = None;
        self.fails_at = None;
        let established = Established { keys, version: "DTLS 1.2" };
        self.events.push_back(Event::Established(Box::new(established)));
    }

    pub(super) fn fail(&mut self, reason: DisconnectReason) {
        let reason = self.fails_at.map_or(reason, |(_, reason)| reason);
        self.end(Event::Failed(reason));
    }

    fn end(&mut self, event: Event) {
        self.drain();
        self.stage = Stage::Over;
        self.repeat = None;
        self.fails_at = None;
        self.held.clear();
        self.events.push_back(event);
    }

    /// Fetches what the library wants to send.
    fn drain(&mut self) -> bool {
        let Some(endpoint) = &mut self.endpoint else { return false };
        let before = self.transmits.len();
        while let Some(mut transmit) = endpoint.poll_transmit() {
            renumber(&mut transmit.message, &mut self.sent_clear);
            self.transmits.push_back(transmit.message.freeze());
        }
        self.transmits.len() > before
    }

    pub(super) fn send(&mut self, record: Vec<u8>) {
        self.transmits.push_back(record.into());
    }
}

impl Dtls for RtcDtls {
    fn start(&mut self, now: Instant) {
        if self.role != DtlsRole::Client || self.stage != Stage::Idle {
            return;
        }
        let profiles = [Profile::AeadAes128Gcm, Profile::Aes128CmHmacSha1_80];
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        let begun = self
            .build_config(&profiles)
            .and_then(|config| endpoint.connect(now, PEER, config, None));
        if begun.is_err() {
            return self.fail(DisconnectReason::HandshakeFailed);
        }
        self.endpoint = Some(endpoint);
        self.stage = Stage::Handshaking;
        self.repeat = Some((now + FIRST_REPEAT, FIRST_REPEAT));
        self.drain();
    }

    fn handle(&mut self, now: Instant, datagram: &[u8]) -> Result<(), DropReason> {
        self.handle_datagram(now, datagram)
    }

    fn write(&mut self, now: Instant, payload: &[u8]) -> Result<(), DropReason> {
        let Some(endpoint) = self.endpoint.as_mut().filter(|_| self.stage == Stage::Established)
        else {
            return Err(DropReason::NotConnected);
        };
        endpoint.write(now, PEER, payload).map_err(|_| DropReason::NotConnected)?;
        self.drain();
        Ok(())
    }

    fn close(&mut self, now: Instant) {
        if let Some(endpoint) = &mut self.endpoint
            && self.stage == Stage::Established
            // Closing never fails: the alert is queued, the association forgotten.
            && endpoint.close(now).is_ok()
        {
            self.drain();
        }
        self.stage = Stage::Over;
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((at, reason)) = self.fails_at
            && at <= now
        {
            return self.fail(reason);
        }
        let Some((next, interval)) = self.repeat.filter(|(next, _)| *next <= now) else { return };
        let Some(endpoint) = &mut self.endpoint else { return };
        let interval = (interval * 2).min(LAST_REPEAT);
        self.repeat = Some((next.max(now) + interval, interval));
        // The library repeats every second; its clock is ours to turn.
        let Some(theirs) = endpoint.poll_timeout(&PEER) else { return };
        if endpoint.handle_timeout(PEER, theirs.max(now)).is_err() {
            return self.fail(DisconnectReason::HandshakeTimeout);
        }
        self.drain();
    }

    fn deadline(&self) -> Option<Instant> {
        let repeat = self.repeat.map(|(next, _)| next);
        let fails = self.fails_at.map(|(at, _)| at);
        repeat.into_iter().chain(fails).min()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn export(&self) -> Option<State> {
        let state = self.endpoint.as_ref()?.get_connection_state(PEER)?;
        if self.stage != Stage::Established {
            return None;
        }
        let received = match &self.received {
            Some(window) => window.export(),
            None => Window::<WINDOW_WORDS>::new(0).export(),
        };
        Some(State { session: state.marshal_binary().ok()?, received, role: self.role })
    }
}

fn certificate_fingerprint(state: &LibraryState) -> Option<Fingerprint> {
    state.peer_certificates.first().map(|certificate| library::hash(certificate))
}
