//! The web app, embedded in the binary.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What Vite built.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Dist;

/// The page that every address of the app shows.
const INDEX: &str = "index.html";
/// Files below this folder carry a hash of their content in their name.
const HASHED: &str = "assets/";
/// What is shown when the binary was built without the web app.
const NOT_BUILT: &str =
    "The web app is not in this build. Build it with `cargo xtask web`, then build again.\n";

/// Answers with a file of the app, or with its page.
pub async fn serve(method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    match Dist::get(path) {
        Some(file) if path != INDEX && !path.is_empty() => {
            let caching = if path.starts_with(HASHED) {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            respond(path, file, caching)
        }
        // A file that is named but not there must not turn into a page.
        _ if path.rsplit('/').next().is_some_and(|name| name.contains('.') && path != INDEX) => {
            StatusCode::NOT_FOUND.into_response()
        }
        _ => page(),
    }
}

fn page() -> Response {
    match Dist::get(INDEX) {
        Some(file) => respond(INDEX, file, "no-cache"),
        None => (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response(),
    }
}

fn respond(path: &str, file: EmbeddedFile, caching: &'static str) -> Response {
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// The media type by the file's ending; Vite makes no others.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_file_is_not_found_and_a_page_is_the_app() {
        let get = |uri: &'static str| serve(Method::GET, Uri::from_static(uri));
        assert_eq!(get("/assets/none.js").await.status(), StatusCode::NOT_FOUND);
        let page = get("/j").await;
        assert!(matches!(page.status(), StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE));
        let post = serve(Method::POST, Uri::from_static("/")).await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
