//! Hostile packets of Vp9.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    lectern_mux_fuzz::run(lectern_control::media::CodecName::Vp9, input);
});
