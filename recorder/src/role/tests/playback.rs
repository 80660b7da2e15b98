//! From what a node sends to what an edge plays.

use super::clip::{SECONDS, canaries, opus, probe, vp8};
use super::stage::{ANNA, RECORDING, SCREEN, Stage, VOICE, files_in, record};
use lectern_control::recording::{File, FileKind, Progress, Refusal, State, Status};
use std::time::Duration;

fn file(status: &Status, is: impl Fn(&FileKind) -> bool) -> &File {
    status.files.iter().find(|file| is(&file.kind)).expect("such a file")
}

fn track(status: &Status, of: lectern_control::TrackId) -> &File {
    file(status, |kind| matches!(kind, FileKind::Track { track, .. } if *track == of))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_becomes_a_film_and_a_file_of_each_track() {
    let stage = Stage::with_films();
    let running = stage.start();
    let (mut controller, _node, status) = record(&running).await;
    assert_eq!((status.state, &status.trouble), (State::Ready, &None), "{status:#?}");
    assert!(status.jobs.iter().all(|job| job.progress == Progress::Done), "{status:#?}");
    assert_eq!(status.people.len(), 1);
    assert!(status.duration_ms >= SECONDS * 1_000, "{}", status.duration_ms);
    let mut edge = running.edge().await;
    let film = file(&status, |kind| matches!(kind, FileKind::Composed { .. }));
    controller.grant(RECORDING, &film.name, 1).await;
    let bytes = edge.read_all(1).await;
    assert_eq!(bytes.len() as u64, film.bytes);
    let seen = probe(&bytes);
    let streams = seen["streams"].as_array().expect("streams");
    let codecs: Vec<_> = streams.iter().map(|stream| stream["codec_name"].as_str()).collect();
    assert_eq!(codecs[..2], [Some("h264"), Some("aac")]);
    assert_eq!(streams[0]["width"], film.width);
    controller.grant(RECORDING, &track(&status, SCREEN).name, 2).await;
    let seen = probe(&edge.read_all(2).await);
    assert_eq!(seen["streams"][0]["codec_name"], "vp8");
    assert_eq!(seen["streams"][0]["nb_read_packets"], "45");
    controller.grant(RECORDING, &track(&status, VOICE).name, 3).await;
    let seen = probe(&edge.read_all(3).await);
    assert_eq!(seen["streams"][0]["codec_name"], "opus");
    let voice = track(&status, VOICE);
    assert!(matches!(voice.kind, FileKind::Track { participant: ANNA, .. }));
    assert_eq!(voice.content_type, "audio/mp4");
    let picture = file(&status, |kind| matches!(kind, FileKind::Thumbnail { .. }));
    controller.grant(RECORDING, &picture.name, 4).await;
    assert_eq!(edge.read_all(4).await[..2], [0xff, 0xd8]);
    nothing_lies_open(&stage);
    journals_are_stored(&stage, &mut controller).await;
    running.stop().await;
}

/// Neither what was sent nor who was there can be read by who finds the folder.
fn nothing_lies_open(stage: &Stage) {
    let mut needles: Vec<&[u8]> = canaries(vp8()).chain(canaries(opus())).take(40).collect();
    needles.push("Žluťoučká".as_bytes());
    assert_eq!(stage.holds(&needles), None);
}

async fn journals_are_stored(stage: &Stage, controller: &mut super::stage::Controller) {
    controller.beat().await;
    let names = |folder: &str| -> Vec<String> {
        let folder = stage.data().join(folder).join(RECORDING.to_string());
        let name = |path: &std::path::PathBuf| path.file_name()?.to_str().map(str::to_owned);
        let mut names: Vec<String> = files_in(&folder).iter().filter_map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names("live"), ["manifest.json"]);
    let stored = names("store");
    let journal = |track| format!("{track}.journal");
    for name in ["manifest.json".to_owned(), "session.journal".to_owned(), journal(SCREEN)] {
        assert!(stored.contains(&name), "{name} is not in {stored:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_reads_what_it_has_a_ticket_for_and_no_more() {
    let stage = Stage::new();
    let running = stage.start();
    let (controller, _node, status) = record(&running).await;
    let screen = track(&status, SCREEN);
    let mut edge = running.edge().await;
    assert_eq!(edge.read(1, 0, 10).await, Err(Refusal::Ticket));
    controller.grant(RECORDING, &screen.name, 1).await;
    let all = edge.read_all(1).await;
    assert_eq!(all.len() as u64, screen.bytes);
    let len = screen.bytes;
    assert!(len > 1_000, "{len}");
    for (offset, count) in [(0, 1), (1, 70_000), (len - 5, 100), (len, 1), (len / 2, len / 4)] {
        let read = edge.read(1, offset, count).await.expect("it may be read");
        let until = len.min(offset + count) as usize;
        assert!(read == all[offset as usize..until.max(offset as usize)], "{offset} {count}");
    }
    assert_eq!(edge.read(1, len + 1, 1).await, Err(Refusal::Gone));
    for (ticket, name) in [(2, "manifest.json"), (3, "../../master.key"), (4, "film-x.mp4")] {
        controller.grant(RECORDING, name, ticket).await;
        controller.grant(RECORDING, &screen.name, 9).await;
        edge.read_all(9).await;
        assert_eq!(edge.read(ticket, 0, 1).await, Err(Refusal::Gone), "{name}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_was_changed_where_it_is_kept_is_refused() {
    let stage = Stage::new();
    let running = stage.start();
    let (controller, _node, status) = record(&running).await;
    let screen = track(&status, SCREEN);
    let path = stage.data().join("store").join(RECORDING.to_string()).join(&screen.name);
    let mut bytes = std::fs::read(&path).expect("it is there");
    bytes[50] ^= 1;
    std::fs::write(&path, &bytes).expect("written");
    controller.grant(RECORDING, &screen.name, 1).await;
    let mut edge = running.edge().await;
    let mut read = edge.read(1, 0, 1).await;
    for _ in 0..100 {
        if read == Err(Refusal::Ticket) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            read = edge.read(1, 0, 1).await;
        }
    }
    assert!(matches!(read, Err(Refusal::Storage(_))), "{read:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_s_wrong_clock_moves_nothing() {
    let stage = Stage::new();
    let running = stage.start();
    let mut controller = running.controller(&[]).await;
    let (mut right, mut wrong) = (running.node("a", 1).await, running.node("b", 1).await);
    wrong.offset_us = 3_600_000_000;
    for node in [&mut right, &mut wrong] {
        for _ in 0..10 {
            node.answer().await;
        }
    }
    let started_unix_us = crate::clock::unix_us() / 1_000 * 1_000 - 1_000_000 * SECONDS;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let only = |packets: &[super::clip::Sent], track, offset_us: u64| {
        let mut batch = Vec::new();
        for sent in packets.iter().take(100) {
            assert!(sent.record(track, started_unix_us + offset_us).encode(&mut batch));
        }
        batch
    };
    let first = right.batch(RECORDING, only(opus(), VOICE, 0)).await;
    let second = wrong.batch(RECORDING, only(vp8(), SCREEN, 3_600_000_000)).await;
    right.until_kept(RECORDING, first).await;
    wrong.until_kept(RECORDING, second).await;
    for node in [&right, &wrong] {
        node.end(RECORDING).await;
    }
    controller.close(RECORDING).await;
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    let offset = |of| match track(&status, of).kind {
        FileKind::Track { offset_ms, .. } => offset_ms,
        _ => panic!("no track"),
    };
    assert!(offset(SCREEN).abs_diff(offset(VOICE)) <= 10, "{status:#?}");
    running.stop().await;
}
