//! One WebSocket: reading, and a bounded queue towards a client that may read slowly.

use super::metrics::{Closed, Metrics};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// A description of the longest kind fits, and nothing bigger is even read.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Messages that wait for a slow reader: a whole room's news, at a few hundred bytes each, or all that
/// is told again to who comes back.
const QUEUED_MESSAGES: usize = 4_096;
/// Their bytes: a roster of the longest kind fits twice, and whoever reads more slowly is told what it
/// missed when it comes back.
const QUEUED_BYTES: usize = 2 << 20;
/// A client that takes none of our bytes for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other end has for reading why it is closed, and for closing in turn.
const LINGER: Duration = Duration::from_secs(1);
/// Close codes (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;

/// What came by a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Bytes),
    /// The other end has all that was written before the ping of this number.
    Pong(u64),
    /// The beginning of a message that is too long; nothing can be read after it.
    TooLong,
}

/// One participant's socket.
pub struct Socket {
    read: SplitStream<WebSocket>,
    write: Queue,
    metrics: Metrics,
}

/// What waits to be written, bounded in messages and in bytes.
struct Queue {
    messages: mpsc::Sender<Message>,
    bytes: Arc<AtomicUsize>,
}

impl Queue {
    fn new() -> (Queue, mpsc::Receiver<Message>) {
        let (messages, queue) = mpsc::channel(QUEUED_MESSAGES);
        (Queue { messages, bytes: Arc::default() }, queue)
    }

    /// False where it is full. Only one task fills a queue, so that what is read here can only shrink.
    fn push(&self, message: Message) -> bool {
        let bytes = length(&message);
        if self.bytes.load(Ordering::Relaxed) + bytes > QUEUED_BYTES {
            return false;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.messages.try_send(message).is_ok()
    }
}

/// The library's error is of a version that is not ours to name; a test sees that its words are these.
fn is_too_long(error: &axum::Error) -> bool {
    error.to_string().starts_with("Space limit exceeded")
}

fn length(message: &Message) -> usize {
    match message {
        Message::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

impl Socket {
    /// Takes a socket over; what is sent is written by a task of its own.
    pub fn new(socket: WebSocket, metrics: Metrics) -> Socket {
        let (mut sink, read) = socket.split();
        let (write, mut queue) = Queue::new();
        let waiting = write.bytes.clone();
        metrics.sockets.inc();
        tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                let (last, bytes) = (matches!(message, Message::Close(_)), length(&message));
                let written = tokio::time::timeout(WRITE_TIMEOUT, sink.send(message)).await;
                waiting.fetch_sub(bytes, Ordering::Relaxed);
                if last || !matches!(written, Ok(Ok(()))) {
                    break;
                }
            }
            // Whether the other side hears of the end does not matter any more.
            let _ = tokio::time::timeout(WRITE_TIMEOUT, sink.close()).await;
        });
        Socket { read, write, metrics }
    }

    /// What comes next; `None` when the socket is gone. Text and pings are nothing clients send, and
    /// count as messages that say nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        let message = match self.read.next().await? {
            Ok(message) => message,
            Err(error) if is_too_long(&error) => return Some(Heard::TooLong),
            Err(_) => return None,
        };
        match message {
            Message::Binary(bytes) => Some(Heard::Message(bytes)),
            Message::Pong(payload) => {
                let number = payload.as_ref().try_into().map(u64::from_be_bytes);
                Some(number.map_or(Heard::Message(Bytes::new()), Heard::Pong))
            }
            Message::Text(_) | Message::Ping(_) => Some(Heard::Message(Bytes::new())),
            Message::Close(_) => None,
        }
    }

    /// Queues a message; false where the reader is too slow.
    pub fn send(&self, bytes: Bytes) -> bool {
        self.write.push(Message::Binary(bytes))
    }

    /// Asks the other end to say that it has all that was queued before; false where it is too slow.
    pub fn ping(&self, number: u64) -> bool {
        self.write.push(Message::Ping(number.to_be_bytes().to_vec().into()))
    }

    /// Closes the socket behind what is queued.
    pub fn close(self, why: Closed) {
        self.metrics.closed(why);
        let (code, reason) = match why {
            Closed::Flood => (POLICY, "too many messages"),
            Closed::TooLong => (TOO_BIG, "a message is too long"),
            Closed::Idle => (NORMAL, "nothing was said for too long"),
            _ => (NORMAL, ""),
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // A full queue belongs to a reader that would not see it anyway; the task then ends by itself.
        let _ = self.write.push(Message::Close(Some(frame)));
        tokio::spawn(self.linger());
    }

    /// A connection that is closed while more is coming is reset, and a reset may swallow what it was
    /// closed with (RFC 9112 section 9.6): the rest is read for a while, and thrown away.
    async fn linger(mut self) {
        let gone = async {
            while let Some(message) = self.read.next().await {
                if message.is_err() {
                    // Nothing can be read any more; the other end may still read.
                    std::future::pending::<()>().await;
                }
            }
        };
        // Whoever has not read it by then does not read.
        let _ = tokio::time::timeout(LINGER, gone).await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.metrics.sockets.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_bounded_in_bytes_as_well() {
        let (queue, mut messages) = Queue::new();
        let long = || Message::Binary(vec![0; 60 << 10].into());
        let queued = (0..QUEUED_MESSAGES).take_while(|_| queue.push(long())).count();
        assert_eq!(queued, QUEUED_BYTES / (60 << 10));
        assert!(queue.push(Message::Close(None)), "a last word always fits");
        let short = || Message::Binary(vec![0; 100].into());
        let (queue, _messages) = Queue::new();
        let queued = (0..2 * QUEUED_MESSAGES).take_while(|_| queue.push(short())).count();
        assert_eq!(queued, QUEUED_MESSAGES);
        assert!(messages.try_recv().is_ok());
    }
}
