//! Recordings made, found, saved and forgotten.

use super::*;
use crate::config::Config;
use crate::keys::Absent;
use futures_util::FutureExt;
use lectern_control::ParticipantId;
use lectern_control::recording::{Person, State};
use lectern_journal::key::MasterKeys;

const RECORDING: RecordingId = RecordingId(7);

struct Scene {
    folder: tempfile::TempDir,
    keys: Arc<Keys>,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { data_dir: Some(folder.path().to_owned()), ..Config::default() };
        let keys = Arc::new(Keys::open(&config, Absent::Make).expect("made"));
        Scene { folder, keys }
    }

    fn catalogue(&self) -> Catalogue {
        let live = self.folder.path().join("live");
        let catalogue = Catalogue::new(live, Arc::clone(&self.keys)).expect("opens");
        catalogue.load().expect("loads");
        catalogue
    }
}

fn manifest() -> Manifest {
    Manifest::new(RECORDING, RoomId(1), 1_000, None)
}

fn name(status: &mut lectern_control::recording::Status, name: &str) {
    let name = name.to_owned();
    status.people = vec![Person { participant: ParticipantId(1), name }];
}

#[test]
fn a_recording_is_found_again_as_it_was_saved() {
    let scene = Scene::new();
    let catalogue = scene.catalogue();
    let entry = catalogue.create(manifest()).expect("made");
    entry.update(|status| name(status, "Anna"));
    let before = entry.status();
    entry.save().expect("saved");
    entry.update(|status| name(status, "Berta"));
    let found = scene.catalogue().get(RECORDING).expect("is there");
    assert_eq!(found.status(), before);
    assert!(entry.status().version > before.version);
    assert!(found.key().is_some());
}

#[test]
fn nobody_hears_of_a_recording_that_cannot_be_written_but_that_it_failed() {
    let scene = Scene::new();
    let catalogue = scene.catalogue();
    let in_the_way = scene.folder.path().join("live").join(RECORDING.to_string());
    std::fs::write(in_the_way, b"").expect("written");
    let manifest = manifest();
    let version = manifest.status.version;
    assert!(matches!(catalogue.create(manifest.clone()), Err(Error::Disk(_))));
    assert!(catalogue.loaded().is_empty());
    assert!(catalogue.changed().now_or_never().is_none());
    assert!(catalogue.create_failed(manifest).status().version > version);
    assert!(catalogue.changed().now_or_never().is_some());
}

#[test]
fn what_is_settled_is_read_only_when_it_is_asked_for() {
    let scene = Scene::new();
    let entry = scene.catalogue().create(manifest()).expect("made");
    let version = entry.status().version;
    entry.edit(|manifest| manifest.settled = Some(version));
    entry.save().expect("saved");
    let catalogue = scene.catalogue();
    assert!(catalogue.get(RECORDING).is_none());
    assert!(catalogue.find_here(RECORDING).expect("reads").is_some());
    assert_eq!(catalogue.loaded().len(), 1);
}

#[test]
fn a_new_master_key_is_used_with_the_next_save_and_the_old_one_is_not_needed() {
    let scene = Scene::new();
    let entry = scene.catalogue().create(manifest()).expect("made");
    let file = scene.keys.file().expect("a file");
    let old = MasterKeys::load(file).expect("loads").ids().next().expect("one").clone();
    MasterKeys::rotate(file).expect("rotates");
    assert!(entry.save().expect("saved"), "another master key");
    assert!(!entry.save().expect("saved"), "the same");
    MasterKeys::retire(file, &old).expect("retires");
    assert!(scene.catalogue().get(RECORDING).is_some());
}

#[test]
fn a_recorder_whose_key_file_is_away_for_a_while_goes_on_saving() {
    let scene = Scene::new();
    let entry = scene.catalogue().create(manifest()).expect("made");
    let file = scene.keys.file().expect("a file");
    std::fs::rename(file, file.with_extension("away")).expect("moved");
    entry.update(|status| status.state = State::Processing);
    entry.save().expect("saved");
    assert!(scene.catalogue().create(Manifest::new(RecordingId(8), RoomId(1), 0, None)).is_err());
    std::fs::rename(file.with_extension("away"), file).expect("moved");
    let found = scene.catalogue().get(RECORDING).expect("is there");
    assert_eq!(found.status().state, State::Processing);
}

#[test]
fn what_is_destroyed_stays_so_whatever_is_said_of_it_later() {
    let scene = Scene::new();
    let entry = scene.catalogue().create(manifest()).expect("made");
    let path = entry.folder().join(MANIFEST);
    let before = std::fs::read_to_string(&path).expect("there");
    entry.destroy().expect("destroyed");
    entry.update(|status| name(status, "Anna"));
    entry.save().expect("saved");
    assert!(entry.key().is_none() && entry.status().people.is_empty());
    let after = std::fs::read_to_string(&path).expect("there");
    assert!(before.contains("\"master\"") && !after.contains("\"master\""), "{after}");
    entry.destroyed().expect("saved");
    assert_eq!(scene.catalogue().get(RECORDING).expect("is told").status().state, State::Deleted);
}

#[test]
fn one_that_is_damaged_keeps_no_other_from_being_read() {
    let scene = Scene::new();
    let catalogue = scene.catalogue();
    catalogue.create(manifest()).expect("made");
    let live = scene.folder.path().join("live");
    for (id, text) in [(8, "{"), (9, "{\"format\": 9}")] {
        let folder = live.join(RecordingId(id).to_string());
        std::fs::create_dir(&folder).expect("made");
        std::fs::write(folder.join(MANIFEST), text).expect("written");
    }
    let empty = live.join(RecordingId(10).to_string());
    std::fs::create_dir(&empty).expect("made");
    std::fs::create_dir(live.join("somebody's own")).expect("made");
    let catalogue = scene.catalogue();
    assert_eq!(catalogue.loaded().len(), 1);
    assert!(!empty.exists() && live.join("somebody's own").exists());
    assert!(catalogue.find_here(RecordingId(8)).is_err());
}

#[tokio::test]
async fn who_waits_hears_of_each_change() {
    let scene = Scene::new();
    let catalogue = scene.catalogue();
    let entry = catalogue.create(manifest()).expect("made");
    catalogue.changed().await;
    entry.update(|_| {});
    catalogue.changed().await;
    catalogue.remove(RECORDING).expect("removed");
    assert!(!entry.folder().exists() && catalogue.get(RECORDING).is_none());
}
