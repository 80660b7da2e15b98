//! H.264 payloads: aggregations, prefixes, parameters.

#![no_main]

use lectern_wire::h264::{MAX_AGGREGATED_UNITS, Payload};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(read) = Payload::parse(input) else { return };
    assert!(read.units <= MAX_AGGREGATED_UNITS);
    assert!(read.temporal_layer.is_none_or(|layer| layer < 8));
});
