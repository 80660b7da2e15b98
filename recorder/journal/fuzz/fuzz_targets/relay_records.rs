//! Batches of records as a node might send them: what is read can be written, and is the same again.
#![no_main]

use lectern_control::relay::{Record, records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|batch: &[u8]| {
    let read: Vec<Record<'_>> = records(batch).map_while(Result::ok).collect();
    let mut again = Vec::new();
    for record in &read {
        let before = again.len();
        assert!(record.encode(&mut again));
        assert_eq!(again.len() - before, record.encoded_len());
    }
    assert!(again.len() <= batch.len());
    let reread: Vec<Record<'_>> = records(&again).map_while(Result::ok).collect();
    assert_eq!(reread, read);
});
