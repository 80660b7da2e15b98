//! Hostile packets of Opus.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    lectern_mux_fuzz::run(lectern_control::media::CodecName::Opus, input);
});
