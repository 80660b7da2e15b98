//! Random values of a session, from a generator that the shell seeded from the system.

use lectern_control::Secret;
use lectern_control::transport::IceCredentials;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// 64 random bits for an id.
pub fn id(rng: &mut StdRng) -> u64 {
    rng.next_u64()
}

/// An SSRC: any but 0.
pub fn ssrc(rng: &mut StdRng) -> u32 {
    rng.random_range(1..=u32::MAX)
}

/// ICE credentials: 48 bits of fragment, 144 of password (RFC 8445 section 5.3 asks for 24 and 128).
pub fn credentials(rng: &mut StdRng) -> IceCredentials {
    IceCredentials { ufrag: ice_text(rng, 8), pwd: Secret::new(ice_text(rng, 24)) }
}

fn ice_text(rng: &mut StdRng, length: usize) -> String {
    const ICE_CHARS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| char::from(ICE_CHARS[usize::from(byte & 63)])).collect()
}
