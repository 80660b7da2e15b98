//! DTLS records and handshake fragments on the wire (RFC 6347 section 4.1 and 4.2.2).

use lectern_wire::cursor::Reader;

/// Bytes of a record's header.
pub const RECORD_HEADER_LEN: usize = 13;
/// Bytes of a handshake fragment's header.
pub const FRAGMENT_HEADER_LEN: usize = 12;
/// DTLS 1.2 on the wire.
pub const VERSION_1_2: u16 = 0xfefd;
/// DTLS 1.0 on the wire: the first ClientHello may carry it.
const VERSION_1_0: u16 = 0xfeff;
const MAX_SEQUENCE: u64 = (1 << 48) - 1;

/// What a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// ChangeCipherSpec.
    ChangeCipherSpec,
    /// Alert.
    Alert,
    /// Handshake.
    Handshake,
    /// Application data.
    ApplicationData,
}

/// One record of a datagram.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// What it carries.
    pub content_type: ContentType,
    /// 0 in the clear, 1 under the negotiated keys.
    pub epoch: u16,
    /// Its number in the epoch.
    pub sequence: u64,
    /// What follows the header.
    pub payload: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

/// Takes the first record off a datagram. `None` where there is no whole one of a known kind.
pub fn next_record<'a>(datagram: &mut &'a [u8]) -> Option<Record<'a>> {
    let mut reader = Reader::new(datagram);
    let content_type = match reader.u8().ok()? {
        20 => ContentType::ChangeCipherSpec,
        21 => ContentType::Alert,
        22 => ContentType::Handshake,
        23 => ContentType::ApplicationData,
        _ => return None,
    };
    if !matches!(reader.u16().ok()?, VERSION_1_0 | VERSION_1_2) {
        return None;
    }
    let epoch = reader.u16().ok()?;
    let [s0, s1, s2, s3, s4, s5] = reader.array::<6>().ok()?;
    let sequence = u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]);
    let len = usize::from(reader.u16().ok()?);
    let payload = reader.take(len).ok()?;
    let (whole, rest) = datagram.split_at_checked(RECORD_HEADER_LEN + len)?;
    *datagram = rest;
    // No content of a record we understand is empty.
    (len > 0).then_some(Record { content_type, epoch, sequence, payload, whole })
}

/// Rewrites the numbers of the records in the clear in a datagram of ours: they are counted over
/// what the gate and the library send together.
pub fn renumber(datagram: &mut [u8], next: &mut u64) {
    let mut rest = datagram;
    while rest.len() >= RECORD_HEADER_LEN {
        let len = usize::from(u16::from_be_bytes([rest[11], rest[12]]));
        let Some((record, after)) = rest.split_at_mut_checked(RECORD_HEADER_LEN + len) else {
            return;
        };
        if record[3..5] == [0, 0] && *next <= MAX_SEQUENCE {
            record[5..11].copy_from_slice(&next.to_be_bytes()[2..]);
            *next += 1;
        }
        rest = after;
    }
}

/// A fragment of a handshake message.
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'a> {
    /// The message's type.
    pub message_type: u8,
    /// The whole message's length.
    pub message_len: usize,
    /// The message's number.
    pub message_sequence: u16,
    /// Where the fragment begins.
    pub offset: usize,
    /// Its part of the message.
    pub body: &'a [u8],
}

/// Takes the first fragment off a handshake record's payload.
pub fn next_fragment<'a>(payload: &mut &'a [u8]) -> Option<Fragment<'a>> {
    let mut reader = Reader::new(payload);
    let message_type = reader.u8().ok()?;
    let message_len = reader.u24().ok()? as usize;
    let message_sequence = reader.u16().ok()?;
    let offset = reader.u24().ok()? as usize;
    let len = reader.u24().ok()? as usize;
    let body = reader.take(len).ok()?;
    *payload = reader.rest();
    let fits = offset.checked_add(len).is_some_and(|end| end <= message_len);
    // An empty fragment is a message without a body, or nothing.
    let is_part = len > 0 || message_len == 0;
    (fits && is_part).then_some(Fragment {
        message_type,
        message_len,
        message_sequence,
        offset,
        body,
    })
}

/// A record in the clear around one whole handshake message.
pub fn build_handshake(
    message_type: u8,
    message_sequence: u16,
    sequence: u64,
    body: &[u8],
) -> Option<Vec<u8>> {
    let payload_len = u16::try_from(body.len().checked_add(FRAGMENT_HEADER_LEN)?).ok()?;
    let body_len = u32::try_from(body.len()).ok()?.to_be_bytes();
    let mut record = Vec::with_capacity(RECORD_HEADER_LEN + usize::from(payload_len));
    record.push(22);
    record.extend(VERSION_1_2.to_be_bytes());
    record.extend([0, 0]);
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend(payload_len.to_be_bytes());
    record.push(message_type);
    record.extend(&body_len[1..]);
    record.extend(message_sequence.to_be_bytes());
    record.extend([0, 0, 0]);
    record.extend(&body_len[1..]);
    record.extend(body);
    Some(record)
}

/// A ChangeCipherSpec record.
pub fn build_change_cipher_spec(sequence: u64) -> Vec<u8> {
    let mut record = vec![20];
    record.extend(VERSION_1_2.to_be_bytes());
    record.extend([0, 0]);
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend([0, 1, 1]);
    record
}
