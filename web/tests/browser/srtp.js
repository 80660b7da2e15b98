// What a capture of encrypted traffic shows without keys: ICE names, DTLS records, SRTP and SRTCP
// indices, so that a test can prove that none is used twice (RFC 3711 section 9.1, RFC 7714).

const STUN_COOKIE = 0x2112a442;
const STUN_USERNAME = 0x0006;
const STUN_BINDING_REQUEST = 0x0001;
const DTLS_RECORD_HEADER = 13;
const DTLS_HANDSHAKE = 22;
const RTP_HEADER = 12;
const LARGEST_SEGMENT = 1500;

/** Bytes behind the SRTCP index, by the name browsers give the cipher. */
const SRTCP_TAG_BEHIND_INDEX = {
  SRTP_AEAD_AES_128_GCM: 0,
  SRTP_AEAD_AES_256_GCM: 0,
  SRTP_AES128_CM_HMAC_SHA1_80: 10,
  SRTP_AES128_CM_HMAC_SHA1_32: 10,
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
  const behind = SRTCP_TAG_BEHIND_INDEX[cipher];
  if (behind === undefined) throw new Error(`unknown SRTP cipher ${cipher}`);
  const index = bytes.readUInt32BE(bytes.length - behind - 4) & 0x7fffffff;
  return { ssrc: bytes.readUInt32BE(4), index };
}

/** Cuts datagrams that the kernel handed over as one run into the ones that went out. */
export function cut(datagrams) {
  const ssrcs = new Set();
  for (const { bytes } of datagrams) {
    if (kind(bytes) === 'rtp' && bytes.length >= RTP_HEADER) ssrcs.add(bytes.readUInt32BE(8));
    if (kind(bytes) === 'rtcp' && bytes.length >= 8) ssrcs.add(bytes.readUInt32BE(4));
  }
  return datagrams.flatMap((datagram) => {
    if (datagram.bytes.length <= LARGEST_SEGMENT && !hidesRun(datagram.bytes, ssrcs))
      return [datagram];
    const size = segmentSize(datagram.bytes, ssrcs);
    if (size === undefined) throw new Error(`cannot cut a run of ${datagram.bytes.length} bytes`);
    const parts = [];
    for (let at = 0; at < datagram.bytes.length; at += size) {
      parts.push({ ...datagram, bytes: datagram.bytes.subarray(at, at + size) });
    }
    return parts;
  });
}

/** Small packets may form a run that is shorter than one large packet. */
function hidesRun(bytes, ssrcs) {
  return kind(bytes) === 'rtp' && segmentSize(bytes, ssrcs) !== undefined;
}

function segmentSize(bytes, ssrcs) {
  const largest = Math.min(LARGEST_SEGMENT, bytes.length - RTP_HEADER);
  for (let size = RTP_HEADER; size <= largest; size++) {
    if (isRunOf(bytes, size, ssrcs)) return size;
  }
  return undefined;
}

function isRunOf(bytes, size, ssrcs) {
  for (let at = size; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    if (part.length < RTP_HEADER) return false;
    const what = kind(part);
    if (what !== 'rtp' && what !== 'rtcp') return false;
    if (!ssrcs.has(part.readUInt32BE(what === 'rtp' ? 8 : 4))) return false;
  }
  return true;
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
