// What a capture of encrypted traffic shows without keys: ICE names, DTLS records, SRTP and SRTCP
// indices, so that a test can prove that none is used twice (RFC 3711 section 9.1, RFC 7714).

const STUN_COOKIE = 0x2112a442;
const STUN_USERNAME = 0x0006;
const STUN_BINDING_REQUEST = 0x0001;
const DTLS_RECORD_HEADER = 13;
const DTLS_HANDSHAKE = 22;
const RTP_HEADER = 12;
const LARGEST_SEGMENT = 1500;
const SENDER_REPORT = 200;

/** Bytes behind the SRTCP index, by the name browsers give the cipher, some without `SRTP_`. */
const SRTCP_TAG_BEHIND_INDEX = {
  AEAD_AES_128_GCM: 0,
  AEAD_AES_256_GCM: 0,
  AES128_CM_HMAC_SHA1_80: 10,
  AES128_CM_HMAC_SHA1_32: 10,
};

/** What the first byte says (RFC 7983), and for SRTP the second (RFC 5761). */
export function kind(bytes) {
  if (bytes.length < 2) return 'other';
  if (bytes[0] < 4) return 'stun';
  if (bytes[0] >= 20 && bytes[0] < 64) return 'dtls';
  if (bytes[0] >= 128 && bytes[0] < 192) {
    return bytes[1] >= 192 && bytes[1] < 224 ? 'rtcp' : 'rtp';
  }
  return 'other';
}

/** `receiver:sender` fragments of a binding request, or undefined. */
export function stunUsername(bytes) {
  if (bytes.length < 20 || bytes.readUInt32BE(4) !== STUN_COOKIE) return undefined;
  if (bytes.readUInt16BE(0) !== STUN_BINDING_REQUEST) return undefined;
  for (let at = 20; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    if (bytes.readUInt16BE(at) === STUN_USERNAME) {
      return bytes.subarray(at + 4, at + 4 + length).toString();
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return undefined;
}

/** The records of a DTLS 1.2 datagram: epoch and sequence number, and whether it is a handshake in the clear. */
export function dtlsRecords(bytes) {
  const records = [];
  for (let at = 0; at + DTLS_RECORD_HEADER <= bytes.length;) {
    const epoch = bytes.readUInt16BE(at + 3);
    const isHello = bytes[at] === DTLS_HANDSHAKE && epoch === 0;
    records.push({
      epoch,
      sequence: bytes.readUIntBE(at + 5, 6),
      type: bytes[at],
      handshake: isHello ? bytes[at + DTLS_RECORD_HEADER] : undefined,
    });
    at += DTLS_RECORD_HEADER + bytes.readUInt16BE(at + 11);
  }
  return records;
}

export function rtpHeader(bytes) {
  return { sequence: bytes.readUInt16BE(2), ssrc: bytes.readUInt32BE(8) };
}

/** SRTCP's sender and its explicit index. */
export function srtcpIndex(bytes, cipher) {
  const behind = SRTCP_TAG_BEHIND_INDEX[cipher?.replace(/^SRTP_/, '')];
  if (behind === undefined) throw new Error(`unknown SRTP cipher ${cipher}`);
  const index = bytes.readUInt32BE(bytes.length - behind - 4) & 0x7fffffff;
  return { ssrc: bytes.readUInt32BE(4), index };
}

/** Cuts datagrams that the kernel handed over as one run into the ones that went out. */
export function cut(datagrams) {
  const known = streams(datagrams);
  return datagrams.flatMap((datagram) => {
    const { bytes } = datagram;
    const size = isWhole(bytes) ? undefined : segmentSize(bytes, known);
    if (size === undefined) {
      if (bytes.length > LARGEST_SEGMENT) throw new Error(`a run of ${bytes.length} bytes`);
      return [datagram];
    }
    const parts = [];
    for (let at = 0; at < bytes.length; at += size) {
      parts.push({ ...datagram, bytes: bytes.subarray(at, at + size) });
    }
    return parts;
  });
}

/**
 * The streams at the beginning of datagrams, where nothing has to be guessed: SSRC and type. Whoever
 * sends RTP sends reports of it (RFC 3550 section 6.4.1), which may all have come at the end of runs.
 */
function streams(datagrams) {
  const known = new Set();
  for (const { bytes } of datagrams) {
    const what = kind(bytes);
    if (what === 'rtp' && bytes.length >= RTP_HEADER) {
      known.add(stream(bytes, 0, 8)).add(SENDER_REPORT * 2 ** 32 + bytes.readUInt32BE(8));
    }
    if (what === 'rtcp' && bytes.length >= 8) known.add(stream(bytes, 0, 4));
  }
  return known;
}

/** Type and SSRC in one number; the marker bit of RTP is none of the type. */
function stream(bytes, at, ssrcAt) {
  const type = ssrcAt === 8 ? bytes[at + 1] & 127 : bytes[at + 1];
  return type * 2 ** 32 + bytes.readUInt32BE(at + ssrcAt);
}

/** Records of DTLS and messages of STUN say how long they are; SRTP does not. */
function isWhole(bytes) {
  const what = kind(bytes);
  if (what === 'stun') return bytes.length === 20 + bytes.readUInt16BE(2);
  return what === 'dtls' && fillsRecords(bytes);
}

function fillsRecords(bytes) {
  let at = 0;
  while (at + DTLS_RECORD_HEADER <= bytes.length && bytes[at + 1] === 0xfe) {
    at += DTLS_RECORD_HEADER + bytes.readUInt16BE(at + 11);
  }
  return at === bytes.length;
}

/** All packets of a run are of one length, but the last, which may be shorter. */
function segmentSize(bytes, known) {
  const largest = Math.min(LARGEST_SEGMENT, bytes.length - RTP_HEADER);
  for (let size = RTP_HEADER; size <= largest; size++) {
    if (isRunOf(bytes, size, known)) return size;
  }
  return undefined;
}

function isRunOf(bytes, size, known) {
  for (let at = size; at < bytes.length; at += size) {
    if (!mayBegin(bytes, at, known)) return false;
    if (!isPacket(bytes.subarray(at, at + size), known)) return false;
  }
  return true;
}

/** A quick look at most places of most packets, which hold none. */
function mayBegin(bytes, at, known) {
  if (at + RTP_HEADER > bytes.length) return false;
  if (bytes[at] >> 6 !== 2) return bytes[at + 1] === 0xfe || bytes[at + 4] === 0x21;
  return known.has(stream(bytes, at, 8)) || known.has(stream(bytes, at, 4));
}

function isPacket(bytes, known) {
  if (bytes.length < RTP_HEADER) return false;
  switch (kind(bytes)) {
    case 'rtp':
      return known.has(stream(bytes, 0, 8));
    case 'rtcp':
      return known.has(stream(bytes, 0, 4));
    case 'stun':
      return bytes.length >= 20 && bytes.readUInt32BE(4) === STUN_COOKIE && isWhole(bytes);
    case 'dtls':
      return fillsRecords(bytes);
    default:
      return false;
  }
}

/** Follows one SSRC's sequence numbers through their wrap-arounds (RFC 3711 section 3.3.1). */
export class ExtendedSequence {
  #highest;

  extend(sequence) {
    if (this.#highest === undefined) return (this.#highest = sequence);
    const step = (sequence - this.#highest) & 0xffff;
    const index = this.#highest + (step < 0x8000 ? step : step - 0x10000);
    this.#highest = Math.max(this.#highest, index);
    return index;
  }
}
