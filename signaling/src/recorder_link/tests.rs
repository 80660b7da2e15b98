//! Reads, against recorders that give what they are asked for, and others that do not.

use super::*;
use lectern_control::recording::{File, FileKind};
use lectern_control::{JobId, Secret};

const TICKET: [u8; 16] = [3; 16];

fn readable() -> Readable {
    let file = File {
        name: "film.mp4".to_owned(),
        kind: FileKind::Composed { job: JobId(1) },
        content_type: "video/mp4".to_owned(),
        bytes: 1 << 20,
        duration_ms: 1,
        width: 1,
        height: 1,
    };
    let ticket = Secret::new(TICKET);
    Readable { addresses: Vec::new(), ticket, share: None, title: String::new(), file }
}

/// The recorder's end of a link, after the greetings.
struct End {
    outgoing: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
}

impl End {
    async fn hear(&mut self) -> FromEdge {
        frame::decode(&self.incoming.recv().await.expect("open")).expect("a message of an edge")
    }

    async fn say(&self, message: FromRecorder) -> bool {
        self.outgoing.send(frame::encode(&message).expect("encodes")).await.is_ok()
    }

    async fn data(&self, bytes: &'static [u8]) -> bool {
        self.say(FromRecorder::Data { bytes: Bytes::from_static(bytes) }).await
    }
}

/// Recorders, and the links that are asked of them.
fn recorders() -> (Recorders, mpsc::Receiver<Dial>) {
    let (dials, dialled) = mpsc::channel(4);
    (Recorders::new(dials), dialled)
}

async fn answer(dialled: &mut mpsc::Receiver<Dial>) -> End {
    let dial = dialled.recv().await.expect("asked for");
    let (near, incoming) = mpsc::channel(1);
    let (outgoing, from_far) = mpsc::channel(1);
    dial.link.send((near, from_far)).expect("waited for");
    let mut end = End { outgoing, incoming };
    assert_eq!(end.hear().await, FromEdge::Hello { version: Version::CURRENT });
    assert!(end.say(FromRecorder::Welcome { version: Version::CURRENT }).await);
    end
}

async fn all(mut reading: Reading) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(bytes) = reading.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

#[tokio::test]
async fn a_part_is_read_as_it_was_asked_for_and_the_recorder_waits_for_whoever_takes_it() {
    let (recorders, mut dialled) = recorders();
    let recorder = tokio::spawn(async move {
        let mut end = answer(&mut dialled).await;
        let ticket = Secret::new(TICKET);
        assert_eq!(end.hear().await, FromEdge::Read { ticket, offset: 5, len: 9 });
        for bytes in [&b"one"[..], b"two", b"end"] {
            assert!(end.data(bytes).await);
        }
        end
    });
    let reading = recorders.read(&readable(), 5, 9).await.expect("begun");
    tokio::task::yield_now().await;
    assert!(!recorder.is_finished(), "nothing is taken before somebody wants it");
    assert_eq!(all(reading).await.expect("read"), b"onetwoend");
    recorder.await.expect("asked and answered");
}

#[tokio::test]
async fn whoever_stops_reading_stops_the_recorder() {
    let (recorders, mut dialled) = recorders();
    let recorder = tokio::spawn(async move {
        let mut end = answer(&mut dialled).await;
        end.hear().await;
        while end.data(b"more and more").await {}
    });
    let mut reading = recorders.read(&readable(), 0, 1 << 20).await.expect("begun");
    assert!(reading.next().await.expect("read").is_some());
    drop(reading);
    timeout(Duration::from_secs(5), recorder).await.expect("soon").expect("no panic");
    assert_eq!(recorders.places.available_permits(), MAX_READS);
}

#[tokio::test]
async fn what_is_refused_cut_or_too_much_is_an_error_and_never_a_short_file() {
    let cases: [(&[FromRecorder], Failure); 5] = [
        (&[FromRecorder::Refused(Refusal::Ticket)], Refusal::Ticket.into()),
        (&[FromRecorder::Data { bytes: Bytes::new() }], Refusal::Gone.into()),
        (&[FromRecorder::Welcome { version: Version::CURRENT }], Failure::Unexpected),
        (&[FromRecorder::Data { bytes: Bytes::from_static(b"too much") }], Failure::Unexpected),
        (&[], Failure::Away),
    ];
    for (messages, failure) in cases {
        let (recorders, mut dialled) = recorders();
        let messages = messages.to_vec();
        tokio::spawn(async move {
            let mut end = answer(&mut dialled).await;
            end.hear().await;
            for message in messages {
                end.say(message).await;
            }
        });
        assert_eq!(recorders.read(&readable(), 0, 4).await.err(), Some(failure));
    }
    let (recorders, mut dialled) = recorders();
    tokio::spawn(async move {
        let mut end = answer(&mut dialled).await;
        end.hear().await;
        end.data(b"half").await;
    });
    let reading = recorders.read(&readable(), 0, 8).await.expect("begun");
    assert!(all(reading).await.is_err(), "the link broke");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_cannot_be_reached_or_does_not_answer_is_not_waited_for() {
    let (recorders, mut dialled) = recorders();
    let refuse = tokio::spawn(async move {
        drop(dialled.recv().await.expect("asked for"));
        dialled
    });
    assert_eq!(recorders.read(&readable(), 0, 4).await.err(), Some(Failure::Away));
    let mut dialled = refuse.await.expect("no panic");
    let silent = tokio::spawn(async move {
        let end = answer(&mut dialled).await;
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        drop((end, dialled));
    });
    assert_eq!(recorders.read(&readable(), 0, 4).await.err(), Some(Failure::Away));
    silent.abort();
}

#[tokio::test]
async fn reads_have_a_bound() {
    let (recorders, _dialled) = recorders();
    let all = MAX_READS.try_into().expect("a few");
    let _places = recorders.places.clone().acquire_many_owned(all).await.expect("free");
    assert_eq!(recorders.read(&readable(), 0, 4).await.err(), Some(Failure::Busy));
}
