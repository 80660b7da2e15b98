//! How much one participant may send, over all its sockets, and what each message costs.

use crate::bucket::{Bucket, Quota};
use livekit_protocol as proto;
use proto::signal_request::Message;
use std::num::NonZeroU32;
use std::time::Instant;

/// Tracks one message may name; the rest is passed over. Several times what one participant receives
/// at once, and each of them counts as a message.
pub const MAX_NAMED_TRACKS: usize = 400;
/// Messages a second, on average: the busiest interfaces send a few dozen.
const MESSAGES_A_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not zero");
/// Messages at once: a client that comes back sends everything it held back.
const BURST: NonZeroU32 = NonZeroU32::new(500).expect("not zero");
/// A long message counts once more for each of these: reading it costs as much as many short ones.
/// The descriptions of ordinary meetings count as three.
const BYTES_A_MESSAGE: usize = 4 << 10;
/// What the whole room hears of counts as so many: five mutes a second are more than fingers make.
const NEWS: u32 = 10;
/// Coming back counts as so many: the roster is told anew. Twenty times in a row pass.
const RETURN: u32 = 25;
/// Changes of name, metadata and attributes a second, on average: each sends all of the three to
/// everybody in the room.
const UPDATES_A_SECOND: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// Changes at once: an application that sets its attributes one by one.
const UPDATES_AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("not zero");

/// A message that names as many tracks as it may must fit into a full bucket.
const _: () = assert!(MAX_NAMED_TRACKS < BURST.get() as usize);

/// One participant's budget.
#[derive(Debug)]
pub struct Budget {
    messages: Bucket,
    updates: Bucket,
}

impl Budget {
    /// A full one.
    pub fn new(now: Instant) -> Budget {
        Budget { messages: Bucket::new(now), updates: Bucket::new(now) }
    }

    /// Takes a message of so many bytes; false where the budget does not hold it.
    pub fn message(&mut self, now: Instant, bytes: usize, message: Option<&Message>) -> bool {
        let long = u32::try_from(bytes / BYTES_A_MESSAGE).unwrap_or(u32::MAX);
        self.take(now, long.saturating_add(message.map_or(1, weight)))
    }

    /// Takes a return on a new socket.
    pub fn comes_back(&mut self, now: Instant) -> bool {
        self.take(now, RETURN)
    }

    /// Takes a change of what others see.
    pub fn update(&mut self, now: Instant) -> bool {
        let quota = Quota::per_second(UPDATES_A_SECOND, UPDATES_AT_ONCE);
        self.updates.take(quota, now, 1).is_ok()
    }

    fn take(&mut self, now: Instant, count: u32) -> bool {
        self.messages.take(Quota::per_second(MESSAGES_A_SECOND, BURST), now, count).is_ok()
    }
}

/// How many messages a message counts as: each track it names may become a request of its own.
#[expect(deprecated, reason = "older clients send what newer ones do not")]
fn weight(message: &Message) -> u32 {
    let named = match message {
        Message::TrackSetting(setting) => setting.track_sids.len(),
        Message::Subscription(update) => named(update),
        Message::SyncState(state) => {
            state.subscription.as_ref().map_or(0, named) + state.track_sids_disabled.len()
        }
        Message::Mute(_)
        | Message::AddTrack(_)
        | Message::SubscriptionPermission(_)
        | Message::UpdateLayers(_)
        | Message::UpdateVideoTrack(_) => return NEWS,
        _ => 1,
    };
    u32::try_from(named.min(MAX_NAMED_TRACKS)).unwrap_or(u32::MAX).max(1)
}

fn named(update: &proto::UpdateSubscription) -> usize {
    let of_people = update.participant_tracks.iter().map(|tracks| tracks.track_sids.len());
    update.track_sids.len() + of_people.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn pauses(tracks: usize) -> Message {
        let track_sids = vec!["TR_1".to_owned(); tracks];
        Message::TrackSetting(proto::UpdateTrackSettings { track_sids, ..Default::default() })
    }

    fn passed(budget: &mut Budget, now: Instant, bytes: usize, message: &Message) -> usize {
        (0..2_000).take_while(|_| budget.message(now, bytes, Some(message))).count()
    }

    #[test]
    fn long_messages_count_more() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert_eq!(passed(&mut budget, now, 256 << 10, &Message::Ping(1)), 7);
        assert!(budget.message(now, 100, None), "what does not fit takes nothing");
    }

    #[test]
    fn every_track_that_is_named_counts() {
        let now = Instant::now();
        assert_eq!(passed(&mut Budget::new(now), now, 100, &pauses(1)), 500);
        assert_eq!(passed(&mut Budget::new(now), now, 100, &pauses(100)), 5);
        assert_eq!(passed(&mut Budget::new(now), now, 100, &pauses(100_000)), 1);
        let participant_tracks = vec![
            proto::ParticipantTracks {
                track_sids: vec!["TR_1".to_owned(); 50],
                ..Default::default()
            };
            2
        ];
        let update = proto::UpdateSubscription { participant_tracks, ..Default::default() };
        let asked = Message::Subscription(update.clone());
        assert_eq!(passed(&mut Budget::new(now), now, 100, &asked), 5);
        let state = proto::SyncState { subscription: Some(update), ..Default::default() };
        assert_eq!(passed(&mut Budget::new(now), now, 100, &Message::SyncState(state)), 5);
    }

    #[test]
    fn what_everybody_hears_of_counts_more() {
        let now = Instant::now();
        let mute = Message::Mute(proto::MuteTrackRequest::default());
        assert_eq!(passed(&mut Budget::new(now), now, 10, &mute), 50);
    }

    #[test]
    fn coming_back_again_and_again_spends_the_budget() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let returns = (0..100).take_while(|_| budget.comes_back(now)).count();
        assert_eq!(returns, 20);
        assert!(!budget.message(now, 10, Some(&Message::Ping(1))));
    }

    #[test]
    fn updates_have_a_budget_of_their_own() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let made = (0..100).filter(|_| budget.update(now)).count();
        assert_eq!(made, 20);
        assert!(budget.message(now, 10, None));
        let later = now + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| budget.update(later)).count(), 5);
    }
}
