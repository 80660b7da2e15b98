//! What a client is told of streams: those of others that are paused, and what is watched of its own.

use super::adapter::Adapter;
use super::again::OfTrack;
use super::info;
use super::reply::{qualities, unpublished};
use lectern_control::TrackId;
use lectern_control::node::StreamState;
use livekit_protocol as proto;
use proto::signal_response::Message;

impl Adapter {
    /// The client pings: what it may have passed over is said again.
    pub(super) fn pinged(&mut self) {
        for said in self.again.pinged() {
            match said {
                OfTrack::Refused(track) => self.send(unpublished(track)),
                OfTrack::Layers(track) => {
                    if let Some(watched) = self.session.watched(track) {
                        self.send(qualities(watched));
                    }
                }
            }
        }
    }

    /// Streams of others are paused for want of bandwidth, or come again.
    pub(super) fn stream_states(&mut self, states: &[(TrackId, StreamState)]) {
        let info = |(track, state): &(TrackId, StreamState)| {
            let publisher = self.session.owner_of(*track)?.id;
            Some(info::stream_state(publisher, *track, *state))
        };
        let stream_states = states.iter().filter_map(info).collect();
        self.send(Message::StreamStateUpdate(proto::StreamStateUpdate { stream_states }));
    }
}
