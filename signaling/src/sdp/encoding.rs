//! Encodings of a published section: simulcast rids (RFC 8851, RFC 8853), or the SSRCs of the one
//! encoding and of its retransmissions (RFC 5576).

use super::description::Section;
use lectern_control::limits::MAX_ENCODINGS_PER_TRACK;
use lectern_control::media::EncodingParameters;

/// The longest rid; browsers and applications use a letter or two.
const MAX_RID_BYTES: usize = 16;
/// Parts of `a=simulcast` that are looked at: each is sought among all `a=rid` lines, and a client
/// that means to be understood names three or four.
const MAX_STREAMS: usize = 16;

/// Reads the encodings a client sends, in its order. With rids, SSRCs are not taken from the
/// description: browsers name none or give no order, and packets carry the rid.
pub fn read(section: &Section<'_>) -> Vec<EncodingParameters> {
    let rids = rids(section);
    if !rids.is_empty() {
        let encoding = |rid: String| EncodingParameters { rid, ..EncodingParameters::default() };
        return rids.into_iter().map(encoding).collect();
    }
    let (ssrc, rtx_ssrc) = ssrcs(section);
    vec![EncodingParameters { ssrc, rtx_ssrc, ..EncodingParameters::default() }]
}

/// Rids that are sent: from `a=simulcast`, each declared by an `a=rid`.
fn rids(section: &Section<'_>) -> Vec<String> {
    let Some(simulcast) = section.value("simulcast") else { return Vec::new() };
    let mut words = simulcast.split_whitespace();
    let mut sent = "";
    while let (Some(direction), Some(list)) = (words.next(), words.next()) {
        if direction == "send" {
            sent = list;
        }
    }
    let mut rids: Vec<String> = Vec::new();
    for alternatives in sent.split(';').take(MAX_STREAMS) {
        if rids.len() == MAX_ENCODINGS_PER_TRACK {
            break;
        }
        // The first of comma-separated alternatives; `~` marks one that is paused at first.
        let rid = alternatives.split(',').next().unwrap_or_default().trim_start_matches('~');
        if !is_rid(rid) {
            continue;
        }
        let declared = section.values("rid").any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(rid) && words.next() == Some("send")
        });
        let fresh = !rids.iter().any(|known| known == rid);
        if fresh && declared {
            rids.push(rid.to_owned());
        }
    }
    rids
}

/// RFC 8851 section 10, as narrowed by RFC 8852 for use in header extensions.
fn is_rid(rid: &str) -> bool {
    !rid.is_empty() && rid.len() <= MAX_RID_BYTES && rid.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The SSRC of the encoding and that of its retransmissions.
fn ssrcs(section: &Section<'_>) -> (Option<u32>, Option<u32>) {
    let number = |word: &str| word.parse::<u32>().ok().filter(|ssrc| *ssrc != 0);
    for group in section.values("ssrc-group") {
        let mut words = group.split_whitespace();
        if words.next() == Some("FID") {
            let (first, second) = (words.next().and_then(number), words.next().and_then(number));
            if first.is_some() && first != second {
                return (first, second);
            }
        }
    }
    let first = section.value("ssrc").and_then(|line| line.split_whitespace().next());
    (first.and_then(number), None)
}

#[cfg(test)]
mod tests {
    use super::super::description::Description;
    use super::*;

    fn encodings(lines: &str) -> Vec<EncodingParameters> {
        let text = format!("v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\n{lines}");
        let description = Description::parse(&text).expect("a description");
        read(&description.sections[0])
    }

    fn rids_of(lines: &str) -> Vec<String> {
        encodings(lines).into_iter().map(|encoding| encoding.rid).collect()
    }

    #[test]
    fn simulcast_is_read_in_the_clients_order() {
        let lines = "a=rid:q send\na=rid:h send\na=rid:f send\na=simulcast:send q;h;f\n\
                     a=ssrc:7 cname:x\n";
        assert_eq!(rids_of(lines), ["q", "h", "f"]);
        assert!(encodings(lines).iter().all(|encoding| encoding.ssrc.is_none()));
        let both = "a=rid:a send\na=rid:b recv\na=simulcast:recv b send ~a,c\n";
        assert_eq!(rids_of(both), ["a"]);
    }

    #[test]
    fn one_encoding_has_its_ssrcs() {
        let one = encodings("a=ssrc-group:FID 11 12\na=ssrc:11 cname:x\na=ssrc:12 cname:x\n");
        assert_eq!((one[0].ssrc, one[0].rtx_ssrc), (Some(11), Some(12)));
        let alone = encodings("a=ssrc:11 cname:x\n");
        assert_eq!((alone[0].ssrc, alone[0].rtx_ssrc), (Some(11), None));
        let none = encodings("");
        assert_eq!((none.len(), none[0].ssrc), (1, None));
    }

    #[test]
    fn a_flood_of_streams_is_not_sought_among_a_flood_of_rids() {
        let declared: String = (0..1_500).map(|n| format!("a=rid:r{n} send\n")).collect();
        let unknown = vec!["x"; MAX_STREAMS].join(";");
        let lines = format!("{declared}a=simulcast:send {unknown};r1\n");
        assert_eq!(rids_of(&lines), [""], "what stands behind is not looked at");
        let almost = vec!["x"; MAX_STREAMS - 1].join(";");
        let lines = format!("{declared}a=simulcast:send {almost};r1\n");
        assert_eq!(rids_of(&lines), ["r1"]);
    }

    #[test]
    fn hostile_rids_and_groups_are_left_out() {
        let many: String = (0..40).map(|n| format!("a=rid:r{n} send\n")).collect();
        let list: Vec<String> = (0..40).map(|n| format!("r{n}")).collect();
        let lines = format!("{many}a=simulcast:send {}\n", list.join(";"));
        assert_eq!(rids_of(&lines).len(), MAX_ENCODINGS_PER_TRACK);
        assert_eq!(rids_of("a=rid:a-b send\na=simulcast:send a-b\n"), [""]);
        assert_eq!(rids_of("a=simulcast:send q;h\n"), [""], "not declared");
        assert_eq!(rids_of("a=rid:q send\na=simulcast:send q;q;q\n"), ["q"]);
        let cycle = encodings("a=ssrc-group:FID 5 5\na=ssrc-group:FID 5 0\na=ssrc:5 x\n");
        assert_eq!((cycle[0].ssrc, cycle[0].rtx_ssrc), (Some(5), None));
    }
}
