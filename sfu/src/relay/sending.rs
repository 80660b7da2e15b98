//! What is sent of one recording: numbered batches, kept until the recorder has written them down.
//! Sans-IO.

use bytes::{Bytes, BytesMut};
use lectern_control::relay::{FromNode, MAX_BATCH_BYTES};
use lectern_control::{RecorderId, RecordingId};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Bytes kept of one recording while its recorder is away: half a minute of 10 Mbit/s, in which one
/// that was killed is back. Then the oldest go, and are counted.
const MAX_UNKEPT_BYTES: usize = 40 << 20;
/// How long the end of a recording is waited with for a recorder that does not come.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// One recording on its way.
#[derive(Debug)]
pub(super) struct Sending {
    /// Who gets it.
    pub(super) recorder: RecorderId,
    /// Where that is.
    pub(super) addresses: Vec<SocketAddr>,
    /// The worker from which it comes.
    pub(super) worker: usize,
    recording: RecordingId,
    gathered: BytesMut,
    last: u64,
    unkept: VecDeque<(u64, Bytes)>,
    unkept_bytes: usize,
    /// The last batch said on the present link.
    said: u64,
    ended_at: Option<Instant>,
    end_said: bool,
}

impl Sending {
    /// Nothing yet.
    pub(super) fn new(
        recording: RecordingId,
        recorder: RecorderId,
        addresses: Vec<SocketAddr>,
        worker: usize,
    ) -> Sending {
        Sending {
            recorder,
            addresses,
            worker,
            recording,
            gathered: BytesMut::new(),
            last: 0,
            unkept: VecDeque::new(),
            unkept_bytes: 0,
            said: 0,
            ended_at: None,
            end_said: false,
        }
    }

    /// Another recorder goes on with it, or the same at another place.
    pub(super) fn redirect(&mut self, recorder: RecorderId, addresses: Vec<SocketAddr>) {
        if recorder != self.recorder {
            self.link_begins();
        }
        (self.recorder, self.addresses) = (recorder, addresses);
        (self.ended_at, self.end_said) = (None, false);
    }

    /// Adds records. Gives the number of batches lost for want of room.
    pub(super) fn gather(&mut self, records: &[u8]) -> u64 {
        let mut lost = 0;
        if self.gathered.len() + records.len() > MAX_BATCH_BYTES {
            lost = self.batch();
        }
        self.gathered.extend_from_slice(records);
        lost
    }

    /// Makes a batch of what was gathered. Gives the number of batches lost for want of room.
    pub(super) fn batch(&mut self) -> u64 {
        if self.gathered.is_empty() {
            return 0;
        }
        let records = self.gathered.split().freeze();
        self.last += 1;
        self.unkept_bytes += records.len();
        self.unkept.push_back((self.last, records));
        let mut lost = 0;
        while self.unkept_bytes > MAX_UNKEPT_BYTES
            && let Some((_, records)) = self.unkept.pop_front()
        {
            self.unkept_bytes -= records.len();
            lost += 1;
        }
        lost
    }

    /// Nothing more comes from the worker.
    pub(super) fn end(&mut self, now: Instant) {
        self.ended_at.get_or_insert(now);
    }

    /// There is a new link: all that was not kept is said again.
    pub(super) fn link_begins(&mut self) {
        self.said = 0;
        self.end_said = false;
    }

    /// The next message for the recorder.
    pub(super) fn next_message(&mut self) -> Option<FromNode> {
        let recording = self.recording;
        let after = self.unkept.partition_point(|(number, _)| *number <= self.said);
        if let Some((number, records)) = self.unkept.get(after) {
            self.said = *number;
            return Some(FromNode::Batch { recording, number: *number, records: records.clone() });
        }
        let ends = self.ended_at.is_some() && self.gathered.is_empty();
        if ends && !std::mem::replace(&mut self.end_said, true) {
            return Some(FromNode::End { recording });
        }
        None
    }

    /// The recorder has written down everything up to this batch.
    pub(super) fn kept(&mut self, number: u64) {
        while let Some((kept, records)) = self.unkept.front()
            && *kept <= number.min(self.last)
        {
            self.unkept_bytes -= records.len();
            self.unkept.pop_front();
        }
    }

    /// Whether nothing is left to do, or nobody came for it.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let Some(ended_at) = self.ended_at else { return false };
        let done = self.end_said && self.unkept.is_empty() && self.gathered.is_empty();
        done || now.saturating_duration_since(ended_at) > END_PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending() -> Sending {
        let recorder = "recorder-1".parse().expect("a name");
        Sending::new(RecordingId(1), recorder, Vec::new(), 0)
    }

    fn numbers(sending: &mut Sending) -> Vec<u64> {
        let messages = std::iter::from_fn(|| sending.next_message());
        let number = |message| match message {
            FromNode::Batch { number, .. } => number,
            FromNode::End { .. } => 0,
            other => panic!("{other:?}"),
        };
        messages.map(number).collect()
    }

    fn batches(sending: &mut Sending, count: usize) {
        for _ in 0..count {
            assert_eq!(sending.gather(&[7; 100]) + sending.batch(), 0);
        }
    }

    #[test]
    fn what_was_not_kept_is_said_again_on_the_next_link() {
        let mut sending = sending();
        batches(&mut sending, 3);
        assert_eq!(numbers(&mut sending), [1, 2, 3]);
        sending.kept(1);
        batches(&mut sending, 1);
        assert_eq!(numbers(&mut sending), [4]);
        sending.link_begins();
        assert_eq!(numbers(&mut sending), [2, 3, 4]);
        // A number that was never said.
        sending.kept(u64::MAX);
        batches(&mut sending, 1);
        assert_eq!(numbers(&mut sending), [5]);
    }

    #[test]
    fn the_end_is_said_after_everything_and_again_on_the_next_link() {
        let now = Instant::now();
        let mut sending = sending();
        sending.gather(&[1]);
        sending.end(now);
        assert_eq!(numbers(&mut sending), [] as [u64; 0], "something is still being gathered");
        sending.batch();
        assert_eq!(numbers(&mut sending), [1, 0]);
        assert!(!sending.is_over(now));
        sending.link_begins();
        assert_eq!(numbers(&mut sending), [1, 0]);
        sending.kept(1);
        assert!(sending.is_over(now));
    }

    #[test]
    fn a_recorder_that_stays_away_costs_bounded_memory_and_the_oldest() {
        let now = Instant::now();
        let mut sending = sending();
        let big = vec![1; MAX_BATCH_BYTES];
        let lost: u64 = (0..200).map(|_| sending.gather(&big) + sending.batch()).sum();
        assert!(sending.unkept_bytes <= MAX_UNKEPT_BYTES);
        assert_eq!(numbers(&mut sending), (lost + 1..=200).collect::<Vec<_>>());
        sending.end(now);
        assert!(sending.is_over(now + END_PATIENCE + Duration::from_secs(1)));
    }

    #[test]
    fn another_recorder_gets_what_the_former_one_did_not_keep() {
        let mut sending = sending();
        batches(&mut sending, 2);
        numbers(&mut sending);
        sending.redirect("recorder-2".parse().expect("a name"), Vec::new());
        assert_eq!(numbers(&mut sending), [1, 2]);
    }
}
