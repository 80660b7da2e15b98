//! The store, over a folder.

use super::*;
use tokio::runtime::Runtime;

const RECORDING: RecordingId = RecordingId(7);

struct Scene {
    folder: tempfile::TempDir,
    storage: Storage,
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { data_dir: Some(folder.path().to_owned()), ..Config::default() };
        let runtime = Runtime::new().expect("starts");
        let errors = IntCounter::new("errors", "Errors.").expect("a counter");
        let storage = Storage::open(&config, Retry::USUAL, runtime.handle().clone(), errors);
        Scene { folder, storage: storage.expect("opens"), _runtime: runtime }
    }

    fn put(&self, name: &str, bytes: &'static [u8]) {
        let put = self.storage.put(RECORDING, name, Bytes::from_static(bytes));
        self.storage.wait(put).expect("written");
    }

    fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, Error> {
        self.storage.wait(self.storage.range(RECORDING, name, range))
    }
}

#[test]
fn files_are_read_by_parts_and_what_is_not_there_is_said_so() {
    let scene = Scene::new();
    scene.put("film.mp4", b"0123456789");
    assert_eq!(scene.read("film.mp4", 3..6), Ok(Bytes::from_static(b"345")));
    assert_eq!(scene.storage.wait(scene.storage.len(RECORDING, "film.mp4")), Ok(10));
    assert_eq!(scene.read("other.mp4", 0..1), Err(Error::NotFound));
    assert_eq!(scene.storage.wait(scene.storage.manifest(RECORDING)), Ok(None));
    assert_eq!(scene.storage.errors.get(), 0, "that is no error of the store");
}

#[test]
fn a_file_of_many_parts_is_there_once_it_is_finished_and_never_before() {
    let scene = Scene::new();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|index| index as u8).collect();
    for is_finished in [false, true] {
        let mut upload = scene.storage.upload(RECORDING, "film.mp4").expect("begins");
        upload.write_all(&bytes).expect("written");
        if is_finished {
            upload.finish().expect("finished");
        }
        let len = scene.storage.wait(scene.storage.len(RECORDING, "film.mp4"));
        assert_eq!(len.is_ok(), is_finished);
    }
    let read = scene.read("film.mp4", 0..20_000_000).expect("there");
    assert!(read == bytes);
}

#[test]
fn files_go_there_and_come_back() {
    let scene = Scene::new();
    let (from, to) = (scene.folder.path().join("from"), scene.folder.path().join("to"));
    std::fs::write(&from, vec![7; 1 << 20]).expect("written");
    scene.storage.put_file(RECORDING, "journal/session.journal", &from).expect("stored");
    let names = scene.storage.wait(scene.storage.names(RECORDING, "journal"));
    assert_eq!(names, Ok(vec!["session.journal".to_owned()]));
    scene.storage.get_file(RECORDING, "journal/session.journal", &to).expect("fetched");
    assert_eq!(std::fs::read(&to).expect("there"), vec![7; 1 << 20]);
    let gone = scene.storage.get_file(RECORDING, "journal/TR_0000000000000.journal", &to);
    assert_eq!(gone, Err(Error::NotFound));
}

#[test]
fn all_files_of_one_recording_are_deleted_and_its_manifest_last() {
    let scene = Scene::new();
    for name in ["film.mp4", "journal/session.journal", MANIFEST] {
        scene.put(name, b"x");
    }
    let other = scene.storage.put(RecordingId(8), "film.mp4", Bytes::from_static(b"x"));
    scene.storage.wait(other).expect("written");
    for _ in 0..2 {
        let deleted = scene.storage.delete_files(RECORDING);
        scene.storage.wait(deleted).expect("deleted");
        assert_eq!(scene.read("film.mp4", 0..1), Err(Error::NotFound));
    }
    assert_eq!(scene.read(MANIFEST, 0..1), Ok(Bytes::from_static(b"x")));
    for _ in 0..2 {
        scene.storage.wait(scene.storage.delete_manifest(RECORDING)).expect("deleted");
    }
    assert_eq!(scene.storage.wait(scene.storage.recordings()), Ok(vec![RecordingId(8)]));
}

#[test]
fn a_disk_that_is_full_is_told_apart() {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let wrapped = object_store::Error::Generic { store: "x", source: Box::new(Wrapped(full)) };
    assert_eq!(Error::from(wrapped), Error::Full);
    let back = Error::from(io::Error::from(Error::Refused));
    assert_eq!(back, Error::Refused, "an error survives its way through a writer");
}

#[derive(Debug, thiserror::Error)]
#[error("wrapped")]
struct Wrapped(#[source] io::Error);

#[test]
fn a_bucket_needs_a_name_and_says_what_is_missing() {
    let config = Config { store: Store::S3(S3::default()), ..Config::default() };
    let runtime = Runtime::new().expect("starts");
    let errors = IntCounter::new("errors", "Errors.").expect("a counter");
    let opened = Storage::open(&config, Retry::USUAL, runtime.handle().clone(), errors);
    assert!(opened.expect_err("no name").to_string().contains("recorder.store.bucket"));
}
