//! Who waits at the door by a call that is answered late: one call for each identity at this edge.

use dashmap::DashMap;
use lectern_control::RoomId;
use tokio::sync::oneshot;

/// Whose call it is.
type Person = (RoomId, String);

/// Calls that wait. No more are kept than connections are open.
#[derive(Debug, Default)]
pub struct Polls {
    waiting: DashMap<Person, oneshot::Sender<()>>,
}

/// A call that waits.
#[derive(Debug)]
pub struct Poll<'a> {
    polls: &'a Polls,
    person: Person,
    replaced: oneshot::Receiver<()>,
}

impl Polls {
    /// Somebody waits; its earlier call waits no longer.
    pub fn begin(&self, room: RoomId, identity: &str) -> Poll<'_> {
        let person = (room, identity.to_owned());
        let (end, replaced) = oneshot::channel();
        // The former end is dropped, which the former call hears.
        self.waiting.insert(person.clone(), end);
        Poll { polls: self, person, replaced }
    }
}

impl Poll<'_> {
    /// Waits until a later call takes its place; not to be asked again then.
    pub async fn replaced(&mut self) {
        // Nothing is ever said: the other end goes.
        let _ = (&mut self.replaced).await;
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.replaced.close();
        self.polls.waiting.remove_if(&self.person, |_, end| end.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_later_call_ends_the_earlier_and_nothing_is_left_behind() {
        let polls = Polls::default();
        let mut first = polls.begin(RoomId(1), "ana");
        let mut other = polls.begin(RoomId(2), "ana");
        assert!(first.replaced().now_or_never().is_none());
        let mut second = polls.begin(RoomId(1), "ana");
        assert!(first.replaced().now_or_never().is_some());
        drop(first);
        assert!(second.replaced().now_or_never().is_none(), "the earlier one takes nothing along");
        assert!(other.replaced().now_or_never().is_none());
        drop((second, other));
        assert!(polls.waiting.is_empty());
    }
}
