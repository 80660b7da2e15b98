//! The task through links that come, break and come again.

use super::*;
use lectern_control::RoomId;
use lectern_control::relay::{Content, Record};
use lectern_media::relay;

const RECORDING: RecordingId = RecordingId(3);

struct Bench {
    handle: Handle,
    dials: mpsc::Receiver<Dial>,
    outward: Outward,
    relays: relay::Relays,
}

fn recorder() -> RecorderId {
    "recorder-1".parse().expect("a name")
}

fn bench() -> Bench {
    let (outward, inward) = ring();
    let (dials_in, dials) = mpsc::channel(4);
    let node = "node-1".parse().expect("a name");
    let epoch = (Instant::now(), Duration::from_secs(1_700_000_000));
    let handle = start(node, epoch, vec![inward], dials_in, &Registry::new()).expect("registers");
    Bench { handle, dials, outward, relays: relay::Relays::default() }
}

impl Bench {
    async fn open(&mut self) {
        self.relays.open(RECORDING, RoomId(1)).expect("room");
        let (recorder, addresses) = (recorder(), Vec::new());
        let order = Order::Open { recording: RECORDING, recorder, addresses, worker: 0 };
        self.handle.orders.send(order).await.expect("it runs");
    }

    /// What a worker does: puts a record into a relay, and what the relay has into the ring.
    fn give(&mut self, count: u32) {
        let key = self.relays.want(RECORDING, RoomId(1), TrackId(1)).expect("a relay");
        let content = Content::Lost { count };
        let record = Record { track: TrackId(1), stream: 0, arrival_unix_us: 0, content };
        self.relays.get_mut(key).expect("a relay").put(&record).expect("room");
        self.relays.outgoing().for_each(|relay| self.outward.take(relay));
    }

    fn end(&mut self) {
        self.relays.all().into_iter().for_each(|relay| self.relays.end(relay));
        self.relays.outgoing().for_each(|relay| self.outward.take(relay));
    }

    /// A recorder that answers the next dial and welcomes the node.
    async fn link(&mut self) -> (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>) {
        let dial = self.dials.recv().await.expect("a dial");
        let (to_recorder, mut from_node) = mpsc::channel(16);
        let (to_node, from_recorder) = mpsc::channel(16);
        dial.link.send((to_recorder, from_recorder)).expect("it waits");
        let hello = next(&mut from_node).await;
        assert!(matches!(hello, FromNode::Hello { .. }), "{hello:?}");
        say(&to_node, &ToNode::Welcome { version: Version::CURRENT }).await;
        (to_node, from_node)
    }
}

async fn next(from_node: &mut mpsc::Receiver<Bytes>) -> FromNode {
    let message = timeout(Duration::from_secs(5), from_node.recv()).await;
    frame::decode(&message.expect("in time").expect("a link")).expect("decodes")
}

async fn say(to_node: &mpsc::Sender<Bytes>, message: &ToNode) {
    to_node.send(frame::encode(message).expect("encodes")).await.expect("a link");
}

/// Number of a batch and what stands in its records.
async fn batch(from_node: &mut mpsc::Receiver<Bytes>) -> (u64, Vec<u32>) {
    match next(from_node).await {
        FromNode::Batch { recording: RECORDING, number, records } => {
            let records = lectern_control::relay::records(&records);
            let count = |record| match record {
                Ok(Record { content: Content::Lost { count }, .. }) => count,
                other => panic!("{other:?}"),
            };
            (number, records.map(count).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_recorder_that_comes_back_gets_what_it_had_not_kept() {
    let mut bench = bench();
    bench.open().await;
    bench.give(1);
    let (to_node, mut from_node) = bench.link().await;
    assert_eq!(batch(&mut from_node).await, (1, vec![1]));
    say(&to_node, &ToNode::Kept { recording: RECORDING, number: 1 }).await;
    bench.give(2);
    assert_eq!(batch(&mut from_node).await, (2, vec![2]));
    drop((to_node, from_node));
    bench.give(3);
    let (to_node, mut from_node) = bench.link().await;
    assert_eq!(batch(&mut from_node).await.1, [2]);
    assert_eq!(batch(&mut from_node).await.1, [3]);
    bench.end();
    assert_eq!(next(&mut from_node).await, FromNode::End { recording: RECORDING });
    say(&to_node, &ToNode::Kept { recording: RECORDING, number: 3 }).await;
    // Nothing more to be brought: the link is let go of.
    assert_eq!(timeout(Duration::from_secs(5), from_node.recv()).await, Ok(None));
}

#[tokio::test]
async fn a_ping_is_answered_with_the_clock_of_the_engines_and_a_keyframe_is_asked_for() {
    let mut bench = bench();
    bench.open().await;
    let (to_node, mut from_node) = bench.link().await;
    say(&to_node, &ToNode::Ping { sent_unix_us: 5 }).await;
    match next(&mut from_node).await {
        FromNode::Pong { sent_unix_us: 5, at_unix_us } => {
            let since = at_unix_us - 1_700_000_000_000_000;
            assert!(since < 60_000_000, "{since}");
        }
        other => panic!("{other:?}"),
    }
    say(&to_node, &ToNode::WantKeyframe { recording: RECORDING, track: TrackId(1) }).await;
    let wanted = WantKeyframe { worker: 0, recording: RECORDING, track: TrackId(1) };
    assert_eq!(bench.handle.wanted.recv().await, Some(wanted));
    let garbage = Bytes::from_static(&[0xc1; 9]);
    to_node.send(garbage).await.expect("a link");
    bench.give(9);
    assert_eq!(batch(&mut from_node).await, (1, vec![9]));
}

#[tokio::test]
async fn what_is_left_when_the_node_stops_is_brought() {
    let mut bench = bench();
    bench.open().await;
    let (to_node, mut from_node) = bench.link().await;
    bench.give(4);
    bench.end();
    let Handle { orders, task, .. } = bench.handle;
    drop(orders);
    assert_eq!(batch(&mut from_node).await, (1, vec![4]));
    assert_eq!(next(&mut from_node).await, FromNode::End { recording: RECORDING });
    say(&to_node, &ToNode::Kept { recording: RECORDING, number: 1 }).await;
    timeout(FAREWELL, task).await.expect("in time").expect("no panic");
}
