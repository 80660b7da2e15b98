//! SRTP and SRTCP (RFC 3711, RFC 7714): framing, indices, replay protection. In place.
//!
//! State for an SSRC is made only after a packet of it was authenticated. What was sealed once
//! under an index is never sealed again: with AES-GCM a second time would give the key away.

pub mod cm;
pub mod gcm;
pub mod kdf;
pub mod replay;
mod streams;

use crate::DropReason;
use kdf::{KEY_LEN, SALT_LEN};
use serde::{Deserialize, Serialize};
use std::fmt;
use streams::Streams;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Indices (64 × words) by which a packet may come late: a second of a 10 Mbit/s video.
const RTP_WINDOW_WORDS: usize = 16;
/// SRTCP comes rarely: half a minute of it.
const RTCP_WINDOW_WORDS: usize = 2;
/// Indices (64 × words) by which a packet that is forwarded may come late: reordering on the
/// publisher's path, and quick repairs.
const SEALED_WINDOW_WORDS: usize = 2;
/// SSRCs a peer sends at once: 16 tracks of four encodings, each with retransmissions. One more
/// takes the place of the one unused for longest.
const MAX_INGRESS_SSRCS: usize = 128;
/// SSRCs ever sent to a peer under one key. None may be forgotten; 16 bytes each.
const MAX_EGRESS_SSRCS: usize = 16_384;
/// By how much SRTCP indices jump when a transport is restored, so that what the former node sent
/// after its last report can not be repeated.
pub const INDEX_JUMP: u32 = 512;
/// The last index of SRTP, 48 bits (RFC 3711 section 9.2).
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;
/// The last index of SRTCP, 31 bits.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// The bit that says an SRTCP packet is encrypted, beside its index.
const RTCP_ENCRYPTED: u32 = 1 << 31;
const RTCP_HEADER_LEN: usize = 8;
const RTCP_INDEX_LEN: usize = 4;
const RTP_FIXED_HEADER_LEN: usize = 12;

/// Bytes by which sealing makes a packet longer, at most.
pub const MAX_OVERHEAD: usize = gcm::TAG_LEN + RTCP_INDEX_LEN;

/// Protection profiles in use (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM`: preferred, it costs a quarter of the other.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: every client has it.
    Aes128CmHmacSha1_80,
}

impl Profile {
    /// The name in the IANA registry, without its `SRTP_`.
    pub fn name(self) -> &'static str {
        match self {
            Profile::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Profile::Aes128CmHmacSha1_80 => "AES128_CM_HMAC_SHA1_80",
        }
    }

    fn salt_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm => 12,
            Profile::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// Bytes to export from DTLS for both directions.
    pub fn keying_material_len(self) -> usize {
        2 * (KEY_LEN + self.salt_len())
    }
}

/// The master key and salt of one direction; the salt ends in zeros where it is shorter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    key: [u8; KEY_LEN],
    salt: [u8; SALT_LEN],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The master keys of both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// How they are used.
    pub profile: Profile,
    /// For what we send.
    pub local: MasterKey,
    /// For what the client sends.
    pub remote: MasterKey,
}

impl Keys {
    /// Cuts DTLS keying material into keys (RFC 5764 section 4.2): client's and server's key, then
    /// client's and server's salt.
    pub fn new(profile: Profile, material: &[u8], we_are_client: bool) -> Option<Keys> {
        let salt_len = profile.salt_len();
        let (client_key, rest) = material.split_first_chunk::<KEY_LEN>()?;
        let (server_key, rest) = rest.split_first_chunk::<KEY_LEN>()?;
        let (client_salt, rest) = rest.split_at_checked(salt_len)?;
        let server_salt = rest.get(..salt_len)?;
        let master = |key: &[u8; KEY_LEN], from: &[u8]| {
            let mut salt = [0; SALT_LEN];
            salt.iter_mut().zip(from).for_each(|(byte, from)| *byte = *from);
            MasterKey { key: *key, salt }
        };
        let client = master(client_key, client_salt);
        let server = master(server_key, server_salt);
        let (local, remote) = if we_are_client { (client, server) } else { (server, client) };
        Some(Keys { profile, local, remote })
    }
}

enum Cipher {
    Gcm(gcm::Keys),
    Cm(Box<cm::Keys>),
}

impl Cipher {
    fn new(profile: Profile, master: &MasterKey) -> Option<Cipher> {
        Some(match profile {
            Profile::AeadAes128Gcm => Cipher::Gcm(gcm::Keys::new(&master.key, &master.salt)?),
            Profile::Aes128CmHmacSha1_80 => {
                Cipher::Cm(Box::new(cm::Keys::new(&master.key, &master.salt)?))
            }
        })
    }
}

/// SRTP and SRTCP of one peer, both directions.
pub struct Session {
    keys: Keys,
    local: Cipher,
    remote: Cipher,
    /// The indices sealed, for each SSRC.
    sealed: Streams<replay::Window<SEALED_WINDOW_WORDS>>,
    opened: Streams<replay::Window<RTP_WINDOW_WORDS>>,
    opened_rtcp: Streams<replay::Window<RTCP_WINDOW_WORDS>>,
    /// The SRTCP index to be used next; one counter for all SSRCs.
    next_rtcp_index: u32,
}

impl Session {
    /// A session under new keys.
    pub fn new(keys: Keys) -> Option<Session> {
        Some(Session {
            local: Cipher::new(keys.profile, &keys.local)?,
            remote: Cipher::new(keys.profile, &keys.remote)?,
            keys,
            sealed: Streams::new(MAX_EGRESS_SSRCS),
            opened: Streams::new(MAX_INGRESS_SSRCS),
            opened_rtcp: Streams::new(MAX_INGRESS_SSRCS),
            next_rtcp_index: 1,
        })
    }

    /// The profile in use.
    pub fn profile(&self) -> Profile {
        self.keys.profile
    }

    /// Encrypts the RTP packet in `buffer[..len]`; see [`super::Transport::seal_rtp`].
    pub fn seal_rtp(
        &mut self,
        index: u64,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, DropReason> {
        let packet = buffer.get(..len).ok_or(DropReason::Malformed)?;
        let header = RtpHeader::read(packet).ok_or(DropReason::Malformed)?;
        if index as u16 != header.sequence || index > MAX_RTP_INDEX {
            return Err(DropReason::Malformed);
        }
        match self.sealed.find_mut(header.ssrc) {
            Some(window) if !window.is_new(index) => return Err(DropReason::SrtpIndexReused),
            // The index counts as used even where sealing fails for want of room.
            Some(window) => window.accept(index),
            None => {
                if !self.sealed.insert(header.ssrc, replay::Window::closed(index)) {
                    return Err(DropReason::TooManyStreams);
                }
            }
        }
        match &self.local {
            Cipher::Gcm(keys) => keys.seal_rtp(header.ssrc, index, buffer, header.len, len),
            Cipher::Cm(keys) => keys.seal_rtp(header.ssrc, index, buffer, header.len, len),
        }
        .ok_or(DropReason::TooLarge)
    }

    /// Authenticates and decrypts an SRTP packet in place; gives its length and index.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<(usize, u64), DropReason> {
        let header = RtpHeader::read(packet).ok_or(DropReason::Malformed)?;
        let window = self.opened.find_mut(header.ssrc);
        let index = match &window {
            Some(window) => {
                let index = estimate_index(window.highest(), header.sequence)
                    .ok_or(DropReason::SrtpReplayed)?;
                if !window.is_new(index) {
                    return Err(DropReason::SrtpReplayed);
                }
                index
            }
            None => u64::from(header.sequence),
        };
        let len = match &self.remote {
            Cipher::Gcm(keys) => keys.open_rtp(header.ssrc, index, packet, header.len),
            Cipher::Cm(keys) => keys.open_rtp(header.ssrc, index, packet, header.len),
        }
        .ok_or(DropReason::SrtpUnauthenticated)?;
        match window {
            Some(window) => window.accept(index),
            None => self.opened.replace_oldest(header.ssrc, replay::Window::new(index)),
        }
        Ok((len, index))
    }

    /// Encrypts the compound RTCP packet in `buffer[..len]`.
    pub fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        let ssrc = buffer.get(..len).and_then(rtcp_ssrc).ok_or(DropReason::Malformed)?;
        let index = self.next_rtcp_index;
        if index > MAX_RTCP_INDEX {
            return Err(DropReason::SrtpIndexReused);
        }
        self.next_rtcp_index = index.saturating_add(1);
        match &self.local {
            Cipher::Gcm(keys) => keys.seal_rtcp(ssrc, index, buffer, len),
            Cipher::Cm(keys) => keys.seal_rtcp(ssrc, index, buffer, len),
        }
        .ok_or(DropReason::TooLarge)
    }

    /// Authenticates and decrypts a compound RTCP packet in place; gives its length.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let ssrc = rtcp_ssrc(packet).ok_or(DropReason::Malformed)?;
        let word = match &self.remote {
            Cipher::Gcm(_) => packet.last_chunk::<RTCP_INDEX_LEN>().copied(),
            Cipher::Cm(_) => packet
                .len()
                .checked_sub(cm::TAG_LEN)
                .and_then(|end| packet.get(..end)?.last_chunk::<RTCP_INDEX_LEN>().copied()),
        };
        let word = u32::from_be_bytes(word.ok_or(DropReason::Malformed)?);
        // A packet in the clear, although authenticated, is none we asked for (RFC 8827).
        if word & RTCP_ENCRYPTED == 0 {
            return Err(DropReason::SrtpUnauthenticated);
        }
        let index = word & !RTCP_ENCRYPTED;
        let window = self.opened_rtcp.find_mut(ssrc);
        if window.as_ref().is_some_and(|window| !window.is_new(index.into())) {
            return Err(DropReason::SrtpReplayed);
        }
        let len = match &self.remote {
            Cipher::Gcm(keys) => keys.open_rtcp(ssrc, index, packet),
            Cipher::Cm(keys) => keys.open_rtcp(ssrc, index, packet),
        }
        .ok_or(DropReason::SrtpUnauthenticated)?;
        match window {
            Some(window) => window.accept(index.into()),
            None => self.opened_rtcp.replace_oldest(ssrc, replay::Window::new(index.into())),
        }
        Ok(len)
    }

    /// Everything needed to go on elsewhere.
    pub fn export(&self) -> State {
        State {
            keys: self.keys.clone(),
            sealed: self.sealed.iter().map(|(ssrc, window)| (ssrc, window.highest())).collect(),
            opened: self.opened.iter().map(|(ssrc, window)| (ssrc, window.export())).collect(),
            opened_rtcp: self
                .opened_rtcp
                .iter()
                .map(|(ssrc, window)| (ssrc, window.export()))
                .collect(),
            next_rtcp_index: self.next_rtcp_index,
        }
    }

    /// Goes on where another node stopped; SRTCP indices jump by [`INDEX_JUMP`].
    pub fn restore(state: &State) -> Option<Session> {
        let mut session = Session::new(state.keys.clone())?;
        session.next_rtcp_index = state.next_rtcp_index.saturating_add(INDEX_JUMP);
        for (ssrc, last) in &state.sealed {
            if !session.sealed.insert(*ssrc, replay::Window::closed(*last)) {
                return None;
            }
        }
        for (ssrc, window) in state.opened.iter().take(MAX_INGRESS_SSRCS) {
            session.opened.replace_oldest(*ssrc, replay::Window::restore(window));
        }
        for (ssrc, window) in state.opened_rtcp.iter().take(MAX_INGRESS_SSRCS) {
            session.opened_rtcp.replace_oldest(*ssrc, replay::Window::restore(window));
        }
        Some(session)
    }
}

/// A session as plain data; as secret as the keys in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    keys: Keys,
    sealed: Vec<(u32, u64)>,
    opened: Vec<(u32, replay::State)>,
    opened_rtcp: Vec<(u32, replay::State)>,
    next_rtcp_index: u32,
}

impl State {
    /// The last index sealed for each SSRC: what the forwarders must jump beyond.
    pub fn sealed(&self) -> &[(u32, u64)] {
        &self.sealed
    }
}

/// What SRTP must know of an RTP header (RFC 3550 section 5.1).
struct RtpHeader {
    ssrc: u32,
    sequence: u16,
    /// With CSRCs and extension.
    len: usize,
}

impl RtpHeader {
    fn read(packet: &[u8]) -> Option<RtpHeader> {
        let [first, _, s1, s2, _, _, _, _, ssrc @ ..] =
            packet.first_chunk::<RTP_FIXED_HEADER_LEN>()?;
        if first >> 6 != 2 {
            return None;
        }
        let mut len = RTP_FIXED_HEADER_LEN + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let words = packet.get(len..)?.get(2..)?.first_chunk::<2>()?;
            len += 4 + 4 * usize::from(u16::from_be_bytes(*words));
        }
        let sequence = u16::from_be_bytes([*s1, *s2]);
        (len <= packet.len()).then_some(RtpHeader {
            ssrc: u32::from_be_bytes(*ssrc),
            sequence,
            len,
        })
    }
}

fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let [first, _, _, _, ssrc @ ..] = packet.first_chunk::<RTCP_HEADER_LEN>()?;
    (first >> 6 == 2).then_some(u32::from_be_bytes(*ssrc))
}

/// RFC 3711 section 3.3.1 and appendix A: the index nearest to the highest one authenticated.
/// `None` for an index before the first.
fn estimate_index(highest: u64, sequence: u16) -> Option<u64> {
    let base = highest & !0xffff;
    let last = highest as u16;
    let guess = base | u64::from(sequence);
    if last < 0x8000 {
        if sequence > last && sequence - last > 0x8000 {
            return guess.checked_sub(0x1_0000);
        }
    } else if last - 0x8000 > sequence {
        return Some(guess + 0x1_0000).filter(|index| *index <= MAX_RTP_INDEX);
    }
    Some(guess)
}

#[cfg(test)]
mod tests;
