//! Disks that fail: people hear of it, what was written stays, and nothing grows without bound.

use super::clip::{Sent, vp8};
use super::disk::FaultyDisks;
use super::stage::{Controller, Node, RECORDING, Running, SCREEN, Stage, batches};
use lectern_control::media::CodecName;
use lectern_control::recording::{FileKind, State, Status, TroubleKind};
use std::io;
use std::sync::Arc;
use std::time::Duration;

fn faulty() -> (Stage, FaultyDisks) {
    let (mut stage, disks) = (Stage::new(), FaultyDisks::default());
    stage.surroundings.disks = Arc::new(disks.clone());
    (stage, disks)
}

/// A recording of which half has come.
async fn half(running: &Running) -> (Controller, Node, u64) {
    let controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us() / 1_000 * 1_000 - 3_000_000;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let mut last = 0;
    for batch in batches(started_unix_us).into_iter().take(15) {
        last = node.batch(RECORDING, batch).await;
    }
    node.until_kept(RECORDING, last).await;
    (controller, node, started_unix_us)
}

fn is_playable(status: &Status) -> bool {
    let is_track = |kind: &FileKind| matches!(kind, FileKind::Track { track: SCREEN, .. });
    status.state == State::Ready && status.files.iter().any(|file| is_track(&file.kind))
}

/// Whatever is wrong with the disk, people hear of it, and what was written becomes playable.
async fn stops_with(kind: TroubleKind, breaks: impl FnOnce(&FaultyDisks)) {
    let (stage, disks) = faulty();
    let running = stage.start();
    let (mut controller, mut node, started_unix_us) = half(&running).await;
    breaks(&disks);
    for batch in batches(started_unix_us).into_iter().skip(15) {
        node.batch(RECORDING, batch).await;
    }
    let status = controller.until(RECORDING, |status| status.trouble.is_some()).await;
    let trouble = status.trouble.expect("there is");
    assert_eq!(trouble.kind, kind, "{trouble:?}");
    let status = controller.until(RECORDING, is_playable).await;
    assert_eq!(status.trouble.map(|trouble| trouble.kind), Some(kind), "it is still shown");
    // The node is not left with what nobody will write.
    let last = node.batch(RECORDING, Vec::new()).await;
    node.until_kept(RECORDING, last).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_ends_a_recording_and_what_was_written_is_playable() {
    stops_with(TroubleKind::DiskFull, |disks| {
        disks.faults().write = Some((3_000, io::ErrorKind::StorageFull));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_write_ends_a_recording_and_what_was_written_is_playable() {
    stops_with(TroubleKind::WriteFailed, |disks| {
        disks.faults().write = Some((0, io::ErrorKind::Other));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_ends_a_recording_and_what_was_written_is_playable() {
    stops_with(TroubleKind::WriteFailed, |disks| {
        disks.faults().sync = Some(io::ErrorKind::Other);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_ends_a_recording_while_there_is_room_to_make_it_playable() {
    stops_with(TroubleKind::DiskFull, |disks| disks.faults().free_bytes = Some(1_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_recording_begins_without_room_and_the_controller_knows() {
    let (stage, disks) = faulty();
    disks.faults().free_bytes = Some(1_000_000);
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    controller.open(RECORDING, crate::clock::unix_ms()).await;
    let status = controller.until(RECORDING, |status| status.state == State::Failed).await;
    assert_eq!(status.trouble.map(|trouble| trouble.kind), Some(TroubleKind::DiskFull));
    while !controller.beat().await.full {}
    assert_eq!(running.metric("lectern_recorder_free_bytes "), 1_000_000.0);
    running.stop().await;
}

fn large(number: u64) -> Sent {
    let mut rtp = vec![0x55; 2_000];
    rtp[..12].copy_from_slice(vp8()[0].rtp.first_chunk::<12>().expect("a header"));
    Sent { at_us: number * 100, number, codec: CodecName::Vp8, keyframe: number == 0, rtp }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_slow_disk_does_not_take_is_lost_and_counted_and_a_keyframe_is_wanted() {
    let (stage, disks) = faulty();
    let running = stage.start();
    let (mut controller, mut node, started_unix_us) = half(&running).await;
    disks.faults().stuck = true;
    let (mut number, mut last) = (10_000, 0);
    // More than may wait, in batches as large as they may be.
    for _ in 0..130 {
        let mut batch = Vec::new();
        for _ in 0..250 {
            let sent = large(number);
            assert!(sent.record(SCREEN, started_unix_us).encode(&mut batch));
            number += 1;
        }
        last = node.batch(RECORDING, batch).await;
    }
    let lost = "lectern_recorder_lost_packets_total{cause=\"slow_disk\"}";
    while running.metric(lost) == 0.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(running.metric(lost) < 130.0 * 250.0 / 2.0, "most of it could wait");
    disks.unstick();
    node.until_kept(RECORDING, last - 60).await;
    while node.keyframes.is_empty() {
        node.answer().await;
        let mut batch = Vec::new();
        assert!(large(number).record(SCREEN, started_unix_us).encode(&mut batch));
        number += 1;
        node.batch(RECORDING, batch).await;
    }
    assert_eq!(node.keyframes[0], SCREEN);
    while controller.beat().await.recordings != 1 {}
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_do_not_wait_for_slow_syncs() {
    let (stage, disks) = faulty();
    let running = stage.start();
    let (_controller, mut node, started_unix_us) = half(&running).await;
    disks.faults().sync_stuck = true;
    tokio::time::sleep(Duration::from_millis(700)).await;
    // A sync is under way now, and does not end.
    let mut last = 0;
    for batch in batches(started_unix_us).into_iter().skip(15) {
        last = node.batch(RECORDING, batch).await;
        node.until_kept(RECORDING, last).await;
    }
    assert!(last > 15, "all of it is written");
    disks.unstick();
    running.stop().await;
}
