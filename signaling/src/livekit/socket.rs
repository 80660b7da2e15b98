//! One WebSocket: reading, and a bounded queue towards a client that may read slowly.

use super::metrics::{Closed, Metrics};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc;

/// A description of the longest kind fits, and nothing bigger is even read.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Messages that wait for a slow reader: a whole room's news, at a few hundred bytes each.
const QUEUED_MESSAGES: usize = 1_024;
/// A client that takes none of our bytes for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Close codes (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;

/// One participant's socket.
pub struct Socket {
    read: SplitStream<WebSocket>,
    write: mpsc::Sender<Message>,
    metrics: Metrics,
}

impl Socket {
    /// Takes a socket over; what is sent is written by a task of its own.
    pub fn new(socket: WebSocket, metrics: Metrics) -> Socket {
        let (mut sink, read) = socket.split();
        let (write, mut queue) = mpsc::channel::<Message>(QUEUED_MESSAGES);
        metrics.sockets.inc();
        tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                let last = matches!(message, Message::Close(_));
                let written = tokio::time::timeout(WRITE_TIMEOUT, sink.send(message)).await;
                if last || !matches!(written, Ok(Ok(()))) {
                    break;
                }
            }
            // Whether the other side hears of the end does not matter any more.
            let _ = tokio::time::timeout(WRITE_TIMEOUT, sink.close()).await;
        });
        Socket { read, write, metrics }
    }

    /// The next message; `None` when the socket is gone. Text is nothing clients send.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.read.next().await?.ok()? {
                Message::Binary(bytes) => return Some(bytes),
                Message::Text(_) => return Some(Bytes::new()),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    /// Queues a message; false where the reader is too slow.
    pub fn send(&self, bytes: Vec<u8>) -> bool {
        self.write.try_send(Message::Binary(bytes.into())).is_ok()
    }

    /// Closes the socket behind what is queued.
    pub fn close(self, why: Closed) {
        self.metrics.closed(why);
        let code = if why == Closed::Flood { POLICY } else { NORMAL };
        let frame = CloseFrame { code, reason: "".into() };
        // A full queue belongs to a reader that would not see it anyway; the task then ends by itself.
        let _ = self.write.try_send(Message::Close(Some(frame)));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.metrics.sockets.dec();
    }
}
