//! A bucket of S3, as a server on this machine speaks it, with its bad days.

use super::clip::probe;
use super::stage::{Controller, RECORDING, Running, Stage, VOICE, files_in, record};
use crate::config::{S3, Store};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use lectern_control::Secret;
use lectern_control::recorder::ToRecorder;
use lectern_control::recording::{FileKind, State, Status, TroubleKind};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::TcpListener;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A bucket, and how many requests it will refuse.
struct Bucket {
    folder: tempfile::TempDir,
    refuses: Arc<AtomicU32>,
    endpoint: String,
}

impl Bucket {
    async fn start() -> Bucket {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("films")).expect("made");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("opens");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let refuses = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&refuses);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, left) = (service.clone(), Arc::clone(&left));
                let answer = hyper::service::service_fn(move |request| {
                    let refuse =
                        left.try_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
                    let answer = hyper::service::Service::call(&service, request);
                    async move {
                        if refuse {
                            let answer = hyper::Response::builder().status(503);
                            return Ok(answer.body(s3s::Body::empty()).expect("an answer"));
                        }
                        answer.await
                    }
                });
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(socket), answer).await;
                });
            }
        });
        Bucket { folder, refuses, endpoint }
    }

    fn stage(&self) -> Stage {
        let mut stage = Stage::new();
        stage.config.store = Store::S3(S3 {
            bucket: "films".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".to_owned()),
            prefix: "lectern/recordings".to_owned(),
            access_key_id: Some(KEY.to_owned()),
            secret_access_key: Some(Secret::new(SECRET.to_owned())),
            secret_access_key_file: None,
            allow_http: true,
        });
        stage
    }

    fn objects(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("films/lectern/recordings");
        files_in(&folder.join(RECORDING.to_string()))
    }
}

async fn plays(running: &Running, controller: &Controller, status: &Status) {
    let is_it = |kind: &FileKind| matches!(kind, FileKind::Track { track: VOICE, .. });
    let name = &status.files.iter().find(|file| is_it(&file.kind)).expect("a file").name;
    controller.grant(RECORDING, name, 7).await;
    let mut edge = running.edge().await;
    let all = edge.read_all(7).await;
    assert_eq!(probe(&all)["streams"][0]["nb_read_packets"], "150");
    let part = edge.read(7, 1_000, 2_000).await.expect("it may be read");
    assert!(part == all[1_000..3_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_recordings_and_another_recorder_serves_and_deletes_them() {
    let bucket = Bucket::start().await;
    let stage = bucket.stage();
    let running = stage.start();
    let (controller, _node, status) = record(&running).await;
    assert_eq!(status.state, State::Ready, "{status:#?}");
    plays(&running, &controller, &status).await;
    assert!(!bucket.objects().is_empty());
    running.stop().await;
    // Another machine has the bucket and the master key, and nothing else.
    let mut other = bucket.stage();
    other.config.ffmpeg = Stage::with_films().config.ffmpeg;
    std::fs::create_dir_all(other.data()).expect("made");
    std::fs::copy(stage.data().join("master.key"), other.data().join("master.key"))
        .expect("copied");
    let running = other.start();
    let mut controller = running.controller(&[]).await;
    plays(&running, &controller, &status).await;
    let job = lectern_control::JobId(77);
    let (layout, without) = (lectern_control::recording::Layout::Grid, Vec::new());
    let recording = RECORDING;
    controller.end.say(&ToRecorder::Compose { recording, job, layout, without }).await;
    let is_made = |status: &Status| {
        let of_it = |kind: &FileKind| matches!(kind, FileKind::Composed { job: of } if *of == job);
        status.state == State::Ready && status.files.iter().any(|file| of_it(&file.kind))
    };
    controller.until(RECORDING, is_made).await;
    controller.end.say(&ToRecorder::Delete { recording: RECORDING }).await;
    controller.until(RECORDING, |status| status.state == State::Deleted).await;
    assert_eq!(bucket.objects(), Vec::<PathBuf>::new());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_refuses_for_a_while_is_told_of_and_tried_again() {
    let bucket = Bucket::start().await;
    let mut stage = bucket.stage();
    stage.config.ffmpeg = Stage::with_films().config.ffmpeg;
    let running = stage.start();
    bucket.refuses.store(u32::MAX, SeqCst);
    let controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us() / 1_000 * 1_000 - 3_000_000;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let last = node.clip(RECORDING, started_unix_us).await;
    node.until_kept(RECORDING, last).await;
    node.end(RECORDING).await;
    controller.close(RECORDING).await;
    let mut controller = controller;
    let in_trouble = |status: &Status| {
        status.trouble.as_ref().is_some_and(|t| t.kind == TroubleKind::StorageFailed)
    };
    controller.until(RECORDING, in_trouble).await;
    assert!(running.metric("lectern_recorder_storage_errors_total ") > 0.0);
    bucket.refuses.store(0, SeqCst);
    let status = controller.until(RECORDING, |status| status.state == State::Ready).await;
    assert_eq!(status.trouble, None);
    // Some refusals now and then pass unseen.
    bucket.refuses.store(2, SeqCst);
    plays(&running, &controller, &status).await;
    bucket.refuses.store(3, SeqCst);
    controller.end.say(&ToRecorder::Delete { recording: RECORDING }).await;
    controller.until(RECORDING, |status| status.state == State::Deleted).await;
    assert_eq!(bucket.objects(), Vec::<PathBuf>::new());
    tokio::time::sleep(Duration::from_millis(1)).await;
    running.stop().await;
}
