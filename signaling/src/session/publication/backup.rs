//! A second codec of a track, published when somebody needs it: to nodes a track of its own, to others a
//! part of the first.

use super::Publications;
use crate::session::event::{Announcement, Refusal};
use lectern_control::TrackId;
use lectern_control::room::{BackupTrack, Track};
use std::collections::BTreeSet;

impl Publications {
    /// A backup begins: the track that it stands in for, as others see it then.
    pub fn with_backup(&mut self, id: TrackId) -> Option<Track> {
        let publication = self.find(id)?;
        let stands_for = publication.stands_for()?;
        let Track { codecs, encodings, .. } = publication.track.clone();
        let shown = self.all.iter_mut().find(|known| known.track.id == stands_for)?;
        let backup = shown.track.backup.as_mut().filter(|_| shown.mid.is_some())?;
        backup.published = Some(BackupTrack { id, codecs, encodings });
        Some(shown.track.clone())
    }

    /// A backup goes with its track, and a track whose backup is gone has none published.
    pub(super) fn settle_backups(&mut self) {
        let ids: BTreeSet<TrackId> = self.all.iter().map(|known| known.track.id).collect();
        let Publications { all, retired, .. } = self;
        all.retain(|known| {
            let stays = known.stands_for().is_none_or(|id| ids.contains(&id));
            if !stays {
                retired.extend(known.mid.clone());
            }
            stays
        });
        for backup in all.iter_mut().filter_map(|known| known.track.backup.as_mut()) {
            backup.published.take_if(|published| !ids.contains(&published.id));
        }
    }

    /// What a backup has of the track that it stands in for.
    pub(super) fn check_backup(
        &self,
        announcement: &Announcement,
    ) -> Result<Option<&Track>, Refusal> {
        let Some(stands_for) = announcement.stands_for else { return Ok(None) };
        let shown = &self.find(stands_for).ok_or(Refusal::NotFound)?.track;
        let backup = shown.backup.as_ref().ok_or(Refusal::Invalid)?;
        let fits = announcement.codec.is_none_or(|codec| codec == backup.codec);
        let is_second = self.all.iter().any(|known| known.stands_for() == Some(stands_for));
        if !fits || is_second || announcement.kind != shown.kind {
            return Err(Refusal::Invalid);
        }
        Ok(Some(shown))
    }
}
