//! The way of one stream's packets: order, then frames.

use super::Counts;
use super::frame::{Frame, Part};
use super::picture::Pictures;
use super::sound::Sound;
use super::window::{Ordered, Pushed, Window};
use crate::packet::{Packet, StreamId};
use lectern_control::media::{CodecName, MediaKind};
use lectern_wire::rtp::View;
use std::collections::VecDeque;

/// A stream under way.
#[derive(Debug)]
pub struct Lane {
    /// The stream.
    pub stream: StreamId,
    /// When its first packet came.
    pub first_us: i64,
    /// When its last packet came.
    pub last_us: i64,
    /// Where its first keyframe came: timestamp and arrival.
    pub keyframe: Option<(u32, i64)>,
    window: Window,
    sound: Sound,
    pictures: Option<Pictures>,
}

impl Lane {
    /// A stream that begins.
    pub fn new(stream: StreamId, first_us: i64) -> Lane {
        Lane {
            stream,
            first_us,
            last_us: first_us,
            keyframe: None,
            window: Window::default(),
            sound: Sound::default(),
            pictures: None,
        }
    }

    /// Takes a packet.
    pub fn push(&mut self, packet: Packet) -> Pushed {
        self.last_us = self.last_us.max(packet.arrival_us);
        if self.keyframe.is_none() && packet.keyframe {
            let header = View::parse(&packet.rtp).ok();
            let rtp = header.map(|view| view.header.fields.timestamp.0);
            self.keyframe = rtp.map(|rtp| (rtp, packet.arrival_us));
        }
        self.window.push(packet)
    }

    /// Whether other streams may follow: sound always, pictures where they begin with a keyframe.
    pub fn can_begin(&self, kind: MediaKind) -> bool {
        kind == MediaKind::Audio || self.keyframe.is_some()
    }

    /// Drops packets beyond the limit, while another stream is under way.
    pub fn trim(&mut self) {
        self.window.trim();
    }

    /// The number after the last packet that was given.
    pub fn next(&self) -> Option<u64> {
        self.window.next()
    }

    /// Frames of the packets that need not wait any more at `now_us`.
    pub fn frames(&mut self, now_us: i64, counts: &mut Counts, out: &mut VecDeque<Frame>) {
        while let Some(ordered) = self.window.pop(now_us) {
            counts.lost = counts.lost.saturating_add(ordered.missing);
            self.take(&ordered, counts, out);
        }
    }

    /// No more packets come: frames of all that are held.
    pub fn end(&mut self, counts: &mut Counts, out: &mut VecDeque<Frame>) {
        self.window.end();
        self.frames(i64::MAX, counts, out);
        if let Some(pictures) = &mut self.pictures {
            let outcome = pictures.finish();
            counts.dropped = counts.dropped.saturating_add(outcome.dropped);
            out.extend(outcome.frames.into_iter().flatten());
        }
    }

    fn take(&mut self, ordered: &Ordered, counts: &mut Counts, out: &mut VecDeque<Frame>) {
        let Ordered { packet, missing } = ordered;
        let is_after_hole = *missing > 0;
        let Some(part) = part(packet) else {
            counts.broken = counts.broken.saturating_add(1);
            return;
        };
        if part.payload.is_empty() {
            // Padding alone: a sender probes for bandwidth. What is missing before it still is.
            if let (true, Some(pictures)) = (is_after_hole, &mut self.pictures) {
                counts.dropped = counts.dropped.saturating_add(pictures.lose());
            }
            return;
        }
        if packet.codec.kind() == MediaKind::Video {
            self.picture(packet.codec, &part, is_after_hole, counts, out);
            return;
        }
        let outcome = match packet.codec {
            CodecName::Red => self.sound.red(&part, is_after_hole),
            _ => self.sound.opus(&part),
        };
        counts.restored = counts.restored.saturating_add(outcome.restored);
        counts.broken = counts.broken.saturating_add(u64::from(outcome.broken));
        out.extend(outcome.frames);
    }

    fn picture(
        &mut self,
        codec: CodecName,
        part: &Part,
        is_after_hole: bool,
        counts: &mut Counts,
        out: &mut VecDeque<Frame>,
    ) {
        if self.pictures.as_ref().is_none_or(|pictures| pictures.codec() != codec) {
            self.pictures = Pictures::new(codec);
        }
        let Some(pictures) = &mut self.pictures else { return };
        let outcome = pictures.push(part, is_after_hole);
        counts.dropped = counts.dropped.saturating_add(outcome.dropped);
        counts.broken = counts.broken.saturating_add(u64::from(outcome.broken));
        out.extend(outcome.frames.into_iter().flatten());
    }
}

fn part(packet: &Packet) -> Option<Part> {
    let view = View::parse(&packet.rtp).ok()?;
    Some(Part {
        payload: packet.rtp.slice(view.payload_range()),
        rtp: view.header.fields.timestamp.0,
        marker: view.header.fields.marker,
        arrival_us: packet.arrival_us,
        quarter_turns: packet.quarter_turns & 3,
    })
}
