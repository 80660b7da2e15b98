//! The controller's link: hello, a sign of life each second, how recordings are; what is to be done
//! goes to the desk.

use crate::Link;
use crate::catalogue::Catalogue;
use crate::metrics::Metrics;
use bytes::Bytes;
use lectern_control::frame;
use lectern_control::recorder::{FromRecorder, Load, ToRecorder};
use lectern_control::recording::{MAX_STATUS_BYTES, Status};
use lectern_control::{RecorderId, RecordingId, Version};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often a sign of life is sent.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// A status that was not heard in this time is said again.
const SAY_AGAIN_BEATS: u32 = 10;
/// People and files that are told of, of each, where all of them are more than a status takes.
const SHORTENED: usize = 500;

/// What the link works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) recorder: RecorderId,
    pub(crate) region: String,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) load: watch::Receiver<Load>,
    pub(crate) desk: mpsc::Sender<ToRecorder>,
    /// A controller says what is live.
    pub(crate) linked: Arc<AtomicBool>,
    pub(crate) metrics: Metrics,
}

/// Why a link is over.
enum Over {
    Gone,
    Incompatible,
}

/// Talks to one controller after the other, until the process ends. A new link replaces the former.
pub(crate) async fn serve(
    context: Context,
    mut links: mpsc::Receiver<Link>,
    stop: CancellationToken,
) {
    let (mut next, mut more) = (None, true);
    loop {
        let (out, incoming) = match next.take() {
            Some(link) => link,
            None => tokio::select! {
                () = stop.cancelled() => return,
                link = links.recv(), if more => match link {
                    Some(link) => link,
                    None => {
                        more = false;
                        continue;
                    }
                },
            },
        };
        let mut speaker = Speaker::new(&context, out.clone());
        let talk = speaker.talk(incoming);
        tokio::pin!(talk);
        next = loop {
            tokio::select! {
                () = stop.cancelled() => return say_farewell(&context, &out),
                newer = links.recv(), if more => match newer {
                    Some(newer) => break Some(newer),
                    None => more = false,
                },
                () = &mut talk => break None,
            }
        };
        context.linked.store(false, Relaxed);
    }
}

/// Says that nothing new is to be begun here.
fn say_farewell(context: &Context, out: &mpsc::Sender<Bytes>) {
    let load = Load { full: true, ..*context.load.borrow() };
    if let Ok(message) = frame::encode(&FromRecorder::Heartbeat(load)) {
        // Where it does not get through, silence says the same.
        let _ = out.try_send(message);
    }
}

/// One link, and what was said on it.
struct Speaker<'a> {
    context: &'a Context,
    out: mpsc::Sender<Bytes>,
    welcomed: bool,
    said: HashMap<RecordingId, u64>,
    heard: HashMap<RecordingId, u64>,
    beats: u32,
}

impl<'a> Speaker<'a> {
    fn new(context: &'a Context, out: mpsc::Sender<Bytes>) -> Speaker<'a> {
        let (said, heard) = (HashMap::new(), HashMap::new());
        Speaker { context, out, welcomed: false, said, heard, beats: 0 }
    }

    async fn talk(&mut self, incoming: mpsc::Receiver<Bytes>) {
        match self.converse(incoming).await {
            Err(Over::Incompatible) => tracing::error!(
                "the controller speaks another major version: run the same release on both"
            ),
            Ok(()) | Err(Over::Gone) => {
                tracing::warn!("the controller link is gone; recordings go on without it");
            }
        }
    }

    async fn converse(&mut self, mut incoming: mpsc::Receiver<Bytes>) -> Result<(), Over> {
        let context = self.context;
        let hello = FromRecorder::Hello {
            version: Version::CURRENT,
            recorder: context.recorder.clone(),
            region: context.region.clone(),
            addresses: context.addresses.clone(),
        };
        self.say(&hello).await?;
        let mut beat = interval(HEARTBEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = incoming.recv() => match message {
                    Some(message) => self.receive(&message).await?,
                    None => return Ok(()),
                },
                _ = beat.tick() => self.beat().await?,
                () = context.catalogue.changed() => {}
            }
            if self.welcomed {
                self.say_news().await?;
            }
        }
    }

    async fn receive(&mut self, message: &[u8]) -> Result<(), Over> {
        let message: ToRecorder = match frame::decode(message) {
            Ok(message) => message,
            Err(_) => {
                self.context.metrics.ignored_messages.with_label_values(&["controller"]).inc();
                return Ok(());
            }
        };
        match &message {
            ToRecorder::Welcome { version, .. } if !version.is_compatible(Version::CURRENT) => {
                return Err(Over::Incompatible);
            }
            ToRecorder::Welcome { .. } => {
                tracing::info!("linked to the controller");
                self.welcomed = true;
                self.context.linked.store(true, Relaxed);
            }
            _ if !self.welcomed => {
                self.context.metrics.ignored_messages.with_label_values(&["controller"]).inc();
                return Ok(());
            }
            ToRecorder::Heard { recording, version } => {
                self.heard.insert(*recording, *version);
            }
            _ => {}
        }
        // The desk ends with the process only.
        self.context.desk.send(message).await.map_err(|_| Over::Gone)
    }

    async fn beat(&mut self) -> Result<(), Over> {
        self.beats = self.beats.wrapping_add(1);
        if self.beats.is_multiple_of(SAY_AGAIN_BEATS) {
            self.said = self.heard.clone();
        }
        let load = *self.context.load.borrow();
        self.say(&FromRecorder::Heartbeat(load)).await
    }

    /// Says each status that has changed since it was said.
    async fn say_news(&mut self) -> Result<(), Over> {
        for entry in self.context.catalogue.loaded() {
            let (version, settled) =
                entry.look(|manifest| (manifest.status.version, manifest.settled));
            let said = self.said.get(&entry.id).copied().max(settled);
            if said.is_none_or(|said| said < version) {
                self.said.insert(entry.id, version);
                self.say_status(entry.status()).await?;
            }
        }
        Ok(())
    }

    async fn say_status(&self, mut status: Status) -> Result<(), Over> {
        if frame::encode(&status).map_or(true, |bytes| bytes.len() > MAX_STATUS_BYTES) {
            status.people.truncate(SHORTENED);
            status.files.truncate(SHORTENED);
        }
        self.say(&FromRecorder::Status(Box::new(status))).await
    }

    async fn say(&self, message: &FromRecorder) -> Result<(), Over> {
        match frame::encode(message) {
            Ok(message) => self.out.send(message).await.map_err(|_| Over::Gone),
            Err(error) => {
                tracing::error!(%error, "a message to the controller cannot be encoded");
                Ok(())
            }
        }
    }
}
