//! Figures of the way to recorders.

use prometheus::{IntCounter, Registry};

/// What a relay counts.
#[derive(Debug)]
pub(super) struct Metrics {
    /// Bytes sent.
    pub(super) bytes: IntCounter,
    /// Batches that nobody took.
    pub(super) lost_batches: IntCounter,
    /// Links that stood.
    pub(super) links: IntCounter,
}

impl Metrics {
    /// Registers them.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(format!("lectern_node_relay_{name}"), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        Ok(Metrics {
            bytes: counter("bytes_total", "Bytes of records sent to recorders.")?,
            lost_batches: counter("lost_batches_total", "Batches that no recorder took in time.")?,
            links: counter("links_total", "Links to recorders that stood.")?,
        })
    }
}
