//! The edge: what clients talk to. HTTPS, the web app, the HTTP API, and LiveKit-compatible signaling.

mod api;
mod assets;
mod config;
mod controller_link;
mod rates;
pub mod sdp;
pub mod session;
mod tls;
mod token;

pub use config::Config;
