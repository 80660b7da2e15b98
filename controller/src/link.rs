//! Links: reads what comes in, writes what goes out. One task for each direction.

use crate::controller::{Input, Role, Unreadable};
use bytes::Bytes;
use lectern_control::RequestId;
use lectern_control::edge::{FromEdge, RequestError, ToEdge};
use lectern_control::frame::{self, FrameError};
use lectern_control::node::{FromNode, ToNode};
use lectern_control::recorder::{FromRecorder, ToRecorder};
use serde::Deserialize;
use tokio::sync::mpsc;

/// One end of a link: messages out, messages in.
pub type Link = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

/// Messages that may wait for one link. A move of a big room says this much at once; a link that
/// is further behind is ended, and made anew by the other side.
pub const QUEUED_MESSAGES: usize = 16_384;

/// A message on its way out.
#[derive(Debug)]
pub enum Outgoing {
    /// To a node.
    Node(ToNode),
    /// To an edge.
    Edge(ToEdge),
    /// To a recorder.
    Recorder(ToRecorder),
}

/// Passes on what comes in on a link, until it ends.
pub async fn read(
    link: u64,
    role: Role,
    mut incoming: mpsc::Receiver<Bytes>,
    inputs: mpsc::Sender<Input>,
) {
    while let Some(message) = incoming.recv().await {
        let input = match role {
            Role::Node => node_input(link, &message),
            Role::Edge => edge_input(link, &message),
            Role::Recorder => recorder_input(link, &message),
        };
        if inputs.send(input).await.is_err() {
            return; // The controller stops.
        }
    }
    // Nobody is left to be told where this fails.
    let _ = inputs.send(Input::Unlinked { link, role }).await;
}

/// Sends what goes out on a link, until there is nothing more or nobody takes it.
pub async fn write(mut messages: mpsc::Receiver<Outgoing>, outgoing: mpsc::Sender<Bytes>) {
    while let Some(message) = messages.recv().await {
        let encoded = match &message {
            Outgoing::Node(message) => frame::encode(message),
            Outgoing::Edge(message) => frame::encode(message),
            Outgoing::Recorder(message) => frame::encode(message),
        };
        let encoded = match encoded {
            Ok(encoded) => Some(encoded),
            Err(error) => {
                tracing::error!(%error, "a message was not sent");
                refusal(&message)
            }
        };
        let Some(encoded) = encoded else { continue };
        if outgoing.send(encoded).await.is_err() {
            return;
        }
    }
}

/// Whoever asked is told that the answer cannot be sent.
fn refusal(message: &Outgoing) -> Option<Bytes> {
    let Outgoing::Edge(ToEdge::Response { request, .. }) = message else { return None };
    let result = Err(RequestError::Limit("bytes of an answer".to_owned()));
    frame::encode(&ToEdge::Response { request: *request, result }).ok()
}

/// Of a request that cannot be read, as much as is needed to refuse it.
#[derive(Deserialize)]
enum Head {
    Request { request: RequestId },
}

fn node_input(link: u64, message: &[u8]) -> Input {
    match frame::decode::<FromNode>(message) {
        Ok(message) => Input::FromNode { link, message },
        Err(error) => Input::Unreadable { link, role: Role::Node, what: unreadable(&error, None) },
    }
}

fn recorder_input(link: u64, message: &[u8]) -> Input {
    match frame::decode::<FromRecorder>(message) {
        Ok(message) => Input::FromRecorder { link, message },
        Err(error) => {
            let what = unreadable(&error, None);
            Input::Unreadable { link, role: Role::Recorder, what }
        }
    }
}

fn edge_input(link: u64, message: &[u8]) -> Input {
    match frame::decode::<FromEdge>(message) {
        Ok(message) => Input::FromEdge { link, message },
        Err(error) => {
            let head = frame::decode::<Head>(message).ok();
            let request = head.map(|Head::Request { request }| request);
            Input::Unreadable { link, role: Role::Edge, what: unreadable(&error, request) }
        }
    }
}

fn unreadable(error: &FrameError, request: Option<RequestId>) -> Unreadable {
    // What serde says of an enum's variant that this version does not have.
    if error.to_string().contains("unknown variant") {
        Unreadable::Unknown(request)
    } else {
        Unreadable::Malformed(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::edge::Request;
    use serde::Serialize;

    #[derive(Serialize)]
    enum Later {
        Request { request: RequestId, body: LaterRequest },
        Telepathy { strength: u8 },
    }

    #[derive(Serialize)]
    enum LaterRequest {
        Levitate { height: u32 },
    }

    fn what(message: &impl Serialize) -> Unreadable {
        let message = frame::encode(message).expect("encodes");
        let Input::Unreadable { what, .. } = edge_input(1, &message) else { panic!("readable") };
        what
    }

    #[test]
    fn a_request_of_a_later_version_is_known_to_be_one() {
        let request = RequestId(7);
        let body = LaterRequest::Levitate { height: 2 };
        assert_eq!(what(&Later::Request { request, body }), Unreadable::Unknown(Some(request)));
        assert_eq!(what(&Later::Telepathy { strength: 1 }), Unreadable::Unknown(None));
    }

    #[test]
    fn what_is_cut_off_or_garbage_is_malformed() {
        let hello = FromEdge::Request { request: RequestId(1), body: Request::Nodes };
        let message = frame::encode(&hello).expect("encodes");
        assert!(matches!(edge_input(1, &message), Input::FromEdge { .. }));
        for length in 0..message.len() {
            let input = edge_input(1, &message[..length]);
            assert!(matches!(
                input,
                Input::Unreadable { what: Unreadable::Malformed(_), role: Role::Edge, .. }
            ));
        }
        for byte in 0..=u8::MAX {
            let input = node_input(1, &[byte; 9]);
            assert!(matches!(input, Input::Unreadable { role: Role::Node, .. }));
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_becomes_a_refusal() {
        let (messages, queue) = mpsc::channel(4);
        let (outgoing, mut sent) = mpsc::channel(4);
        let notice = lectern_control::edge::Notice::ParticipantLeft {
            participant: lectern_control::ParticipantId(1),
            identity: "x".repeat(lectern_control::limits::MAX_FRAME_BYTES),
            reason: lectern_control::room::LeaveReason::Removed,
        };
        let (room, number) = (lectern_control::RoomId(1), Default::default());
        let long = RequestError::Invalid("x".repeat(lectern_control::limits::MAX_FRAME_BYTES));
        let response = ToEdge::Response { request: RequestId(3), result: Err(long) };
        messages.send(Outgoing::Edge(ToEdge::Notice { room, notice, number })).await.expect("open");
        messages.send(Outgoing::Edge(response)).await.expect("open");
        drop(messages);
        write(queue, outgoing).await;
        let message = sent.recv().await.expect("a message");
        let expected = Err(RequestError::Limit("bytes of an answer".to_owned()));
        assert_eq!(
            frame::decode::<ToEdge>(&message).expect("decodes"),
            ToEdge::Response { request: RequestId(3), result: expected }
        );
        assert_eq!(sent.recv().await, None);
    }
}
