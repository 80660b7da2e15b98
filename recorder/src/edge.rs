//! Links of edges: parts of files to who shows a ticket.

mod opened;

use crate::Link;
use crate::catalogue::{Catalogue, Entry};
use crate::grants::{Grant, Grants};
use crate::metrics::Metrics;
use crate::storage::{self, Storage};
use bytes::Bytes;
use lectern_control::frame;
use lectern_control::recorder::Ticket;
use lectern_control::recording::{FromEdge, FromRecorder, MAX_DATA_BYTES, Refusal};
use lectern_control::{RecordingId, Secret, Version};
use opened::OpenedFile;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Bytes asked of the store at once: enough that its answer's delay does not slow a film down.
const STEP_BYTES: u64 = 1 << 20;
/// Pieces of a file that may wait on one link: whoever reads slowly is sent slowly.
const WINDOW: usize = 8;

/// What all links of edges work with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) grants: Arc<Grants>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) storage: Storage,
    pub(crate) metrics: Metrics,
}

/// One edge's link.
struct EdgeLink {
    context: Context,
    out: mpsc::Sender<Bytes>,
    welcomed: bool,
    /// The file that was read last: players ask for one part after the other.
    last: Option<OpenedFile>,
}

/// The link is over.
struct Over;

/// Answers an edge, until the link or the process ends.
pub(crate) async fn serve(context: Context, (out, mut incoming): Link, stop: CancellationToken) {
    let mut link = EdgeLink { context, out, welcomed: false, last: None };
    let answers = async {
        while let Some(message) = incoming.recv().await {
            if link.receive(&message).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = answers => {}
    }
}

impl EdgeLink {
    async fn receive(&mut self, message: &[u8]) -> Result<(), Over> {
        match frame::decode(message) {
            Ok(FromEdge::Hello { version }) if version.is_compatible(Version::CURRENT) => {
                self.welcomed = true;
                self.say(&FromRecorder::Welcome { version: Version::CURRENT }).await
            }
            Ok(FromEdge::Hello { .. }) => {
                tracing::error!(
                    "an edge speaks another major version: run the same release on both"
                );
                Err(Over)
            }
            Ok(FromEdge::Read { ticket, offset, len }) if self.welcomed => {
                match self.read(&ticket, offset, len).await? {
                    Ok(()) => self.say(&FromRecorder::Data { bytes: Bytes::new() }).await,
                    Err(refusal) => {
                        let cause = match refusal {
                            Refusal::Ticket => "ticket",
                            Refusal::Gone => "gone",
                            Refusal::Storage(_) => "storage",
                        };
                        self.context.metrics.refused_reads.with_label_values(&[cause]).inc();
                        self.say(&FromRecorder::Refused(refusal)).await
                    }
                }
            }
            Ok(FromEdge::Read { .. }) | Err(_) => {
                self.context.metrics.ignored_messages.with_label_values(&["edge"]).inc();
                Ok(())
            }
        }
    }

    async fn read(
        &mut self,
        ticket: &Secret<Ticket>,
        offset: u64,
        len: u64,
    ) -> Result<Result<(), Refusal>, Over> {
        let file = match self.open(ticket).await {
            Ok(file) => file,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if offset > file.plain_len() {
            self.last = Some(file);
            return Ok(Err(Refusal::Gone));
        }
        let end = offset.saturating_add(len).min(file.plain_len());
        let read = self.send(&file, offset, end).await?;
        self.last = Some(file);
        Ok(read)
    }

    async fn send(
        &self,
        file: &OpenedFile,
        mut offset: u64,
        end: u64,
    ) -> Result<Result<(), Refusal>, Over> {
        while offset < end {
            let until = end.min(offset.saturating_add(STEP_BYTES));
            let bytes = match file.read(&self.context.storage, offset..until).await {
                Ok(bytes) => Bytes::from(bytes),
                Err(refusal) => return Ok(Err(refusal)),
            };
            self.context.metrics.served_bytes.inc_by(bytes.len() as u64);
            let mut rest = bytes;
            while !rest.is_empty() {
                let bytes = rest.split_to(rest.len().min(MAX_DATA_BYTES));
                self.say(&FromRecorder::Data { bytes }).await?;
            }
            offset = until;
        }
        Ok(Ok(()))
    }

    async fn open(&mut self, ticket: &Secret<Ticket>) -> Result<OpenedFile, Refusal> {
        let Grant { recording, file, .. } =
            self.context.grants.find(ticket).ok_or(Refusal::Ticket)?;
        if let Some(last) = self.last.take().filter(|last| last.is(recording, &file)) {
            return Ok(last);
        }
        let entry = self.entry(recording).await?;
        OpenedFile::open(entry, &self.context.storage, file).await
    }

    async fn entry(&self, recording: RecordingId) -> Result<Arc<Entry>, Refusal> {
        if let Some(entry) = self.context.catalogue.get(recording) {
            return Ok(entry);
        }
        let (catalogue, storage) =
            (Arc::clone(&self.context.catalogue), self.context.storage.clone());
        let found = tokio::task::spawn_blocking(move || catalogue.find(recording, &storage)).await;
        match found {
            Ok(Ok(Some(entry))) => Ok(entry),
            Ok(Ok(None)) => Err(Refusal::Gone),
            Ok(Err(error)) => {
                tracing::warn!(%recording, %error, "a recording cannot be opened");
                Err(Refusal::Storage(storage::Error::Unreachable.to_string()))
            }
            Err(_) => Err(Refusal::Gone),
        }
    }

    /// Sends a message once no more than [`WINDOW`] wait: the link's own queue is longer than one
    /// reader deserves.
    async fn say(&self, message: &FromRecorder) -> Result<(), Over> {
        let message = match frame::encode(message) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "a message to an edge cannot be encoded");
                return Err(Over);
            }
        };
        let room = self.out.max_capacity().saturating_sub(WINDOW - 1).max(1);
        let mut permits = self.out.reserve_many(room).await.map_err(|_| Over)?;
        if let Some(permit) = permits.next() {
            permit.send(message);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
