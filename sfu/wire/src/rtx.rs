//! Retransmissions on their own SSRC (RFC 4588 section 4): two bytes of original sequence number.

use crate::Error;

/// Bytes before the original payload.
pub const HEADER_LEN: usize = 2;

/// The original sequence number and payload. `None` for a payload of padding alone, which senders
/// use to probe; one single byte is [`Error::Truncated`].
#[inline]
pub fn split(payload: &[u8]) -> Result<Option<(u16, &[u8])>, Error> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (sequence, original) = payload.split_first_chunk::<HEADER_LEN>().ok_or(Error::Truncated)?;
    Ok(Some((u16::from_be_bytes(*sequence), original)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_under_two_bytes_has_no_original() {
        assert_eq!(split(&[]), Ok(None));
        assert_eq!(split(&[1]), Err(Error::Truncated));
        assert_eq!(split(&[1, 2]), Ok(Some((0x0102, &[][..]))));
        assert_eq!(split(&[1, 2, 3]), Ok(Some((0x0102, &[3][..]))));
    }
}
