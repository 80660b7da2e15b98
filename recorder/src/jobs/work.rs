//! The threads that do jobs, behind everything else that the machine does.

use super::film::{self, Wanted};
use super::late::LateFile;
use super::parts::SealedParts;
use super::queue::{Item, Queue, Taken, Work};
use super::retry::Failure;
use super::tracks::Maker;
use super::{Context, count_of, enqueue, keep};
use crate::catalogue::Entry;
use crate::manifest::{Place, Try};
use crate::media::Recorded;
use lectern_compose::Film;
use lectern_control::JobId;
use lectern_control::recording::{File, FileKind, JobKind, Progress, Status, Trouble, TroubleKind};
use lectern_journal::seal::SealWriter;
use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How nice jobs are to all else on the machine.
const NICE: i32 = 19;
/// Progress is told so often at most.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Does jobs until the queue ends.
pub(super) fn run(context: &Context, queue: &Queue) {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::warn!(%error, "jobs are not behind all else on this machine");
    }
    while let Some((item, taken)) = queue.take() {
        let begun = Instant::now();
        let kind = kind_name(&item);
        let done = catch_unwind(AssertUnwindSafe(|| carry_out(context, &item, &taken)));
        let result = done.unwrap_or_else(|_| {
            Err(Failure::Failed("a fault of the program: see the recorder's log".to_owned()))
        });
        context
            .metrics
            .job_seconds
            .with_label_values(&[kind])
            .observe(begun.elapsed().as_secs_f64());
        let result_name = match &result {
            Ok(()) => "done",
            Err(Failure::Stopped) => "stopped",
            Err(Failure::Storage(_)) => "storage",
            Err(Failure::Nothing | Failure::Failed(_)) => "failed",
        };
        context.metrics.jobs_ended.with_label_values(&[kind, result_name]).inc();
        settle(context, queue, item, taken, result);
    }
}

fn kind_name(item: &Item) -> &'static str {
    match item.work {
        Work::Keep => "keep",
        Work::Job(id) => match kind_of(&item.entry, id) {
            Some(JobKind::Compose { .. }) => "film",
            Some(JobKind::Tracks) | None => "tracks",
        },
    }
}

fn kind_of(entry: &Entry, id: JobId) -> Option<JobKind> {
    let of = |manifest: &crate::manifest::Manifest| {
        manifest.status.jobs.iter().find(|job| job.id == id).map(|job| job.kind.clone())
    };
    entry.look(of)
}

/// What comes of a result.
fn settle(
    context: &Context,
    queue: &Queue,
    item: Item,
    taken: Taken<'_>,
    result: Result<(), Failure>,
) {
    let entry = Arc::clone(&item.entry);
    let progress = match result {
        Ok(()) => Some(Progress::Done),
        Err(Failure::Stopped) => None,
        Err(Failure::Storage(error)) => {
            tracing::warn!(recording = %entry.id, %error, "a job is tried again later");
            let item = item.later(context.patience);
            if item.failures >= context.patience.failures {
                entry.update(|status| {
                    status.trouble.get_or_insert_with(|| keep::trouble(&error));
                });
            }
            give_back(&entry, item.work);
            save(&entry);
            return queue.put_back(item, taken);
        }
        Err(failure @ (Failure::Nothing | Failure::Failed(_))) => {
            tracing::warn!(recording = %entry.id, reason = %failure, "a job cannot be done");
            if let Work::Keep = item.work {
                // What is here stays here, and is played all the same.
                keep::conclude(&entry);
                save(&entry);
                None
            } else {
                let failed = matches!(failure, Failure::Failed(_));
                if failed && kind_name(&item) == "film" {
                    let detail = failure.to_string();
                    let trouble = Trouble { kind: TroubleKind::ComposeFailed, detail };
                    entry.update(|status| {
                        status.trouble.get_or_insert(trouble);
                    });
                }
                Some(Progress::Failed { reason: failure.to_string() })
            }
        }
    };
    if let Work::Job(id) = item.work {
        let ended = progress.is_some();
        give_back(&entry, item.work);
        entry.update(|status| tell(status, id, progress.unwrap_or(Progress::Waiting)));
        save(&entry);
        drop(taken);
        if ended {
            enqueue(queue, &entry);
        }
    }
}

fn tell(status: &mut Status, id: JobId, progress: Progress) {
    if let Some(job) = status.jobs.iter_mut().find(|job| job.id == id) {
        job.progress = progress;
    }
}

/// An orderly end of a try does not count.
fn give_back(entry: &Entry, work: Work) {
    if let Work::Job(id) = work {
        entry.edit(|manifest| manifest.tries.retain(|known| known.job != id));
        entry.update(|status| tell(status, id, Progress::Waiting));
    }
}

fn save(entry: &Entry) {
    if entry.look(|manifest| manifest.end.is_some()) {
        return;
    }
    if let Err(error) = entry.save() {
        tracing::warn!(recording = %entry.id, %error, "a manifest cannot be written");
    }
}

fn carry_out(context: &Context, item: &Item, taken: &Taken<'_>) -> Result<(), Failure> {
    let entry = &item.entry;
    if entry.look(|manifest| manifest.end.is_some()) {
        return Err(Failure::Stopped);
    }
    let Work::Job(id) = item.work else {
        return keep::keep(entry, &context.storage, &taken.stop);
    };
    let Some(kind) = kind_of(entry, id) else { return Err(Failure::Stopped) };
    // Written down before it is begun: where it ends the process, that is known to the next one.
    entry.edit(|manifest| {
        let count = count_of(&manifest.tries, id).saturating_add(1);
        manifest.tries.retain(|known| known.job != id);
        manifest.tries.push(Try { job: id, count });
    });
    entry.update(|status| tell(status, id, Progress::Running { permille: 0 }));
    entry.save()?;
    if entry.look(|manifest| manifest.place == Place::Stored) {
        keep::fetch(entry.id, entry.folder(), &context.storage, &taken.stop)?;
    }
    let media = Recorded::open(entry, entry.folder(), &taken.stop);
    let media = media.map_err(|error| Failure::reading(&error))?;
    let until_ms = u64::try_from(media.until_us() / 1_000).unwrap_or_default();
    entry.update(|status| status.duration_ms = status.duration_ms.max(until_ms));
    let told = Cell::new((Instant::now(), 0));
    let progress = |permille: u16| {
        let (at, last) = told.get();
        if permille != last && at.elapsed() >= TELL_EVERY {
            told.set((Instant::now(), permille));
            entry.update(|status| tell(status, id, Progress::Running { permille }));
        }
    };
    match kind {
        JobKind::Tracks => {
            let (storage, stop) = (&context.storage, &taken.stop);
            Maker { entry, media: &media, storage, stop }.make(&progress)
        }
        JobKind::Compose { layout, without } => {
            let duration_ms = entry.look(|manifest| manifest.status.duration_ms);
            let wanted = Wanted {
                layout,
                without,
                duration_us: i64::try_from(duration_ms.saturating_mul(1_000)).unwrap_or(i64::MAX),
                tools: context.tools.clone(),
                cores: taken.cores,
            };
            make_film(context, entry, id, &media, wanted, taken, &progress)
        }
    }
}

fn make_film(
    context: &Context,
    entry: &Arc<Entry>,
    id: JobId,
    media: &Recorded,
    wanted: Wanted,
    taken: &Taken<'_>,
    progress: &dyn Fn(u16),
) -> Result<(), Failure> {
    let key = entry.key().ok_or(Failure::Stopped)?;
    let folder = entry.folder().join("parts").join(id.to_string());
    // Who comes further each time does not turn in circles.
    let of_it = Arc::clone(entry);
    let finished = Arc::new(move || {
        of_it.edit(|manifest| {
            let tries = manifest.tries.iter_mut().filter(|known| known.job == id);
            tries.for_each(|known| known.count = 1);
        });
        save(&of_it);
    });
    let label = format!("{}/parts/{id}", entry.id);
    let parts = SealedParts::new(folder, key.clone(), label, finished).map_err(Failure::writing)?;
    let name = format!("film-{id}.mp4");
    let mut out = LateFile::new(&context.storage, entry.id, &name, &key);
    let film = film::make(media, wanted, &parts, &mut out, progress, &taken.stop)?;
    if taken.stop.load(Relaxed) {
        return Err(Failure::Stopped);
    }
    out.finish()?;
    let files = store_pictures(context, entry, id, name, &film, &key)?;
    entry.update(|status| {
        let known = |name: &str| files.iter().any(|file| file.name == name);
        status.files.retain(|file| !known(&file.name));
        status.files.splice(0..0, files.iter().cloned());
        tell(status, id, Progress::Done);
    });
    entry.save_stored(&context.storage)?;
    parts.clear().map_err(Failure::writing)
}

/// The film and its pictures, as they are told of.
fn store_pictures(
    context: &Context,
    entry: &Entry,
    job: JobId,
    name: String,
    film: &Film,
    key: &lectern_journal::key::DataKey,
) -> Result<Vec<File>, Failure> {
    let (width, height) = (film.width, film.height);
    let mut files = vec![File {
        name,
        kind: FileKind::Composed { job },
        content_type: "video/mp4".to_owned(),
        bytes: film.bytes,
        duration_ms: film.duration_ms,
        width,
        height,
    }];
    for (index, picture) in film.thumbnails.iter().enumerate() {
        let name = format!("thumbnail-{job}-{index}.jpg");
        let label = format!("{}/{name}", entry.id);
        let mut sealed = SealWriter::new(Vec::new(), key, &label).map_err(Failure::writing)?;
        sealed.write_all(&picture.jpeg).map_err(Failure::writing)?;
        let sealed = sealed.finish().map_err(Failure::writing)?;
        context.storage.wait(context.storage.put(entry.id, &name, sealed.into()))?;
        files.push(File {
            name,
            kind: FileKind::Thumbnail { job, at_ms: picture.at_ms },
            content_type: "image/jpeg".to_owned(),
            bytes: picture.jpeg.len() as u64,
            duration_ms: 0,
            width: 0,
            height: 0,
        });
    }
    Ok(files)
}
