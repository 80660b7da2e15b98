//! What a datagram must pass before the library sees it.
//!
//! Nothing in the clear can end a connection, nor a handshake at once: whoever can forge the
//! client's address could send it (RFC 6347 section 4.1.2.7).

use super::hello::{ClientHello, build_verify_request};
use super::library::hash;
use super::order::{is_last, may_follow, message_type};
use super::reassembly::{Message, Reassembly, Refused};
use super::record::{ContentType, Record, build_change_cipher_spec, next_fragment, next_record};
use super::rtc::{RtcDtls, Stage};
use crate::DropReason;
use crate::transport::srtp::replay::Window;
use lectern_control::node::DisconnectReason;
use lectern_control::transport::DtlsRole;
use lectern_wire::cursor::Reader;
use std::time::{Duration, Instant};

/// What speaks against a handshake ends it after this, if it is not done by then: forged messages
/// should not end it, a wrong certificate should not keep a person waiting.
const REFUSAL_GRACE: Duration = Duration::from_secs(10);
/// Encrypted records kept until their time has come; the oldest gives way.
const MAX_HELD: usize = 8;
/// Encrypted handshake records the library gets in one second of a handshake: it keeps them all.
const MAX_ENCRYPTED_PER_SECOND: u32 = 64;
/// Bytes of an encrypted handshake record: Finished has 61 with AES-GCM.
const MAX_FINISHED_LEN: usize = 64;
/// Times the last flight is repeated because the client repeats its own, and how often.
const MAX_POKES: u32 = 8;
const POKE_INTERVAL: Duration = Duration::from_millis(50);
const ALERT_FATAL: u8 = 2;
/// The highest number of a ClientHello: the first has 0, the one with the cookie 1 (RFC 6347
/// section 4.2.2).
const LAST_HELLO: u16 = 1;

impl RtcDtls {
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<(), DropReason> {
        let mut rest = datagram;
        let mut outcome = Ok(());
        while !rest.is_empty() {
            let Some(record) = next_record(&mut rest) else {
                return Err(DropReason::Malformed);
            };
            outcome = outcome.and(self.handle_record(now, &record));
        }
        outcome
    }

    fn handle_record(&mut self, now: Instant, record: &Record<'_>) -> Result<(), DropReason> {
        match (self.stage, record.epoch, record.content_type) {
            (Stage::Over, ..) => Err(DropReason::NotConnected),
            (Stage::Idle, 0, ContentType::Handshake) if self.role == DtlsRole::Server => {
                self.handle_hello(now, record.payload)
            }
            (Stage::Handshaking, 0, ContentType::Handshake) => {
                self.handle_fragments(now, record.payload)
            }
            (Stage::Handshaking, 0, ContentType::ChangeCipherSpec) => {
                self.change_cipher_spec = true;
                self.unlock(now)
            }
            (Stage::Handshaking, 0, ContentType::Alert) => {
                if record.payload.first() == Some(&ALERT_FATAL) {
                    self.doubt(now, DisconnectReason::HandshakeFailed);
                }
                Err(DropReason::DtlsUnexpected)
            }
            (Stage::Handshaking, 1, ContentType::Handshake | ContentType::ApplicationData) => {
                self.handle_early(now, record)
            }
            (Stage::Established, 0, ContentType::Handshake) => self.poke(now),
            (Stage::Established, 1, ContentType::ApplicationData | ContentType::Alert) => {
                self.handle_encrypted(now, record)
            }
            _ => Err(DropReason::DtlsUnexpected),
        }
    }

    /// Before there is state: a ClientHello is answered with a cookie, one with a cookie begins.
    fn handle_hello(&mut self, now: Instant, mut payload: &[u8]) -> Result<(), DropReason> {
        while !payload.is_empty() {
            let fragment = next_fragment(&mut payload).ok_or(DropReason::Malformed)?;
            if fragment.message_type != message_type::CLIENT_HELLO
                || fragment.message_sequence > LAST_HELLO
            {
                return Err(DropReason::DtlsUnexpected);
            }
            self.reassembly.push(&fragment).map_err(|_| DropReason::DtlsOverflow)?;
        }
        let Some(message) = self.reassembly.take_any() else { return Ok(()) };
        let hello = ClientHello::parse(&message.body).ok_or(DropReason::DtlsRefused)?;
        if hello.cookie.is_empty() {
            if let Some(record) = build_verify_request(&self.cookie, self.sent_clear) {
                self.sent_clear += 1;
                self.send(record);
            }
            return Ok(());
        }
        if !self.cookie.check(&hello) || message.sequence == 0 {
            return Err(DropReason::DtlsRefused);
        }
        self.last_message = Some(message_type::CLIENT_HELLO);
        self.reassembly = Reassembly::new(message.sequence.saturating_add(1));
        self.accept_hello(now, &message, hello.profile, &hello.without_cookie());
        Ok(())
    }

    /// Messages in the clear of a handshake that has begun.
    fn handle_fragments(&mut self, now: Instant, mut payload: &[u8]) -> Result<(), DropReason> {
        let mut outcome = Ok(());
        while !payload.is_empty() {
            let fragment = next_fragment(&mut payload).ok_or(DropReason::Malformed)?;
            match self.reassembly.push(&fragment) {
                // The library repeats its flight by the clock.
                Ok(()) | Err(Refused::Repeated) => {}
                Err(Refused::Overflow) => outcome = Err(DropReason::DtlsOverflow),
            }
        }
        while let Some(message) = self.reassembly.take() {
            self.handle_message(now, &message)?;
        }
        outcome
    }

    fn handle_message(&mut self, now: Instant, message: &Message) -> Result<(), DropReason> {
        if !may_follow(self.role, self.last_message, message.message_type) {
            return Err(DropReason::DtlsRefused);
        }
        if message.message_type == message_type::CERTIFICATE
            && first_certificate(&message.body).map(hash) != Some(self.fingerprint)
        {
            self.doubt(now, DisconnectReason::FingerprintMismatch);
            return Err(DropReason::DtlsRefused);
        }
        self.reassembly.advance();
        self.last_message = Some(message.message_type);
        self.feed_message(now, message.message_type, message.sequence, &message.body);
        self.unlock(now)
    }

    /// Lets encrypted records through, once all that comes before them is there.
    fn unlock(&mut self, now: Instant) -> Result<(), DropReason> {
        let is_ready = self.stage == Stage::Handshaking
            && self.change_cipher_spec
            && !self.unlocked
            && is_last(self.role, self.last_message)
            && self.has_keys();
        if !is_ready {
            return Ok(());
        }
        self.unlocked = true;
        let record = build_change_cipher_spec(self.next_clear());
        self.feed(now, &record);
        self.release(now)
    }

    /// Hands on what was held, in the order in which it came.
    fn release(&mut self, now: Instant) -> Result<(), DropReason> {
        let mut outcome = Ok(());
        for record in std::mem::take(&mut self.held) {
            if let Some(record) = next_record(&mut record.as_slice()) {
                outcome = outcome.and(self.handle_record(now, &record));
            }
        }
        outcome
    }

    /// Encrypted records in a handshake: Finished, and data that overtook it.
    fn handle_early(&mut self, now: Instant, record: &Record<'_>) -> Result<(), DropReason> {
        let is_handshake = record.content_type == ContentType::Handshake;
        if is_handshake && record.payload.len() > MAX_FINISHED_LEN {
            return Err(DropReason::DtlsUnexpected);
        }
        if !self.unlocked || !is_handshake {
            if self.held.len() >= MAX_HELD {
                self.held.pop_front();
            }
            self.held.push_back(record.whole.to_vec());
            return Ok(());
        }
        let (since, count) = &mut self.encrypted_budget;
        if now.saturating_duration_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        if *count >= MAX_ENCRYPTED_PER_SECOND {
            return Err(DropReason::DtlsOverflow);
        }
        *count += 1;
        self.feed(now, record.whole);
        if self.stage == Stage::Established { self.release(now) } else { Ok(()) }
    }

    fn handle_encrypted(&mut self, now: Instant, record: &Record<'_>) -> Result<(), DropReason> {
        if self.received.as_ref().is_some_and(|window| !window.is_new(record.sequence)) {
            return Err(DropReason::DtlsUnauthenticated);
        }
        if !self.feed(now, record.whole) {
            return Err(DropReason::DtlsUnauthenticated);
        }
        // Something came of it, so it was authentic.
        match &mut self.received {
            Some(window) => window.accept(record.sequence),
            None => self.received = Some(Window::new(record.sequence)),
        }
        Ok(())
    }

    /// The client repeats its last flight: ours was lost (RFC 6347 section 4.2.4). What it sends
    /// is of no more use; the library is told with an empty message.
    fn poke(&mut self, now: Instant) -> Result<(), DropReason> {
        let (count, last) = &mut self.pokes;
        let recently = last.is_some_and(|last| now - last < POKE_INTERVAL);
        if self.role != DtlsRole::Server || *count >= MAX_POKES || recently {
            return Err(DropReason::DtlsUnexpected);
        }
        *count += 1;
        *last = Some(now);
        self.feed_message(now, message_type::CLIENT_HELLO, 0, &[]);
        Ok(())
    }

    fn doubt(&mut self, now: Instant, reason: DisconnectReason) {
        self.fails_at.get_or_insert((now + REFUSAL_GRACE, reason));
    }
}

/// The first certificate of a Certificate message (RFC 5246 section 7.4.2).
fn first_certificate(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    let list_len = reader.u24().ok()? as usize;
    let mut list = Reader::new(reader.take(list_len).ok()?);
    let len = list.u24().ok()? as usize;
    list.take(len).ok()
}
