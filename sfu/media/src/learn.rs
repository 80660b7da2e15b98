//! Which encoding an unknown SSRC carries, learned from an authenticated packet: by mid and rid
//! (RFC 8843 section 9.2, RFC 8852 section 3), or by payload type where there is no mid.

use crate::DropReason;
use crate::arena::{PeerKey, TrackKey};
use crate::cache::Pool;
use crate::extensions::Extensions;
use crate::ingress::Binding;
use crate::router::Router;
use crate::track::Role;
use lectern_control::media::Extension;
use lectern_wire::rtp::View;
use lectern_wire::{Mid, PayloadType, Rid};

/// What a packet says of its stream.
#[derive(Debug, Clone, Copy, Default)]
struct Names {
    mid: Option<Mid>,
    rid: Option<Rid>,
    repaired_rid: Option<Rid>,
}

impl Names {
    fn read(view: &View<'_>, extensions: &Extensions) -> Names {
        let mut names = Names::default();
        for (id, value) in view.extensions() {
            match extensions.meaning(id) {
                Some(Extension::Mid) => names.mid = Mid::parse(value).ok(),
                Some(Extension::Rid) => names.rid = Rid::parse(value).ok(),
                Some(Extension::RepairedRid) => names.repaired_rid = Rid::parse(value).ok(),
                _ => {}
            }
        }
        names
    }
}

impl Router {
    /// Binds the SSRC of an authenticated packet of a publisher.
    pub fn learn(
        &mut self,
        pool: &mut Pool,
        key: PeerKey,
        view: &View<'_>,
    ) -> Result<Binding, DropReason> {
        let peer = self.peers.get(key).ok_or(DropReason::UnknownStream)?;
        let fields = view.header.fields;
        let names = Names::read(view, &peer.extensions);
        let track = self.track_of(&peer.ingress.tracks, names.mid, fields.payload_type)?;
        let source = self.tracks.get(track).ok_or(DropReason::UnknownStream)?;
        let (_, role) = source.format(fields.payload_type).ok_or(DropReason::UnknownPayloadType)?;
        let rid = match role {
            Role::Media => names.rid,
            Role::Repair => names.repaired_rid.or(names.rid),
        };
        let only = || (source.encodings.len() == 1).then_some(0);
        let encoding = match rid {
            Some(_) => source
                .encoding_of(rid)
                .or_else(|| only().filter(|_| source.encodings[0].rid.is_none())),
            None => only(),
        };
        let encoding = encoding.ok_or(DropReason::UnknownStream)?;
        if role == Role::Media && !source.encodings[encoding].may_learn(fields.ssrc) {
            return Err(DropReason::UnknownStream);
        }
        let binding = Binding { track, encoding, role };
        if !self.bind(pool, key, fields.ssrc, binding) {
            return Err(DropReason::TooManyStreams);
        }
        Ok(binding)
    }

    /// The track of a mid; without one, the only track that has the payload type.
    fn track_of(
        &self,
        published: &[TrackKey],
        mid: Option<Mid>,
        payload_type: PayloadType,
    ) -> Result<TrackKey, DropReason> {
        let is_it = |key: &TrackKey| {
            self.tracks.get(*key).is_some_and(|track| match mid {
                Some(_) => track.mid == mid,
                None => track.format(payload_type).is_some(),
            })
        };
        let mut found = published.iter().copied().filter(is_it);
        match (found.next(), found.next()) {
            (Some(track), None) => Ok(track),
            _ => Err(DropReason::UnknownStream),
        }
    }
}
