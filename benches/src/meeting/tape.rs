//! One track on its way into its journal: packets in the order in which they come to a node.

use super::cast::nodes;
use crate::folder::{Folder, Journal};
use crate::rtp::{Packet, Stream};
use anyhow::Result;
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Puts packets in order, and writes them down.
pub struct Tape {
    journal: Journal,
    codec: CodecName,
    streams: Vec<Stream>,
    /// By arrival, in nanoseconds; of what comes at once, as it was sent.
    coming: BinaryHeap<Reverse<(u64, u64)>>,
    waiting: BTreeMap<u64, (u16, Item)>,
    count: u64,
    started_unix_us: f64,
}

enum Item {
    Packet(Packet, Option<u8>),
    Report { ticks: u64, ntp: u64 },
}

impl Tape {
    /// Begins the journal of a track.
    pub fn new(folder: &Folder, track: TrackId, codec: CodecName, seed: u64) -> Result<Tape> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut journal = folder.track(track)?;
        let mut streams = Vec::new();
        for (index, (name, _)) in nodes().into_iter().enumerate() {
            journal.node(index as u16, name)?;
            streams.push(Stream::new(track, 1, codec, &mut random));
        }
        Ok(Tape {
            journal,
            codec,
            streams,
            coming: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            count: 0,
            started_unix_us: folder.started_unix_us() as f64,
        })
    }

    /// The track's codec.
    pub fn codec(&self) -> CodecName {
        self.codec
    }

    /// The stream by which a track comes to a node.
    pub fn stream(&mut self, node: u16) -> Option<&mut Stream> {
        self.streams.get_mut(usize::from(node))
    }

    /// A packet comes to a node then.
    pub fn packet(&mut self, node: u16, arrival_us: f64, packet: Packet, level: Option<u8>) {
        self.put(node, arrival_us, Item::Packet(packet, level));
    }

    /// A report comes to a node then.
    pub fn report(&mut self, node: u16, arrival_us: f64, ticks: u64, ntp: u64) {
        self.put(node, arrival_us, Item::Report { ticks, ntp });
    }

    fn put(&mut self, node: u16, arrival_us: f64, item: Item) {
        self.count += 1;
        self.coming.push(Reverse(((arrival_us * 1e3) as u64, self.count)));
        self.waiting.insert(self.count, (node, item));
    }

    /// Nothing more comes before this: writes down what came.
    pub fn until(&mut self, until_us: f64) -> Result<()> {
        while let Some(Reverse((arrival_ns, number))) = self.coming.peek().copied() {
            let arrival_us = arrival_ns as f64 / 1e3;
            if arrival_us >= until_us {
                break;
            }
            self.coming.pop();
            if let Some((node, item)) = self.waiting.remove(&number) {
                self.write(node, arrival_us, &item)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, node: u16, arrival_us: f64, item: &Item) -> Result<()> {
        let Some((_, clock)) = nodes().get(usize::from(node)).copied() else { return Ok(()) };
        let Some(stream) = self.streams.get(usize::from(node)) else { return Ok(()) };
        let unix_us = (self.started_unix_us + clock.shows(arrival_us)) as u64;
        let record = match item {
            Item::Packet(packet, level) => stream.record(packet, unix_us, *level),
            Item::Report { ticks, ntp } => stream.report(*ticks, *ntp, unix_us),
        };
        self.journal.record(node, &record)
    }

    /// Writes down all the rest.
    pub fn end(mut self) -> Result<()> {
        self.until(f64::INFINITY)?;
        self.journal.end()
    }
}
