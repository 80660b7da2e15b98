//! What may be read, as the controller said a moment ago: players ask for a film in many parts.

use dashmap::DashMap;
use lectern_control::recording::Readable;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an answer is good: what is revoked meanwhile is still read for so long.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// Answers that are kept: more are watched elsewhere.
const MAX_KEPT: usize = 4_096;

/// Answers of the controller, by the token they are for.
#[derive(Debug, Default)]
pub struct Granted {
    kept: DashMap<u64, (Instant, Arc<Readable>)>,
}

impl Granted {
    /// What a token opens, if that is known.
    pub fn get(&self, token: u64, now: Instant) -> Option<Arc<Readable>> {
        let kept = self.kept.get(&token).filter(|kept| now < kept.0)?;
        Some(kept.1.clone())
    }

    /// Keeps an answer for a while.
    pub fn keep(&self, token: u64, readable: Arc<Readable>, now: Instant) {
        if self.kept.len() >= MAX_KEPT {
            self.kept.retain(|_, (until, _)| now < *until);
        }
        if self.kept.len() < MAX_KEPT {
            self.kept.insert(token, (now + GOOD_FOR, readable));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::recording::{File, FileKind};
    use lectern_control::{JobId, Secret};

    #[test]
    fn an_answer_is_good_for_a_minute_and_memory_has_a_bound() {
        let file = File {
            name: "film".to_owned(),
            kind: FileKind::Composed { job: JobId(1) },
            content_type: String::new(),
            bytes: 0,
            duration_ms: 0,
            width: 0,
            height: 0,
        };
        let readable = Arc::new(Readable {
            addresses: Vec::new(),
            ticket: Secret::new([0; 16]),
            share: None,
            title: String::new(),
            file,
        });
        let (granted, now) = (Granted::default(), Instant::now());
        for token in 0..2 * MAX_KEPT as u64 {
            granted.keep(token, readable.clone(), now);
        }
        assert_eq!(granted.kept.len(), MAX_KEPT);
        assert!(granted.get(0, now).is_some() && granted.get(1, now + GOOD_FOR).is_none());
        granted.keep(u64::MAX, readable, now + GOOD_FOR);
        assert_eq!(granted.kept.len(), 1);
    }
}
