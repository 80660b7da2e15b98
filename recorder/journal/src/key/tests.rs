//! Keys are wrapped, unwrapped, rotated and retired, and nothing else opens them.

use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("master.keys");
    (folder, path)
}

fn line(id: &str, byte: u8) -> String {
    format!("{id} {}\n", HEXLOWER.encode(&[byte; KEY_BYTES]))
}

fn ids(ring: &MasterKeys) -> Vec<String> {
    ring.ids().map(KeyId::to_string).collect()
}

#[test]
fn a_key_is_unwrapped_as_it_was_wrapped() {
    let ring = MasterKeys::from_text(&(line("new", 1) + &line("old", 2))).expect("a ring");
    let key = DataKey::random().expect("random");
    let wrapped = ring.wrap(&key).expect("wraps");
    assert_eq!(wrapped.master.as_str(), "new");
    assert_eq!(ring.unwrap(&wrapped).expect("unwraps").0, key.0);
    assert_ne!(ring.wrap(&key).expect("wraps"), wrapped, "the same nonce twice");
}

#[test]
fn a_wrapped_key_survives_json() {
    let ring = MasterKeys::from_text(&line("k", 1)).expect("a ring");
    let wrapped = ring.wrap(&DataKey([9; KEY_BYTES])).expect("wraps");
    let json = serde_json::to_string(&wrapped).expect("JSON");
    assert_eq!(serde_json::from_str::<WrappedKey>(&json).expect("reads"), wrapped);
    let short = json.replacen("\"bytes\":\"", "\"bytes\":\"00", 1);
    assert!(serde_json::from_str::<WrappedKey>(&short).is_err());
    assert!(serde_json::from_str::<WrappedKey>(&json.replace("\"k\"", "\"K/..\"")).is_err());
}

#[test]
fn every_changed_bit_of_a_wrapped_key_is_found() {
    let ring = MasterKeys::from_text(&(line("a", 1) + &line("b", 1))).expect("a ring");
    let wrapped = ring.wrap(&DataKey([9; KEY_BYTES])).expect("wraps");
    for bit in 0..8 * (NONCE_LEN + KEY_BYTES + TAG_BYTES) {
        let mut changed = wrapped.clone();
        match bit / 8 {
            byte if byte < NONCE_LEN => changed.nonce[byte] ^= 1 << (bit % 8),
            byte => changed.bytes[byte - NONCE_LEN] ^= 1 << (bit % 8),
        }
        assert!(matches!(ring.unwrap(&changed), Err(Error::Unwrap)), "bit {bit}");
    }
    let renamed = WrappedKey { master: KeyId("b".into()), ..wrapped };
    assert!(matches!(ring.unwrap(&renamed), Err(Error::Unwrap)));
}

#[test]
fn another_master_opens_nothing() {
    let one = MasterKeys::from_text(&line("k", 1)).expect("a ring");
    let same_name = MasterKeys::from_text(&line("k", 2)).expect("a ring");
    let other_name = MasterKeys::from_text(&line("m", 1)).expect("a ring");
    let wrapped = one.wrap(&DataKey([9; KEY_BYTES])).expect("wraps");
    assert!(matches!(same_name.unwrap(&wrapped), Err(Error::Unwrap)));
    assert!(matches!(other_name.unwrap(&wrapped), Err(Error::Unknown(id)) if id.as_str() == "k"));
}

#[test]
fn damaged_text_is_refused_with_its_line() {
    let good = line("k", 1);
    let many: String = (0..=MAX_MASTER_KEYS).map(|n| line(&format!("k{n}"), 1)).collect();
    let cases = [
        (String::new(), 1),
        ("# nothing\n\n".into(), 3),
        (good.replace("01\n", "0\n"), 1),
        (good.replace("01\n", "0x\n"), 1),
        (good.replace("01\n", "0101\n"), 1),
        (format!("{good}no-key-here\n"), 2),
        (format!("{good}{good}"), 2),
        (good.replace('k', "K"), 1),
        (many, MAX_MASTER_KEYS + 1),
    ];
    for (text, line) in cases {
        let error = MasterKeys::from_text(&text).expect_err(&text);
        assert!(matches!(error, Error::Damaged(at) if at == line), "{text}: {error}");
    }
    let spaced = format!("# first\r\n  k   {}  \r\n", HEXLOWER.encode(&[1; KEY_BYTES]));
    assert_eq!(ids(&MasterKeys::from_text(&spaced).expect("a ring")), ["k"]);
}

#[test]
fn a_file_is_made_once_for_its_owner_alone() {
    let (folder, path) = folder();
    let ring = MasterKeys::generate(&path).expect("generates");
    let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(ids(&MasterKeys::load(&path).expect("loads")), ids(&ring));
    let before = fs::read(&path).expect("reads");
    assert!(matches!(MasterKeys::generate(&path), Err(Error::Exists)));
    assert_eq!(fs::read(&path).expect("reads"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let (_folder, path) = folder();
    MasterKeys::generate(&path).expect("generates");
    for (mode, refused) in [(0o604, true), (0o644, true), (0o620, true), (0o440, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        let loaded = MasterKeys::load(&path);
        assert_eq!(matches!(loaded, Err(Error::Open(at)) if at == mode), refused, "{mode:o}");
        assert_eq!(loaded.is_err(), refused, "{mode:o}");
    }
}

#[test]
fn a_rotated_ring_opens_what_the_former_one_wrapped_until_it_is_retired() {
    let (folder, path) = folder();
    let first = MasterKeys::generate(&path).expect("generates");
    let wrapped = first.wrap(&DataKey([9; KEY_BYTES])).expect("wraps");
    let id = MasterKeys::rotate(&path).expect("rotates");
    let second = MasterKeys::load(&path).expect("loads");
    assert_eq!(ids(&second), [id.to_string(), ids(&first)[0].clone()]);
    assert_eq!(second.unwrap(&wrapped).expect("unwraps").0, [9; KEY_BYTES]);

    let anew = second.rewrap(&wrapped).expect("rewraps").expect("another master");
    assert_eq!(anew.master, id);
    assert_eq!(second.rewrap(&anew).expect("nothing to do"), None);
    assert!(matches!(first.unwrap(&anew), Err(Error::Unknown(_))));

    let primary = MasterKeys::retire(&path, &id);
    assert!(matches!(primary, Err(Error::Primary(at)) if at == id));
    MasterKeys::retire(&path, &wrapped.master).expect("retires");
    let third = MasterKeys::load(&path).expect("loads");
    assert!(matches!(third.unwrap(&wrapped), Err(Error::Unknown(_))));
    assert_eq!(third.unwrap(&anew).expect("unwraps").0, [9; KEY_BYTES]);
    let again = MasterKeys::retire(&path, &wrapped.master);
    assert!(matches!(again, Err(Error::Unknown(_))));
    let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_full_ring_takes_no_more_and_stays_as_it_is() {
    let (_folder, path) = folder();
    MasterKeys::generate(&path).expect("generates");
    for _ in 1..MAX_MASTER_KEYS {
        MasterKeys::rotate(&path).expect("rotates");
    }
    let before = fs::read(&path).expect("reads");
    assert!(matches!(MasterKeys::rotate(&path), Err(Error::Full)));
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn what_a_dead_process_left_beside_the_file_is_no_hindrance() {
    let (folder, path) = folder();
    MasterKeys::generate(&path).expect("generates");
    fs::write(path.with_file_name("master.keys.new"), "half a ri").expect("writes");
    MasterKeys::rotate(&path).expect("rotates");
    assert_eq!(ids(&MasterKeys::load(&path).expect("loads")).len(), 2);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn keys_do_not_print() {
    let ring = MasterKeys::from_text(&line("k", 0xab)).expect("a ring");
    let printed = format!("{ring:?} {:?}", DataKey([0xab; KEY_BYTES]));
    assert_eq!(printed, "[KeyId(\"k\")] [secret]");
}

const FILE: &str = "LECTERN_TEST_MASTER_KEYS";
const ROTATIONS: usize = 8;

/// Runs one test of this file in a process of its own.
fn process(test: &str, path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", &format!("key::tests::{test}")]).env(FILE, path).stdout(Stdio::null());
    command.spawn().expect("a process")
}

/// Nothing where it runs as an ordinary test; see the test below it.
#[test]
fn another_process_rotates() {
    let Some(path) = std::env::var_os(FILE) else { return };
    for _ in 0..ROTATIONS {
        MasterKeys::rotate(Path::new(&path)).expect("rotates");
    }
}

#[test]
fn two_processes_rotate_one_file_and_lose_no_key() {
    let (_folder, path) = folder();
    let first = MasterKeys::generate(&path).expect("generates");
    let wrapped = first.wrap(&DataKey([9; KEY_BYTES])).expect("wraps");
    let mut others = [(); 2].map(|()| process("another_process_rotates", &path));
    let mut rings = 0;
    while others.iter_mut().any(|other| other.try_wait().expect("a process").is_none()) {
        // Whoever reads meanwhile sees a whole ring, with the old key in it.
        let ring = MasterKeys::load(&path).expect("a whole ring");
        assert_eq!(ring.unwrap(&wrapped).expect("unwraps").0, [9; KEY_BYTES]);
        rings += 1;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    for mut other in others {
        assert!(other.wait().expect("a process").success());
    }
    assert!(rings > 0);
    assert_eq!(ids(&MasterKeys::load(&path).expect("loads")).len(), 1 + 2 * ROTATIONS);
}
