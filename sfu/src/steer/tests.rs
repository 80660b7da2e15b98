//! Whose datagram it is: by user fragment, by address, and not by forgery.

use super::*;
use lectern_wire::stun::{Builder, Key, TransactionId};

const ME: WorkerIndex = 0;
const OTHER: WorkerIndex = 1;

fn check(ufrag: &str) -> Vec<u8> {
    let mut bytes = vec![0; lectern_wire::stun::MAX_BUILT_LEN];
    let builder = Builder::new(&mut bytes, Kind::Request, TransactionId([7; 12])).expect("room");
    let builder = builder.username(ufrag.as_bytes(), b"theirs").expect("room");
    let len = builder.finish(&Key::new(b"password")).expect("room");
    bytes.truncate(len);
    bytes
}

struct Scene {
    steering: Steering,
    now: Instant,
}

impl Scene {
    fn new(workers: usize) -> Scene {
        let now = Instant::now();
        let mut steering = Steering::new(ME, workers, now);
        steering.change(Route::Add("mine".to_owned(), ME));
        steering.change(Route::Add("theirs".to_owned(), OTHER));
        Scene { steering, now }
    }

    fn judge(&mut self, from: &str, bytes: &[u8]) -> WorkerIndex {
        let local = "192.0.2.1:7882".parse().expect("an address");
        let remote = from.parse().expect("an address");
        let mut bytes = bytes.to_vec();
        self.steering.judge(self.now, &Datagram { local, remote, bytes: &mut bytes })
    }

    fn worker_of_media(&mut self, from: &str) -> WorkerIndex {
        self.judge(from, &[0x80; 40])
    }
}

#[test]
fn a_check_goes_to_the_worker_of_its_user_fragment_and_media_follow_its_address() {
    let mut scene = Scene::new(2);
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), ME, "unknown: handled and counted here");
    assert_eq!(scene.judge("198.51.100.7:1000", &check("theirs")), OTHER);
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), OTHER);
    assert_eq!(scene.worker_of_media("198.51.100.7:1001"), ME);
    assert_eq!(scene.judge("198.51.100.8:1000", &check("mine")), ME);
    assert_eq!(scene.worker_of_media("198.51.100.8:1000"), ME);
}

#[test]
fn a_check_that_names_nobody_stays_here() {
    let mut scene = Scene::new(2);
    for bytes in [check("nobody"), check(""), vec![0; 20], check("theirs")[..30].to_vec()] {
        assert_eq!(scene.judge("198.51.100.7:1000", &bytes), ME);
    }
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), ME);
}

#[test]
fn a_forged_check_does_not_divert_somebody_who_is_connected() {
    let mut scene = Scene::new(2);
    scene.judge("198.51.100.7:1000", &check("theirs"));
    for _ in 0..5 {
        scene.now += HOLD / 2;
        // The forger knows a user fragment of the other worker and the client's address.
        assert_eq!(scene.judge("198.51.100.7:1000", &check("mine")), ME);
        assert_eq!(scene.worker_of_media("198.51.100.7:1000"), OTHER);
        scene.judge("198.51.100.7:1000", &check("theirs"));
    }
    scene.now += HOLD;
    scene.judge("198.51.100.7:1000", &check("mine"));
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), ME, "a silent address may move");
}

#[test]
fn a_removed_user_fragment_and_a_silent_address_are_forgotten() {
    let mut scene = Scene::new(2);
    scene.judge("198.51.100.7:1000", &check("theirs"));
    scene.steering.change(Route::Remove("theirs".to_owned()));
    assert_eq!(scene.judge("198.51.100.9:1", &check("theirs")), ME);
    scene.now += FORGET_AFTER;
    scene.steering.sweep(scene.now);
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), ME);
}

#[test]
fn the_table_is_bounded_and_what_does_not_fit_is_counted() {
    let mut scene = Scene::new(2);
    let clients = MAX_ADDRESSES / MAX_ADDRESSES_PER_UFRAG;
    for client in 0..=clients {
        let ufrag = format!("client{client}");
        scene.steering.change(Route::Add(ufrag.clone(), OTHER));
        for port in 1..=MAX_ADDRESSES_PER_UFRAG {
            let from = format!("10.{}.{}.1:{port}", client >> 8, client & 255);
            assert_eq!(scene.judge(&from, &check(&ufrag)), OTHER);
        }
    }
    assert_eq!(scene.steering.by_address.len(), MAX_ADDRESSES);
    assert_eq!(scene.steering.refused(), MAX_ADDRESSES_PER_UFRAG as u64);
}

#[test]
fn who_knows_one_user_fragment_does_not_fill_the_table() {
    let mut scene = Scene::new(2);
    scene.judge("198.51.100.7:1000", &check("theirs"));
    for number in 0..1_000_u32 {
        scene.now += Duration::from_millis(50);
        // The client itself checks now and then, or all its addresses would be silent.
        if number % 50 == 0 {
            scene.judge("198.51.100.7:1000", &check("theirs"));
        }
        let from = format!("10.0.{}.{}:1", number >> 8, number & 255);
        assert_eq!(scene.judge(&from, &check("theirs")), OTHER);
    }
    assert_eq!(scene.steering.by_address.len(), MAX_ADDRESSES_PER_UFRAG);
    assert_eq!(scene.worker_of_media("198.51.100.7:1000"), OTHER);
    // Once they are silent, they give way to where the client is now.
    scene.now += HOLD;
    scene.judge("198.51.100.8:2000", &check("theirs"));
    assert_eq!(scene.worker_of_media("198.51.100.8:2000"), OTHER);
}

#[test]
fn a_lone_worker_remembers_no_address() {
    let mut scene = Scene::new(1);
    assert_eq!(scene.judge("198.51.100.8:1000", &check("mine")), ME);
    assert!(scene.steering.by_address.is_empty());
}
