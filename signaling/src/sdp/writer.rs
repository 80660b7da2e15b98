//! Lines that offers and answers share.

use super::candidate;
use super::transport::Setup;
use lectern_control::limits::MAX_DATA_MESSAGE_BYTES;
use lectern_control::media::{Codec, CodecName, ExtensionId};
use lectern_control::transport::{Candidate, Fingerprint, IceCredentials};
use std::fmt::Write;

/// The port of SCTP over DTLS that browsers use; there is but one association.
const SCTP_PORT: u16 = 5000;

/// Our side of the transport.
#[derive(Debug, Clone, Copy)]
pub struct LocalTransport<'a> {
    /// Our credentials.
    pub ice: &'a IceCredentials,
    /// Our certificate's.
    pub fingerprint: Fingerprint,
    /// Our part in the handshake.
    pub setup: Setup,
    /// Candidates to announce; none once the client knows them.
    pub candidates: &'a [Candidate],
}

/// Names a description (RFC 8866 section 5.2): the version grows with each.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The same for all descriptions of a transport.
    pub session: u64,
    /// Which of them.
    pub version: u64,
}

/// A description being written.
pub struct Writer {
    text: String,
}

impl Writer {
    /// The session part. It names no address of ours: candidates do.
    pub fn new(origin: Origin, bundle: &[&str], extmap_allow_mixed: bool) -> Writer {
        let mut writer = Writer { text: String::with_capacity(4096) };
        // A session id fits 63 bits so that every parser holds it (RFC 9429 section 5.2.1).
        let session = origin.session >> 1;
        writer.line("v=0");
        writer.line(format_args!("o=- {session} {} IN IP4 0.0.0.0", origin.version));
        writer.line("s=-");
        writer.line("t=0 0");
        if !bundle.is_empty() {
            writer.line(format_args!("a=group:BUNDLE {}", bundle.join(" ")));
        }
        if extmap_allow_mixed {
            writer.line("a=extmap-allow-mixed");
        }
        writer.line("a=msid-semantic: WMS *");
        writer
    }

    /// Appends one line.
    pub fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{line}\r\n");
    }

    /// The `m=` line of a live section and what every section says of the transport.
    pub fn section(
        &mut self,
        media_line: std::fmt::Arguments<'_>,
        mid: &str,
        transport: &LocalTransport<'_>,
    ) {
        self.line(format_args!("m={media_line}"));
        self.line("c=IN IP4 0.0.0.0");
        self.line(format_args!("a=ice-ufrag:{}", transport.ice.ufrag));
        self.line(format_args!("a=ice-pwd:{}", transport.ice.pwd.expose()));
        self.line("a=ice-options:trickle");
        self.line(format_args!("a=fingerprint:{}", transport.fingerprint));
        self.line(format_args!("a=setup:{}", transport.setup.as_str()));
        if !mid.is_empty() {
            self.line(format_args!("a=mid:{mid}"));
        }
        for (index, candidate) in transport.candidates.iter().enumerate() {
            self.line(format_args!("a={}", candidate::print(candidate, index + 1)));
        }
        if !transport.candidates.is_empty() {
            self.line("a=end-of-candidates");
        }
    }

    /// A section that is rejected.
    pub fn rejected(&mut self, media_line: std::fmt::Arguments<'_>, mid: &str) {
        self.line(format_args!("m={media_line}"));
        self.line("c=IN IP4 0.0.0.0");
        if !mid.is_empty() {
            self.line(format_args!("a=mid:{mid}"));
        }
        self.line("a=inactive");
    }

    /// The rest of a section of data channels.
    pub fn data(&mut self) {
        self.line(format_args!("a=sctp-port:{SCTP_PORT}"));
        self.line(format_args!("a=max-message-size:{MAX_DATA_MESSAGE_BYTES}"));
    }

    /// `a=extmap` lines.
    pub fn extensions(&mut self, extensions: &[ExtensionId]) {
        for extension in extensions {
            self.line(format_args!("a=extmap:{} {}", extension.id, extension.extension.uri()));
        }
    }

    /// `a=rtcp-mux` and its like, for media sections.
    pub fn rtcp(&mut self) {
        self.line("a=rtcp:9 IN IP4 0.0.0.0");
        self.line("a=rtcp-mux");
        self.line("a=rtcp-rsize");
    }

    /// `a=rtpmap`, `a=rtcp-fb` and `a=fmtp` of a codec and its retransmissions.
    pub fn codec(&mut self, codec: &Codec) {
        let payload_type = codec.payload_type;
        let is_sound = matches!(codec.name, CodecName::Opus | CodecName::Red);
        let channels = if is_sound { "/2" } else { "" };
        let (name, rate) = (codec.name.encoding_name(), codec.name.clock_rate());
        self.line(format_args!("a=rtpmap:{payload_type} {name}/{rate}{channels}"));
        let feedback = [
            (codec.feedback.transport_wide, "transport-cc"),
            (codec.feedback.remb, "goog-remb"),
            (codec.feedback.fir, "ccm fir"),
            (codec.feedback.nack, "nack"),
            (codec.feedback.pli, "nack pli"),
        ];
        for (_, kind) in feedback.iter().filter(|(on, _)| *on) {
            self.line(format_args!("a=rtcp-fb:{payload_type} {kind}"));
        }
        if !codec.format.is_empty() {
            self.line(format_args!("a=fmtp:{payload_type} {}", codec.format));
        }
        if let Some(rtx) = codec.rtx_payload_type {
            self.line(format_args!("a=rtpmap:{rtx} rtx/{rate}"));
            self.line(format_args!("a=fmtp:{rtx} apt={payload_type}"));
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Payload types of codecs and their retransmissions, as they stand in an `m=` line.
pub fn payload_types(codecs: &[Codec]) -> String {
    let both = codecs.iter().flat_map(|codec| [Some(codec.payload_type), codec.rtx_payload_type]);
    both.flatten().map(|payload_type| payload_type.to_string()).collect::<Vec<_>>().join(" ")
}
