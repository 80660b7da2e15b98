//! Sealing and opening: vectors, replay, rollover, forgeries, what is restored.

use super::*;

/// Bytes from hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::Aes128CmHmacSha1_80];
const TAG: usize = 20;

fn pair(profile: Profile) -> (Session, Session) {
    let material: Vec<u8> = (0..profile.keying_material_len() as u8).map(|n| n ^ 0x5a).collect();
    let keys = |client| Keys::new(profile, &material, client).expect("enough material");
    (Session::new(keys(true)).expect("valid keys"), Session::new(keys(false)).expect("valid keys"))
}

fn rtp(ssrc: u32, sequence: u16, payload: usize) -> Vec<u8> {
    let mut packet = vec![0x91, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 7]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, 2, 3, 4]);
    packet.extend([0xbe, 0xde, 0, 1, 0x10, 0x7f, 0, 0]);
    packet.extend((0..payload).map(|n| n as u8));
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x81, 206, 0, 2]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0, 0, 0, 9]);
    packet
}

fn seal(session: &mut Session, ssrc: u32, index: u64, payload: usize) -> Vec<u8> {
    let mut packet = rtp(ssrc, index as u16, payload);
    let len = packet.len();
    packet.resize(len + TAG, 0);
    let sealed = session.seal_rtp(index, &mut packet, len).expect("seals");
    packet.truncate(sealed);
    packet
}

fn seal_rtcp(session: &mut Session, ssrc: u32) -> Vec<u8> {
    let mut packet = rtcp(ssrc);
    let len = packet.len();
    packet.resize(len + TAG, 0);
    let sealed = session.seal_rtcp(&mut packet, len).expect("seals");
    packet.truncate(sealed);
    packet
}

#[test]
fn what_one_side_seals_the_other_opens_and_only_once() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        for payload in [0, 1, 15, 16, 17, 1180] {
            let index = 100 + payload as u64;
            let packet = seal(&mut a, 7, index, payload);
            let plain = rtp(7, index as u16, payload);
            assert_ne!(packet[24..], plain[24..]);
            let mut first = packet.clone();
            assert_eq!(b.open_rtp(&mut first), Ok((plain.len(), index)), "{profile:?}");
            assert_eq!(first[..plain.len()], plain);
            assert_eq!(b.open_rtp(&mut packet.clone()), Err(DropReason::SrtpReplayed));
            assert_eq!(a.open_rtp(&mut packet.clone()), Err(DropReason::SrtpUnauthenticated));
        }
        let packet = seal_rtcp(&mut a, 7);
        let mut first = packet.clone();
        let len = b.open_rtcp(&mut first).expect("opens");
        assert_eq!(first[..len], rtcp(7));
        assert_eq!(b.open_rtcp(&mut packet.clone()), Err(DropReason::SrtpReplayed));
    }
}

/// Made with libsrtp 2: master key and salt are the bytes 1, 2, 3 ..., five packets from 65,533 on.
#[test]
fn libsrtp_makes_the_same_bytes() {
    let cases = [
        (
            Profile::AeadAes128Gcm,
            [
                "9160fffd000000070000000901020304bede0001107f0000c2651726280d8e0b2895d73b8b52b02b\
                 230f78a873ddfccdcf646067767aead195dc16b2480a53ebf880",
                "91600001000000070000000901020304bede0001107f00003eef86361fee1b930606a17af7ee1843\
                 c3168cf0604d01b47e1fb82b61c1599f910ea62b8cc5c8fde08a",
            ],
            [
                "80c90001000000094532c0485e4d57ecd7ea841e6c67facb7aac4006415ae7d16701311780000001",
                "80c9000100000009ad707b70f3989373d040367163bafd431b0d7453975ac8a6d8ca349380000002",
            ],
        ),
        (
            Profile::Aes128CmHmacSha1_80,
            [
                "9160fffd000000070000000901020304bede0001107f0000d95ab8f95cff2430b76dfe20e4c11e09\
                 4a4ec831a415fbab4a309c8fda438d84938cedcb",
                "91600001000000070000000901020304bede0001107f0000f1bda029a0c543a060e7229b3e3930ce\
                 0e6b6f14f977c307d6bcf3bba51bb6079d7497ec",
            ],
            [
                "80c9000100000009ea9076a8a2dcdf165474839a80000001f27180e6e8f85a0e2057",
                "80c9000100000009477cd774542a3ac8723d737c80000002b22ed33f541c4785b77e",
            ],
        ),
    ];
    for (profile, [first, fifth], reports) in cases {
        let bytes: Vec<u8> = (1..=30).collect();
        let mut master = MasterKey { key: [0; KEY_LEN], salt: [0; SALT_LEN] };
        master.key.copy_from_slice(&bytes[..KEY_LEN]);
        let salt_len = profile.salt_len();
        master.salt[..salt_len].copy_from_slice(&bytes[KEY_LEN..KEY_LEN + salt_len]);
        let keys = || Keys { profile, local: master.clone(), remote: master.clone() };
        let mut ours = Session::new(keys()).expect("valid keys");
        let mut opens = Session::new(keys()).expect("valid keys");
        for index in 65_533..65_538_u64 {
            let mut packet = rtp(9, index as u16, 0);
            packet.extend(b"what libsrtp makes of this");
            let plain = packet.clone();
            packet.resize(plain.len() + TAG, 0);
            let len = ours.seal_rtp(index, &mut packet, plain.len()).expect("seals");
            packet.truncate(len);
            match index {
                65_533 => assert_eq!(packet, unhex(first), "{profile:?}"),
                65_537 => assert_eq!(packet, unhex(fifth), "{profile:?}"),
                _ => {}
            }
            assert_eq!(opens.open_rtp(&mut packet), Ok((plain.len(), index)));
            assert_eq!(packet[..plain.len()], plain);
        }
        for report in reports {
            let mut packet = [0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 206, 0, 2].to_vec();
            packet.extend([0, 0, 0, 9, 0, 0, 0, 7]);
            packet.resize(20 + TAG, 0);
            let len = ours.seal_rtcp(&mut packet, 20).expect("seals");
            assert_eq!(packet[..len], unhex(report), "{profile:?}");
        }
    }
}

#[test]
fn any_changed_bit_is_noticed() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        let packet = seal(&mut a, 7, 100, 20);
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(b.open_rtp(&mut forged).is_err(), "{profile:?} {bit}");
        }
        assert!(b.open_rtp(&mut packet.clone()).is_ok());
        let packet = seal_rtcp(&mut a, 7);
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(b.open_rtcp(&mut forged).is_err(), "{profile:?} {bit}");
        }
        assert!(b.open_rtcp(&mut packet.clone()).is_ok());
    }
}

#[test]
fn short_packets_of_every_length_and_first_byte_are_refused() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        for first in 0..=255_u8 {
            for len in 0..80 {
                let mut packet = vec![first; len];
                assert!(b.open_rtp(&mut packet.clone()).is_err());
                assert!(b.open_rtcp(&mut packet).is_err());
                let mut packet = vec![first; len];
                let sealed = a.seal_rtp(u64::from(first) * 257, &mut packet, len);
                assert!(sealed.is_err(), "no room for a tag");
                assert!(a.seal_rtcp(&mut packet, len).is_err());
            }
        }
        let packet = seal(&mut a, 7, 100, 30);
        for len in 0..packet.len() {
            assert!(b.open_rtp(&mut packet[..len].to_vec()).is_err());
        }
    }
}

#[test]
fn a_rollover_is_followed_through_loss_and_reordering() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        let mut random = 1_u64;
        let mut chance = |percent| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) % 100 < percent
        };
        let mut late = Vec::new();
        let mut opened = 0;
        for index in 60_000..200_000_u64 {
            let packet = seal(&mut a, 7, index, 4);
            if chance(30) {
                continue;
            }
            if chance(5) {
                late.push((index, packet));
                continue;
            }
            let got = b.open_rtp(&mut packet.clone());
            assert_eq!(got.map(|(_, index)| index), Ok(index), "{profile:?}");
            opened += 1;
            if late.len() > 8 {
                for (index, packet) in late.drain(..) {
                    let got = b.open_rtp(&mut packet.clone());
                    assert_eq!(got.map(|(_, index)| index), Ok(index));
                    assert_eq!(b.open_rtp(&mut packet.clone()), Err(DropReason::SrtpReplayed));
                }
            }
        }
        assert!(opened > 80_000);
    }
}

#[test]
fn a_sender_that_jumps_is_followed_up_to_half_the_sequence_space() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        assert!(b.open_rtp(&mut seal(&mut a, 7, 40_000, 4)).is_ok());
        let jumped = seal(&mut a, 7, 40_000 + 0x8000 - 1, 4);
        assert_eq!(b.open_rtp(&mut jumped.clone()).map(|(_, index)| index), Ok(72_767));
        // A jump of almost the whole space looks like an old packet and changes nothing.
        let far = seal(&mut a, 7, 72_767 + 0xffff, 4);
        assert!(b.open_rtp(&mut far.clone()).is_err());
        let (mut a2, _) = pair(profile);
        let next = seal(&mut a2, 7, 72_768, 4);
        assert!(b.open_rtp(&mut next.clone()).is_ok(), "the estimate did not move");
        // Far behind the window, a packet never seen is refused all the same.
        let (mut a3, _) = pair(profile);
        assert!(b.open_rtp(&mut seal(&mut a3, 7, 72_768 - 1024, 4)).is_err());
    }
}

#[test]
fn no_index_is_sealed_twice() {
    for profile in PROFILES {
        let (mut a, _) = pair(profile);
        seal(&mut a, 7, 100, 4);
        for index in [100, 99, 0] {
            let mut packet = rtp(7, index as u16, 4);
            let len = packet.len();
            packet.resize(len + TAG, 0);
            let sealed = a.seal_rtp(index, &mut packet, len);
            assert_eq!(sealed, Err(DropReason::SrtpIndexReused));
        }
        // A late one is sealed, once; one that is too late is not.
        seal(&mut a, 7, 110, 4);
        seal(&mut a, 7, 105, 4);
        seal(&mut a, 7, 300, 4);
        for index in [105, 110, 109, 300 - 128, 0] {
            let mut packet = rtp(7, index as u16, 4);
            let len = packet.len();
            packet.resize(len + TAG, 0);
            let sealed = a.seal_rtp(index, &mut packet, len);
            assert_eq!(sealed, Err(DropReason::SrtpIndexReused), "{index}");
        }
        seal(&mut a, 7, 300 - 127, 4);
        let mut packet = rtp(7, 102, 4);
        let len = packet.len();
        packet.resize(len + TAG, 0);
        assert_eq!(a.seal_rtp(101, &mut packet, len), Err(DropReason::Malformed), "not its number");
        assert_eq!(a.seal_rtp(1 << 48 | 102, &mut packet, len), Err(DropReason::Malformed));
        a.next_rtcp_index = MAX_RTCP_INDEX;
        seal_rtcp(&mut a, 7);
        let mut packet = rtcp(7);
        packet.resize(64, 0);
        assert_eq!(a.seal_rtcp(&mut packet, 20), Err(DropReason::SrtpIndexReused));
    }
}

#[test]
fn packets_that_are_not_authentic_leave_no_state() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        for ssrc in 0..100_000_u32 {
            let mut packet = rtp(ssrc, 1, 40);
            assert_eq!(b.open_rtp(&mut packet), Err(DropReason::SrtpUnauthenticated));
            let mut packet = rtcp(ssrc);
            packet.extend([0xff; 14]);
            assert_eq!(b.open_rtcp(&mut packet), Err(DropReason::SrtpUnauthenticated));
        }
        assert_eq!(b.opened.iter().count() + b.opened_rtcp.iter().count(), 0);
        // Forged packets of a known SSRC move nothing either.
        assert!(b.open_rtp(&mut seal(&mut a, 7, 100, 4)).is_ok());
        for sequence in 0..=u16::MAX {
            assert!(b.open_rtp(&mut rtp(7, sequence, 40)).is_err());
        }
        assert!(b.open_rtp(&mut seal(&mut a, 7, 101, 4)).is_ok());
    }
}

#[test]
fn a_publisher_with_many_ssrcs_keeps_the_ones_it_uses() {
    let (mut a, mut b) = pair(Profile::AeadAes128Gcm);
    for ssrc in 1000..3000 {
        let used = u64::from(ssrc);
        assert!(b.open_rtp(&mut seal(&mut a, 7, used, 4)).is_ok());
        assert!(b.open_rtp(&mut seal(&mut a, ssrc, 5, 4)).is_ok());
        assert!(b.opened.iter().count() <= MAX_INGRESS_SSRCS);
    }
    let mut replayed = rtp(7, 2999, 4);
    replayed.resize(100, 0);
    assert_eq!(b.open_rtp(&mut replayed), Err(DropReason::SrtpReplayed), "7 was never forgotten");
}

#[test]
fn a_receiver_of_too_many_ssrcs_is_refused_more() {
    let (mut a, _) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..MAX_EGRESS_SSRCS as u32 {
        seal(&mut a, ssrc, 5, 4);
    }
    let mut packet = rtp(u32::MAX, 5, 4);
    let len = packet.len();
    packet.resize(len + TAG, 0);
    assert_eq!(a.seal_rtp(5, &mut packet, len), Err(DropReason::TooManyStreams));
}

#[test]
fn a_restored_session_goes_on_and_repeats_nothing() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(profile);
        let old: Vec<_> = (65_530..65_540).map(|index| seal(&mut a, 7, index, 9)).collect();
        let old_rtcp = seal_rtcp(&mut a, 7);
        for packet in &old[..8] {
            assert!(b.open_rtp(&mut packet.clone()).is_ok());
        }
        assert!(b.open_rtcp(&mut old_rtcp.clone()).is_ok());
        let encoded = rmp_serde::to_vec_named(&(a.export(), b.export())).expect("encodes");
        let (a2, b2): (State, State) = rmp_serde::from_slice(&encoded).expect("decodes");
        assert_eq!(a2.sealed(), [(7, 65_539)]);
        let mut a2 = Session::restore(&a2).expect("restores");
        let mut b2 = Session::restore(&b2).expect("restores");

        assert_eq!(b2.open_rtp(&mut old[3].clone()), Err(DropReason::SrtpReplayed));
        assert_eq!(b2.open_rtcp(&mut old_rtcp.clone()), Err(DropReason::SrtpReplayed));
        assert_eq!(b2.open_rtp(&mut old[9].clone()).map(|(_, index)| index), Ok(65_539));
        assert_eq!(b2.open_rtp(&mut old[8].clone()).map(|(_, index)| index), Ok(65_538));
        let mut packet = rtp(7, 65_539_u32 as u16, 9);
        let len = packet.len();
        packet.resize(len + TAG, 0);
        assert_eq!(a2.seal_rtp(65_539, &mut packet, len), Err(DropReason::SrtpIndexReused));
        assert!(b2.open_rtp(&mut seal(&mut a2, 7, 65_539 + 512, 9)).is_ok());
        assert_eq!(a2.next_rtcp_index, 2 + INDEX_JUMP);
        assert!(b2.open_rtcp(&mut seal_rtcp(&mut a2, 7)).is_ok());
    }
}

#[test]
fn the_index_is_estimated_as_in_appendix_a() {
    for (highest, sequence, index) in [
        (0, 0x8000, Some(0x8000)),
        (0, 0x8001, None),
        (0xffff, 0, Some(0x1_0000)),
        (0x1_0000, 0xffff, Some(0xffff)),
        (0x1_8000, 0, Some(0x1_0000)),
        (0x1_8001, 0, Some(0x2_0000)),
        (MAX_RTP_INDEX, 0, None),
        (MAX_RTP_INDEX, 0xfffe, Some(MAX_RTP_INDEX - 1)),
    ] {
        assert_eq!(estimate_index(highest, sequence), index, "{highest:x} {sequence:x}");
    }
}
