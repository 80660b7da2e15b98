//! AAC as FFmpeg writes it to a pipe: packets with headers (ISO/IEC 14496-3 section 1.A.3.2).

use std::io::{self, Read};

/// Header with neither checksum nor more than one block.
const HEADER_BYTES: usize = 7;

/// The next packet without its header; `None` at the end.
pub fn packet(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    if from.read(&mut header[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut header[1..])?;
    let [sync, flags, _, high, middle, low, blocks] = header.map(usize::from);
    let len = (high & 0b11) << 11 | middle << 3 | low >> 5;
    let is_one = sync == 0xff && flags & 0xf6 == 0xf0 && flags & 1 == 1 && blocks & 0b11 == 0;
    let body = len.checked_sub(HEADER_BYTES).filter(|_| is_one);
    let Some(body) = body else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no packet of AAC"));
    };
    let mut packet = vec![0; body];
    from.read_exact(&mut packet)?;
    Ok(Some(packet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_one_after_the_other() {
        let mut stream: Vec<u8> = vec![0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 1, 2];
        stream.extend([0xff, 0xf1, 0x4c, 0x80, 0x01, 0x1f, 0xfc, 3]);
        let mut from = &stream[..];
        assert_eq!(packet(&mut from).expect("a packet"), Some(vec![1, 2]));
        assert_eq!(packet(&mut from).expect("a packet"), Some(vec![3]));
        assert_eq!(packet(&mut from).expect("an end"), None);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for len in 1..9 {
            let stream = [0xff, 0xf1, 0x4c, 0x80, 0x00, 0x1f, 0xfc, 1, 2];
            assert!(packet(&mut &stream[..len]).is_err(), "{len}");
        }
    }
}
