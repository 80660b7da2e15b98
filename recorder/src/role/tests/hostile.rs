//! Who speaks nonsense does no harm, and others are served meanwhile.

use super::stage::{RECORDING, Stage, batches, files_in};
use bytes::Bytes;
use lectern_control::recorder::ToRecorder;
use lectern_control::recording::{FromEdge, State};
use lectern_control::relay::FromNode;
use lectern_control::{RecordingId, Secret, Version};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_on_any_link_is_counted_and_passed_over() {
    let stage = Stage::new();
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let (mut node, edge) = (running.node("node-1", 1).await, running.edge().await);
    for byte in 0..=u8::MAX {
        for end in [&controller.end, &node.end, &edge.end] {
            let nonsense = Bytes::from(vec![byte; usize::from(byte)]);
            end.out.send(nonsense).await.expect("it listens");
        }
    }
    controller.open(RECORDING, crate::clock::unix_ms()).await;
    let number = node.batch(RECORDING, batches(crate::clock::unix_us()).remove(0)).await;
    node.until_kept(RECORDING, number).await;
    controller.beat().await;
    for role in ["controller", "node"] {
        let metric = format!("lectern_recorder_ignored_messages_total{{role=\"{role}\"}}");
        assert_eq!(running.metric(&metric), 256.0, "{role}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_before_hello_nor_from_another_major_version() {
    let stage = Stage::new();
    let running = stage.start();
    let mut node = running.node("node-1", 1).await;
    node.answer().await;
    let other = Version { major: Version::CURRENT.major + 1, ..Version::CURRENT };
    node.end.say(&FromNode::Hello { version: other, node: "x".parse().expect("x"), life: 2 }).await;
    while node.end.incoming.recv().await.is_some() {}
    let mut edge = running.edge().await;
    edge.end.say(&FromEdge::Hello { version: other }).await;
    assert_eq!(edge.end.incoming.recv().await, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_batch_gives_what_is_whole_of_it() {
    let stage = Stage::new();
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us();
    controller.open(RECORDING, started_unix_us / 1_000).await;
    let all = batches(started_unix_us);
    let mut last = 0;
    for batch in &all {
        let mut batch = batch.clone();
        let torn = batch.len() - 7;
        batch.truncate(torn);
        last = node.batch(RECORDING, batch).await;
    }
    for garbage in 0..=u8::MAX {
        last = node.batch(RECORDING, vec![garbage; 300]).await;
    }
    node.until_kept(RECORDING, last).await;
    node.end(RECORDING).await;
    controller.close(RECORDING).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert!(!status.files.is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_come_before_their_recording_wait_for_it() {
    let stage = Stage::new();
    let running = stage.start();
    let mut node = running.node("node-1", 1).await;
    let controller = running.controller(&[]).await;
    let all = batches(crate::clock::unix_us());
    node.batch(RECORDING, all[0].clone()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    controller.open(RECORDING, crate::clock::unix_ms()).await;
    let number = node.batch(RECORDING, all[1].clone()).await;
    node.until_kept(RECORDING, number).await;
    assert_eq!(running.metric("lectern_recorder_lost_packets_total"), 0.0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_recording_that_nobody_opens_is_bounded() {
    let stage = Stage::new();
    let running = stage.start();
    let mut node = running.node("node-1", 1).await;
    let large = vec![0; 500 << 10];
    for number in 1..=40 {
        node.batch_again(RecordingId(number), number, large.clone()).await;
    }
    // The first are given up, and the node need not keep them.
    node.until_kept(RecordingId(5), 5).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_outside_of_the_folder_whatever_ids_say() {
    let stage = Stage::new();
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    for id in [0, 1, u64::MAX, 0x2e2e_2f2e_2e2f_2e2e] {
        let recording = RecordingId(id);
        controller.open(recording, u64::MAX).await;
        let file = "../../../etc/passwd".to_owned();
        let ticket = Secret::new([1; 16]);
        let until_unix_ms = u64::MAX;
        controller.end.say(&ToRecorder::Grant { ticket, recording, file, until_unix_ms }).await;
        controller.close(recording).await;
        controller.until(recording, |status| status.state == State::Ready).await;
    }
    let inside = files_in(&stage.data()).len();
    assert_eq!(files_in(stage.folder.path()).len(), inside, "all of it lies inside");
    running.stop().await;
}
