//! What goes to one client on the wire, whoever sends it: no SRTCP or DTLS index twice, and no SRTP
//! index for other bytes than the first time.

use lectern_wire::{Class, Extender, SeqNo, classify, rtp};
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::Hasher;
use std::time::Duration;

/// First byte of a DTLS record: 20 to 63; epoch and sequence number follow type and version.
const DTLS_HEADER: usize = 13;
/// The E flag of an SRTCP index.
const ENCRYPTED: u32 = 1 << 31;
/// Bytes of the SRTCP index; it comes last under AES-GCM (RFC 7714 section 9.2).
const SRTCP_INDEX: usize = 4;

/// All indices seen on the way to one client.
#[derive(Debug, Default)]
pub struct Audit {
    /// By stream and index, what stands for the bytes.
    rtp: HashMap<u32, (Extender, HashMap<SeqNo, u64>)>,
    rtcp: HashSet<u32>,
    dtls: HashSet<[u8; 8]>,
    /// RTP packets seen.
    pub rtp_packets: u64,
    /// Those of them that were seen before.
    pub repeats: u64,
    /// Highest index of each stream.
    pub highest: HashMap<u32, SeqNo>,
}

impl Audit {
    /// Notes a datagram; panics where it uses an index again.
    pub fn record(&mut self, datagram: &[u8]) {
        match classify(datagram) {
            Class::Rtp => self.record_rtp(datagram),
            Class::Rtcp => self.record_rtcp(datagram),
            Class::Dtls => self.record_dtls(datagram),
            Class::Stun | Class::Unknown => {}
        }
    }

    fn record_rtp(&mut self, datagram: &[u8]) {
        let header = rtp::Header::parse(datagram).expect("the node sends whole headers");
        let ssrc = header.fields.ssrc.0;
        let (extender, used) = self.rtp.entry(ssrc).or_default();
        let index = extender.extend(header.fields.sequence);
        let mut hasher = DefaultHasher::new();
        hasher.write(datagram);
        match used.entry(index) {
            Entry::Vacant(vacant) => {
                vacant.insert(hasher.finish());
            }
            Entry::Occupied(known) => {
                let is_same = *known.get() == hasher.finish();
                assert!(is_same, "SRTP index {index:?} of {ssrc:08x} is used for other bytes");
                self.repeats += 1;
            }
        }
        self.rtp_packets += 1;
        let highest = self.highest.entry(ssrc).or_insert(index);
        *highest = index.max(*highest);
    }

    fn record_rtcp(&mut self, datagram: &[u8]) {
        let index = datagram.last_chunk::<SRTCP_INDEX>().expect("an index");
        let index = u32::from_be_bytes(*index);
        assert!(index & ENCRYPTED != 0, "RTCP in the clear");
        assert!(self.rtcp.insert(index), "SRTCP index {index:08x} is used twice");
    }

    /// A datagram may hold several records.
    fn record_dtls(&mut self, mut datagram: &[u8]) {
        while let Some((header, rest)) = datagram.split_first_chunk::<DTLS_HEADER>() {
            let epoch_and_sequence: [u8; 8] = header[3..11].try_into().expect("eight bytes");
            let number = u64::from_be_bytes(epoch_and_sequence);
            assert!(
                self.dtls.insert(epoch_and_sequence),
                "DTLS record {number:016x} is used twice"
            );
            let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
            datagram = rest.get(len..).expect("whole records");
        }
    }
}

/// When which datagrams passed, both ways: the same for the same seed. Lengths of DTLS records are
/// left out; they vary with the signatures in them.
pub type Trace = Vec<(Duration, Class, usize)>;

/// A datagram as it stands in a trace.
pub fn traced(at: Duration, datagram: &[u8]) -> (Duration, Class, usize) {
    let class = classify(datagram);
    (at, class, if class == Class::Dtls { 0 } else { datagram.len() })
}
