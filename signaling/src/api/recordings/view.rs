//! Recordings in the API's words.

use super::super::meetings::rfc3339;
use lectern_control::recording::{
    File, FileKind, Job, JobKind, Layout, Person, Progress, Recording, Share, State, TroubleKind,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A recording, as those see it who keep it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingView {
    /// Its id.
    id: String,
    /// Its title.
    title: String,
    /// When it began (RFC 3339, with milliseconds).
    started_at: String,
    /// Who turned it on, by the name shown.
    started_by: String,
    /// How long it is; of one that goes on as far as it is written.
    duration_ms: u64,
    /// When it is destroyed by itself (RFC 3339).
    expires_at: Option<String>,
    /// `recording`, `processing`, `ready` or `failed`.
    state: &'static str,
    /// Why it is not all that it should be: `disk_full`, `write_failed`, `recorder_lost`,
    /// `compose_failed` or `storage_failed`.
    trouble: Option<&'static str>,
    /// The recorder that has it cannot be reached now.
    unreachable: bool,
    /// What is made of it.
    jobs: Vec<JobView>,
    /// What can be played or downloaded.
    files: Vec<FileView>,
    /// Who was in it.
    people: Vec<PersonView>,
    /// By which links it is shared.
    shares: Vec<ShareView>,
}

/// Work on a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its id.
    id: String,
    /// `tracks` or `film`.
    kind: &'static str,
    /// How the film looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<LayoutName>,
    /// Who is left out of the film.
    #[serde(skip_serializing_if = "Option::is_none")]
    without: Option<Vec<String>>,
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// How far it is, 0 to 1.
    progress: f64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// How a film looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayoutName {
    /// The shared screen large, cameras beside it.
    Beside,
    /// The shared screen alone; who speaks where none is shared.
    Screen,
    /// Who speaks large, the others beside.
    Speaker,
    /// All of the same size.
    Grid,
}

/// Something to play or to download.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileView {
    /// Its name in the recording.
    name: String,
    /// `film`, `thumbnail` or `track`.
    kind: &'static str,
    /// Its media type.
    content_type: String,
    /// Its size.
    bytes: u64,
    /// How long it plays; 0 for pictures.
    duration_ms: u64,
    /// Pixels, 0 for sound.
    width: u32,
    /// Pixels, 0 for sound.
    height: u32,
    /// Of films and thumbnails: the job that made them.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    /// Of thumbnails: which moment of the film.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    /// Of tracks: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<String>,
    /// Of tracks: whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<String>,
    /// Of tracks: when they begin in the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_ms: Option<u64>,
}

/// Somebody in a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// Who, in this stay in the meeting.
    participant: String,
    /// The name shown.
    name: String,
}

/// A link to a recording, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareView {
    /// Its id.
    id: String,
    /// When it ends (RFC 3339).
    expires_at: String,
    /// The film may be downloaded as well as played.
    download: bool,
}

impl From<Recording> for RecordingView {
    fn from(recording: Recording) -> RecordingView {
        let status = recording.status;
        RecordingView {
            id: recording.id.to_string(),
            title: recording.title,
            started_at: exact(status.started_unix_ms),
            started_by: recording.started_by,
            duration_ms: status.duration_ms,
            expires_at: recording.expires_at_unix_ms.map(rfc3339),
            state: state(status.state),
            trouble: status.trouble.map(|known| trouble(known.kind)),
            unreachable: recording.unreachable,
            jobs: status.jobs.into_iter().map(JobView::from).collect(),
            files: status.files.into_iter().map(FileView::from).collect(),
            people: status.people.into_iter().map(PersonView::from).collect(),
            shares: recording.shares.into_iter().map(ShareView::from).collect(),
        }
    }
}

impl From<Job> for JobView {
    fn from(job: Job) -> JobView {
        let (kind, layout, without) = match job.kind {
            JobKind::Tracks => ("tracks", None, None),
            JobKind::Compose { layout, without } => {
                let without = without.iter().map(ToString::to_string).collect();
                ("film", Some(layout.into()), Some(without))
            }
        };
        let (state, permille, reason) = match job.progress {
            Progress::Waiting => ("waiting", 0, None),
            Progress::Running { permille } => ("running", permille.min(1_000), None),
            Progress::Done => ("done", 1_000, None),
            Progress::Failed { reason } => ("failed", 0, Some(reason)),
        };
        let progress = f64::from(permille) / 1_000.0;
        JobView { id: job.id.to_string(), kind, layout, without, state, progress, reason }
    }
}

impl From<File> for FileView {
    fn from(file: File) -> FileView {
        let mut view = FileView {
            name: file.name,
            kind: "film",
            content_type: file.content_type,
            bytes: file.bytes,
            duration_ms: file.duration_ms,
            width: file.width,
            height: file.height,
            job: None,
            at_ms: None,
            track: None,
            participant: None,
            offset_ms: None,
        };
        match file.kind {
            FileKind::Composed { job } => view.job = Some(job.to_string()),
            FileKind::Thumbnail { job, at_ms } => {
                (view.kind, view.job) = ("thumbnail", Some(job.to_string()));
                view.at_ms = Some(at_ms);
            }
            FileKind::Track { track, participant, offset_ms } => {
                (view.kind, view.track) = ("track", Some(track.to_string()));
                view.participant = Some(participant.to_string());
                view.offset_ms = Some(offset_ms);
            }
        }
        view
    }
}

impl From<Person> for PersonView {
    fn from(person: Person) -> PersonView {
        PersonView { participant: person.participant.to_string(), name: person.name }
    }
}

impl From<Share> for ShareView {
    fn from(share: Share) -> ShareView {
        let expires_at = rfc3339(share.expires_at_unix_ms);
        ShareView { id: share.id.to_string(), expires_at, download: share.download }
    }
}

impl From<Layout> for LayoutName {
    fn from(layout: Layout) -> LayoutName {
        match layout {
            Layout::Beside => LayoutName::Beside,
            Layout::Screen => LayoutName::Screen,
            Layout::Speaker => LayoutName::Speaker,
            Layout::Grid => LayoutName::Grid,
        }
    }
}

impl From<LayoutName> for Layout {
    fn from(layout: LayoutName) -> Layout {
        match layout {
            LayoutName::Beside => Layout::Beside,
            LayoutName::Screen => Layout::Screen,
            LayoutName::Speaker => Layout::Speaker,
            LayoutName::Grid => Layout::Grid,
        }
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Recording => "recording",
        State::Processing => "processing",
        State::Ready => "ready",
        State::Failed | State::Deleted => "failed",
    }
}

/// A kind of trouble as one word.
pub fn trouble(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::DiskFull => "disk_full",
        TroubleKind::WriteFailed => "write_failed",
        TroubleKind::RecorderLost => "recorder_lost",
        TroubleKind::ComposeFailed => "compose_failed",
        TroubleKind::StorageFailed => "storage_failed",
    }
}

/// A time as RFC 3339 has it, to the millisecond: pages of a list begin at one.
pub fn exact(unix_ms: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
    time.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| rfc3339(unix_ms))
}

/// Milliseconds since 1970 of such a time.
pub fn unix_ms(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for ms in [0, 999, 1_700_000_000_000, 1_700_000_000_123] {
            assert_eq!(unix_ms(&exact(ms)), Some(ms), "{}", exact(ms));
        }
        assert_eq!(exact(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
        assert_eq!(unix_ms("2023-11-14T23:13:20+01:00"), Some(1_700_000_000_000));
        for text in ["", "yesterday", "2023-11-14", "1960-01-01T00:00:00Z"] {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }
}
