//! The picture size in a sequence parameter set (ITU-T H.264 section 7.3.2.1.1).

use crate::Error;
use crate::bits::BitReader;

/// Bytes looked at: the size stands before anything long, but for scaling lists.
const MAX_BYTES: usize = 128;
/// Profiles whose parameters tell of the colour format (section 7.3.2.1.1).
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/// References that a cycle of picture order counts lists (section 7.4.2.1.1).
const MAX_CYCLE: u32 = 255;

/// Width and height in pixels, of the bytes after the NAL unit's first one.
pub(super) fn size(unit: &[u8]) -> Option<(u16, u16)> {
    let mut bytes = [0; MAX_BYTES];
    let len = unescape(unit, &mut bytes);
    read(&mut BitReader::new(bytes.get(..len)?)).ok()
}

/// Takes the bytes out that keep start codes from appearing (section 7.4.1); gives the length.
fn unescape(unit: &[u8], bytes: &mut [u8; MAX_BYTES]) -> usize {
    let (mut len, mut zeros) = (0usize, 0u32);
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros.saturating_add(1) } else { 0 };
        let Some(place) = bytes.get_mut(len) else { break };
        *place = *byte;
        len = len.saturating_add(1);
    }
    len
}

fn read(reader: &mut BitReader<'_>) -> Result<(u16, u16), Error> {
    let profile = reader.bits(8)?;
    reader.bits(16)?;
    reader.exponential()?;
    let mut chroma = 1;
    if HIGH_PROFILES.contains(&profile) {
        chroma = reader.exponential()?;
        if chroma == 3 {
            reader.flag()?;
        }
        reader.exponential()?;
        reader.exponential()?;
        reader.flag()?;
        if reader.flag()? {
            // Lists of scaling factors: no encoder on the Web sends them.
            return Err(Error::Unsupported);
        }
    }
    reader.exponential()?;
    skip_order(reader)?;
    reader.exponential()?;
    reader.flag()?;
    let width = reader.exponential()?.saturating_add(1).saturating_mul(16);
    let units = reader.exponential()?.saturating_add(1);
    let frames_only = reader.flag()?;
    let fields = if frames_only { 1 } else { 2 };
    let height = units.saturating_mul(16).saturating_mul(fields);
    if !frames_only {
        reader.flag()?;
    }
    reader.flag()?;
    let (mut across, mut down) = (0u32, 0u32);
    if reader.flag()? {
        let (half_across, half_down) = (chroma == 1 || chroma == 2, chroma == 1);
        across = reader.exponential()?.saturating_add(reader.exponential()?);
        down = reader.exponential()?.saturating_add(reader.exponential()?);
        across = across.saturating_mul(if half_across { 2 } else { 1 });
        down = down.saturating_mul(if half_down { 2 } else { 1 }).saturating_mul(fields);
    }
    let size = |whole: u32, cut: u32| {
        let left = whole.checked_sub(cut).filter(|left| *left > 0).ok_or(Error::Invalid)?;
        u16::try_from(left).map_err(|_| Error::Invalid)
    };
    Ok((size(width, across)?, size(height, down)?))
}

/// How pictures are ordered.
fn skip_order(reader: &mut BitReader<'_>) -> Result<(), Error> {
    match reader.exponential()? {
        0 => drop(reader.exponential()?),
        1 => {
            reader.flag()?;
            reader.exponential()?;
            reader.exponential()?;
            for _ in 0..reader.exponential()?.min(MAX_CYCLE) {
                reader.exponential()?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_real_parameters_are_read() {
        // Constrained baseline, level 3.1, as a browser sends it: 640×480.
        let baseline = [0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0x90];
        assert_eq!(size(&baseline), Some((640, 480)));
        for len in 0..6 {
            assert_eq!(size(&baseline[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn cropping_and_escapes_are_minded() {
        // High profile by x264, 1920×1080: 1088 lines, of which 8 are cut off.
        let high = [
            0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03,
            0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
        ];
        assert_eq!(size(&high), Some((1920, 1080)));
    }
}
