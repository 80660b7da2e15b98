//! Links that nodes and edges want to recorders: made in this process, or over QUIC.

use crate::link::{Link, QUEUED_BATCHES, crossed};
use crate::quic::Caller;
use std::net::SocketAddr;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// A link that somebody wants.
pub struct Wanted {
    addresses: Vec<SocketAddr>,
    link: oneshot::Sender<Link>,
}

impl From<lectern_sfu::Dial> for Wanted {
    fn from(dial: lectern_sfu::Dial) -> Wanted {
        Wanted { addresses: dial.addresses, link: dial.link }
    }
}

impl From<lectern_signaling::Dial> for Wanted {
    fn from(dial: lectern_signaling::Dial) -> Wanted {
        Wanted { addresses: dial.addresses, link: dial.link }
    }
}

/// Links to the recorder of this process, until nobody wants any more.
pub async fn in_process<D: Into<Wanted>>(
    mut dials: mpsc::Receiver<D>,
    recorder: mpsc::Sender<Link>,
) {
    while let Some(dial) = dials.recv().await {
        let (near, far) = crossed(QUEUED_BATCHES);
        // A recorder that has ended takes none, and whoever asked sees that.
        if recorder.send(far).await.is_ok() {
            let _ = dial.into().link.send(near);
        }
    }
}

/// Links to recorders of a cluster, until nobody wants any more.
pub async fn over_quic<D: Into<Wanted>>(
    mut dials: mpsc::Receiver<D>,
    caller: Caller,
    stop: CancellationToken,
) {
    while let Some(dial) = dials.recv().await {
        let Wanted { addresses, link } = dial.into();
        let call = caller.clone().call(addresses, link, stop.clone());
        tokio::spawn(async move {
            if let Err(error) = call.await {
                tracing::warn!(error = format!("{error:#}"), "a link to a recorder ended");
            }
        });
    }
}
