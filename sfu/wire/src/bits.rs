//! Bits of a byte string, most significant first, with every bound checked.

use crate::Error;

/// Reads bits from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Reads from the first bit on.
    pub fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, at: 0 }
    }

    /// Reads from a given bit on.
    pub fn after(bytes: &'a [u8], at: usize) -> BitReader<'a> {
        BitReader { bytes, at }
    }

    /// Bits that are left, if not too many to count.
    pub fn remaining(&self) -> Option<u32> {
        let bits = self.bytes.len().checked_mul(8)?;
        u32::try_from(bits.saturating_sub(self.at)).ok()
    }

    /// Bits read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next bit.
    pub fn flag(&mut self) -> Result<bool, Error> {
        self.bits(1).map(|bit| bit != 0)
    }

    /// The next `count` bits, at most 32, as a number: f(n) of the AV1 specification.
    pub fn bits(&mut self, count: u32) -> Result<u32, Error> {
        let mut value = 0u32;
        for _ in 0..count.min(u32::BITS) {
            let byte = self.bytes.get(self.at >> 3).ok_or(Error::Truncated)?;
            let bit = byte.rotate_left(rotation(self.at)) & 1;
            value = value << 1 | u32::from(bit);
            self.at = self.at.saturating_add(1);
        }
        Ok(value)
    }

    /// A number below `limit`: ns(n) of the AV1 specification (section 4.10.7).
    pub fn below(&mut self, limit: u32) -> Result<u32, Error> {
        let width = u32::BITS.saturating_sub(limit.leading_zeros());
        if width <= 1 {
            return Ok(0);
        }
        let short = 1u32.checked_shl(width).unwrap_or(0).wrapping_sub(limit);
        let value = self.bits(width.saturating_sub(1))?;
        if value < short {
            return Ok(value);
        }
        let extra = self.bits(1)?;
        Ok((value << 1).wrapping_sub(short).wrapping_add(extra))
    }

    /// An unsigned Exp-Golomb number: ue(v) of ITU-T H.264 section 9.1, below 2^32 − 1.
    pub fn exponential(&mut self) -> Result<u32, Error> {
        let mut zeros = 0u32;
        while !self.flag()? {
            zeros = zeros.saturating_add(1);
            if zeros >= u32::BITS {
                return Err(Error::Invalid);
            }
        }
        let base = (1u32 << zeros).wrapping_sub(1);
        Ok(base.wrapping_add(self.bits(zeros)?))
    }
}

/// Writes bits to the front of a slice.
#[derive(Debug)]
pub struct BitWriter<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> BitWriter<'a> {
    /// Writes from the first bit on.
    pub fn new(bytes: &'a mut [u8]) -> BitWriter<'a> {
        BitWriter { bytes, at: 0 }
    }

    /// Writes from a given bit on.
    pub fn after(bytes: &'a mut [u8], at: usize) -> BitWriter<'a> {
        BitWriter { bytes, at }
    }

    /// Fills the last byte with zeros.
    pub fn zeros_to_byte(&mut self) -> Result<(), Error> {
        while self.at & 7 != 0 {
            self.bits(0, 1)?;
        }
        Ok(())
    }

    /// Bytes written so far; the last one may be begun only.
    pub fn len(&self) -> usize {
        self.at.div_ceil(8)
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Writes the low `count` bits of a number.
    pub fn bits(&mut self, value: u32, count: u32) -> Result<(), Error> {
        for place in (0..count.min(u32::BITS)).rev() {
            let byte = self.bytes.get_mut(self.at >> 3).ok_or(Error::NoSpace)?;
            let mask = 1u8.rotate_right(rotation(self.at));
            if value >> place & 1 != 0 {
                *byte |= mask
            } else {
                *byte &= !mask
            }
            self.at = self.at.saturating_add(1);
        }
        Ok(())
    }
}

/// How far a byte is turned so that the bit at a position comes last.
fn rotation(at: usize) -> u32 {
    (at as u32 & 7).wrapping_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_below_a_limit_take_as_few_bits_as_they_can() {
        // AV1 specification section 4.10.7: ns(5) is 00, 01, 10, 110, 111.
        let read = |bits: u8| BitReader::new(&[bits]).below(5).expect("there");
        assert_eq!([0b0000_0000, 0b0100_0000, 0b1000_0000].map(read), [0, 1, 2]);
        assert_eq!([0b1100_0000, 0b1110_0000].map(read), [3, 4]);
        assert_eq!(BitReader::new(&[]).below(1), Ok(0), "no bit at all");
        assert_eq!(BitReader::new(&[]).below(2), Err(Error::Truncated));
    }

    #[test]
    fn exponential_numbers_are_read() {
        let read = |bits: &[u8]| BitReader::new(bits).exponential();
        assert_eq!(read(&[0b1000_0000]), Ok(0));
        assert_eq!(read(&[0b0110_0000]), Ok(2));
        assert_eq!(read(&[0b0010_1000]), Ok(4));
        assert_eq!(read(&[0; 5]), Err(Error::Invalid));
        assert_eq!(read(&[0; 3]), Err(Error::Truncated));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec((any::<u32>(), 1u32..=32), 0..20)) {
            let mut bytes = [0xa5; 80];
            let mut writer = BitWriter::new(&mut bytes);
            for (value, count) in &values {
                writer.bits(*value, *count).expect("room");
            }
            let mut reader = BitReader::new(&bytes);
            for (value, count) in values {
                let expected = if count == 32 { value } else { value & ((1 << count) - 1) };
                prop_assert_eq!(reader.bits(count), Ok(expected));
            }
        }
    }
}
