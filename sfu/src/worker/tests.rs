//! Workers as threads: woken, stopped, sharing a port, failing in the open.

use super::*;
use crate::handover;
use crate::socket::{self, Sharing};
use crate::worker::thread::Ended;
use lectern_wire::stun::{Builder, Key, Kind, MAX_BUILT_LEN, TransactionId};
use std::net::{SocketAddr, UdpSocket};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(10);

struct Crew {
    handles: Vec<Handle>,
    ended: mpsc::Receiver<Ended>,
    address: SocketAddr,
}

impl Crew {
    fn new(workers: usize) -> Crew {
        let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
        let sharing = if workers > 1 { Sharing::Shared } else { Sharing::Alone };
        let alarms: Vec<_> = (0..workers).map(|_| Alarm::new().expect("a descriptor")).collect();
        let mut plans = Vec::new();
        for (index, alarm) in alarms.iter().enumerate() {
            let config = socket::Config::default();
            let socket = Socket::bind(address, sharing, &config).expect("binds");
            address = socket.local_addr();
            let engine = lectern_media::Config {
                seed: [index as u8; 32],
                addresses: vec![address],
                epoch: (Instant::now(), Duration::ZERO),
                outbox_bytes: 1 << 16,
                estimates: true,
            };
            let alarm = alarm.clone();
            let (outward, inward) = (Vec::new(), Vec::new());
            let (relays, _) = crate::relay::ring();
            plans.push(Plan {
                index,
                workers,
                core: None,
                engine,
                traces_paths: false,
                socket,
                alarm,
                outward,
                inward,
                relays,
            });
        }
        for from in 0..workers {
            for to in 0..workers {
                let ring = (from != to).then(|| handover::between(workers, alarms[to].clone()));
                let (outward, inward) = ring.unzip();
                plans[from].outward.push(outward);
                plans[to].inward.extend(inward);
            }
        }
        let notify = Arc::new(Notify::new());
        let (ended_out, ended) = mpsc::channel(workers);
        let start = |plan| spawn(plan, Arc::clone(&notify), ended_out.clone()).expect("starts");
        Crew { handles: plans.into_iter().map(start).collect(), ended, address }
    }

    /// Waits until the samples say what is wanted.
    fn wait_for(&self, wanted: impl Fn(&[Sample]) -> bool) -> Vec<Sample> {
        let end = Instant::now() + PATIENCE;
        loop {
            let samples: Vec<Sample> = self.handles.iter().map(Handle::sample).collect();
            if wanted(&samples) {
                return samples;
            }
            assert!(Instant::now() < end, "waited in vain: {samples:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(mut self) {
        self.handles.iter_mut().for_each(Handle::stop);
        self.handles.into_iter().for_each(Handle::join);
        while let Ok(ended) = self.ended.try_recv() {
            assert!(ended.result.is_ok(), "{ended:?}");
        }
    }
}

fn check(ufrag: &str) -> Vec<u8> {
    let mut bytes = vec![0; MAX_BUILT_LEN];
    let builder = Builder::new(&mut bytes, Kind::Request, TransactionId([7; 12])).expect("room");
    let builder = builder.username(ufrag.as_bytes(), b"theirs").expect("room");
    let len = builder.finish(&Key::new(b"password")).expect("room");
    bytes.truncate(len);
    bytes
}

#[test]
fn a_sleeping_worker_wakes_for_an_order() {
    let crew = Crew::new(1);
    crew.wait_for(|samples| samples[0].wakeups > 0);
    let begun = Instant::now();
    crew.stop();
    let took = begun.elapsed();
    assert!(took < SAMPLE_EVERY / 2, "it slept on for {took:?}");
}

#[test]
fn a_panic_ends_the_worker_with_its_message() {
    let failure = thread::contained(|| panic!("the {} broke", "lectern"));
    let failure = failure.expect_err("a panic").to_string();
    assert_eq!(failure, "it panicked: the lectern broke");
    let failure = thread::contained(|| Err(io::ErrorKind::NotConnected.into()));
    assert!(matches!(failure, Err(Failure::Socket(_))));
}

#[test]
fn datagrams_reach_the_worker_that_their_user_fragment_names() {
    const CLIENTS: u64 = 32;
    let mut crew = Crew::new(2);
    for handle in &mut crew.handles {
        for client in 0..CLIENTS {
            let route = Route::Add(format!("client{client}"), 1);
            handle.order(Order::Route(route)).expect("room");
        }
    }
    // An order is carried out before the next sample is taken.
    let taken: Vec<_> = crew.handles.iter().map(|handle| handle.sample().taken).collect();
    crew.wait_for(|samples| samples.iter().zip(&taken).all(|(sample, was)| sample.taken != *was));

    let bind = |_| UdpSocket::bind("127.0.0.1:0").expect("binds");
    let clients: Vec<UdpSocket> = (0..CLIENTS).map(bind).collect();
    for (number, client) in clients.iter().enumerate() {
        for bytes in [check(&format!("client{number}")), vec![0x80; 60]] {
            client.send_to(&bytes, crew.address).expect("sends");
        }
    }
    let of = |sample: &Sample| sample.counters.datagrams_in;
    let samples = crew.wait_for(|samples| of(&samples[1]) >= 2 * CLIENTS);
    assert_eq!((of(&samples[0]), of(&samples[1])), (0, 2 * CLIENTS));
    let handed = samples[0].handed_over;
    assert!(handed > 0 && handed.is_multiple_of(2), "the kernel spreads clients: {handed}");
    assert_eq!(samples[0].handover_drops + samples[1].handed_over, 0);
    crew.stop();
}

#[test]
fn an_idle_worker_sleeps() {
    let crew = Crew::new(1);
    let samples = crew.wait_for(|samples| samples[0].wakeups >= 2);
    let busy = samples[0].busy;
    assert!(busy < Duration::from_millis(200), "busy for {busy:?} without work");
    crew.stop();
}
