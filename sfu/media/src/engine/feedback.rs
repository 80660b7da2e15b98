//! RTCP to publishers: how their packets come, what is missing, and which pictures are wanted.

use super::Engine;
use crate::arena::{Arena, Key, PeerKey, TrackKey};
use crate::limits::MAX_MISSING;
use crate::peer::Peer;
use crate::reports::Sender;
use crate::router::Router;
use crate::track::Track;
use lectern_control::media::MediaKind;
use lectern_wire::rtcp::feedback::IntraEntry;
use lectern_wire::rtcp::report::ReportBlock;
use lectern_wire::rtcp::{self};
use lectern_wire::{Error, Ssrc};
use smallvec::SmallVec;
use std::time::Instant;

/// Blocks in one receiver report (RFC 3550 section 6.4.2).
const MAX_BLOCKS: usize = rtcp::MAX_COUNT;

impl Engine {
    /// Sends whatever feedback to a publisher is due.
    pub(super) fn send_feedback(&mut self, now: Instant, key: PeerKey, reports: bool) {
        let Router { peers, tracks, .. } = &mut self.router;
        let Some(peer) = peers.get_mut(key) else { return };
        let Ok(remote) = peer.sends_to() else { return peer.ingress.arrivals.forget() };
        if peer.ingress.tracks.is_empty() {
            return peer.ingress.arrivals.forget();
        }
        let Peer { transport, ingress, ssrc, .. } = peer;
        let (outbox, counters) = (&mut self.outbox, &mut self.counters);
        let mut sender = Sender::new(*ssrc, key.index(), remote, transport, outbox, counters);
        if reports {
            receiver_reports(now, &mut sender, &ingress.tracks, tracks);
        }
        let mut media = None;
        for track in &ingress.tracks {
            let Some(track) = tracks.get_mut(*track) else { continue };
            media = media.or(track.encodings.iter().find_map(|encoding| encoding.ssrc));
            nacks(now, &mut sender, track);
            keyframe_requests(now, &mut sender, track);
        }
        let arrivals = &mut ingress.arrivals;
        // Each round covers at least one packet of a bounded window.
        while arrivals.deadline().is_some_and(|due| due <= now) {
            let from = sender.ssrc();
            let written =
                media.map(|media| sender.add(|writer| arrivals.write(now, writer, from, media)));
            if !matches!(written, Some(Ok(()))) {
                // Nothing names the stream: kept, it would be due for ever.
                arrivals.forget();
            }
        }
        sender.finish();
    }
}

fn receiver_reports(
    now: Instant,
    sender: &mut Sender<'_>,
    published: &[TrackKey],
    tracks: &mut Arena<TrackKey, Track>,
) {
    let mut blocks = SmallVec::<[ReportBlock; MAX_BLOCKS]>::new();
    for track in published {
        let Some(track) = tracks.get_mut(*track) else { continue };
        for encoding in &mut track.encodings {
            let Some(ssrc) = encoding.ssrc.filter(|_| !encoding.reception.is_empty()) else {
                continue;
            };
            if blocks.len() == MAX_BLOCKS {
                sender.add_report(|writer, from| writer.receiver_report(from, &blocks));
                blocks.clear();
            }
            blocks.push(encoding.reception.report(now, ssrc, encoding.clock.as_ref()));
        }
    }
    if !blocks.is_empty() {
        sender.add_report(|writer, from| writer.receiver_report(from, &blocks));
    }
}

fn nacks(now: Instant, sender: &mut Sender<'_>, track: &mut Track) {
    for encoding in &mut track.encodings {
        let Some(media) = encoding.ssrc else { continue };
        let mut numbers = SmallVec::<[u16; MAX_MISSING]>::new();
        encoding.losses.take_due(now, |number| numbers.push(number.wire()));
        let mut rest = numbers.as_slice();
        while !rest.is_empty() {
            let from = sender.ssrc();
            let write =
                |writer: &mut rtcp::Writer<'_>| writer.nack(from, media, rest.iter().copied());
            let Ok(taken) = sender.add(write) else { break };
            sender.counters().nacked_out += taken as u64;
            rest = rest.get(taken..).unwrap_or_default();
        }
    }
}

fn keyframe_requests(now: Instant, sender: &mut Sender<'_>, track: &mut Track) {
    if track.kind() != MediaKind::Video {
        return;
    }
    let picture_loss = track.formats.iter().any(|format| format.picture_loss);
    for encoding in &mut track.encodings {
        let Some(media) = encoding.ssrc else { continue };
        if !encoding.keyframes.take(now) {
            continue;
        }
        let from = sender.ssrc();
        let written = if picture_loss {
            sender.add(|writer| writer.picture_loss(from, media))
        } else {
            let sequence = encoding.intra_requests;
            encoding.intra_requests = sequence.wrapping_add(1);
            sender.add(|writer| intra_request(writer, from, IntraEntry { media, sequence }))
        };
        if written.is_ok() {
            sender.counters().keyframe_requests_out += 1;
        }
    }
}

fn intra_request(
    writer: &mut rtcp::Writer<'_>,
    from: Ssrc,
    entry: IntraEntry,
) -> Result<(), Error> {
    writer.full_intra_request(from, &[entry])
}
