//! Clients that send too much, too long, or without an end: each costs itself alone, and is told why.

use super::*;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// What one client sends in a second, when it sends too much.
const FLOOD: usize = 5_000;

impl Client {
    /// Sends until the edge closes, and reads meanwhile as clients do; gives the code and the reason.
    async fn closed_under(
        self,
        messages: impl Iterator<Item = Message> + Send + 'static,
    ) -> Option<(u16, String)> {
        let (mut write, mut read) = self.socket.split();
        let sending = tokio::spawn(async move {
            for message in messages {
                if write.send(message).await.is_err() {
                    return;
                }
            }
            // An end that is dropped would close the connection.
            std::future::pending::<()>().await;
        });
        let reading = async {
            loop {
                match read.next().await?.ok()? {
                    Message::Close(frame) => {
                        return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                    }
                    _ => continue,
                }
            }
        };
        let closed = tokio::time::timeout(Duration::from_secs(10), reading).await;
        sending.abort();
        closed.expect("it is not closed")
    }

    async fn is_undisturbed(&mut self) {
        self.say(Ask::PingReq(proto::Ping::default())).await;
        self.wait(|message| matches!(message, Tell::PongResp(_)).then_some(())).await;
    }
}

fn asked(message: Ask) -> Message {
    Message::Binary(proto::SignalRequest { message: Some(message) }.encode_to_vec().into())
}

fn fragment(kind: Data, bytes: usize) -> Message {
    Message::Frame(Frame::message(vec![0; bytes], OpCode::Data(kind), false))
}

/// A field of a protocol to come.
fn unknown() -> Message {
    let mut bytes = Vec::new();
    prost::encoding::string::encode(900, &"from the future".to_owned(), &mut bytes);
    Message::Binary(bytes.into())
}

#[tokio::test]
async fn whatever_a_flood_is_made_of_it_ends_its_sender_s_session_alone() {
    let edge = edge().await;
    let (mut bob, _, _) = edge.join("bob").await;
    let floods = [
        ("pings", asked(Ask::Ping(1))),
        ("simulations", asked(Ask::Simulate(proto::SimulateScenario::default()))),
        ("unknown", unknown()),
        ("undecodable", Message::Binary(vec![0xff; 40].into())),
        ("empty", Message::Binary(Vec::new().into())),
        ("text", Message::Text("hello".into())),
        ("websocket-pings", Message::Ping(vec![1; 8].into())),
        ("websocket-pongs", Message::Pong(vec![1; 8].into())),
        ("strange-pongs", Message::Pong(Vec::new().into())),
    ];
    for (number, (name, message)) in floods.into_iter().enumerate() {
        let (flood, _, _) = edge.join(name).await;
        let closed = flood.closed_under(std::iter::repeat_n(message, FLOOD)).await;
        assert_eq!(closed, Some((1008, "too many messages".to_owned())), "{name}");
        let gone = bob.wait(|message| match message {
            Tell::Update(update) => update.participants.into_iter().find(|one| {
                let gone = one.state() == proto::participant_info::State::Disconnected;
                gone && one.identity == name
            }),
            _ => None,
        });
        gone.await;
        bob.is_undisturbed().await;
        let closed = edge.counted("lectern_edge_sockets_closed_total", "flood");
        assert_eq!(closed, (number + 1) as f64, "{name}");
    }
}

#[tokio::test]
async fn a_message_of_a_megabyte_is_refused_by_its_first_bytes() {
    let edge = edge().await;
    let (huge, _, _) = edge.join("huge").await;
    let (mut bob, _, _) = edge.join("bob").await;
    let megabytes = std::iter::repeat_n(Message::Binary(vec![0; 1 << 20].into()), 8);
    let closed = huge.closed_under(megabytes).await;
    assert_eq!(closed, Some((1009, "a message is too long".to_owned())));
    bob.is_undisturbed().await;
    assert_eq!(edge.counted("lectern_edge_sockets_closed_total", "too_long"), 1.0);
}

#[tokio::test]
async fn fragments_without_an_end_are_too_long_or_too_slow() {
    let edge = edge().await;
    let (long, _, _) = edge.join("long").await;
    let (mut slow, _, _) = edge.join("slow").await;
    let (mut bob, _, _) = edge.join("bob").await;
    let more = std::iter::repeat_with(|| fragment(Data::Continue, 60 << 10)).take(100);
    let closed = long.closed_under(std::iter::once(fragment(Data::Binary, 1)).chain(more)).await;
    assert_eq!(closed, Some((1009, "a message is too long".to_owned())));
    slow.socket.send(fragment(Data::Binary, 1)).await.expect("open");
    for _ in 0..5 {
        // Nothing but empty ones, which never add up.
        slow.socket.send(fragment(Data::Continue, 0)).await.expect("open");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::time::resume();
        bob.is_undisturbed().await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let closed = slow.closed_under(std::iter::empty()).await;
    assert_eq!(closed, Some((1000, "nothing was said for too long".to_owned())));
    assert_eq!(edge.counted("lectern_edge_sockets_closed_total", "too_long"), 1.0);
    assert_eq!(edge.counted("lectern_edge_sockets_closed_total", "idle"), 1.0);
}
