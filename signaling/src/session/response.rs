//! What the controller answers to what a session asked.

use super::Session;
use super::event::{ClientNotice, End, Purpose, Refusal};
use lectern_control::edge::{Request, RequestError, Response};
use lectern_control::room::LeaveReason;

impl Session {
    /// The controller answered.
    pub fn handle_response(&mut self, purpose: Purpose, result: Result<Response, RequestError>) {
        match (purpose, result) {
            (Purpose::Update(request), result) => {
                if result.is_err() {
                    self.profile.reset(&self.me);
                }
                let result = result.map(|_| ()).map_err(|error| refusal(&error));
                self.tell(ClientNotice::Updated { request, result });
            }
            (Purpose::Publish(track), Err(error)) => {
                // The second refusal of what was asked in two parts, or the track has ended.
                let Some(publication) = self.publications.remove(track) else { return };
                if is_lost(&error) {
                    let reason = LeaveReason::MediaFailed;
                    return self.end(reason, Some(End::Rejoin(reason)));
                }
                let (room, participant) = (self.placement.room, self.me.id);
                let request = Request::RemoveTrack { room, participant, track };
                self.request(Purpose::Courtesy, request);
                let (key, why) = (publication.key().to_owned(), refusal(&error));
                if publication.stands_for().is_some() {
                    // The track itself goes on.
                    return self.tell(ClientNotice::AnnounceRefused { key, why });
                }
                self.tell(ClientNotice::PublicationRefused { track, key, why });
            }
            // The link broke while it was on its way: whether it was done nobody knows.
            (Purpose::Subscribe, Err(RequestError::Unavailable(_))) => {
                let reason = LeaveReason::ConnectionLost;
                self.end(reason, Some(End::Rejoin(reason)));
            }
            (Purpose::Essential, Err(error)) => {
                let reason = LeaveReason::MediaFailed;
                let end = if is_lost(&error) { End::Rejoin } else { End::Out };
                self.end(reason, Some(end(reason)));
            }
            (Purpose::Subscribe | Purpose::Courtesy, Err(_)) | (_, Ok(_)) => {}
        }
    }
}

/// Whether the controller lost us, or could not be asked: coming again mends it.
fn is_lost(error: &RequestError) -> bool {
    matches!(error, RequestError::NotFound | RequestError::Absent | RequestError::Unavailable(_))
}

/// A refusal in the client's words.
fn refusal(error: &RequestError) -> Refusal {
    match error {
        RequestError::NotFound | RequestError::Absent => Refusal::NotFound,
        RequestError::NotPermitted
        | RequestError::EntryInvalid
        | RequestError::PinWrong
        | RequestError::Locked
        | RequestError::InLobby
        | RequestError::Removed => Refusal::NotPermitted,
        RequestError::TooOften { .. } | RequestError::Limit(_) => Refusal::Limit,
        RequestError::Invalid(_) => Refusal::Invalid,
        RequestError::NoNode | RequestError::NoRecorder | RequestError::Unavailable(_) => {
            Refusal::Unavailable
        }
    }
}
