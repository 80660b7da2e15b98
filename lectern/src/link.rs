//! Links between roles: encoded messages in bounded queues, crossed in one process or pumped over a
//! QUIC stream between processes. The roles cannot tell the difference.

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use lectern_control::frame;
use quinn::{RecvStream, SendStream};
use tokio::sync::mpsc;

/// One end of a link: messages out, messages in.
pub type Link = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

/// Messages waiting in one direction of a link to a controller: a burst of a whole room's commands
/// fits, a stuck role is noticed.
pub const QUEUED_MESSAGES: usize = 4_096;
/// The same of a link to a recorder, where each message may be half a megabyte.
pub const QUEUED_BATCHES: usize = 16;
/// Bytes read from a stream at once.
const READ_BYTES: usize = 64 << 10;

/// Both ends of a link inside this process, in which so many messages may wait each way.
pub fn crossed(queued: usize) -> (Link, Link) {
    let (to_b, from_a) = mpsc::channel(queued);
    let (to_a, from_b) = mpsc::channel(queued);
    ((to_b, from_b), (to_a, from_a))
}

/// The same end of a link, but `stands` is told `true` when the far side has first spoken, and
/// `false` when the link is over: only then is it known that both sides understand each other.
pub fn watched(link: Link, stands: impl Fn(bool) + Send + 'static) -> Link {
    let (out, mut incoming) = link;
    let (pass_on, passed_on) = mpsc::channel(QUEUED_MESSAGES);
    tokio::spawn(async move {
        let mut first = true;
        while let Some(message) = incoming.recv().await {
            if std::mem::take(&mut first) {
                stands(true);
            }
            if pass_on.send(message).await.is_err() {
                break;
            }
        }
        stands(false);
    });
    (out, passed_on)
}

/// Pumps a link's messages over a stream until either side ends; the link is the near end.
pub fn pumped(
    (send, receive): (SendStream, RecvStream),
    queued: usize,
) -> (Link, impl Future<Output = Result<()>>) {
    let (near, far) = crossed(queued);
    let (incoming, outgoing) = far;
    let pump = async move {
        tokio::select! {
            result = read(receive, incoming) => result,
            result = write(send, outgoing) => result,
        }
    };
    (near, pump)
}

async fn read(mut stream: RecvStream, link: mpsc::Sender<Bytes>) -> Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        while let Some(message) = frame::take(&mut buffer)? {
            if link.send(message).await.is_err() {
                return Ok(());
            }
        }
        match stream.read_chunk(READ_BYTES, true).await.context("the link broke")? {
            Some(chunk) => buffer.extend_from_slice(&chunk.bytes),
            None => return Ok(()),
        }
    }
}

async fn write(mut stream: SendStream, mut link: mpsc::Receiver<Bytes>) -> Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(message) = link.recv().await {
        frame::put(&mut buffer, &message)?;
        // Whatever else waits goes out with it.
        while buffer.len() < READ_BYTES
            && let Ok(message) = link.try_recv()
        {
            frame::put(&mut buffer, &message)?;
        }
        stream.write_all(&buffer).await.context("the link broke")?;
        buffer.clear();
    }
    // The role has let go of its end: say so, and let what was sent arrive.
    stream.finish().context("the link broke")?;
    stream.stopped().await.context("the link broke")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn a_crossed_link_carries_messages_both_ways() {
        let ((to_b, mut from_b), (to_a, mut from_a)) = crossed(4);
        to_b.send(Bytes::from_static(b"to b")).await.expect("open");
        to_a.send(Bytes::from_static(b"to a")).await.expect("open");
        assert_eq!(from_a.recv().await.as_deref(), Some(&b"to b"[..]));
        assert_eq!(from_b.recv().await.as_deref(), Some(&b"to a"[..]));
        drop(to_b);
        assert_eq!(from_a.recv().await, None);
    }

    #[tokio::test]
    async fn a_link_stands_from_the_first_answer_to_its_end() {
        let (near, (to_near, mut from_near)) = crossed(4);
        let stands = Arc::new(AtomicBool::new(false));
        let told = stands.clone();
        let (out, mut incoming) = watched(near, move |now| told.store(now, Ordering::SeqCst));
        out.send(Bytes::from_static(b"hello")).await.expect("open");
        assert!(from_near.recv().await.is_some() && !stands.load(Ordering::SeqCst));
        to_near.send(Bytes::from_static(b"welcome")).await.expect("open");
        assert_eq!(incoming.recv().await.as_deref(), Some(&b"welcome"[..]));
        assert!(stands.load(Ordering::SeqCst));
        drop(to_near);
        assert_eq!(incoming.recv().await, None);
        assert!(!stands.load(Ordering::SeqCst));
    }
}
