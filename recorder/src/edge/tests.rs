//! Whoever reads slowly is sent slowly, and whoever goes away holds nothing up.

use super::*;
use crate::config::Config;
use crate::keys::{Absent, Keys};
use crate::manifest::Manifest;
use crate::storage::Retry;
use lectern_control::recording::{File, FileKind};
use lectern_control::{JobId, RoomId};
use lectern_journal::seal::SealWriter;
use prometheus::{IntCounter, Registry};
use std::io::Write;
use std::time::Duration;
use tokio::runtime::Handle;

const RECORDING: RecordingId = RecordingId(7);
const LEN: usize = 6 << 20;

/// A recording with one file, and a ticket for it.
async fn stage(folder: &std::path::Path) -> Context {
    let config = Config { data_dir: Some(folder.to_owned()), ..Config::default() };
    let errors = IntCounter::new("errors", "Errors.").expect("a counter");
    let storage = Storage::open(&config, Retry::USUAL, Handle::current(), errors).expect("opens");
    let keys = Arc::new(Keys::open(&config, Absent::Make).expect("made"));
    let catalogue = Arc::new(Catalogue::new(folder.join("live"), keys).expect("opens"));
    let manifest = Manifest::new(RECORDING, RoomId(1), 0, None);
    let entry = catalogue.create(manifest).expect("made");
    let key = entry.key().expect("a key");
    let mut file = SealWriter::new(Vec::new(), &key, &format!("{RECORDING}/film.mp4")).expect("x");
    let plain: Vec<u8> = (0..LEN).map(|index| (index / 7) as u8).collect();
    file.write_all(&plain).expect("sealed");
    let sealed = file.finish().expect("sealed");
    storage.put(RECORDING, "film.mp4", sealed.into()).await.expect("written");
    entry.update(|status| {
        status.files.push(File {
            name: "film.mp4".to_owned(),
            kind: FileKind::Composed { job: JobId(1) },
            content_type: "video/mp4".to_owned(),
            bytes: LEN as u64,
            duration_ms: 0,
            width: 0,
            height: 0,
        });
    });
    let grants = Arc::<Grants>::default();
    grants.grant(&Secret::new([1; 16]), RECORDING, "film.mp4".to_owned(), u64::MAX);
    let metrics = Metrics::new(&Registry::new()).expect("registers");
    Context { grants, catalogue, storage, metrics }
}

async fn say(out: &mpsc::Sender<Bytes>, message: &FromEdge) {
    out.send(frame::encode(message).expect("encodes")).await.expect("it listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_a_window_waits_for_who_reads_slowly() {
    let folder = tempfile::tempdir().expect("a folder");
    let context = stage(folder.path()).await;
    let (out, from_us) = mpsc::channel(16);
    let (to_us, mut incoming) = mpsc::channel(4_096);
    let stop = CancellationToken::new();
    let serve = tokio::spawn(serve(context, (to_us, from_us), stop));
    say(&out, &FromEdge::Hello { version: Version::CURRENT }).await;
    say(&out, &FromEdge::Read { ticket: Secret::new([1; 16]), offset: 0, len: u64::MAX }).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(incoming.len() <= WINDOW, "{} wait", incoming.len());
    let mut read = 0;
    loop {
        let message = incoming.recv().await.expect("it speaks");
        match frame::decode(&message).expect("decodes") {
            FromRecorder::Welcome { .. } => {}
            FromRecorder::Data { bytes } if bytes.is_empty() => break,
            FromRecorder::Data { bytes } => {
                assert!(bytes.len() <= MAX_DATA_BYTES);
                read += bytes.len();
            }
            FromRecorder::Refused(refusal) => panic!("{refusal}"),
        }
        assert!(incoming.len() <= WINDOW, "{} wait", incoming.len());
    }
    assert_eq!(read, LEN);
    // Who goes away in the middle of a read ends the link.
    say(&out, &FromEdge::Read { ticket: Secret::new([1; 16]), offset: 0, len: u64::MAX }).await;
    drop(incoming);
    serve.await.expect("it ends");
}
