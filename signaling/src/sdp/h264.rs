//! H.264's `profile-level-id` (RFC 6184 section 8.1): three bytes in hexadecimal, of which only the
//! profile decides whether a client decodes a stream.

/// Profiles that browsers decode, in the order in which a publisher is asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// All of them decode it.
    ConstrainedBaseline,
    /// Most of them.
    Baseline,
    /// Most of them.
    Main,
    /// Those with a decoder of the machine.
    ConstrainedHigh,
    /// Those with a decoder of the machine.
    High,
}

impl Profile {
    /// As subscribers are offered it. The level is always 3.1, as browsers write it: with
    /// `level-asymmetry-allowed` it binds nobody, and publishers' own would be another format each.
    pub fn offered(self) -> &'static str {
        match self {
            Profile::ConstrainedBaseline => "42e01f",
            Profile::Baseline => "42001f",
            Profile::Main => "4d001f",
            Profile::ConstrainedHigh => "640c1f",
            Profile::High => "64001f",
        }
    }
}

/// The profile of a `profile-level-id`; `None` where it is another, or no six digits.
pub fn profile(id: &str) -> Option<Profile> {
    if id.len() != 6 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, idc, constraints, _] = u32::from_str_radix(id, 16).ok()?.to_be_bytes();
    // RFC 6184 table 5: constraints say when a stream of one profile is one of a smaller as well.
    match (idc, constraints) {
        (0x42, set) if set & 0x40 != 0 => Some(Profile::ConstrainedBaseline),
        (0x4d, set) if set & 0x80 != 0 => Some(Profile::ConstrainedBaseline),
        (0x58, set) if set & 0xc0 == 0xc0 => Some(Profile::ConstrainedBaseline),
        (0x58, set) if set & 0xc0 == 0x80 => Some(Profile::Baseline),
        (0x42, _) => Some(Profile::Baseline),
        (0x4d, _) => Some(Profile::Main),
        (0x64, set) if set & 0x0c == 0x0c => Some(Profile::ConstrainedHigh),
        (0x64, _) => Some(Profile::High),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_write_is_known_and_comes_back_as_it_was() {
        for (id, expected) in [
            ("42e01f", Profile::ConstrainedBaseline),
            ("42C02A", Profile::ConstrainedBaseline),
            ("42001f", Profile::Baseline),
            ("4d001f", Profile::Main),
            ("4d0032", Profile::Main),
            ("64001f", Profile::High),
            ("640c34", Profile::ConstrainedHigh),
        ] {
            assert_eq!(profile(id), Some(expected), "{id}");
            assert_eq!(profile(expected.offered()), Some(expected));
        }
    }

    #[test]
    fn anything_else_is_no_profile() {
        for id in ["", "42e0", "42e01f0", "42e01g", "+2e01f", "f4001f", "00001f", "42é1f"] {
            assert_eq!(profile(id), None, "{id}");
        }
    }
}
