//! A recorder that was killed, or that nobody speaks to: every recording becomes playable.

use super::clip::probe;
use super::stage::{Controller, RECORDING, Running, SCREEN, Stage, VOICE, batches, record};
use lectern_control::TrackId;
use lectern_control::recording::{FileKind, Progress, State, Status};
use std::time::Duration;

fn name_of(status: &Status, of: TrackId) -> String {
    let is_it = |kind: &FileKind| matches!(kind, FileKind::Track { track, .. } if *track == of);
    status.files.iter().find(|file| is_it(&file.kind)).expect("a file").name.clone()
}

/// Packets of a track's file.
async fn packets(running: &Running, controller: &Controller, status: &Status, of: TrackId) -> u64 {
    let ticket = of.0 as u8;
    controller.grant(RECORDING, &name_of(status, of), ticket).await;
    let file = running.edge().await.read_all(ticket).await;
    let packets = probe(&file)["streams"][0]["nb_read_packets"].clone();
    packets.as_str().expect("a number").parse().expect("a number")
}

/// A recorder that is killed after so many batches of the clip; what is left of it, and when the
/// recording had begun.
async fn killed_after(count: usize) -> (Stage, u64) {
    let stage = Stage::new();
    let running = stage.start();
    let controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us() / 1_000 * 1_000 - 3_000_000;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    for batch in batches(started_unix_us).into_iter().take(count) {
        let number = node.batch(RECORDING, batch).await;
        node.until_kept(RECORDING, number).await;
    }
    let killed = stage.as_killed();
    running.stop().await;
    (killed, started_unix_us)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_while_the_recorder_was_dead_becomes_playable_once_a_controller_says_so() {
    let (stage, started_unix_us) = killed_after(30).await;
    let killed_ms = crate::clock::unix_ms() - started_unix_us / 1_000;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert_eq!(packets(&running, &controller, &status, SCREEN).await, 45);
    assert_eq!(packets(&running, &controller, &status, VOICE).await, 150);
    assert!((2_900..=killed_ms).contains(&status.duration_ms), "{}", status.duration_ms);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_becomes_playable_where_no_controller_ever_comes() {
    let (mut stage, _) = killed_after(30).await;
    stage.config.orphan_after_s = 1;
    let running = stage.start();
    let manifest = stage.data().join("store").join(RECORDING.to_string()).join("manifest.json");
    while !std::fs::read_to_string(&manifest).is_ok_and(|text| text.contains("\"ready\"")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut controller = running.controller(&[]).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert_eq!(packets(&running, &controller, &status, SCREEN).await, 45);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_goes_on_after_a_kill_and_nothing_is_lost_or_doubled() {
    let (stage, started_unix_us) = killed_after(12).await;
    let running = stage.start();
    let mut controller = running.controller(&[RECORDING]).await;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let mut node = running.node("node-1", 1).await;
    // The node does not know whether the last two were kept.
    let mut last = 0;
    for (index, batch) in batches(started_unix_us).into_iter().enumerate().skip(10) {
        last = index as u64 + 1;
        node.batch_again(RECORDING, last, batch.clone()).await;
        if index == 20 {
            node.batch_again(RECORDING, last, batch).await;
        }
    }
    node.until_kept(RECORDING, last).await;
    assert!(running.metric("lectern_recorder_repeated_batches_total ") >= 1.0);
    node.end(RECORDING).await;
    controller.close(RECORDING).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert_eq!(packets(&running, &controller, &status, SCREEN).await, 45);
    assert_eq!(packets(&running, &controller, &status, VOICE).await, 150);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_stops_in_order_goes_on_when_it_starts_again() {
    let stage = Stage::new();
    let running = stage.start();
    let controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us() / 1_000 * 1_000 - 3_000_000;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let last = node.clip(RECORDING, started_unix_us).await;
    node.until_kept(RECORDING, last).await;
    running.stop().await;
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert_eq!(packets(&running, &controller, &status, VOICE).await, 150);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_on_after_a_kill() {
    let stage = Stage::new();
    let running = stage.start();
    let (_controller, _node, status) = record(&running).await;
    running.stop().await;
    // As if it had been killed before the tracks were done: the manifest says so.
    let path = stage.data().join("live").join(RECORDING.to_string()).join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
    manifest["settled"] = serde_json::Value::Null;
    manifest["status"]["state"] = "processing".into();
    manifest["status"]["jobs"][1]["progress"] = serde_json::json!({"Running": {"permille": 3}});
    manifest["status"]["files"] = serde_json::json!([]);
    std::fs::write(&path, manifest.to_string()).expect("written");
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let again = controller.until(RECORDING, |again| again.state == State::Ready).await;
    assert!(again.version > status.version);
    assert_eq!(packets(&running, &controller, &again, VOICE).await, 150);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ended_the_process_twice_is_given_up_with_a_reason() {
    let (stage, _) = killed_after(30).await;
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let begun = controller.until(RECORDING, |status| status.jobs.len() == 2).await;
    running.stop().await;
    let path = stage.data().join("live").join(RECORDING.to_string()).join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
    manifest["settled"] = serde_json::Value::Null;
    manifest["status"]["state"] = "processing".into();
    manifest["status"]["jobs"][0]["progress"] = "Waiting".into();
    manifest["tries"] = serde_json::json!([{"job": begun.jobs[0].id, "count": 2}]);
    std::fs::write(&path, manifest.to_string()).expect("written");
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    let Progress::Failed { reason } = &status.jobs[0].progress else { panic!("{status:#?}") };
    assert!(reason.contains("twice"), "{reason}");
    assert_eq!(packets(&running, &controller, &status, VOICE).await, 150);
    running.stop().await;
}
