//! Framing: how messages lie in a byte stream. Sans-IO; a role brings its own stream.
//!
//! A frame is a length of four bytes, big-endian, then one message in MessagePack with named
//! fields: a field or variant that one side does not know does not break the other.

use crate::limits::MAX_FRAME_BYTES;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Bytes of the length before each message.
const LENGTH_BYTES: usize = 4;

/// Why a frame or a message cannot be used.
#[derive(Debug, Error)]
pub enum FrameError {
    /// A frame announces, or a message needs, more than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is over the limit of {MAX_FRAME_BYTES}")]
    TooLarge(usize),
    /// The message cannot be encoded.
    #[error("cannot encode a message: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    /// The bytes are not a message of the expected type; the stream itself is still in step.
    #[error("cannot decode a message: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
}

/// Serialises one message, without the length.
pub fn encode<M: Serialize>(message: &M) -> Result<Bytes, FrameError> {
    let bytes = rmp_serde::to_vec_named(message)?;
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge(bytes.len()));
    }
    Ok(Bytes::from(bytes))
}

/// Reads one message, as [`encode`] wrote it.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, FrameError> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge(bytes.len()));
    }
    Ok(rmp_serde::from_slice(bytes)?)
}

/// Appends the length and the message's bytes to a stream's send buffer.
pub fn put(stream: &mut BytesMut, message: &[u8]) -> Result<(), FrameError> {
    let length = u32::try_from(message.len()).ok().filter(|l| *l as usize <= MAX_FRAME_BYTES);
    let length = length.ok_or(FrameError::TooLarge(message.len()))?;
    stream.reserve(LENGTH_BYTES + message.len());
    stream.put_u32(length);
    stream.put_slice(message);
    Ok(())
}

/// Takes the next whole message from a stream's receive buffer, if it is all there.
pub fn take(stream: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = stream.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge(length));
    }
    if stream.len() < LENGTH_BYTES + length {
        return Ok(None);
    }
    stream.advance(LENGTH_BYTES);
    Ok(Some(stream.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{FromNode, Heartbeat, ToNode};

    #[test]
    fn frames_cut_anywhere_come_out_whole() {
        let beat = FromNode::Heartbeat(Heartbeat::default());
        let message = encode(&beat).expect("encodes");
        let mut sent = BytesMut::new();
        put(&mut sent, &message).expect("fits");
        put(&mut sent, &message).expect("fits");
        let mut received = BytesMut::new();
        let mut whole = 0;
        for byte in sent {
            received.put_u8(byte);
            while let Some(frame) = take(&mut received).expect("in step") {
                assert_eq!(frame, message);
                whole += 1;
            }
        }
        assert_eq!(whole, 2);
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_before_it_is_buffered() {
        let mut stream = BytesMut::from(&[0xff, 0xff, 0xff, 0xff][..]);
        assert!(matches!(take(&mut stream), Err(FrameError::TooLarge(_))));
    }

    #[test]
    fn garbage_is_an_error() {
        for length in 0..64 {
            for byte in [0x00, 0x7f, 0x80, 0x9f, 0xc1, 0xdf, 0xff] {
                assert!(decode::<ToNode>(&vec![byte; length]).is_err());
            }
        }
    }
}
