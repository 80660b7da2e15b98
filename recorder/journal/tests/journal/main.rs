//! Journals are written, cut, damaged, lost by halves, and read back.

mod damage;
mod disk;
mod faults;
mod files;
mod power;
mod report;
mod round_trip;
mod said;
