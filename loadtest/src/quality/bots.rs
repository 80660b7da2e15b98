//! Clients that are no browsers, many at once: they join within a moment, or talk by turns.

mod client;
mod signal;
mod voice;

pub use client::{Heard, Received};

use anyhow::{Context, Result, anyhow, bail};
use client::Client;
use futures_util::{StreamExt, TryStreamExt, stream};
use signal::Door;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::sleep_until;
use voice::{Turns, Voice};

/// Tokens asked for at once.
const AT_ONCE: usize = 8;

/// What the crowd is made of.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How many.
    pub count: u32,
    /// The time within which all come.
    pub within: Duration,
    /// When those who speak do so.
    pub turns: Option<Talk>,
}

/// How people speak by turns.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// How long each speaks.
    pub length: Duration,
    /// How long after one begins the next one does.
    pub later: Duration,
}

/// When a crowd does what it does.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// The first comes.
    pub come: Instant,
    /// The first turn to speak begins.
    pub speak: Instant,
}

/// Clients on a thread of their own, until it is dropped.
pub struct Crowd {
    go: Option<oneshot::Sender<Times>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
    received: Arc<Received>,
}

impl Crowd {
    /// Gets as far as to a token for everybody.
    pub fn gather(origin: &str, link: &str, config: Config) -> Result<Crowd> {
        let (go, go_at) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (gathered, is_gathered) = mpsc::channel();
        let received = Arc::new(Received::default());
        let (origin, link, hears) = (origin.to_owned(), link.to_owned(), Arc::clone(&received));
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let door = Door::new(&origin)?;
                let tokens = tokens(&door, &link, config.count).await?;
                // Nobody may wait any more; then nobody says when to go either.
                let _ = gathered.send(());
                let Ok(times) = go_at.await else { return Ok(()) };
                meet(&door, tokens, config, times, hears, stopped).await
            })
        })?;
        let crowd = Crowd { go: Some(go), stop: Some(stop), thread: Some(thread), received };
        match is_gathered.recv() {
            Ok(()) => Ok(crowd),
            Err(_) => Err(crowd.failure()),
        }
    }

    fn failure(mut self) -> anyhow::Error {
        let ended = self.thread.take().map(JoinHandle::join);
        let error = ended.and_then(Result::ok).and_then(Result::err);
        error.unwrap_or_else(|| anyhow!("the crowd is gone"))
    }

    /// Lets them come.
    pub fn go(&mut self, times: Times) -> Result<()> {
        let go = self.go.take().context("they have come")?;
        go.send(times).map_err(|_| anyhow!("the crowd is gone"))
    }

    /// What they have received so far, all together.
    pub fn received(&self) -> &Received {
        &self.received
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop((self.go.take(), self.stop.take()));
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the crowd: {error:#}");
        }
    }
}

async fn tokens(door: &Door, link: &str, count: u32) -> Result<Vec<String>> {
    let each = (0..count).map(|number| {
        let name = format!("Client {number}");
        async move { door.token(link, &name).await }
    });
    stream::iter(each).buffered(AT_ONCE).try_collect().await
}

/// Everybody lives until it is over.
async fn meet(
    door: &Door,
    tokens: Vec<String>,
    config: Config,
    times: Times,
    hears: Arc<Received>,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let crowd = LocalSet::new();
    let failures = Rc::new(RefCell::new(Vec::new()));
    for (number, token) in (0..).zip(tokens) {
        let (door, hears, failures) = (door.clone(), Arc::clone(&hears), Rc::clone(&failures));
        crowd.spawn_local(async move {
            let lived = live(&door, &token, number, config, times, hears).await;
            failures.borrow_mut().extend(lived.err());
        });
    }
    tokio::select! {
        () = crowd => {}
        _ = stopped => {}
    }
    let failures = failures.borrow();
    match failures.first() {
        None => Ok(()),
        Some(first) => bail!("{} clients failed, the first: {first:#}", failures.len()),
    }
}

async fn live(
    door: &Door,
    token: &str,
    number: u32,
    config: Config,
    times: Times,
    received: Arc<Received>,
) -> Result<()> {
    sleep_until((times.come + config.within * number / config.count.max(1)).into()).await;
    let voice = config.turns.map(|talk| {
        let (first, every) = (times.speak + talk.later * number, talk.later * config.count);
        Voice::new(number, Turns { first, length: talk.length, every })
    });
    Client::join(door, token, voice, received).await?.run().await
}
