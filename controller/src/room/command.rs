//! Commands of edges for the room's node: which pass, for whom, and to which nodes.

use super::output::Issued;
use super::peer::{Peer, Publication};
use super::{Room, check};
use lectern_control::edge::{Notice, RequestError, Response};
use lectern_control::limits::{MAX_CANDIDATES_PER_PEER, MAX_TRACKS_PER_PARTICIPANT};
use lectern_control::media::PublicationParameters;
use lectern_control::node::Command;
use lectern_control::transport::{Candidate, IceCredentials, Permissions};
use lectern_control::{ParticipantId, PeerId, TrackId};

impl Room {
    /// Passes a participant's command on, if it is about its own transports and tracks, and
    /// permitted. Only commands about peers, tracks and data pass; the others are the room's.
    pub(super) fn node_command(
        &mut self,
        id: ParticipantId,
        permissions: Permissions,
        command: Command,
    ) -> Result<Response, RequestError> {
        check::command(&command)?;
        match &command {
            Command::SetRemote { .. }
            | Command::SetExtensions { .. }
            | Command::AddCandidate { .. }
            | Command::RestartIce { .. } => self.transport_command(id, command)?,
            Command::SetData { peer, data } => {
                self.own_peer(id, *peer)?.parameters.data = data.clone();
                self.tell_active(id, Some(*peer), command);
            }
            Command::RemovePeer { peer } => {
                self.own_peer(id, *peer)?;
                self.remove_peer(*peer);
            }
            Command::Publish { peer, track, parameters } => {
                permit(permissions.publish)?;
                self.publish(id, *peer, *track, parameters)?;
                let (issued, track) = (Issued::Publish(*peer, *track), *track);
                self.command_for(self.home.primary.node.clone(), command, issued);
                self.mute_backup(id, track);
                self.tell_open(id, track);
            }
            Command::Unpublish { track } => {
                self.check_track_owner(id, *track)?;
                // A track may have gone with its transport before its owner could say so.
                if self.publications.remove(track).is_some() {
                    self.tell_active(id, None, command);
                }
            }
            Command::SetMuted { track, muted } => {
                self.check_track_owner(id, *track)?;
                let publication = self.publications.get_mut(track);
                publication.ok_or(RequestError::NotFound)?.muted = *muted;
                self.tell_active(id, None, command);
            }
            // Whether there is such a track is the node's to say: it may just have ended.
            Command::Subscribe { peer, track, .. } => {
                permit(permissions.subscribe)?;
                let track = *track;
                self.own_peer(id, *peer)?;
                permit(self.may_receive(id, track))?;
                self.tell_active(id, Some(*peer), command);
                self.subscribed(track);
            }
            Command::Unsubscribe { peer, .. }
            | Command::SetWish { peer, .. }
            | Command::SetSoundSlots { peer, .. } => {
                self.own_peer(id, *peer)?;
                self.tell_active(id, Some(*peer), command);
            }
            Command::SendData { .. } => {
                permit(permissions.publish_data)?;
                self.tell_active(id, None, command);
            }
            Command::AddPeer { .. }
            | Command::SetPermissions { .. }
            | Command::WarmStandby { .. }
            | Command::EndSubscriptions { .. }
            | Command::SetOpen { .. }
            | Command::Export { .. }
            | Command::Restore { .. }
            | Command::OpenRelay { .. }
            | Command::RelayTrack { .. }
            | Command::UnrelayTrack { .. }
            | Command::CloseRelay { .. }
            | Command::CloseRoom => return Err(RequestError::NotPermitted),
        }
        Ok(Response::Done)
    }

    /// Commands about ICE and DTLS: kept for a later move, and told to the standby as well.
    fn transport_command(
        &mut self,
        id: ParticipantId,
        command: Command,
    ) -> Result<(), RequestError> {
        let peer = match &command {
            Command::SetRemote { peer, remote } => {
                self.own_peer(id, *peer)?.parameters.remote = Some(remote.clone());
                *peer
            }
            Command::SetExtensions { peer, extensions } => {
                self.own_peer(id, *peer)?.parameters.extensions = extensions.clone();
                *peer
            }
            Command::AddCandidate { peer, candidate } => {
                add_candidate(self.own_peer(id, *peer)?, *candidate)?;
                *peer
            }
            Command::RestartIce { peer, local, remote, candidates } => {
                restart(self.own_peer(id, *peer)?, local, remote, candidates)?;
                *peer
            }
            _ => return Err(RequestError::NotPermitted),
        };
        self.tell_both(id, peer, command);
        Ok(())
    }

    /// A backup is muted with its track, also where a moderator was faster than its publisher.
    fn mute_backup(&mut self, id: ParticipantId, track: TrackId) {
        let known = self.roster.track(track).filter(|known| known.id != track && known.muted);
        let Some(publication) = self.publications.get_mut(&track) else { return };
        if known.is_some() && !std::mem::replace(&mut publication.muted, true) {
            self.tell_active(id, None, Command::SetMuted { track, muted: true });
        }
    }

    /// Publishers are told once: some begin in earnest only when somebody watches.
    fn subscribed(&mut self, track: TrackId) {
        if let Some(publication) = self.publications.get_mut(&track)
            && !std::mem::replace(&mut publication.subscribed, true)
        {
            let participant = publication.participant;
            self.notify(participant, Notice::TrackSubscribed(participant, track));
        }
    }

    fn own_peer(&mut self, id: ParticipantId, peer: PeerId) -> Result<&mut Peer, RequestError> {
        let peer = self.peers.get_mut(&peer).ok_or(RequestError::NotFound)?;
        if peer.participant() == id { Ok(peer) } else { Err(RequestError::NotPermitted) }
    }

    fn publish(
        &mut self,
        id: ParticipantId,
        peer: PeerId,
        track: TrackId,
        parameters: &PublicationParameters,
    ) -> Result<(), RequestError> {
        self.own_peer(id, peer)?;
        self.check_track_owner(id, track)?;
        let of_peer = self.publications.values().filter(|one| one.participant == id).count();
        if of_peer >= MAX_TRACKS_PER_PARTICIPANT && !self.publications.contains_key(&track) {
            return Err(RequestError::Limit("tracks of a participant".to_owned()));
        }
        let PublicationParameters { kind, source, muted, .. } = *parameters;
        let backup = self.roster.track(track).is_some_and(|known| known.id != track);
        let publication = Publication {
            participant: id,
            peer,
            subscribed: false,
            kind,
            source,
            muted,
            backup,
            layers: Vec::new(),
        };
        self.publications.insert(track, publication);
        Ok(())
    }
}

fn permit(allowed: bool) -> Result<(), RequestError> {
    if allowed { Ok(()) } else { Err(RequestError::NotPermitted) }
}

fn add_candidate(peer: &mut Peer, candidate: Candidate) -> Result<(), RequestError> {
    // Before the description there is nothing to add it to; the node may still make use of it.
    let Some(remote) = &mut peer.parameters.remote else { return Ok(()) };
    if remote.candidates.contains(&candidate) {
        return Ok(());
    }
    if remote.candidates.len() >= MAX_CANDIDATES_PER_PEER {
        return Err(RequestError::Limit("candidates of a peer".to_owned()));
    }
    remote.candidates.push(candidate);
    Ok(())
}

fn restart(
    peer: &mut Peer,
    local: &IceCredentials,
    remote: &IceCredentials,
    candidates: &[Candidate],
) -> Result<(), RequestError> {
    let Some(known) = &mut peer.parameters.remote else {
        return Err(RequestError::Invalid("nothing is there to be restarted".to_owned()));
    };
    known.ice = remote.clone();
    known.candidates = candidates.to_vec();
    peer.parameters.ice = local.clone();
    Ok(())
}
