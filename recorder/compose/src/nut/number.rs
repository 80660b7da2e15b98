//! Numbers of NUT, in a stream and in a header.

use crate::pipe::nonsense;
use std::io::{self, Read};

/// So many bytes hold 63 bits.
const MAX_BYTES: usize = 9;

/// Seven bits a byte, the highest first; the last byte's highest bit is not set.
pub fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for _ in 0..MAX_BYTES {
        let mut byte = [0; 1];
        from.read_exact(&mut byte)?;
        let [byte] = byte;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(nonsense())
}

/// The bytes of a header.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of these.
    pub fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    /// The next number.
    pub fn number(&mut self) -> io::Result<u64> {
        number(&mut self.0)
    }

    /// The next number with a sign: 0, 1, -1, 2, -2 and so on.
    pub fn signed(&mut self) -> io::Result<i64> {
        let number = self.number()?.saturating_add(1).cast_signed();
        Ok(if number & 1 == 1 { -(number >> 1) } else { number >> 1 })
    }

    /// The next bytes, whose number stands before them.
    pub fn string(&mut self) -> io::Result<&'a [u8]> {
        let len = usize::try_from(self.number()?).map_err(|_| nonsense())?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or_else(nonsense)?;
        self.0 = rest;
        Ok(bytes)
    }
}
