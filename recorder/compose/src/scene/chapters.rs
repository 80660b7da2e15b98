//! Chapters: from where another screen is shared, or none any more.

use crate::film::Chapter;

/// A screen that is on for less makes no chapter: it was a slip.
const LEAST_MS: u64 = 3_000;
/// A table of contents, not a log; further screens go without.
const MAX_CHAPTERS: usize = 200;
const TALK: &str = "Conversation";

/// Chapters of a film, of the times at which another screen was shared, with its owner's name, or
/// none.
pub fn chapters(changes: &[(u64, Option<String>)]) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = vec![Chapter { at_ms: 0, title: TALK.to_owned() }];
    let ends = changes.iter().skip(1).map(|(at_ms, _)| *at_ms).chain([u64::MAX]);
    for ((at_ms, owner), end_ms) in changes.iter().zip(ends) {
        let title = match owner.as_deref() {
            None => TALK.to_owned(),
            Some("") => "Screen".to_owned(),
            Some(name) => format!("Screen: {name}"),
        };
        let first = *at_ms < LEAST_MS && chapters.len() == 1;
        if end_ms.saturating_sub(*at_ms) < LEAST_MS || chapters.len() == MAX_CHAPTERS {
            continue;
        }
        if let Some(last) = chapters.last_mut() {
            if first {
                last.title = title;
            } else if last.title != title {
                chapters.push(Chapter { at_ms: *at_ms, title });
            }
        }
    }
    chapters
}
