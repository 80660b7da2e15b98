//! Real streams by FFmpeg, cut into packets, sent through a bad network, put together again, written
//! to files, and read by FFmpeg.

mod assembling;
mod elementary;
mod ffmpeg;
mod films;
mod network;
mod packetise;
mod track_files;
