//! Who speaks, in long enough stretches to be looked at: the picture does not flip with every cough.

use lectern_control::ParticipantId;
use std::collections::BTreeMap;

/// Somebody is made large only for speaking at least so long; shorter words are heard, and the frame
/// around the tile shows whose they were.
const LEAST_US: i64 = 1_200_000;
/// Nobody is large for less, or the picture would be restless.
const HOLD_US: i64 = 2_500_000;
/// Speech has pauses: the frame around a tile stays through one of this length.
const PAUSE_US: i64 = 800_000;

/// Speakers of a whole meeting.
#[derive(Debug, Default)]
pub struct Speakers {
    /// From when on who is the one to look at.
    pub held: Vec<(i64, ParticipantId)>,
    /// When each is heard.
    pub heard: Vec<(ParticipantId, i64, i64)>,
}

impl Speakers {
    /// Works it out of what was said at each time, in order of time: the speakers then, loudest
    /// first. Looks ahead, so that the picture changes when somebody begins, not when it has become
    /// certain that this was no cough.
    pub fn of(said: &[(i64, Vec<ParticipantId>)], until_us: i64) -> Speakers {
        Speakers { held: held(said, until_us), heard: heard(said, until_us) }
    }
}

fn held(said: &[(i64, Vec<ParticipantId>)], until_us: i64) -> Vec<(i64, ParticipantId)> {
    // Stretches with one first speaker; silence belongs to the one before.
    let mut stretches: Vec<(i64, ParticipantId)> = Vec::new();
    for (at_us, speakers) in said {
        let Some(first) = speakers.first() else { continue };
        if stretches.last().is_none_or(|(_, last)| last != first) {
            stretches.push((*at_us, *first));
        }
    }
    let ends = stretches.iter().skip(1).map(|(at_us, _)| *at_us).chain([until_us]);
    let ends: Vec<i64> = ends.collect();
    let mut held: Vec<(i64, ParticipantId)> = Vec::new();
    for ((from_us, speaker), end_us) in stretches.into_iter().zip(ends) {
        let from_us = held.last().map_or(from_us, |(last, _)| from_us.max(last + HOLD_US));
        if held.last().is_some_and(|(_, last)| *last == speaker) {
            continue;
        }
        if held.is_empty() || end_us.saturating_sub(from_us) >= LEAST_US {
            held.push((from_us, speaker));
        }
    }
    held
}

fn heard(said: &[(i64, Vec<ParticipantId>)], until_us: i64) -> Vec<(ParticipantId, i64, i64)> {
    let mut open: BTreeMap<ParticipantId, (i64, i64)> = BTreeMap::new();
    let mut heard = Vec::new();
    let ends = said.iter().skip(1).map(|(at_us, _)| *at_us).chain([until_us]);
    for ((from_us, speakers), end_us) in said.iter().zip(ends) {
        for speaker in speakers {
            let end_us = end_us.saturating_add(PAUSE_US);
            let stretch = open.entry(*speaker).or_insert((*from_us, end_us));
            if stretch.1 < *from_us {
                heard.push((*speaker, stretch.0, stretch.1));
                *stretch = (*from_us, end_us);
            }
            stretch.1 = end_us;
        }
    }
    heard.extend(open.into_iter().map(|(speaker, (from_us, end_us))| (speaker, from_us, end_us)));
    heard
}
