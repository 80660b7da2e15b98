//! What a client and the other side agreed on: codecs and their payload types, header extensions and
//! their ids, ICE credentials and candidates. No signaling: tests set both sides.

use crate::frame::Codec;
use std::net::SocketAddr;
use str0m::format::{CodecConfig, FormatParams};
use str0m::media::{Frequency, Pt};
use str0m::rtp::Extension;

/// All codecs, in the order in which [`Config::first_payload_type`] numbers them.
pub const CODECS: [Codec; 4] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264];
/// Header extensions a client can negotiate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderExtension {
    /// `ssrc-audio-level`.
    AudioLevel,
    /// `abs-send-time`.
    AbsoluteSendTime,
    /// `transport-wide-cc-extensions-01`.
    TransportSequence,
    /// `sdes:mid`.
    Mid,
    /// `sdes:rtp-stream-id`.
    Rid,
    /// `sdes:repaired-rtp-stream-id`.
    RepairedRid,
}

/// All of them, in the order in which [`Config::first_extension`] numbers them.
pub const EXTENSIONS: [HeaderExtension; 6] = [
    HeaderExtension::AudioLevel,
    HeaderExtension::AbsoluteSendTime,
    HeaderExtension::TransportSequence,
    HeaderExtension::Mid,
    HeaderExtension::Rid,
    HeaderExtension::RepairedRid,
];

/// What a client is made from.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it sends from.
    pub address: SocketAddr,
    /// Its ICE user fragment.
    pub ufrag: String,
    /// Its ICE password.
    pub password: String,
    /// It nominates.
    pub is_controlling: bool,
    /// It sends the ClientHello, as browsers that answer do.
    pub begins_dtls: bool,
    /// The first of its payload types; see [`Config::payload_types`].
    pub first_payload_type: u8,
    /// The first of its extension ids; see [`Config::extension_ids`].
    pub first_extension: u8,
}

impl Config {
    /// The payload type of a codec and that of its retransmissions.
    pub fn payload_types(&self, codec: Codec) -> (u8, Option<u8>) {
        let at = CODECS.iter().position(|known| *known == codec).unwrap_or(0) as u8;
        let payload_type = self.first_payload_type + 2 * at;
        (payload_type, codec.is_video().then_some(payload_type + 1))
    }

    /// The payload type of redundant sound.
    pub fn redundant_type(&self) -> u8 {
        self.first_payload_type + 2 * CODECS.len() as u8
    }

    /// The header extensions with their ids.
    pub fn extension_ids(&self) -> impl Iterator<Item = (u8, HeaderExtension)> {
        (self.first_extension..).zip(EXTENSIONS)
    }
}

/// What a client must know of the other side.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Its ICE user fragment.
    pub ufrag: String,
    /// Its ICE password.
    pub password: String,
    /// SHA-256 of its certificate.
    pub fingerprint: [u8; 32],
    /// Where it is, with the priorities it gives its candidates.
    pub candidates: Vec<(SocketAddr, u32)>,
}

pub(crate) fn add_codec(
    config: &mut CodecConfig,
    codec: Codec,
    (payload_type, rtx): (u8, Option<u8>),
) {
    let (payload_type, rtx) = (Pt::from(payload_type), rtx.map(Pt::from));
    let (name, format) = match codec {
        Codec::Opus => (str0m::format::Codec::Opus, FormatParams::default()),
        Codec::Vp8 => (str0m::format::Codec::Vp8, FormatParams::default()),
        Codec::Vp9 => (
            str0m::format::Codec::Vp9,
            FormatParams { profile_id: Some(0), ..FormatParams::default() },
        ),
        Codec::H264 => return config.add_h264(payload_type, rtx, true, 0x42_e01f),
    };
    let (rate, channels) = if codec.is_video() {
        (Frequency::NINETY_KHZ, None)
    } else {
        (Frequency::FORTY_EIGHT_KHZ, Some(2))
    };
    config.add_config(payload_type, rtx, name, rate, channels, format);
}

/// `str0m` passes on what has a known payload type, and need not know what it means.
pub(crate) fn add_redundancy(config: &mut CodecConfig, payload_type: u8) {
    let format = FormatParams { stereo: Some(true), ..FormatParams::default() };
    let (rate, channels) = (Frequency::FORTY_EIGHT_KHZ, Some(2));
    let name = str0m::format::Codec::Opus;
    config.add_config(Pt::from(payload_type), None, name, rate, channels, format);
}

impl From<HeaderExtension> for Extension {
    fn from(extension: HeaderExtension) -> Extension {
        match extension {
            HeaderExtension::AudioLevel => Extension::AudioLevel,
            HeaderExtension::AbsoluteSendTime => Extension::AbsoluteSendTime,
            HeaderExtension::TransportSequence => Extension::TransportSequenceNumber,
            HeaderExtension::Mid => Extension::RtpMid,
            HeaderExtension::Rid => Extension::RtpStreamId,
            HeaderExtension::RepairedRid => Extension::RepairedRtpStreamId,
        }
    }
}
