//! What decoders are told.

use super::faults::Faults;
use super::{Fit, Shape};
use crate::error::Error;
use crate::film::Note;
use lectern_control::TrackId;

fn fault(reason: &str) -> Error {
    Error::Ffmpeg { role: "decoder", reason: reason.to_owned() }
}

#[test]
fn a_track_is_given_up_after_some_faults_and_noted_once() {
    let (mut faults, track) = (Faults::default(), TrackId(1));
    let again: Vec<bool> =
        (0..4).map(|index| faults.note(track, fault(&index.to_string())).expect("noted")).collect();
    assert_eq!(again, [true, true, true, false]);
    assert!(faults.given_up(track) && !faults.given_up(TrackId(2)));
    let reason = "decoder: 0".to_owned();
    assert_eq!(faults.notes(), [Note::Undecoded { track, reason }]);
}

#[test]
fn what_is_no_fault_of_a_track_ends_the_film() {
    let error = Faults::default().note(TrackId(1), Error::Stopped);
    assert!(matches!(error, Err(Error::Stopped)));
}

#[test]
fn pictures_are_turned_before_they_are_scaled() {
    let shape = Shape { width: 352, height: 198, fit: Fit::Camera };
    assert_eq!(shape.bytes(), 352 * 198 * 3 / 2);
    for (turns, begins) in
        [(0, "scale="), (1, "transpose=clock,"), (2, "hflip,vflip,"), (3, "transpose=cclock,")]
    {
        assert!(shape.filters(turns, [0; 3]).starts_with(begins), "{turns}");
    }
    let screen = Shape { fit: Fit::Screen, ..shape };
    assert!(screen.filters(0, [0x12, 0xab, 0]).ends_with("color=0x12ab00"));
}
