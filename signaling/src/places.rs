//! How many connections there are, in all and from one network. A connection has its place for as
//! long as its stream lives, a WebSocket included.

use crate::rates::Network;
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub all: usize,
    /// From one network.
    pub network: usize,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The network has all that one may have.
    Network,
}

/// The places.
#[derive(Debug)]
pub struct Places {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Networks without a connection are not kept.
    by_network: HashMap<Network, usize>,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    network: Network,
}

impl Places {
    /// All free.
    pub fn new(limits: Limits) -> Arc<Places> {
        Arc::new(Places { limits, taken: Mutex::default() })
    }

    /// Takes a place.
    pub fn take(self: &Arc<Self>, network: Network) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= self.limits.all {
            return Err(Full::All);
        }
        if taken.by_network.get(&network).is_some_and(|count| *count >= self.limits.network) {
            return Err(Full::Network);
        }
        taken.all += 1;
        *taken.by_network.entry(network).or_default() += 1;
        drop(taken);
        Ok(Place { places: self.clone(), network })
    }

    /// Nothing is left half-done under this lock, so a panic elsewhere does not spoil it.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_network.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_network.remove(&self.network);
            }
        }
    }
}

/// A stream that holds its place, whoever reads from it later.
#[derive(Debug)]
pub struct Placed<S> {
    stream: S,
    _place: Place,
}

impl<S> Placed<S> {
    /// Gives a stream its place.
    pub fn new(stream: S, place: Place) -> Placed<S> {
        Placed { stream, _place: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Placed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Placed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of([192, 0, 2, last].into())
    }

    #[test]
    fn one_network_cannot_take_all_places_and_what_is_left_is_free_again() {
        let places = Places::new(Limits { all: 5, network: 3 });
        let take = |last| places.take(network(last));
        let mut held: Vec<Place> = (0..3).map(|_| take(1).expect("a place")).collect();
        assert_eq!(take(1).err(), Some(Full::Network));
        held.push(take(2).expect("others do not notice"));
        held.push(take(3).expect("a place"));
        assert_eq!(take(4).err(), Some(Full::All));
        held.remove(0);
        held.push(take(1).expect("a place"));
        held.clear();
        let taken = places.taken();
        assert!(taken.all == 0 && taken.by_network.is_empty(), "nothing is remembered");
    }
}
