//! A report in words.

use super::{Gap, Inside, Report};
use crate::block::VERSION;
use crate::scan::Damage;
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { bytes, blocks, lives, keyframe_blocks, .. } = self;
        writeln!(f, "version   {VERSION}")?;
        writeln!(f, "size      {bytes} bytes, {blocks} blocks, {keyframe_blocks} with a keyframe")?;
        writeln!(f, "lives     {lives}")?;
        match self.span {
            Some((from, until)) => {
                let took = Seconds(until.saturating_sub(from));
                writeln!(f, "time      {} to {}, {took}", At(from), At(until))?;
            }
            None => writeln!(f, "time      nothing was written")?,
        }
        writeln!(f, "ended     {}", if self.ended { "yes" } else { "no" })?;
        self.write_gaps(f)?;
        write!(f, "{}", self.damage)?;
        match &self.inside {
            Some(inside) => write!(f, "{inside}"),
            None => writeln!(f, "inside    not opened: no key was given"),
        }
    }
}

impl Report {
    fn write_gaps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gap_count {
            0 => return writeln!(f, "gaps      none"),
            count => writeln!(f, "gaps      {count}")?,
        }
        for Gap { from_unix_us, until_unix_us } in &self.gaps {
            let took = Seconds(until_unix_us.saturating_sub(*from_unix_us));
            writeln!(f, "          {took} from {}", At(*from_unix_us))?;
        }
        let more = self.gap_count.saturating_sub(self.gaps.len() as u64);
        if more > 0 { writeln!(f, "          and {more} more") } else { Ok(()) }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Damage::default() {
            return writeln!(f, "damage    none");
        }
        writeln!(f, "damage    {} bytes in {} places", self.bytes, self.stretches)?;
        if self.torn {
            writeln!(f, "          it stops in the middle of a block")?;
        }
        let counts = [
            (self.newer, "blocks are of a newer version"),
            (self.sealed, "blocks do not open: another key or label, or forged"),
            (self.misplaced, "blocks stand where they do not belong"),
            (self.missing, "blocks are missing"),
            (self.entries, "entries are not understood"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "          {count} {what}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inside { clocks, events, unknown_records, .. } = self;
        writeln!(f, "inside    {events} events, {clocks} samples of clocks")?;
        if *unknown_records > 0 {
            writeln!(f, "          {unknown_records} records are not understood")?;
        }
        for (index, node) in &self.nodes {
            writeln!(f, "node {index:<4} {node}")?;
        }
        for (id, track) in &self.tracks {
            writeln!(
                f,
                "track     {id}: {} packets, {} bytes, {} keyframes, {} reports, {} lost",
                track.packets, track.bytes, track.keyframes, track.reports, track.lost
            )?;
        }
        Ok(())
    }
}

/// Microseconds since 1970 as a date; what no clock can say, as a number.
struct At(u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000);
        match date.ok().and_then(|date| date.format(&Rfc3339).ok()) {
            Some(date) => f.write_str(&date),
            None => write!(f, "{} us", self.0),
        }
    }
}

/// Microseconds as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}
