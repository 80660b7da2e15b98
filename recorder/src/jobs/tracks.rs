//! A file of each track, as it was sent: nothing is decoded.

use super::retry::Failure;
use super::spool::Spool;
use crate::catalogue::Entry;
use crate::disks::{make_folder, remove};
use crate::manifest::MAX_FILES;
use crate::media::Recorded;
use crate::storage::Storage;
use lectern_compose::{Media, Track};
use lectern_control::media::MediaKind;
use lectern_control::recording::{File, FileKind};
use lectern_journal::key::DataKey;
use lectern_mux::{TrackFile, Unit};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Files of one track: it may change its codec or its decoder's configuration, but not for ever.
const MAX_FILES_OF_TRACK: u32 = 64;

/// What is needed to make files of one recording's tracks.
pub(super) struct Maker<'a> {
    pub(super) entry: &'a Entry,
    pub(super) media: &'a Recorded,
    pub(super) storage: &'a Storage,
    pub(super) stop: &'a AtomicBool,
}

/// A file that is being written.
struct Open {
    file: TrackFile,
    spool: Spool,
    origin_us: i64,
    name: String,
}

impl Maker<'_> {
    /// Makes all files that are not there yet; `progress` is told thousandths.
    pub(super) fn make(&self, progress: &dyn Fn(u16)) -> Result<(), Failure> {
        let key = self.entry.key().ok_or(Failure::Stopped)?;
        let folder = self.entry.folder().join("parts").join("tracks");
        make_folder(&folder).map_err(Failure::writing)?;
        let tracks = self.media.tracks();
        let count = tracks.len().max(1);
        for (index, track) in tracks.into_iter().enumerate() {
            progress(u16::try_from(index * 1_000 / count).unwrap_or(1_000));
            if self.is_made(&track) {
                continue;
            }
            let files = self.make_track(&track, &key, &folder)?;
            if !files.is_empty() {
                self.entry.update(|status| {
                    let room = MAX_FILES.saturating_sub(status.files.len());
                    status.files.extend(files.into_iter().take(room));
                });
                self.entry.save()?;
            }
        }
        remove(&folder).map_err(Failure::writing)
    }

    fn is_made(&self, track: &Track) -> bool {
        let of_it = |file: &File| match file.kind {
            FileKind::Track { track: of, .. } => of == track.id,
            FileKind::Composed { .. } | FileKind::Thumbnail { .. } => false,
        };
        self.entry.look(|manifest| manifest.status.files.iter().any(of_it))
    }

    fn make_track(
        &self,
        track: &Track,
        key: &DataKey,
        folder: &std::path::Path,
    ) -> Result<Vec<File>, Failure> {
        let mut made = Vec::new();
        let mut open: Option<Open> = None;
        let mut number = 0;
        let units = self.media.units(track.id, i64::MIN).map_err(|e| Failure::reading(&e))?;
        for unit in units {
            if self.stop.load(Relaxed) {
                return Err(Failure::Stopped);
            }
            let unit = unit.map_err(|error| Failure::reading(&error))?;
            if let Some(done) = open.take_if(|open| !open.file.takes(&unit)) {
                made.push(self.close(track, done, unit.at_us)?);
            }
            if open.is_none() && number < MAX_FILES_OF_TRACK {
                open = self.begin(track, &unit, key, folder, number)?;
                number += u32::from(open.is_some());
            }
            if let Some(open) = &mut open {
                // One that no file takes is left out: it is between two that can be decoded.
                let _ = open.file.push(unit);
                drain(open)?;
            }
        }
        if let Some(done) = open {
            made.push(self.close(track, done, track.until_us)?);
        }
        Ok(made)
    }

    /// Begins a file with a frame, if one can begin with it.
    fn begin(
        &self,
        track: &Track,
        first: &Unit,
        key: &DataKey,
        folder: &std::path::Path,
        number: u32,
    ) -> Result<Option<Open>, Failure> {
        // Whole milliseconds, as they are told.
        let origin_us = first.at_us.max(0) / 1_000 * 1_000;
        let origin_us = origin_us.min(first.at_us);
        let Ok(file) = TrackFile::new(first, origin_us) else { return Ok(None) };
        let name = format!("track-{}-{number}.{}", track.id, file.extension());
        let path: PathBuf = folder.join(&name);
        let label = format!("{}/parts/{name}", self.entry.id);
        let spool = Spool::new(&path, key, &label).map_err(Failure::writing)?;
        Ok(Some(Open { file, spool, origin_us, name }))
    }

    fn close(&self, track: &Track, mut open: Open, end_us: i64) -> Result<File, Failure> {
        open.file.finish(Some(end_us)).map_err(|error| Failure::Failed(error.to_string()))?;
        drain(&mut open)?;
        let Open { file, spool, origin_us, name } = open;
        let (size, bytes) = (file.size(), spool.len());
        spool.store(self.storage, self.entry.id, &name)?;
        let kind = match track.kind {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        };
        Ok(File {
            name,
            kind: FileKind::Track {
                track: track.id,
                participant: track.participant,
                offset_ms: u64::try_from(origin_us / 1_000).unwrap_or_default(),
            },
            content_type: format!("{kind}/{}", file.extension()),
            bytes,
            duration_ms: u64::try_from(file.duration_us() / 1_000).unwrap_or_default(),
            width: size.map_or(0, |size| size.width),
            height: size.map_or(0, |size| size.height),
        })
    }
}

fn drain(open: &mut Open) -> Result<(), Failure> {
    while let Some(output) = open.file.poll() {
        open.spool.take(&output).map_err(Failure::writing)?;
    }
    Ok(())
}
