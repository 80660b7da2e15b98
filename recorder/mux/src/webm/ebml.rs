//! EBML elements (RFC 8794): ids, sizes, values.

/// Bytes of a size that is written over later.
const LONG_SIZE_BYTES: usize = 8;
/// Eight bytes that say that the size is not known (RFC 8794 section 6.2).
pub const UNKNOWN_SIZE: [u8; LONG_SIZE_BYTES] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Appends an id: its own marker says how long it is.
pub fn id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    out.extend(bytes.iter().skip(zeros));
}

/// A size in eight bytes.
pub fn long_size(len: u64) -> [u8; LONG_SIZE_BYTES] {
    (len & 0x00ff_ffff_ffff_ffff | 1 << 56).to_be_bytes()
}

/// Appends a size in as few bytes as it takes.
pub fn size(out: &mut Vec<u8>, len: u64) {
    let bits = u64::BITS.saturating_sub(len.saturating_add(1).leading_zeros());
    let bytes = bits.max(1).div_ceil(7).min(8);
    let marker = 1u64.wrapping_shl(bytes.saturating_mul(7));
    let shift = 64u32.saturating_sub(bytes.saturating_mul(8));
    let value = (len | marker).wrapping_shl(shift).to_be_bytes();
    out.extend(value.iter().take(bytes as usize));
}

/// Appends an element of bytes.
pub fn bytes(out: &mut Vec<u8>, kind: u32, value: &[u8]) {
    id(out, kind);
    size(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends an unsigned number.
pub fn unsigned(out: &mut Vec<u8>, kind: u32, value: u64) {
    let encoded = value.to_be_bytes();
    let zeros = encoded.iter().take(7).take_while(|byte| **byte == 0).count();
    bytes(out, kind, encoded.get(zeros..).unwrap_or_default());
}

/// Appends an element that says nothing and takes as many bytes as another, of at most 100.
pub fn void(out: &mut Vec<u8>, element: &[u8]) {
    const VOID: u32 = 0xec;
    bytes(out, VOID, &vec![0; element.len().saturating_sub(2)]);
}

/// Appends a floating-point number.
pub fn float(out: &mut Vec<u8>, kind: u32, value: f64) {
    bytes(out, kind, &value.to_be_bytes());
}

/// Appends an element around what `body` appends.
pub fn nest(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    bytes(out, kind, &inner);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_takes_as_few_bytes_as_it_can() {
        let encoded = |len| {
            let mut out = Vec::new();
            size(&mut out, len);
            out
        };
        assert_eq!(encoded(0), [0x80]);
        assert_eq!(encoded(126), [0xfe]);
        // All ones would say that the size is not known.
        assert_eq!(encoded(127), [0x40, 0x7f]);
        assert_eq!(encoded(16_382), [0x7f, 0xfe]);
        assert_eq!(encoded(16_383), [0x20, 0x3f, 0xff]);
        assert_eq!(encoded(1 << 40), [0x05, 0, 0, 0, 0, 0]);
        assert_eq!(long_size(5), [1, 0, 0, 0, 0, 0, 0, 5]);
    }

    #[test]
    fn ids_and_numbers_have_no_leading_zeros() {
        let mut out = Vec::new();
        unsigned(&mut out, 0xd7, 0);
        unsigned(&mut out, 0x2a_d7b1, 1_000_000);
        assert_eq!(out, [0xd7, 0x81, 0, 0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40]);
    }
}
