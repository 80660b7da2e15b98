//! Real files: who may open them, and what a process that was killed leaves.

use crate::said::{LABEL, entries, key, number, numbers, packet};
use lectern_control::recorder::Event;
use lectern_control::{NodeId, ParticipantId};
use lectern_journal::key::{DataKey, MasterKeys};
use lectern_journal::{Damage, Entry, Error, Writer};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_file_is_its_owner_s_alone_and_is_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.journal");
    let key = key();
    let mut writer = Writer::create_file(&path, &key, LABEL).expect("creates");
    let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    writer.append(&packet(1, 9)).expect("appends");
    writer.commit().expect("commits");
    writer.sync().expect("syncs");
    drop(writer);
    let again = Writer::create_file(&path, &key, LABEL);
    assert!(matches!(again, Err(Error::Disk(error)) if error.kind() == ErrorKind::AlreadyExists));
    let mut writer = Writer::resume_file(&path, &key, LABEL).expect("resumes");
    writer.append(&packet(2, 9)).expect("appends");
    writer.commit().expect("commits");
    assert_eq!(numbers(&fs::read(&path).expect("reads"), &key), [1, 2]);
}

#[test]
fn two_writers_cannot_have_one_file_but_readers_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.journal");
    let key = key();
    let mut writer = Writer::resume_file(&path, &key, LABEL).expect("makes it");
    assert!(matches!(Writer::resume_file(&path, &key, LABEL), Err(Error::Busy)));
    writer.append(&packet(1, 9)).expect("appends");
    writer.commit().expect("commits");
    let file = File::open(&path).expect("opens");
    assert_eq!(entries(file, &key).0, [packet(1, 9)]);
    drop(writer);
    Writer::resume_file(&path, &key, LABEL).expect("resumes");
}

#[test]
fn a_writer_goes_on_while_another_thread_waits_for_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = key();
    let path = folder.path().join("a.journal");
    let mut writer = Writer::create_file(&path, &key, LABEL).expect("creates");
    assert!(writer.begin_sync().expect("nothing to sync").is_none());
    let write = |writer: &mut Writer<File>, number| {
        writer.append(&packet(number, 9)).expect("appends");
        writer.commit().expect("commits");
        writer.len()
    };
    let first = write(&mut writer, 1);
    let sync = writer.begin_sync().expect("begins").expect("something to sync");
    assert!(writer.sync().is_err() && writer.begin_sync().expect("one at a time").is_none());
    let waiting = std::thread::spawn(|| sync.wait());
    let second = write(&mut writer, 2);
    writer.end_sync(waiting.join().expect("a thread")).expect("syncs");
    assert_eq!((writer.synced_len(), writer.len()), (first, second));
    // One that is never ended is no hindrance.
    drop(writer.begin_sync().expect("begins").expect("something to sync").wait());
    writer.sync().expect("syncs");
    assert_eq!(writer.synced_len(), second);
    assert_eq!(numbers(&fs::read(&path).expect("reads"), &key), [1, 2]);
}

#[test]
fn what_was_written_shows_nothing_of_what_was_said() {
    const CANARY: &str = "the-canary-sings-at-dawn";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.journal");
    let key = key();
    let mut writer = Writer::create_file(&path, &key, CANARY).expect("creates");
    let node: NodeId = CANARY.parse().expect("a name");
    let (identity, name) = (CANARY.to_owned(), CANARY.to_owned());
    let joined = Event::Joined { participant: ParticipantId(1), identity, name };
    for _ in 0..50 {
        writer.append(&Entry::Node { index: 0, node: node.clone() }).expect("appends");
        writer.append(&Entry::Event { at_unix_ms: 0, event: joined.clone() }).expect("appends");
        writer.append(&packet(0x4c, 1_000)).expect("appends");
        writer.commit().expect("commits");
    }
    let bytes = fs::read(&path).expect("reads");
    let shows = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(!shows(CANARY.as_bytes()) && !shows(&CANARY.as_bytes()[4..12]));
    assert!(!shows(&[0x4c; 8]) && !shows(b"Joined") && !shows(b"participant"));
}

const FILE: &str = "LECTERN_TEST_JOURNAL";
const MASTER: &str = "LECTERN_TEST_MASTER";
const WRAPPED: &str = "LECTERN_TEST_WRAPPED";

/// Nothing where it runs as an ordinary test; else writes until it is killed, two minutes at most.
#[test]
fn another_process_writes() {
    let [Ok(path), Ok(master), Ok(wrapped)] = [FILE, MASTER, WRAPPED].map(std::env::var) else {
        return;
    };
    let ring = MasterKeys::load(Path::new(&master)).expect("a ring");
    let wrapped = serde_json::from_str(&wrapped).expect("a wrapped key");
    let key = ring.unwrap(&wrapped).expect("unwraps");
    let mut writer = Writer::resume_file(Path::new(&path), &key, LABEL).expect("resumes");
    let (known, _) = entries(File::open(&path).expect("opens"), &key);
    let first = known.last().map_or(0, |last| number(last) + 1);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    for next in first.. {
        writer.append(&packet(next, 1_200)).expect("appends");
        if next % 7 == 0 {
            writer.commit().expect("commits");
            println!("committed {next}");
        }
        if std::time::Instant::now() > until {
            return;
        }
    }
}

#[test]
fn a_process_that_is_killed_again_and_again_loses_nothing_that_it_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, master) = (folder.path().join("a.journal"), folder.path().join("master.keys"));
    let ring = MasterKeys::generate(&master).expect("generates");
    let key: DataKey = key();
    let wrapped = serde_json::to_string(&ring.wrap(&key).expect("wraps")).expect("JSON");
    let mut committed = 0;
    for life in 0..5 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "files::another_process_writes", "--nocapture"])
            .envs([(WRAPPED, wrapped.as_str())])
            .env(FILE, &path)
            .env(MASTER, &master)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let lines = out.lines().map(|line| line.expect("a line"));
        let said = lines.filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok());
        committed = said.take(20 + life).last().expect("it commits");
        child.kill().expect("kills");
        child.wait().expect("waits");
        let (read, damage) = entries(File::open(&path).expect("opens"), &key);
        let read: Vec<u64> = read.iter().map(number).collect();
        assert!(read.len() as u64 > committed, "{} of {committed}", read.len());
        assert!(read.iter().copied().eq(0..read.len() as u64));
        assert_eq!((damage.missing, damage.sealed, damage.misplaced), (0, 0, 0));
    }
    assert!(committed > 100);
    Writer::resume_file(&path, &key, LABEL).expect("resumes");
    assert_eq!(entries(File::open(&path).expect("opens"), &key).1, Damage::default());
}
