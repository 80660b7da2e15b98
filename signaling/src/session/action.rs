//! What a client does besides negotiating: announce, mute, subscribe, update.

use super::event::{Announcement, ClientNotice, Purpose, Refusal};
use super::profile::Trust;
use super::{Session, publication};
use lectern_control::TrackId;
use lectern_control::edge::Request;
use lectern_control::limits::MAX_NAME_BYTES;
use lectern_control::media::Source;
use lectern_control::room::Audience;
use std::collections::BTreeMap;

impl Session {
    pub(super) fn announce(&mut self, announcement: Announcement) {
        let key = announcement.key.clone();
        let too_long = announcement.name.len() > MAX_NAME_BYTES
            || announcement.stream.len() > MAX_NAME_BYTES
            || key.is_empty()
            || key.len() > MAX_NAME_BYTES;
        let fits = publication::source_fits(announcement.kind, announcement.source);
        let source = announcement.source;
        // A voice that says not what it is would pass by those who mute microphones.
        let hides = source == Source::Unknown && self.profile.trust() == Trust::Link;
        let refused = if !self.me.permissions.publish || !self.sources.permit(source) {
            Some(Refusal::NotPermitted)
        } else if too_long || !fits || hides {
            Some(Refusal::Invalid)
        } else {
            None
        };
        if let Some(why) = refused {
            return self.tell(ClientNotice::AnnounceRefused { key, why });
        }
        match self.publications.announce(announcement, &mut self.rng) {
            Ok((track, began)) => {
                let track = Box::new(track);
                self.tell(ClientNotice::Announced { key, track });
                self.publish_changes(began.into_iter().collect());
            }
            Err(why) => self.tell(ClientNotice::AnnounceRefused { key, why }),
        }
    }

    pub(super) fn mute(&mut self, track: TrackId, muted: bool) {
        if !self.publications.mute(track, muted) {
            return;
        }
        let live = self.publications.find(track).is_some_and(publication::Publication::is_live);
        if live {
            let (room, participant) = (self.placement.room, self.me.id);
            let request = Request::MuteTrack { room, participant, track, muted };
            self.request(Purpose::Courtesy, request);
        }
    }

    pub(super) fn subscribe(&mut self, tracks: &[TrackId], wanted: bool) {
        for track in tracks {
            let kept = self.roster.want(*track, wanted);
            let barred = self.roster.is_barred(*track, &self.me.identity);
            let refused = if !self.me.permissions.subscribe || barred {
                Some(Refusal::NotPermitted)
            } else if !kept {
                Some(Refusal::Limit)
            } else if self.roster.track(*track).is_none() {
                Some(Refusal::NotFound)
            } else {
                None
            };
            if let Some(why) = refused.filter(|_| wanted) {
                self.tell(ClientNotice::SubscriptionRefused { track: *track, why });
            }
            // Clients take a track that they ask for to be permitted, unless they hear otherwise.
            if let Some(publisher) = self.owner_of(*track).map(|owner| owner.id)
                && barred
                && wanted
            {
                self.tell(ClientNotice::Permitted { publisher, track: *track, allowed: false });
            }
        }
        self.renegotiate();
    }

    /// Nothing is asked where nothing would change: clients say it all at every start. Who may not
    /// publish asks for nothing either, until it may: its tracks are then for no more than it said.
    pub(super) fn set_audience(&mut self, audience: Audience) {
        let audience = self.profile.fitting(audience);
        if !self.me.permissions.publish {
            self.audience_unasked = Some(audience);
            return;
        }
        if self.audience == audience {
            return;
        }
        self.audience = audience.clone();
        let (room, participant) = (self.placement.room, self.me.id);
        // Unheard of, somebody would go on receiving what is not for them.
        self.request(Purpose::Essential, Request::SetAudience { room, participant, audience });
    }

    pub(super) fn update(
        &mut self,
        number: u32,
        name: Option<String>,
        metadata: Option<String>,
        attributes: BTreeMap<String, String>,
    ) {
        let long_name = name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES);
        if long_name || !self.profile.change(metadata.as_deref(), &attributes) {
            let result = Err(Refusal::Limit);
            return self.tell(ClientNotice::Updated { request: number, result });
        }
        let (room, participant) = (self.placement.room, self.me.id);
        let request = Request::UpdateParticipant { room, participant, name, metadata, attributes };
        self.request(Purpose::Update(number), request);
    }
}
