//! What is destroyed is gone, whatever happens meanwhile; keys change hands while all goes on.

use super::clip::probe;
use super::stage::{ANNA, Controller, RECORDING, ROOM, Running, Stage, VOICE, files_in, record};
use crate::archive;
use crate::catalogue::Catalogue;
use crate::keys::{Absent, Keys};
use lectern_control::RecordingId;
use lectern_control::recorder::ToRecorder;
use lectern_control::recording::{FileKind, Layout, Refusal, State, Status};
use std::sync::Arc;
use std::time::Duration;

async fn delete(controller: &mut Controller, recording: RecordingId) -> Status {
    controller.end.say(&ToRecorder::Delete { recording }).await;
    controller.until(recording, |status| status.state == State::Deleted).await
}

/// Waits until nothing is left of a recording, in either folder.
async fn nothing_is_left(stage: &Stage, recording: RecordingId) {
    for _ in 0..200 {
        let folder = |name: &str| stage.data().join(name).join(recording.to_string());
        if !folder("live").exists() && !folder("store").exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", files_in(&stage.data()));
}

fn voice(status: &Status) -> String {
    let is_it = |kind: &FileKind| matches!(kind, FileKind::Track { track: VOICE, .. });
    status.files.iter().find(|file| is_it(&file.kind)).expect("a file").name.clone()
}

async fn plays(running: &Running, controller: &Controller, status: &Status) {
    controller.grant(RECORDING, &voice(status), 7).await;
    let seen = probe(&running.edge().await.read_all(7).await);
    assert_eq!(seen["streams"][0]["nb_read_packets"], "150");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_is_deleted_is_gone_and_its_tickets_open_nothing() {
    let stage = Stage::new();
    let running = stage.start();
    let (mut controller, _node, status) = record(&running).await;
    plays(&running, &controller, &status).await;
    let mut edge = running.edge().await;
    edge.read(7, 0, 1).await.expect("it may be read");
    let deleted = delete(&mut controller, RECORDING).await;
    assert!(deleted.version > status.version && deleted.files.is_empty());
    assert_eq!(edge.read(7, 0, 1).await, Err(Refusal::Ticket));
    nothing_is_left(&stage, RECORDING).await;
    controller.grant(RECORDING, &voice(&status), 8).await;
    let mut refused = edge.read(8, 0, 1).await;
    while refused == Err(Refusal::Ticket) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        refused = edge.read(8, 0, 1).await;
    }
    assert_eq!(refused, Err(Refusal::Gone));
    // Said again, it is still so.
    delete(&mut controller, RECORDING).await;
    nothing_is_left(&stage, RECORDING).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_and_what_nobody_knows_can_be_deleted_as_well() {
    let stage = Stage::new();
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    controller.open(RECORDING, crate::clock::unix_ms()).await;
    let number = node.batch(RECORDING, super::stage::batches(1).remove(0)).await;
    node.until_kept(RECORDING, number).await;
    delete(&mut controller, RECORDING).await;
    nothing_is_left(&stage, RECORDING).await;
    // It is not begun again by what a node still had.
    node.batch(RECORDING, super::stage::batches(1).remove(1)).await;
    delete(&mut controller, RecordingId(99)).await;
    nothing_is_left(&stage, RecordingId(99)).await;
    while controller.beat().await.recordings != 0 {}
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_deletion_is_made_good_at_the_next_start() {
    let stage = Stage::new();
    let running = stage.start();
    record(&running).await;
    running.stop().await;
    // The key is destroyed, nothing else.
    let keys = Keys::open(&stage.config, Absent::Refuse).expect("keys");
    let catalogue = Catalogue::new(stage.data().join("live"), Arc::new(keys)).expect("opens");
    let entry = catalogue.find_here(RECORDING).expect("reads").expect("is there");
    // The controller knew all of it.
    entry.edit(|manifest| manifest.settled = Some(manifest.status.version));
    entry.destroy().expect("destroyed");
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    controller.until(RECORDING, |status| status.state == State::Deleted).await;
    nothing_is_left(&stage, RECORDING).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_no_key_opens_can_still_be_deleted() {
    let stage = Stage::new();
    let running = stage.start();
    record(&running).await;
    running.stop().await;
    std::fs::remove_file(stage.data().join("master.key")).expect("lost");
    let refused = stage.start().ended().await;
    assert!(matches!(refused, Err(crate::Error::Keys(crate::keys::Error::Missing(_)))));
    let other = Stage::new();
    other.start().stop().await;
    std::fs::copy(other.data().join("master.key"), stage.data().join("master.key")).expect("new");
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    delete(&mut controller, RECORDING).await;
    nothing_is_left(&stage, RECORDING).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn master_keys_are_changed_while_the_recorder_runs() {
    let stage = Stage::new();
    let running = stage.start();
    let (mut controller, mut node, status) = record(&running).await;
    let other = RecordingId(5);
    controller.open(other, crate::clock::unix_ms()).await;
    let number = node.batch(other, super::stage::batches(crate::clock::unix_us()).remove(0)).await;
    node.until_kept(other, number).await;
    let before = std::fs::read(stage.data().join("master.key")).expect("there");
    let config = stage.config.clone();
    let rotated = tokio::task::spawn_blocking(move || archive::rotate(&config)).await;
    let rotated = rotated.expect("no panic").expect("rotates");
    assert_eq!((rotated.left.len(), rotated.retired.len()), (0, 1), "{rotated:?}");
    assert_eq!(rotated.rewrapped, 2, "{rotated:?}");
    assert_ne!(std::fs::read(stage.data().join("master.key")).expect("there"), before);
    node.end(other).await;
    controller.close(other).await;
    controller.until(other, |status| matches!(status.state, State::Ready | State::Failed)).await;
    plays(&running, &controller, &status).await;
    running.stop().await;
    let running = stage.start();
    let controller = running.controller(&[]).await;
    plays(&running, &controller, &status).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_list_inspect_and_compose_without_the_recorder() {
    let mut stage = Stage::new();
    let running = stage.start();
    record(&running).await;
    running.stop().await;
    let journal = stage.data().join("store").join(RECORDING.to_string());
    let journal = journal.join("journal").join(format!("{VOICE}.journal"));
    stage.config.ffmpeg = Stage::with_films().config.ffmpeg;
    let config = stage.config.clone();
    let done = tokio::task::spawn_blocking(move || {
        let list = archive::list(&config).expect("lists");
        let status = list[0].status.as_ref().expect("reads").clone();
        let inspected = archive::inspect(&journal, &config).expect("inspects");
        let stranger = Stage::new();
        let sealed = archive::inspect(&journal, &stranger.config).expect("inspects");
        assert!(sealed.contains("not opened"), "{sealed}");
        let request =
            archive::Request { recording: RECORDING, layout: Layout::Grid, without: vec![] };
        let mut film = Vec::new();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let made = archive::compose(&config, &request, &mut film, &|_| {}, &stop);
        made.expect("composes");
        (status, inspected, film)
    });
    let (status, inspected, film) = done.await.expect("no panic");
    assert_eq!((status.room, status.people[0].participant), (ROOM, ANNA));
    assert!(inspected.contains(&VOICE.to_string()), "{inspected}");
    assert_eq!(probe(&film)["streams"][0]["codec_name"], "h264");
}
