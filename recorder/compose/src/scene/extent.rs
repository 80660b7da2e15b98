//! How large shared screens become in a film: so large is its canvas.

use super::arrange::SCREEN;
use crate::error::Error;
use crate::media::{Media, Track};
use crate::plan::Plan;
use lectern_control::media::{MediaKind, Source};
use lectern_mux::Size;
use std::sync::atomic::{AtomicBool, Ordering};

/// The widest and the highest picture of all shared screens, where there is any; read no further than
/// to what no canvas exceeds.
pub fn extent(
    media: &dyn Media,
    plan: &Plan,
    tracks: &[Track],
    stop: &AtomicBool,
) -> Result<Option<Size>, Error> {
    let is_screen = |track: &&Track| {
        let is_picture = track.kind == MediaKind::Video && track.source == Source::Screen;
        is_picture && !plan.without.contains(&track.participant)
    };
    let mut largest: Option<Size> = None;
    for track in tracks.iter().filter(is_screen) {
        for unit in media.units(track.id, track.from_us).map_err(Error::Media)? {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let unit = unit.map_err(Error::Media)?;
            let Some(size) = unit.size else { continue };
            let (width, height) = match unit.quarter_turns % 2 {
                0 => (size.width, size.height),
                _ => (size.height, size.width),
            };
            let before = largest.unwrap_or(Size { width: 0, height: 0 });
            let (width, height) = (width.max(before.width), height.max(before.height));
            if width >= SCREEN.width || height >= SCREEN.height {
                return Ok(Some(Size { width, height }));
            }
            largest = Some(Size { width, height });
        }
    }
    Ok(largest)
}
