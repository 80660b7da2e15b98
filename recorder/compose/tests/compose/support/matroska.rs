//! Frames of a Matroska file that FFmpeg made, with their times.

/// A frame.
pub struct Frame {
    /// In milliseconds.
    pub at_ms: i64,
    /// It needs none before it.
    pub keyframe: bool,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// All frames of a file with one track.
pub fn frames(mut file: &[u8]) -> Vec<Frame> {
    let (mut frames, mut cluster_ms) = (Vec::new(), 0);
    while !file.is_empty() {
        let id_len = file[0].leading_zeros() as usize + 1;
        let id = file[..id_len].iter().fold(0_u32, |id, byte| id << 8 | u32::from(*byte));
        file = &file[id_len..];
        let len_len = file[0].leading_zeros() as usize + 1;
        let mask = (1_u64 << (7 * len_len)) - 1;
        let len =
            file[..len_len].iter().fold(0_u64, |len, byte| len << 8 | u64::from(*byte)) & mask;
        file = &file[len_len..];
        let body = &file[..file.len().min(len as usize)];
        match id {
            0x1853_8067 | 0x1f43_b675 | 0xa0 => continue,
            0xe7 => cluster_ms = body.iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte)),
            0xa3 | 0xa1 => frames.push(Frame {
                at_ms: cluster_ms + i64::from(i16::from_be_bytes([body[1], body[2]])),
                keyframe: body[3] & 0x80 != 0,
                data: body[4..].to_vec(),
            }),
            _ => {}
        }
        file = &file[body.len()..];
    }
    frames
}
