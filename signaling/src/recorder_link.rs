//! Links to recorders, over which files are read: one link for each read, so that whoever stops reading
//! stops the recorder as well. Whoever runs the edge dials them.

use crate::controller_link::Link;
use bytes::Bytes;
use lectern_control::recording::{FromEdge, FromRecorder, MAX_DATA_BYTES, Readable, Refusal};
use lectern_control::{Version, frame};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Reads under way at once: each holds some hundred kilobytes while its client is slow.
const MAX_READS: usize = 512;
/// How long a link may take to come, and a recorder to answer on it.
const LINK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the next bytes may take, once a file is being read: storage elsewhere has its moments.
const DATA_TIMEOUT: Duration = Duration::from_secs(30);

/// A link to a recorder that the edge wants.
#[derive(Debug)]
pub struct Dial {
    /// Where the recorder is; empty where everything is in one process.
    pub addresses: Vec<SocketAddr>,
    /// Takes the link; dropped where there is none.
    pub link: oneshot::Sender<Link>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// Too many are read at once.
    #[error("too many files are read at once")]
    Busy,
    /// The recorder cannot be reached, or does not answer.
    #[error("the recorder does not answer")]
    Away,
    /// The recorder speaks another version, or nonsense.
    #[error("the recorder says something else")]
    Unexpected,
    /// The recorder refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The way to all recorders; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorders {
    dials: mpsc::Sender<Dial>,
    places: Arc<Semaphore>,
}

/// A part of a file on its way. The recorder stops when this is dropped.
#[derive(Debug)]
pub struct Reading {
    outgoing: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
    /// The first bytes, which have come.
    next: Option<Bytes>,
    left: u64,
    _place: OwnedSemaphorePermit,
}

impl Recorders {
    /// Links are asked for here.
    pub fn new(dials: mpsc::Sender<Dial>) -> Recorders {
        Recorders { dials, places: Arc::new(Semaphore::new(MAX_READS)) }
    }

    /// Begins to read a part of a file; its first bytes have come.
    pub async fn read(
        &self,
        readable: &Readable,
        offset: u64,
        len: u64,
    ) -> Result<Reading, Failure> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Failure::Busy)?;
        let (outgoing, mut incoming) = self.link(readable.addresses.clone()).await?;
        say(&outgoing, &FromEdge::Hello { version: Version::CURRENT }).await?;
        let welcome = timeout(LINK_TIMEOUT, hear(&mut incoming)).await;
        match welcome.map_err(|_| Failure::Away)?? {
            FromRecorder::Welcome { version } if version.is_compatible(Version::CURRENT) => {}
            _ => return Err(Failure::Unexpected),
        }
        let ticket = readable.ticket.clone();
        say(&outgoing, &FromEdge::Read { ticket, offset, len }).await?;
        let (next, left) = (None, len);
        let mut reading = Reading { outgoing, incoming, next, left, _place: place };
        // Refusals come first of all: the client gets an answer instead of a broken one.
        reading.next = reading.chunk().await?;
        Ok(reading)
    }

    async fn link(&self, addresses: Vec<SocketAddr>) -> Result<Link, Failure> {
        let (link, dialled) = oneshot::channel();
        let dialled = async {
            self.dials.send(Dial { addresses, link }).await.ok()?;
            dialled.await.ok()
        };
        timeout(LINK_TIMEOUT, dialled).await.ok().flatten().ok_or(Failure::Away)
    }
}

impl Reading {
    /// The next bytes; `None` where all have come.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.next.take() {
            Some(bytes) => Ok(Some(bytes)),
            None => self.chunk().await.map_err(io::Error::other),
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.left == 0 || self.outgoing.is_closed() {
            return if self.left == 0 { Ok(None) } else { Err(Failure::Away) };
        }
        let heard = timeout(DATA_TIMEOUT, hear(&mut self.incoming)).await;
        match heard.map_err(|_| Failure::Away)?? {
            FromRecorder::Data { bytes } if bytes.is_empty() => Err(Refusal::Gone.into()),
            FromRecorder::Data { bytes } => {
                let count = bytes.len() as u64;
                if bytes.len() > MAX_DATA_BYTES || count > self.left {
                    return Err(Failure::Unexpected);
                }
                self.left -= count;
                Ok(Some(bytes))
            }
            FromRecorder::Refused(refusal) => Err(refusal.into()),
            FromRecorder::Welcome { .. } => Err(Failure::Unexpected),
        }
    }
}

async fn say(outgoing: &mpsc::Sender<Bytes>, message: &FromEdge) -> Result<(), Failure> {
    let message = frame::encode(message).map_err(|_| Failure::Unexpected)?;
    outgoing.send(message).await.map_err(|_| Failure::Away)
}

async fn hear(incoming: &mut mpsc::Receiver<Bytes>) -> Result<FromRecorder, Failure> {
    let message = incoming.recv().await.ok_or(Failure::Away)?;
    frame::decode(&message).map_err(|_| Failure::Unexpected)
}

#[cfg(test)]
mod tests;
