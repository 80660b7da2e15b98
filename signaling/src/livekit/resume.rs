//! Coming back on another socket: first what was missed, in order, then the latest of what changes all
//! the time.

use super::adapter::{Adapter, Out};
use super::info;
use super::message::Outcome;
use super::replay::{Missed, Said};
use super::reply::{permitted, published};
use crate::session::{ClientEvent, End, MAX_LEAVERS};
use lectern_control::ParticipantId;
use lectern_control::room::LeaveReason;
use livekit_protocol as proto;
use proto::signal_response::Message;
use std::time::Instant;

impl Adapter {
    /// The socket is gone: what was on its way may be lost.
    pub fn cut(&mut self) {
        self.replay.cut();
    }

    /// The number up to which the client is to acknowledge what it was told, if there is anything.
    pub fn unheard(&self) -> Option<u64> {
        self.replay.unheard()
    }

    /// The client has heard everything up to a number; that counts as a message.
    pub fn acknowledge(&mut self, number: u64, now: Instant) -> Outcome {
        if !self.budget.message(now, 0, None) {
            self.end(LeaveReason::ConnectionLost, None);
            return Outcome::Flood;
        }
        self.replay.acknowledge(number);
        Outcome::Handled
    }

    /// The client is back on another socket. What it may have missed is told again; false where it
    /// comes back too often, which ends the session.
    pub fn resume(&mut self, now: Instant) -> bool {
        if !self.budget.comes_back(now) {
            self.end(LeaveReason::ConnectionLost, None);
            return false;
        }
        let missed = self.replay.missed(now, MAX_LEAVERS);
        if missed == Missed::Everything {
            let reason = LeaveReason::ConnectionLost;
            self.end(reason, Some(End::Rejoin(reason)));
            return true;
        }
        self.send(self.reconnect());
        match missed {
            Missed::Events(events) => {
                self.again(events);
                if self.forgets {
                    self.roster(Vec::new());
                }
            }
            Missed::Snapshot | Missed::Everything => self.snapshot(),
        }
        if self.room_has_changed {
            self.tell_room();
        }
        self.qualities.clear();
        let speakers: Vec<(ParticipantId, f32)> =
            self.speaking.iter().map(|(id, level)| (*id, *level)).collect();
        self.speaking.clear();
        self.speakers(&speakers);
        self.handle(ClientEvent::Resume { restart_down: true });
        true
    }

    /// What comes first on a new socket.
    pub fn reconnect(&self) -> Message {
        Message::Reconnect(proto::ReconnectResponse {
            server_info: Some(info::server(&self.region)),
            ..Default::default()
        })
    }

    fn again(&mut self, events: Vec<Said>) {
        for said in events {
            match said {
                Said::News(news) => self.out.push_back(Out::News(news)),
                // A client that publishes the same thing anew would take it for the answer.
                Said::Own(message) if self.is_unpublished(&message) => {}
                Said::Own(message) => self.out.push_back(Out::Message(message)),
            }
        }
    }

    fn is_unpublished(&self, message: &Message) -> bool {
        let Message::TrackPublished(published) = message else { return false };
        let track = published.track.as_ref().and_then(|track| track.sid.parse().ok());
        track.is_none_or(|track| !self.session.publishes(track))
    }

    /// The room as it is, with those who left lately.
    fn snapshot(&mut self) {
        self.roster(self.session.leavers().map(info::leaver).collect());
        let pending = self.session.pending_tracks();
        let pending = pending.map(|(key, track)| published(key.to_owned(), info::track(track)));
        for message in pending.collect::<Vec<_>>() {
            // Not an event: should it be lost, the room is told as it is then.
            self.out.push_back(Out::Message(Box::new(message)));
        }
    }

    /// Everybody who is in the room: native clients forget whom they do not hear of when they are back.
    fn roster(&mut self, leavers: Vec<proto::ParticipantInfo>) {
        let participants = std::iter::once(self.session.me()).chain(self.session.others());
        let participants = participants.map(|one| self.info(one)).chain(leavers).collect();
        let update = Message::Update(proto::ParticipantUpdate { participants });
        self.out.push_back(Out::Message(Box::new(update)));
        for (publisher, track) in self.session.barred() {
            let barred = permitted(publisher, track, false);
            self.out.push_back(Out::Message(Box::new(barred)));
        }
    }
}
