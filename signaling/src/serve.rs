//! One connection: HTTP/1.1 requests and their answers within a time each, or a WebSocket.

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Bytes of a request's head; tokens of 8 KiB may stand in it.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// How long the other side may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's head; also for the first after the one before.
    pub head: Duration,
    /// From a request's head to the end of its answer, or to some progress in it.
    pub request: Duration,
}

/// Tells a connection that an answer which takes long makes progress; in the extensions of a request.
#[derive(Debug, Clone)]
pub struct Progress {
    latest: Arc<watch::Sender<Instant>>,
}

impl Progress {
    /// Some of the answer was taken.
    pub fn made(&self) {
        self.latest.send_replace(Instant::now());
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves a connection until it ends, becomes a WebSocket, or takes too long; once `stop` comes, no
/// further request is read.
pub async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    patience: Patience,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let (begun, latest) = watch::channel(Instant::now());
    let progress = Progress { latest: Arc::new(begun) };
    let router = ServiceExt::<Request<Incoming>>::map_request(
        router,
        move |mut request: Request<Incoming>| {
            progress.made();
            request.extensions_mut().insert(progress.clone());
            request
        },
    );
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(MAX_HEAD_BYTES);
    let service = TowerToHyperService::new(router);
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let overdue = overdue(latest, patience.request);
    tokio::pin!(serving, overdue);
    tokio::select! {
        result = serving.as_mut() => return result,
        () = overdue.as_mut() => return Err("a request took too long".into()),
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        result = serving => result,
        () = overdue => Err("a request took too long".into()),
    }
}

/// Ends when no request has begun for as long as one may take. A slow body, a slow reader and an
/// idle connection look alike from here, and a WebSocket is served elsewhere by then.
async fn overdue(mut latest: watch::Receiver<Instant>, limit: Duration) {
    loop {
        let deadline = *latest.borrow_and_update() + limit;
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => return,
            Ok(()) = latest.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::{Full, Limits, Placed, Places};
    use crate::rates::Network;
    use axum::Extension;
    use axum::body::Body;
    use axum::extract::ws::WebSocketUpgrade;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    /// Short for requests, so that tests are; long for heads, so that only requests are judged.
    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(60), request: Duration::from_millis(50) };

    fn router() -> Router {
        let echo = |body: String| async move { body };
        let large = || async { vec![b'x'; 10 << 20] };
        let socket = |upgrade: WebSocketUpgrade| async move {
            upgrade.on_upgrade(|mut socket| async move { while socket.recv().await.is_some() {} })
        };
        Router::new()
            .route("/echo", post(echo))
            .route("/large", get(large))
            .route("/socket", get(socket))
    }

    async fn begin(request: &str) -> (DuplexStream, impl Future<Output = Result<(), Failure>>) {
        let (mut client, server) = duplex(64 << 10);
        client.write_all(request.as_bytes()).await.expect("room for it");
        (client, serve(server, router(), PATIENCE, CancellationToken::new()))
    }

    #[tokio::test]
    async fn who_sends_no_body_and_who_reads_no_answer_is_cut() {
        for request in [
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
            "GET /large HTTP/1.1\r\nhost: x\r\n\r\n",
            "",
        ] {
            let (client, serving) = begin(request).await;
            let ended = serving.await;
            assert!(ended.is_err_and(|error| error.to_string().contains("too long")), "{request}");
            drop(client);
        }
    }

    #[tokio::test]
    async fn a_long_answer_goes_on_while_somebody_takes_it_and_no_longer() {
        let film = |Extension(progress): Extension<Progress>| async move {
            let chunks = futures_util::stream::unfold(progress, |progress| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                progress.made();
                Some((Ok::<_, std::io::Error>(vec![b'x'; 16 << 10]), progress))
            });
            Body::from_stream(chunks)
        };
        let (mut client, server) = duplex(64 << 10);
        client.write_all(b"GET /film HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("room for it");
        let router = Router::new().route("/film", get(film));
        let serving = tokio::spawn(serve(server, router, PATIENCE, CancellationToken::new()));
        let began = Instant::now();
        let mut buffer = vec![0; 64 << 10];
        while began.elapsed() < 8 * PATIENCE.request {
            assert!(client.read(&mut buffer).await.expect("still sent") > 0);
        }
        let ended = serving.await.expect("no panic");
        assert!(ended.is_err_and(|error| error.to_string().contains("too long")), "it was left");
    }

    #[tokio::test]
    async fn a_websocket_lives_on_and_keeps_its_place() {
        let network = Network::of([192, 0, 2, 1].into());
        let places = Places::new(Limits { all: 1, network: 1 });
        let place = places.take(network).expect("a place");
        let (mut client, server) = duplex(1 << 10);
        let request = "GET /socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.write_all(request.as_bytes()).await.expect("room for it");
        let server = Placed::new(server, place);
        serve(server, router(), PATIENCE, CancellationToken::new()).await.expect("it is upgraded");
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 101");
        assert_eq!(places.take(network).err(), Some(Full::All));
        drop(client);
        while places.take(network).is_err() {
            tokio::task::yield_now().await;
        }
    }
}
