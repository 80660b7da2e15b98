//! Reading bits, highest first, with every bound checked.

use lectern_wire::Error;

/// Zeros before the one of an Exp-Golomb code that fits 32 bits.
const MAX_LEADING_ZEROS: u32 = 31;

/// Reads bits from the front of a slice.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// Reads from the highest bit of the first byte on.
    pub fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// Bits read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// One bit.
    pub fn flag(&mut self) -> Result<bool, Error> {
        let byte = self.bytes.get(self.at >> 3).ok_or(Error::Truncated)?;
        let shift = 7u32.saturating_sub((self.at & 7) as u32);
        self.at = self.at.saturating_add(1);
        Ok(byte.wrapping_shr(shift) & 1 != 0)
    }

    /// The next `count` bits, at most 32, as a number.
    pub fn take(&mut self, count: u32) -> Result<u32, Error> {
        if count > u32::BITS {
            return Err(Error::Invalid);
        }
        let mut value = 0u32;
        for _ in 0..count {
            value = value.wrapping_shl(1) | u32::from(self.flag()?);
        }
        Ok(value)
    }

    /// The next 8 bits or fewer.
    pub fn byte(&mut self, count: u32) -> Result<u8, Error> {
        u8::try_from(self.take(count)?).map_err(|_| Error::Invalid)
    }

    /// Passes over bits.
    pub fn skip(&mut self, count: u32) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.flag().map(|_| ()))
    }

    /// An unsigned Exp-Golomb code (ITU-T H.264 section 9.1), which AV1 calls uvlc.
    pub fn golomb(&mut self) -> Result<u32, Error> {
        let mut zeros = 0u32;
        while !self.flag()? {
            zeros = zeros.saturating_add(1);
            if zeros > MAX_LEADING_ZEROS {
                return Err(Error::Invalid);
            }
        }
        let base = 1u32.wrapping_shl(zeros).wrapping_sub(1);
        Ok(base.saturating_add(self.take(zeros)?))
    }

    /// A signed Exp-Golomb code (ITU-T H.264 section 9.1.1).
    pub fn signed_golomb(&mut self) -> Result<i32, Error> {
        let code = self.golomb()?;
        let half = i32::try_from(code.div_ceil(2)).map_err(|_| Error::Invalid)?;
        Ok(if code & 1 == 1 { half } else { half.saturating_neg() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_those_of_the_table() {
        // ITU-T H.264 table 9-2: 1, 010, 011, 00100, 00101.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.golomb()).collect();
        assert_eq!(codes, [Ok(0), Ok(1), Ok(2), Ok(3), Ok(4)]);
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.signed_golomb()).collect();
        assert_eq!(codes, [Ok(0), Ok(1), Ok(-1), Ok(2), Ok(-2)]);
    }

    #[test]
    fn a_code_over_32_bits_is_refused() {
        assert_eq!(Bits::new(&[0; 9]).golomb(), Err(Error::Invalid));
        assert_eq!(Bits::new(&[0; 2]).golomb(), Err(Error::Truncated));
        let largest = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Bits::new(&largest).golomb(), Ok(u32::MAX - 1));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20), counts in proptest::collection::vec(0u32..40, 0..20)) {
            let mut bits = Bits::new(&bytes);
            for count in counts {
                let _ = bits.take(count);
                let _ = bits.signed_golomb();
            }
        }
    }
}
