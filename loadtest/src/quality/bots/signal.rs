//! The signaling of a client that is no browser: the API by HTTPS, then LiveKit's protocol by WebSocket.

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// The server, as clients reach it.
#[derive(Clone)]
pub struct Door {
    address: SocketAddr,
    tls: TlsConnector,
}

/// What a client wants to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// All tracks.
    Everything,
    /// None.
    Nothing,
}

/// A client's WebSocket.
pub struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Door {
    /// For a server's origin, whose certificate for development nobody knows.
    pub fn new(origin: &str) -> Result<Door> {
        let address = origin.strip_prefix("https://").context("no HTTPS")?.parse()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        Ok(Door { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        Ok(self.tls.connect(ServerName::from(self.address.ip()), stream).await?)
    }

    /// Comes to a meeting by its link, as far as to a token.
    pub async fn token(&self, link: &str, name: &str) -> Result<String> {
        let link = link.split_once('#').map_or(link, |(_, secret)| secret);
        let entry = self.post("/api/v1/entries", "", &json!({ "link": link })).await?;
        let key = entry["entry_token"].as_str().context("no entry")?;
        let session = self.post("/api/v1/sessions", key, &json!({ "name": name })).await?;
        Ok(session["token"].as_str().context("no token")?.to_owned())
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value> {
        let (body, host) = (body.to_string(), self.address);
        let key = match key {
            "" => String::new(),
            key => format!("authorization: Bearer {key}\r\n"),
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{key}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = self.connect().await?;
        stream.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        // A server may close without a TLS goodbye; what has come is looked at.
        let _ = stream.read_to_end(&mut response).await;
        let response = String::from_utf8_lossy(&response);
        let (head, body) = response.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')), "{response}");
        Ok(serde_json::from_str(body)?)
    }

    /// Opens a WebSocket with a token. Who speaks only is sent no track; who listens hears a large room
    /// in slots, as the app does.
    pub async fn open(&self, token: &str, wants: Wants) -> Result<Socket> {
        let listens = u8::from(wants == Wants::Everything);
        let query = format!(
            "auto_subscribe={listens}&sound_slots={listens}&protocol=15&access_token={token}"
        );
        let url = format!("wss://{}/rtc?{query}", self.address);
        let (socket, _) = tokio_tungstenite::client_async(url, self.connect().await?).await?;
        Ok(Socket(socket))
    }
}

impl Socket {
    /// The next message; `None` where the server has closed.
    pub async fn hear(&mut self) -> Result<Option<proto::signal_response::Message>> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let response = proto::SignalResponse::decode(bytes.as_ref())?;
                    if response.message.is_some() {
                        return Ok(response.message);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Says something.
    pub async fn say(&mut self, message: proto::signal_request::Message) -> Result<()> {
        let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
        self.0.send(Message::Binary(bytes.into())).await.map_err(|error| anyhow!("{error}"))
    }
}

/// Believes every certificate: the server under test runs on this machine.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
