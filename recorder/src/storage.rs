//! Where finished files are kept: a folder or a bucket. What goes there is sealed already, but for
//! manifests.

mod upload;

pub(crate) use upload::Upload;

use crate::config::{Config, InvalidConfig, S3, Store};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use lectern_control::RecordingId;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use prometheus::IntCounter;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long one try may take: a part of a film over a line of a megabit.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes copied at once from and to files.
const COPY_BYTES: usize = 256 << 10;
/// A manifest's size; more is not one.
const MAX_MANIFEST_BYTES: u64 = 8 << 20;
/// The name of a recording's manifest.
pub(crate) const MANIFEST: &str = "manifest.json";

/// How often a request is tried again before it has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) tries: usize,
    pub(crate) within: Duration,
}

impl Retry {
    /// A bucket's short troubles pass unseen.
    pub(crate) const USUAL: Retry = Retry { tries: 8, within: Duration::from_secs(30) };
}

/// Why something cannot be stored or read again. The words are for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such file.
    #[error("there is no such file in the store")]
    NotFound,
    /// The store does not let us.
    #[error("the store refuses: check its keys and what they may do")]
    Refused,
    /// It cannot be reached, or answers nonsense, after all tries.
    #[error("the store does not answer as it should")]
    Unreachable,
    /// A file on this machine cannot be read or written.
    #[error("a local file: {0}")]
    Local(io::ErrorKind),
    /// The same, and the disk has no room left.
    #[error("there is no room left on the disk")]
    Full,
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => Error::NotFound,
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => Error::Refused,
            error => of_source(&error).map_or(Error::Unreachable, Error::from),
        }
    }
}

/// The first error of the system below another.
fn of_source(error: &dyn std::error::Error) -> Option<io::ErrorKind> {
    let mut below = error.source();
    while let Some(error) = below {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        below = error.source();
    }
    None
}

impl From<io::ErrorKind> for Error {
    fn from(kind: io::ErrorKind) -> Error {
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
            kind => Error::Local(kind),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => error.clone(),
            None => Error::from(error.kind()),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}

/// The store of all recordings; cheap to clone. Methods that block are for threads outside of the
/// runtime.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Location,
    handle: Handle,
    errors: IntCounter,
}

impl Storage {
    /// Opens what is configured. A bucket is not asked anything yet.
    pub(crate) fn open(
        config: &Config,
        retry: Retry,
        handle: Handle,
        errors: IntCounter,
    ) -> Result<Storage, crate::Error> {
        let (store, prefix): (Arc<dyn ObjectStore>, _) = match &config.store {
            Store::Local => (local(&config.folder()?.join("store"))?, Location::default()),
            Store::Folder(folder) => (local(&folder.path)?, Location::default()),
            Store::S3(s3) => (bucket(s3, retry)?, Location::from(s3.prefix.as_str())),
        };
        Ok(Storage { store, prefix, handle, errors })
    }

    fn folder_of(&self, recording: RecordingId) -> Location {
        self.prefix.clone().join(recording.to_string())
    }

    fn location(&self, recording: RecordingId, name: &str) -> Location {
        name.split('/').fold(self.folder_of(recording), |folder, part| folder.join(part))
    }

    fn checked<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(|error| *error != Error::NotFound) {
            self.errors.inc();
        }
        result
    }

    /// Bytes of a file.
    pub(crate) async fn len(&self, recording: RecordingId, name: &str) -> Result<u64, Error> {
        let found = self.store.head(&self.location(recording, name)).await;
        self.checked(found.map(|meta| meta.size).map_err(Error::from))
    }

    /// Part of a file.
    pub(crate) async fn range(
        &self,
        recording: RecordingId,
        name: &str,
        range: Range<u64>,
    ) -> Result<Bytes, Error> {
        let read = self.store.get_range(&self.location(recording, name), range).await;
        self.checked(read.map_err(Error::from))
    }

    /// A recording's manifest, if there is one.
    pub(crate) async fn manifest(&self, recording: RecordingId) -> Result<Option<Bytes>, Error> {
        let location = self.location(recording, MANIFEST);
        let read = async {
            let found = self.store.get(&location).await?;
            if found.meta.size > MAX_MANIFEST_BYTES {
                return Err(Error::Unreachable);
            }
            Ok(found.bytes().await?)
        };
        match self.checked(read.await) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a small file, in place of one of the same name.
    pub(crate) async fn put(
        &self,
        recording: RecordingId,
        name: &str,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let written = self.store.put(&self.location(recording, name), bytes.into()).await;
        self.checked(written.map(drop).map_err(Error::from))
    }

    /// Deletes all files of a recording but its manifest.
    pub(crate) async fn delete_files(&self, recording: RecordingId) -> Result<(), Error> {
        let manifest = self.location(recording, MANIFEST);
        let found = self.store.list(Some(&self.folder_of(recording)));
        let others = found
            .map_ok(|meta| meta.location)
            .try_filter(move |location| future::ready(*location != manifest));
        let deleted = self.store.delete_stream(others.boxed()).map_err(Error::from);
        let gone = deleted.try_for_each(|_| future::ok(())).await;
        self.checked(gone.or_else(or_gone))
    }

    /// Deletes a recording's manifest, the last of it.
    pub(crate) async fn delete_manifest(&self, recording: RecordingId) -> Result<(), Error> {
        let deleted = self.store.delete(&self.location(recording, MANIFEST)).await;
        self.checked(deleted.map_err(Error::from).or_else(or_gone))
    }

    /// All recordings that have a folder here.
    pub(crate) async fn recordings(&self) -> Result<Vec<RecordingId>, Error> {
        let found = self.store.list_with_delimiter(Some(&self.prefix)).await;
        let found = self.checked(found.map_err(Error::from))?;
        let id = |folder: &Location| folder.filename()?.parse().ok();
        Ok(found.common_prefixes.iter().filter_map(id).collect())
    }

    /// Names of files below a recording's `folder`, without that.
    pub(crate) async fn names(
        &self,
        recording: RecordingId,
        folder: &str,
    ) -> Result<Vec<String>, Error> {
        let folder = self.location(recording, folder);
        let found = self.store.list_with_delimiter(Some(&folder)).await;
        let found = self.checked(found.map_err(Error::from))?;
        let name = |meta: &object_store::ObjectMeta| meta.location.filename().map(str::to_owned);
        Ok(found.objects.iter().filter_map(name).collect())
    }

    /// Waits for one of the above on a thread outside of the runtime.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
    }

    /// Begins a file of any size. Blocks.
    pub(crate) fn upload(&self, recording: RecordingId, name: &str) -> Result<Upload, Error> {
        let begun = self.wait(self.store.put_multipart(&self.location(recording, name)));
        let upload = self.checked(begun.map_err(Error::from))?;
        Ok(Upload::new(upload, self.handle.clone(), self.errors.clone()))
    }

    /// Copies a file of this machine into the store. Blocks.
    pub(crate) fn put_file(
        &self,
        recording: RecordingId,
        name: &str,
        from: &Path,
    ) -> Result<(), Error> {
        let mut file = File::open(from)?;
        let mut upload = self.upload(recording, name)?;
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let len = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..len).filter(|read| !read.is_empty()) else { break };
            upload.write_all(read)?;
        }
        upload.finish()
    }

    /// Copies a file of the store onto this machine. Blocks.
    pub(crate) fn get_file(
        &self,
        recording: RecordingId,
        name: &str,
        to: &Path,
    ) -> Result<(), Error> {
        let mut file = File::create(to)?;
        let location = self.location(recording, name);
        let copied = self.wait(async {
            let mut stream = self.store.get(&location).await?.into_stream();
            while let Some(bytes) = stream.next().await {
                file.write_all(&bytes?)?;
            }
            Ok(())
        });
        self.checked(copied)
    }
}

fn or_gone(error: Error) -> Result<(), Error> {
    if error == Error::NotFound { Ok(()) } else { Err(error) }
}

fn local(folder: &Path) -> Result<Arc<dyn ObjectStore>, crate::Error> {
    crate::disks::make_folder(folder)?;
    let store = LocalFileSystem::new_with_prefix(folder)
        .map_err(|error| crate::Error::Store(error.to_string()))?;
    Ok(Arc::new(store.with_fsync(true).with_automatic_cleanup(true)))
}

fn bucket(config: &S3, retry: Retry) -> Result<Arc<dyn ObjectStore>, crate::Error> {
    if config.bucket.is_empty() {
        return Err(InvalidConfig::NoBucket.into());
    }
    // Another part of the process may have installed it already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    let retry = RetryConfig {
        max_retries: retry.tries,
        retry_timeout: retry.within,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(options.with_allow_http(config.allow_http))
        .with_bucket_name(&config.bucket)
        .with_retry(retry);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    if let Some(id) = &config.access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(file) = &config.secret_access_key_file {
        let secret = std::fs::read_to_string(file).map_err(InvalidConfig::SecretFile)?;
        builder = builder.with_secret_access_key(secret.trim());
    }
    if let Some(secret) = &config.secret_access_key {
        builder = builder.with_secret_access_key(secret.expose());
    }
    let store = builder.build().map_err(|error| crate::Error::Store(error.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests;
