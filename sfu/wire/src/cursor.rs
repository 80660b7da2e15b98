//! Reading and writing big-endian bytes with every bound checked.

use crate::Error;

/// Reads from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three bytes, as the low 24 bits.
    #[inline]
    pub fn u24(&mut self) -> Result<u32, Error> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }
}

/// Writes to the front of a slice. A write that does not fit changes nothing.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Writes from the first byte on.
    #[inline]
    pub fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, len: 0 }
    }

    /// Bytes written so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that still fit.
    #[inline]
    pub fn room(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// What was written so far.
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Forgets what was written after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let end = self.len.checked_add(bytes.len()).ok_or(Error::NoSpace)?;
        let place = self.buffer.get_mut(self.len..end).ok_or(Error::NoSpace)?;
        place.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Appends one byte.
    #[inline]
    pub fn u8(&mut self, value: u8) -> Result<(), Error> {
        self.put(&[value])
    }

    /// Appends two bytes.
    #[inline]
    pub fn u16(&mut self, value: u16) -> Result<(), Error> {
        self.put(&value.to_be_bytes())
    }

    /// Appends the low 24 bits of a value.
    #[inline]
    pub fn u24(&mut self, value: u32) -> Result<(), Error> {
        let [_, a, b, c] = value.to_be_bytes();
        self.put(&[a, b, c])
    }

    /// Appends four bytes.
    #[inline]
    pub fn u32(&mut self, value: u32) -> Result<(), Error> {
        self.put(&value.to_be_bytes())
    }

    /// Appends eight bytes.
    #[inline]
    pub fn u64(&mut self, value: u64) -> Result<(), Error> {
        self.put(&value.to_be_bytes())
    }

    /// Appends zeros up to the next multiple of four.
    pub fn pad_to_word(&mut self) -> Result<(), Error> {
        let missing = self.len.wrapping_neg() & 3;
        self.put([0u8; 3].get(..missing).unwrap_or_default())
    }

    /// Overwrites bytes that were written before.
    #[inline]
    pub fn patch(&mut self, at: usize, bytes: &[u8]) -> Result<(), Error> {
        let end = at.checked_add(bytes.len()).filter(|end| *end <= self.len);
        let place = end.and_then(|end| self.buffer.get_mut(at..end)).ok_or(Error::NoSpace)?;
        place.copy_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_stops_at_the_end_and_loses_nothing() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u24(), Ok(0x02_03_04));
        assert_eq!(reader.u32(), Err(Error::Truncated));
        assert_eq!(reader.u16(), Ok(0x05_06));
        assert!(reader.is_empty());
        assert_eq!(reader.take(usize::MAX), Err(Error::Truncated));
    }

    #[test]
    fn a_write_that_does_not_fit_changes_nothing() {
        let mut buffer = [0; 5];
        let mut writer = Writer::new(&mut buffer);
        writer.u24(0xff_01_02_03).expect("fits");
        assert_eq!(writer.u32(1), Err(Error::NoSpace));
        assert_eq!(writer.pad_to_word(), Ok(()));
        assert_eq!(writer.written(), [1, 2, 3, 0]);
        assert_eq!(writer.patch(3, &[9, 9]), Err(Error::NoSpace));
        assert_eq!(writer.patch(2, &[9, 9]), Ok(()));
        assert_eq!((writer.len(), writer.room()), (4, 1));
    }
}
