//! Tests of RTCP: round trips of every kind, and every contradiction a packet can hold.

use super::feedback::IntraEntry;
use super::transport_wide::{Arrival, FeedbackHeader, MAX_STATUSES};
use super::*;
use crate::{Bitrate, NtpTime, RtpTime};
use proptest::prelude::*;
use std::time::Duration;

const SENDER: Ssrc = Ssrc(0x1111_1111);
const MEDIA: Ssrc = Ssrc(0x2222_2222);

fn write(fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 1_400];
    let mut writer = Writer::new(&mut buffer);
    fill(&mut writer);
    let len = writer.len();
    buffer[..len].to_vec()
}

fn only(bytes: &[u8]) -> Result<Packet<'_>, Error> {
    let mut packets = packets(bytes);
    let first = packets.next().expect("one packet");
    assert!(packets.next().is_none(), "one packet");
    first
}

fn error_of(bytes: &[u8]) -> Error {
    only(bytes).expect_err("broken")
}

/// A packet of raw parts with a right length.
fn raw(count: u8, packet_type: u8, body: &[u8]) -> Vec<u8> {
    let words = u16::try_from(body.len() / 4).expect("short");
    [&[0x80 | count, packet_type][..], &words.to_be_bytes(), body].concat()
}

fn block(ssrc: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(ssrc),
        fraction_lost: 25,
        cumulative_lost: -3,
        highest_sequence: 0x0001_ffff,
        jitter: 17,
        last_sender_report: 0xb705_2000,
        delay_since_last: 0x0005_4000,
    }
}

const INFO: SenderInfo = SenderInfo {
    ntp: NtpTime(0xb44d_b705_2000_0000),
    rtp: RtpTime(90_000),
    packets: 5,
    payload_bytes: 6_000,
};

#[test]
fn a_compound_of_every_kind_reads_back() {
    let bytes = write(|writer| {
        writer.sender_report(SENDER, &INFO, &[block(1), block(2)]).expect("fits");
        writer.receiver_report(SENDER, &[block(3)]).expect("fits");
        writer.canonical_name(&[SENDER, MEDIA], b"name").expect("fits");
        writer.nack(SENDER, MEDIA, [65_535, 0, 15, 16]).expect("fits");
        writer.picture_loss(SENDER, MEDIA).expect("fits");
        let entry = IntraEntry { media: MEDIA, sequence: 9 };
        writer.full_intra_request(SENDER, &[entry]).expect("fits");
        writer.bitrate_estimate(SENDER, Bitrate::kbps(2_500), &[MEDIA]).expect("fits");
        writer.goodbye(&[MEDIA]).expect("fits");
    });
    let all: Vec<_> = packets(&bytes).map(|packet| packet.expect("valid")).collect();
    let [
        Packet::SenderReport(sender),
        Packet::ReceiverReport(receiver),
        Packet::Description(description),
        Packet::Nack(nack),
        Packet::PictureLoss(loss),
        Packet::FullIntraRequest(intra),
        Packet::BitrateEstimate(estimate),
        Packet::Goodbye(goodbye),
    ] = all.as_slice()
    else {
        panic!("other kinds: {all:?}")
    };
    assert_eq!((sender.ssrc, sender.info), (SENDER, INFO));
    assert_eq!(sender.blocks().collect::<Vec<_>>(), [block(1), block(2)]);
    assert_eq!(receiver.blocks().collect::<Vec<_>>(), [block(3)]);
    let names: Vec<_> = description.items().map(|item| (item.ssrc, item.text)).collect();
    assert_eq!(names, [(SENDER, &b"name"[..]), (MEDIA, b"name")]);
    assert_eq!(nack.sequences().collect::<Vec<_>>(), [65_535, 0, 15, 16]);
    assert_eq!(*loss, PictureLoss { sender: SENDER, media: MEDIA });
    let entry = IntraEntry { media: MEDIA, sequence: 9 };
    assert_eq!(intra.entries().collect::<Vec<_>>(), [entry]);
    assert_eq!(estimate.bitrate, Bitrate::kbps(2_500));
    assert_eq!(estimate.sources().collect::<Vec<_>>(), [MEDIA]);
    assert_eq!(goodbye.sources().collect::<Vec<_>>(), [MEDIA]);
}

#[test]
fn the_round_trip_of_the_rfc() {
    // RFC 3550 section 6.4.1, figure 2.
    let trip = block(1).round_trip(NtpTime(0xb44d_b710_8000_0000));
    assert_eq!(trip, Some(Duration::from_millis(6_125)));
    assert_eq!(block(1).round_trip(NtpTime(0xb44d_b709_8000_0000)), None);
    let none = ReportBlock { last_sender_report: 0, ..block(1) };
    assert_eq!(none.round_trip(INFO.ntp), None);
    assert_eq!(report::delay_units(Duration::from_millis(5_250)), 0x0005_4000);
    assert_eq!(report::delay_units(Duration::MAX), u32::MAX);
}

#[test]
fn what_stands_before_a_broken_packet_is_usable() {
    let mut bytes = write(|writer| writer.picture_loss(SENDER, MEDIA).expect("fits"));
    bytes.extend([0x81, 201, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(write(|writer| writer.picture_loss(SENDER, MEDIA).expect("fits")));
    let all: Vec<_> = packets(&bytes).collect();
    assert!(matches!(all.as_slice(), [Ok(Packet::PictureLoss(_)), Err(Error::Truncated)]));
    // Where the framing holds, what stands after it is usable too.
    let mut bytes = raw(31, 201, &SENDER.0.to_be_bytes());
    bytes.extend(write(|writer| writer.picture_loss(SENDER, MEDIA).expect("fits")));
    let all: Vec<_> = packets(&bytes).collect();
    assert!(matches!(all.as_slice(), [Err(Error::Truncated), Ok(Packet::PictureLoss(_))]));
}

#[test]
fn a_length_of_zero_is_a_packet_of_its_header() {
    for packet_type in [200, 201, 205, 206] {
        for count in 0..32 {
            match (only(&[0x80 | count, packet_type, 0, 0]), packet_type, count) {
                (Err(Error::Truncated), 200..=201, _) => {}
                (Err(Error::Truncated), 205, 1 | 15) => {}
                (Err(Error::Truncated), 206, 1 | 4 | 15) => {}
                (Ok(Packet::Skipped { .. }), 205..=206, _) => {}
                (other, ..) => panic!("{packet_type} {count}: {other:?}"),
            }
        }
    }
}

#[test]
fn more_packets_than_a_compound_may_have_end_it() {
    let bytes = raw(0, 204, &[]).repeat(MAX_PACKETS + 5);
    let all: Vec<_> = packets(&bytes).collect();
    assert_eq!(all.len(), MAX_PACKETS + 1);
    assert!(matches!(all.last(), Some(Err(Error::TooMany))));
}

#[test]
fn other_kinds_are_skipped() {
    for (count, packet_type) in [(0, 207), (5, 204), (3, 205), (11, 205), (2, 206), (0, 192)] {
        let bytes = raw(count, packet_type, &[7; 1_000]);
        let expected = (packet_type, count);
        match only(&bytes) {
            Ok(Packet::Skipped { packet_type, format }) => {
                assert_eq!((packet_type, format), expected);
            }
            other => panic!("{expected:?}: {other:?}"),
        }
    }
    let other_application = raw(15, 206, &[0, 0, 0, 1, 0, 0, 0, 0, b'A', b'B', b'C', b'D']);
    assert!(matches!(only(&other_application), Ok(Packet::Skipped { .. })));
}

#[test]
fn padding_counts_only_in_the_last_packet() {
    let mut bytes = raw(1, 206, &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]);
    bytes[0] |= PADDING_BIT;
    assert!(matches!(only(&bytes), Ok(Packet::PictureLoss(_))));
    let last = bytes.len() - 1;
    for (padding, error) in [(0, Error::Padding), (13, Error::Padding), (255, Error::Padding)] {
        bytes[last] = padding;
        assert_eq!(error_of(&bytes), error);
    }
    bytes[last] = 4;
    bytes.extend(raw(0, 204, &[]));
    assert!(matches!(packets(&bytes).next(), Some(Err(Error::Padding))));
    assert_eq!(error_of(&[0xa0, 204, 0, 0]), Error::Padding);
}

#[test]
fn every_truncation_of_a_compound_ends_in_an_error_or_between_packets() {
    let bytes = write(|writer| {
        writer.sender_report(SENDER, &INFO, &[block(1)]).expect("fits");
        writer.canonical_name(&[SENDER], b"name").expect("fits");
        writer.nack(SENDER, MEDIA, [1, 2, 3]).expect("fits");
    });
    let whole = [0, 52, 52 + 16, bytes.len()];
    for len in 0..=bytes.len() {
        let broken = packets(&bytes[..len]).filter(Result::is_err).count();
        assert_eq!(broken, usize::from(!whole.contains(&len)), "{len} bytes");
    }
}

#[test]
fn a_description_must_be_terminated() {
    let ssrc = [0, 0, 0, 1];
    for body in [&[1, 4, b'n', b'a'][..], &[1, 2, b'n', b'a'], &[1, 255, 0, 0]] {
        assert_eq!(error_of(&raw(1, 202, &[&ssrc, body].concat())), Error::Truncated);
    }
    assert_eq!(error_of(&raw(2, 202, &[&ssrc[..], &[0; 4]].concat())), Error::Truncated);
    let many = [&ssrc[..], &[1, 0].repeat(200), &[0; 4]].concat();
    assert_eq!(error_of(&raw(1, 202, &many)), Error::TooMany);
    let empty = raw(1, 202, &[&ssrc[..], &[0; 4]].concat());
    assert!(matches!(only(&empty), Ok(Packet::Description(d)) if d.items().count() == 0));
    let long = [b'x'; 256];
    assert_eq!(Writer::new(&mut [0; 500]).canonical_name(&[SENDER], &long), Err(Error::Invalid));
}

#[test]
fn a_goodbye_may_say_why_but_not_over_its_end() {
    let with_reason = raw(1, 203, &[0, 0, 0, 1, 3, b'b', b'y', b'e']);
    assert!(matches!(only(&with_reason), Ok(Packet::Goodbye(g)) if g.reason == b"bye"));
    assert_eq!(error_of(&raw(1, 203, &[0, 0, 0, 1, 4, b'b', b'y', b'e'])), Error::Truncated);
    assert_eq!(error_of(&raw(31, 203, &[0, 0, 0, 1])), Error::Truncated);
}

#[test]
fn a_nack_of_all_ones_is_bounded() {
    let most = [&[0; 8][..], &[0xff; 4].repeat(nack::MAX_PAIRS)].concat();
    match only(&raw(1, 205, &most)) {
        Ok(Packet::Nack(nack)) => assert_eq!(nack.sequences().count(), nack::MAX_PAIRS * 17),
        other => panic!("{other:?}"),
    }
    assert_eq!(error_of(&raw(1, 205, &[&most[..], &[0; 4]].concat())), Error::TooMany);
    assert_eq!(error_of(&raw(1, 205, &[0; 8])), Error::Length);
}

#[test]
fn a_nack_takes_what_fits() {
    let mut buffer = [0; 12 + 8];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.nack(SENDER, MEDIA, []), Err(Error::Invalid));
    assert!(writer.is_empty());
    assert_eq!(writer.nack(SENDER, MEDIA, [10, 26, 27, 43, 44, 100]), Ok(4));
    assert_eq!(writer.nack(SENDER, MEDIA, [1]), Err(Error::NoSpace));
    match only(&buffer) {
        Ok(Packet::Nack(nack)) => {
            assert_eq!(nack.sequences().collect::<Vec<_>>(), [10, 26, 27, 43]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_of_intra_requests_is_whole_and_bounded() {
    assert_eq!(error_of(&raw(4, 206, &[0; 8])), Error::Length);
    assert_eq!(error_of(&raw(4, 206, &[0; 20])), Error::Length);
    let many = vec![0; 8 + 8 * (feedback::MAX_ENTRIES + 1)];
    assert_eq!(error_of(&raw(4, 206, &many)), Error::TooMany);
    let mut buffer = [0; 500];
    let mut writer = Writer::new(&mut buffer);
    let entry = IntraEntry { media: MEDIA, sequence: 9 };
    let entries = [entry; feedback::MAX_ENTRIES + 1];
    assert_eq!(writer.full_intra_request(SENDER, &entries), Err(Error::TooMany));
    assert_eq!(writer.full_intra_request(SENDER, &[]), Err(Error::Invalid));
}

#[test]
fn an_estimate_saturates_and_its_list_fits() {
    let mut body = [&[0; 8][..], b"REMB", &[1, 0xff, 0xff, 0xff], &[0, 0, 0, 5]].concat();
    match only(&raw(15, 206, &body)) {
        Ok(Packet::BitrateEstimate(estimate)) => {
            assert_eq!(estimate.bitrate, Bitrate::bps(u64::MAX));
            assert_eq!(estimate.sources().collect::<Vec<_>>(), [Ssrc(5)]);
        }
        other => panic!("{other:?}"),
    }
    body[12] = 255;
    assert_eq!(error_of(&raw(15, 206, &body)), Error::Truncated);
}

#[test]
fn too_many_blocks_are_refused_and_leave_the_compound_as_it_was() {
    let mut buffer = [0; 1_400];
    let mut writer = Writer::new(&mut buffer);
    writer.picture_loss(SENDER, MEDIA).expect("fits");
    let before = writer.len();
    assert_eq!(writer.receiver_report(SENDER, &[block(1); 32]), Err(Error::TooMany));
    assert_eq!(writer.goodbye(&[SENDER; 32]), Err(Error::TooMany));
    assert_eq!(writer.len(), before);
    writer.receiver_report(SENDER, &[block(1); 31]).expect("fits");
}

fn feedback_header(base_sequence: u16) -> FeedbackHeader {
    FeedbackHeader { sender: SENDER, media: MEDIA, base_sequence, feedback_count: 7 }
}

/// Statuses of a feedback as sequence and ticks after its reference.
fn statuses(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
    match only(bytes).expect("valid") {
        Packet::TransportFeedback(feedback) => feedback
            .statuses()
            .map(|status| {
                let Arrival(reference) = feedback.reference();
                (status.sequence, status.arrival.map(|Arrival(ticks)| ticks - reference))
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn feedback_as_the_draft_lays_it_out() {
    // Base 0xfffe, 5 packets, reference 64 ms; a one-bit vector 1 0 1 1 0, three small deltas.
    let mut body = [&SENDER.0.to_be_bytes()[..], &MEDIA.0.to_be_bytes()].concat();
    body.extend([0xff, 0xfe, 0, 5, 0, 0, 1, 7, 0b1010_1100, 0, 4, 0, 255]);
    // Chromium pads with the count of the padding, without whole words.
    body.extend([0, 0, 3]);
    let mut bytes = raw(15, 205, &body);
    bytes[0] |= PADDING_BIT;
    let expected = [(0xfffe, Some(4)), (0xffff, None), (0, Some(4)), (1, Some(259)), (2, None)];
    assert_eq!(statuses(&bytes), expected);
    match only(&bytes) {
        Ok(Packet::TransportFeedback(feedback)) => {
            assert_eq!((feedback.sender, feedback.media), (SENDER, MEDIA));
            assert_eq!((feedback.feedback_count, feedback.reference()), (7, Arrival(256)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn feedback_with_a_reserved_symbol_is_refused() {
    let fixed = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0];
    for chunk in [[0x60, 1], [0xf0, 0]] {
        let body = [&fixed[..], &chunk, &[0, 0]].concat();
        assert_eq!(error_of(&raw(15, 205, &body)), Error::Invalid);
    }
}

#[test]
fn feedback_that_counts_more_than_it_has_is_refused() {
    for (count, error) in [(u16::MAX, Error::TooMany), (4_096, Error::Truncated)] {
        let mut body = vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0];
        body.extend(count.to_be_bytes());
        body.extend([0, 0, 0, 0, 0x20, 5, 0, 0]);
        assert_eq!(error_of(&raw(15, 205, &body)), error);
    }
    // A run of 8191 small deltas without the deltas.
    let body = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 0, 0, 0x3f, 0xff, 0, 0];
    assert_eq!(error_of(&raw(15, 205, &body)), Error::Truncated);
    // Runs of nothing do not help.
    let body = [&[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0][..], &[0; 1_000]].concat();
    assert_eq!(error_of(&raw(15, 205, &body)), Error::Truncated);
}

#[test]
fn feedback_chunks_are_runs_where_runs_are_longer() {
    let ms = |count| Some(Duration::from_millis(count));
    let mut arrivals = vec![ms(100)];
    arrivals.extend([None; 40]);
    arrivals.push(ms(101));
    let bytes = write(|writer| {
        assert_eq!(writer.transport_feedback(&feedback_header(9), &arrivals), Ok(42));
    });
    // One two-bit vector or a one-bit vector of 14, a run of 27, and a vector with the last.
    assert_eq!(bytes.len(), 4 + 8 + 8 + 3 * 2 + 2);
    let read = statuses(&bytes);
    assert_eq!((read[0], read[41]), ((9, Some(144)), (50, Some(148))));
    assert!(read[1..41].iter().all(|(_, arrival)| arrival.is_none()));
}

#[test]
fn feedback_covers_what_fits_and_says_so() {
    let arrivals: Vec<_> = (0..3_000).map(|n| Some(Duration::from_millis(n))).collect();
    let bytes = write(|writer| {
        let covered = writer.transport_feedback(&feedback_header(0), &arrivals).expect("fits");
        assert!((1_300..1_400).contains(&covered), "{covered}");
    });
    assert!(statuses(&bytes).iter().all(|(sequence, at)| *at == Some(i64::from(*sequence) * 4)));
    let mut tiny = [0; 20];
    let mut writer = Writer::new(&mut tiny);
    let none = writer.transport_feedback(&feedback_header(0), &arrivals);
    assert_eq!((none, writer.len()), (Err(Error::NoSpace), 0));
    let missing = writer.transport_feedback(&feedback_header(0), &[None; 9]);
    assert_eq!(missing, Err(Error::Invalid));
}

#[test]
fn feedback_ends_where_a_gap_in_time_is_too_long() {
    let arrivals = [Some(Duration::ZERO), None, Some(Duration::from_secs(9))];
    let bytes = write(|writer| {
        assert_eq!(writer.transport_feedback(&feedback_header(0), &arrivals), Ok(2));
    });
    assert_eq!(statuses(&bytes), [(0, Some(0)), (1, None)]);
    let hours = [Some(Duration::from_secs(400 * 24 * 3_600)), Some(Duration::MAX)];
    let bytes = write(|writer| {
        assert_eq!(writer.transport_feedback(&feedback_header(0), &hours), Ok(1));
    });
    assert_eq!(statuses(&bytes), [(0, Some(0))]);
}

proptest! {
    #[test]
    fn feedback_reads_back(
        base: u16,
        start_ms in 0u64..10_000_000,
        steps in proptest::collection::vec(
            proptest::option::weighted(0.7, prop_oneof![4 => 0i64..60_000, 1 => -100_000i64..4_000_000]),
            1..600,
        ),
    ) {
        let mut now = i64::try_from(start_ms).expect("small") * 1_000;
        let arrivals: Vec<Option<Duration>> = steps
            .iter()
            .map(|step| step.map(|step| {
                now = (now + step).max(0);
                Duration::from_micros(now.unsigned_abs())
            }))
            .collect();
        prop_assume!(arrivals.iter().any(Option::is_some));
        let mut covered = 0;
        let bytes = write(|writer| {
            covered = writer.transport_feedback(&feedback_header(base), &arrivals).expect("fits");
        });
        let read = statuses(&bytes);
        prop_assert_eq!(read.len(), covered);
        prop_assert!(covered <= MAX_STATUSES);
        let first = arrivals.iter().flatten().next().expect("one").as_micros() as i64;
        let reference = first / 64_000 * 256;
        for (index, (sequence, ticks)) in read.iter().enumerate() {
            prop_assert_eq!(*sequence, base.wrapping_add(index as u16));
            let expected = arrivals[index].map(|at| at.as_micros() as i64 / 250 - reference);
            prop_assert_eq!(*ticks, expected);
        }
    }

    #[test]
    fn a_nack_reads_back(sequences in proptest::collection::vec(any::<u16>(), 1..300)) {
        let bytes = write(|writer| {
            let taken = writer.nack(SENDER, MEDIA, sequences.iter().copied());
            assert_eq!(taken, Ok(sequences.len()));
        });
        let Ok(Packet::Nack(nack)) = only(&bytes) else { panic!("no nack") };
        // A pair lists what it asks for in ascending order, so sort within what was written.
        let (mut read, mut expected): (Vec<_>, Vec<_>) = (nack.sequences().collect(), sequences);
        read.sort_unstable();
        read.dedup();
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn an_estimate_reads_back_within_18_bits(bps: u64) {
        let bytes = write(|writer| {
            writer.bitrate_estimate(SENDER, Bitrate::bps(bps), &[MEDIA]).expect("fits");
        });
        let Ok(Packet::BitrateEstimate(estimate)) = only(&bytes) else { panic!("no estimate") };
        let read = estimate.bitrate.as_bps();
        prop_assert!(read <= bps && bps - read <= bps >> 17);
    }

    #[test]
    fn a_report_reads_back(lost: i32, fields: [u32; 5], fraction_lost: u8) {
        let [ssrc, highest_sequence, jitter, last_sender_report, delay_since_last] = fields;
        let cumulative_lost = lost;
        let block = ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter,
            last_sender_report,
            delay_since_last,
        };
        let bytes = write(|writer| writer.receiver_report(SENDER, &[block]).expect("fits"));
        let Ok(Packet::ReceiverReport(report)) = only(&bytes) else { panic!("no report") };
        let cumulative_lost = lost.clamp(-0x80_0000, 0x7f_ffff);
        prop_assert_eq!(report.blocks().next(), Some(ReportBlock { cumulative_lost, ..block }));
    }

    #[test]
    fn no_bytes_panic(packet_type in 192u8..=223, format in 0u8..32, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = &body[..body.len() / 4 * 4];
        for packet in packets(&raw(format, packet_type, body)) {
            let shown = format!("{packet:?}");
            prop_assert!(shown.starts_with("Ok") || shown.starts_with("Err"));
        }
    }
}
