//! Recordings: who turns them on, what recorders are told and say, and what happens when they are lost.

use super::*;
use crate::job::Turn;
use crate::recordings::{MAX_LENGTH, ROOM_AWAITED};
use crate::records::{AuditKind, Found};
use lectern_control::access::Moderator;
use lectern_control::edge::Reader;
use lectern_control::recorder::{Event, FromRecorder, Load, ToRecorder};
use lectern_control::recording::{
    Change, File, FileKind, Layout, Recorded, State, Status, Trouble, TroubleKind,
};
use lectern_control::{JobId, RecorderId, RecordingId};

impl Bench {
    fn recorder(&mut self, name: &str) -> u64 {
        let link = self.link(Role::Recorder);
        let hello = FromRecorder::Hello {
            version: Version::CURRENT,
            recorder: recorder(name),
            region: "eu".to_owned(),
            addresses: Vec::new(),
        };
        self.say(link, hello);
        self.say(link, FromRecorder::Heartbeat(Load { free_bytes: 1 << 40, ..Load::default() }));
        link
    }

    fn say(&mut self, link: u64, message: FromRecorder) {
        self.input(Input::FromRecorder { link, message });
    }

    /// Time passes while some recorders send their heartbeats.
    fn pass_with(&mut self, seconds: u64, node: u64, recorders: &[u64]) {
        for _ in 0..seconds {
            for link in recorders {
                self.say(*link, FromRecorder::Heartbeat(Load::default()));
            }
            self.tick_with(1_000, &[node]);
        }
    }

    fn heard(&mut self, link: u64) -> Vec<ToRecorder> {
        let (to, rest) =
            std::mem::take(&mut self.to_recorder).into_iter().partition(|m| m.0 == link);
        self.to_recorder = rest;
        let to: Vec<(u64, ToRecorder)> = to;
        to.into_iter().map(|(_, message)| message).collect()
    }

    fn record(&mut self, link: u64, by: Moderator, on: bool) -> Answered {
        let request = self.ask(link, Request::Record { room: ROOM, by, on });
        self.answer(request).expect("an answer")
    }

    fn on(&mut self, link: u64) -> RecordingId {
        match self.record(link, participant("ada"), true) {
            Ok(Response::Recorded(Some(recorded))) => recorded.recording,
            other => panic!("{other:?}"),
        }
    }

    fn shown(&self) -> Option<Recorded> {
        self.controller.rooms[&ROOM].recorded().cloned()
    }

    fn status(&mut self, link: u64, status: Status) {
        self.say(link, FromRecorder::Status(Box::new(status)));
    }

    fn noted(&self, id: RecordingId) -> Vec<Turn> {
        let notes = self.archive.iter().filter_map(|job| match job {
            RecordingJob::Note(of, turn) if *of == id => Some(turn.clone()),
            _ => None,
        });
        notes.collect()
    }

    fn audited(&self, kind: AuditKind) -> Vec<(String, String)> {
        let lines = self.audit.iter().filter(|line| line.kind == kind);
        lines.map(|line| (line.actor.clone(), line.detail.clone())).collect()
    }
}

type Answered = Result<Response, RequestError>;

fn recorder(name: &str) -> RecorderId {
    name.parse().expect("a name")
}

fn participant(identity: &str) -> Moderator {
    Moderator::Participant(identity.to_owned())
}

fn status(id: RecordingId, state: State, version: u64) -> Status {
    Status {
        recording: id,
        room: ROOM,
        version,
        state,
        started_unix_ms: 0,
        duration_ms: 0,
        trouble: None,
        jobs: Vec::new(),
        files: Vec::new(),
        people: Vec::new(),
    }
}

fn trouble(kind: TroubleKind) -> Option<Trouble> {
    Some(Trouble { kind, detail: String::new() })
}

/// A node, an edge, and ada in the room.
fn live() -> (Bench, u64, u64) {
    let mut bench = Bench::new();
    let node = bench.node("n1", &[]);
    let edge = bench.edge("e1");
    bench.join(edge, "ada");
    (bench, node, edge)
}

fn names(messages: &[ToRecorder]) -> Vec<String> {
    let name = |message: &ToRecorder| {
        let text = format!("{message:?}");
        let end = text.find([' ', '(']).unwrap_or(text.len());
        text[..end].to_owned()
    };
    messages.iter().map(name).collect()
}

#[test]
fn a_presenter_turns_it_on_and_off_and_viewers_and_strangers_do_not() {
    let (mut bench, node, edge) = live();
    let none = bench.record(edge, participant("ada"), true);
    assert_eq!(none, Err(RequestError::NoRecorder));
    let r1 = bench.recorder("r1");
    let welcome = ToRecorder::Welcome { version: Version::CURRENT, live: Vec::new() };
    assert_eq!(bench.heard(r1), [welcome]);
    let mut viewer = join("bob");
    if let Request::Join { role, link, .. } = &mut viewer {
        (*role, *link) = (MeetingRole::Viewer, None);
    }
    bench.must(edge, viewer);
    for who in ["bob", "nobody"] {
        let refused = bench.record(edge, participant(who), true);
        assert_eq!(refused, Err(RequestError::NotPermitted), "{who}");
    }
    let id = bench.on(edge);
    assert_eq!(bench.on(edge), id, "turning it on twice gives the same");
    let heard = bench.heard(r1);
    assert_eq!(names(&heard), ["Open", "Note", "Note", "Note"]);
    assert!(matches!(heard[0], ToRecorder::Open { recording, room: ROOM, .. } if recording == id));
    let opened = bench.commands(node).into_iter().any(|(_, _, command)| {
        matches!(command, Command::OpenRelay { recording, .. } if recording == id)
    });
    assert!(opened);
    let begun = bench.audited(AuditKind::RecordingStarted);
    assert_eq!(begun, [("ada".to_owned(), id.to_string())]);
    assert_eq!(bench.record(edge, participant("bob"), false), Err(RequestError::NotPermitted));
    assert_eq!(bench.record(edge, participant("ada"), false), Ok(Response::Recorded(None)));
    assert_eq!(bench.heard(r1), [ToRecorder::Close { recording: id }]);
    assert_eq!(bench.noted(id), [Turn::Ended(bench.ms)]);
    assert_eq!(bench.shown(), None);
    let off = bench.record(edge, participant("ada"), false);
    assert_eq!(off, Ok(Response::Recorded(None)), "off is off");
}

#[test]
fn an_integrator_records_a_room_of_its_own_and_is_named_so() {
    let (mut bench, _, edge) = live();
    bench.recorder("r1");
    match bench.record(edge, Moderator::Integrator, true) {
        Ok(Response::Recorded(Some(recorded))) => assert_eq!(recorded.by, "the integrator"),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.audited(AuditKind::RecordingStarted)[0].0, "integrator");
    let elsewhere = Request::Record { room: RoomId(77), by: Moderator::Integrator, on: true };
    let request = bench.ask(edge, elsewhere);
    assert_eq!(bench.answer(request), Some(Err(RequestError::Absent)), "nobody is there");
}

#[test]
fn while_the_records_are_silent_nothing_begins_and_off_means_off() {
    let (mut bench, _, edge) = live();
    let r1 = bench.recorder("r1");
    bench.records = Store::Silent;
    let body = || Request::Record { room: ROOM, by: participant("ada"), on: true };
    let (first, second) = (bench.ask(edge, body()), bench.ask(edge, body()));
    assert_eq!((bench.answer(first), bench.answer(second)), (None, None));
    assert_eq!(bench.shown(), None);
    let off = bench.record(edge, participant("ada"), false);
    assert_eq!(off, Ok(Response::Recorded(None)));
    // The records answer at last.
    let Some(RecordingJob::Begin(new)) = bench.pending.pop() else { panic!("a recording") };
    bench.records = Store::Works;
    let done = RecordingDone::Begun { new: new.clone(), result: Ok(()) };
    bench.input(Input::Records(RecordsDone::Recording(done)));
    assert_eq!(bench.answer(first), Some(Ok(Response::Recorded(None))));
    assert_eq!(bench.answer(second), Some(Ok(Response::Recorded(None))));
    assert_eq!(bench.noted(new.id), [Turn::Forgotten], "no recorder was told of it");
    assert_eq!(names(&bench.heard(r1)), ["Welcome"]);
}

#[test]
fn a_recorder_on_a_new_link_hears_all_that_is_true() {
    let (mut bench, _, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    bench.input(Input::Unlinked { link: r1, role: Role::Recorder });
    let r1 = bench.recorder("r1");
    let heard = bench.heard(r1);
    assert_eq!(names(&heard), ["Welcome", "Open", "Note", "Note"]);
    let welcome = ToRecorder::Welcome { version: Version::CURRENT, live: vec![id] };
    assert_eq!(heard[0], welcome);
    assert!(matches!(&heard[2], ToRecorder::Note { event: Event::Node { .. }, .. }));
    assert_eq!(bench.shown().expect("on").trouble, None);
}

#[test]
fn a_lost_recorder_s_recordings_go_on_at_another() {
    let (mut bench, node, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    let r2 = bench.recorder("r2");
    bench.heard(r2);
    bench.pass_with(10, node, &[r1, r2]);
    assert!(bench.heard(r2).is_empty());
    bench.pass_with(11, node, &[r2]);
    let heard = bench.heard(r2);
    assert_eq!(names(&heard)[..2], ["Open", "Note"]);
    let ToRecorder::Open { recording, started_unix_ms, .. } = &heard[0] else { panic!("open") };
    assert_eq!((*recording, *started_unix_ms), (id, 0), "under the same clock");
    assert_eq!(bench.noted(id), [Turn::TakenOver(recorder("r2"))]);
    let relays: Vec<Command> = bench.commands(node).into_iter().map(|(_, _, c)| c).collect();
    let to = |command: &Command| match command {
        Command::OpenRelay { recorder, .. } => Some(recorder.to_string()),
        _ => None,
    };
    assert_eq!(relays.iter().filter_map(to).collect::<Vec<_>>(), ["r1", "r2"]);
    assert_eq!(bench.shown().expect("on").trouble, None, "nobody notices");
    // The first one comes back, and has nothing to go on with.
    let r1 = bench.recorder("r1");
    let nothing = ToRecorder::Welcome { version: Version::CURRENT, live: Vec::new() };
    assert_eq!(bench.heard(r1), [nothing]);
    // What it makes of its part is kept, and ends nothing.
    bench.status(r1, status(id, State::Processing, 3));
    assert_eq!(bench.heard(r1), [ToRecorder::Heard { recording: id, version: 3 }]);
    assert!(bench.shown().is_some());
}

#[test]
fn the_only_recorder_is_awaited_and_everybody_sees_it() {
    let (mut bench, node, edge) = live();
    bench.recorder("r1");
    let id = bench.on(edge);
    bench.pass_with(11, node, &[]);
    let lost = bench.shown().expect("still on").trouble.expect("trouble");
    assert_eq!(lost.kind, TroubleKind::RecorderLost);
    assert_eq!(bench.audited(AuditKind::RecordingFailed).len(), 1);
    bench.pass_with(30, node, &[]);
    assert_eq!(bench.audited(AuditKind::RecordingFailed).len(), 1, "said once");
    let r1 = bench.recorder("r1");
    assert_eq!(bench.shown().expect("on").trouble, None, "picked up");
    assert_eq!(names(&bench.heard(r1))[..2], ["Welcome", "Open"]);
    assert_eq!(bench.on(edge), id);
}

#[test]
fn a_full_disk_ends_it_for_everybody_to_see() {
    let (mut bench, _, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    bench.status(r1, status(id, State::Recording, 1));
    assert!(bench.shown().is_some());
    bench.heard(r1);
    let full =
        Status { trouble: trouble(TroubleKind::DiskFull), ..status(id, State::Processing, 2) };
    bench.status(r1, full.clone());
    assert_eq!(bench.shown().expect("shown").trouble, full.trouble);
    let heard = bench.heard(r1);
    assert_eq!(
        heard,
        [ToRecorder::Close { recording: id }, ToRecorder::Heard { recording: id, version: 2 }]
    );
    assert_eq!(bench.noted(id).len(), 1);
    bench.status(r1, Status { version: 3, ..full });
    assert_eq!(bench.noted(id).len(), 1, "once");
    assert_ne!(bench.on(edge), id, "another one may begin");
    assert_eq!(bench.shown().expect("on").trouble, None);
}

#[test]
fn a_status_is_heard_only_when_it_is_kept() {
    let (mut bench, node, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    bench.heard(r1);
    bench.records = Store::Fails;
    bench.status(r1, status(id, State::Recording, 1));
    bench.pass_with(3, node, &[r1]);
    assert!(bench.heard(r1).is_empty());
    bench.records = Store::Works;
    bench.pass_with(2, node, &[r1]);
    assert_eq!(bench.heard(r1), [ToRecorder::Heard { recording: id, version: 1 }]);
}

#[test]
fn after_a_restart_it_goes_on_where_people_come_back_and_ends_where_nobody_does() {
    let mut bench = Bench::new();
    let former = |id, room| LiveRecording {
        id: RecordingId(id),
        room: RoomId(room),
        started_by: "Ada".to_owned(),
        started_unix_ms: 0,
        recorder: recorder("r1"),
    };
    bench.controller.knows_recordings = false;
    bench.former = vec![former(1, ROOM.0), former(2, 77), former(3, 78)];
    bench.tick(2_000);
    let r1 = bench.recorder("r1");
    let live = vec![RecordingId(1), RecordingId(2), RecordingId(3)];
    let heard = bench.heard(r1);
    assert_eq!(heard[0], ToRecorder::Welcome { version: Version::CURRENT, live });
    assert_eq!(names(&heard), ["Welcome", "Open", "Open", "Open"]);
    let off = Request::Record { room: RoomId(78), by: Moderator::Integrator, on: false };
    let elsewhere = bench.edge("e2");
    assert_eq!(bench.must(elsewhere, off), Response::Recorded(None), "nobody needs to be there");
    assert_eq!(bench.heard(r1), [ToRecorder::Close { recording: RecordingId(3) }]);
    let node = bench.node("n1", &[]);
    let edge = bench.edge("e1");
    match bench.must(edge, join("ada")) {
        Response::Joined(joined) => {
            let recorded = joined.reception.recorded.expect("told at once");
            assert_eq!((recorded.recording, recorded.by.as_str()), (RecordingId(1), "Ada"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(names(&bench.heard(r1))[..2], ["Open", "Note"]);
    bench.pass_with(ROOM_AWAITED.as_secs() + 1, node, &[r1]);
    assert_eq!(bench.heard(r1), [ToRecorder::Close { recording: RecordingId(2) }]);
    assert_eq!(bench.noted(RecordingId(2)).len(), 1);
    assert!(bench.shown().is_some());
}

#[test]
fn no_recorder_is_told_to_end_anything_before_it_is_known_what_goes_on() {
    let mut bench = Bench::new();
    assert!(bench.controller.knows_recordings());
    bench.controller.knows_recordings = false;
    bench.records = Store::Fails;
    bench.tick(2_000);
    assert!(!bench.controller.knows_recordings(), "links of recorders wait");
    bench.records = Store::Works;
    bench.tick(2_000);
    assert!(bench.controller.knows_recordings());
}

#[test]
fn a_recording_that_is_too_long_goes_on_as_another() {
    let (mut bench, node, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    bench.heard(r1);
    bench.ahead_ms = u64::try_from(MAX_LENGTH.as_millis()).expect("a few hours");
    bench.pass_with(1, node, &[r1]);
    let next = bench.shown().expect("on");
    assert_ne!((next.recording, next.since_unix_ms), (id, 0));
    assert_eq!(next.by, "ada");
    assert_eq!(bench.noted(id), [Turn::Ended(next.since_unix_ms)]);
    assert_eq!(names(&bench.heard(r1))[..3], ["Close", "Open", "Note"]);
    bench.pass_with(60, node, &[r1]);
    assert_eq!(bench.shown().expect("on").recording, next.recording, "once");
}

#[test]
fn what_is_over_its_time_is_destroyed_and_recorders_are_reminded() {
    let (mut bench, node, _) = live();
    let r1 = bench.recorder("r1");
    bench.heard(r1);
    let destroy = || Doomed { expired: vec![], destroy: vec![(recorder("r1"), RecordingId(5))] };
    for _ in 0..2 {
        bench.doomed = destroy();
        bench.pass_with(61, node, &[r1]);
        assert_eq!(bench.heard(r1), [ToRecorder::Delete { recording: RecordingId(5) }]);
    }
    bench.doomed = Doomed { expired: vec![(ROOM, RecordingId(6))], destroy: vec![] };
    bench.pass_with(61, node, &[r1]);
    assert_eq!(
        bench.audited(AuditKind::RecordingExpired),
        [("".into(), RecordingId(6).to_string())]
    );
    bench.doomed = destroy();
    let r1 = bench.recorder("r1");
    bench.tick(50);
    let deleted = ToRecorder::Delete { recording: RecordingId(5) };
    assert!(bench.heard(r1).contains(&deleted), "one that comes back is told at once");
}

#[test]
fn only_owners_in_the_room_integrators_and_keys_ask_the_catalogue() {
    let (mut bench, _, edge) = live();
    let ask = |bench: &mut Bench, by: Moderator| {
        let body = Request::Recordings { room: ROOM, by, before_unix_ms: None };
        let empty = Response::Recordings { recordings: Vec::new(), more: false };
        bench.catalogued = Some(Ok(Answer::Plain(empty)));
        let request = bench.ask(edge, body);
        bench.answer(request).expect("an answer")
    };
    for who in ["ada", "nobody"] {
        assert_eq!(ask(&mut bench, participant(who)), Err(RequestError::NotPermitted), "{who}");
    }
    assert!(ask(&mut bench, Moderator::Integrator).is_ok(), "its token was looked at");
    let key = Moderator::Owner { owner_key_hash: [1; 32] };
    assert!(ask(&mut bench, key).is_ok(), "the records look at keys");
    let mut host = join("host");
    if let Request::Join { role, link, .. } = &mut host {
        (*role, *link) = (MeetingRole::Owner, None);
    }
    bench.must(edge, host);
    assert!(ask(&mut bench, participant("host")).is_ok());
    let away =
        Request::Recordings { room: RoomId(77), by: participant("host"), before_unix_ms: None };
    let request = bench.ask(edge, away);
    assert_eq!(bench.answer(request), Some(Err(RequestError::Absent)), "nobody is there");
}

#[test]
fn a_file_is_granted_at_its_recorder_for_a_while_and_written_down() {
    let (mut bench, _, edge) = live();
    let r1 = bench.recorder("r1");
    bench.heard(r1);
    let file = File {
        name: "film-1.mp4".to_owned(),
        kind: FileKind::Composed { job: JobId(1) },
        content_type: "video/mp4".to_owned(),
        bytes: 9,
        duration_ms: 1,
        width: 2,
        height: 2,
    };
    let found = Found {
        recorder: recorder("r1"),
        room: ROOM,
        title: "Weekly".to_owned(),
        file: file.clone(),
        share: None,
    };
    let mut tickets = Vec::new();
    for (by, kind) in [
        (
            Reader::Moderator { room: ROOM, by: Moderator::Integrator },
            AuditKind::RecordingDownloaded,
        ),
        (Reader::Granted { share: None }, AuditKind::RecordingRead),
    ] {
        bench.catalogued = Some(Ok(Answer::Found(Box::new(found.clone()))));
        let download = kind == AuditKind::RecordingDownloaded;
        let file = file.name.clone();
        let body = Request::ReadRecording { by, recording: RecordingId(5), file, download };
        let Response::Readable(readable) = bench.must(edge, body) else { panic!("readable") };
        let granted = ToRecorder::Grant {
            ticket: readable.ticket.clone(),
            recording: RecordingId(5),
            file: readable.file.name.clone(),
            until_unix_ms: bench.ms + 300_000,
        };
        assert_eq!(bench.heard(r1), [granted]);
        tickets.push(readable.ticket);
    }
    assert_ne!(tickets[0], tickets[1]);
    assert_eq!(bench.audited(AuditKind::RecordingDownloaded).len(), 1);
    assert!(bench.audited(AuditKind::RecordingRead).is_empty(), "not again for every part");
}

#[test]
fn films_are_ordered_and_what_goes_on_ends_before_it_is_deleted() {
    let (mut bench, _, edge) = live();
    let r1 = bench.recorder("r1");
    let id = bench.on(edge);
    bench.heard(r1);
    let by = Moderator::Integrator;
    let change = Change::Compose { layout: Layout::Grid, without: vec![ParticipantId(4)] };
    let shown = lectern_control::recording::Recording {
        id,
        room: ROOM,
        title: String::new(),
        started_by: String::new(),
        expires_at_unix_ms: None,
        status: status(id, State::Ready, 1),
        shares: Vec::new(),
        unreachable: false,
    };
    let jobs = vec![(recorder("r1"), JobId(7))];
    let recording = Box::new(shown);
    bench.catalogued = Some(Ok(Answer::Composed { recording, jobs }));
    bench
        .must(edge, Request::ChangeRecording { room: ROOM, by: by.clone(), recording: id, change });
    let heard = bench.heard(r1);
    assert!(matches!(
        &heard[..],
        [ToRecorder::Compose { job: JobId(7), layout: Layout::Grid, .. }]
    ));
    bench.catalogued = Some(Ok(Answer::Plain(Response::Done)));
    let delete = Change::Delete;
    bench.must(edge, Request::ChangeRecording { room: ROOM, by, recording: id, change: delete });
    assert_eq!(bench.heard(r1), [ToRecorder::Close { recording: id }]);
    assert_eq!(bench.shown(), None);
    assert_eq!(bench.audited(AuditKind::RecordingDeleted).len(), 1);
    bench.doomed = Doomed { expired: vec![], destroy: vec![(recorder("r1"), id)] };
    bench.tick(25);
    assert_eq!(bench.heard(r1), [ToRecorder::Delete { recording: id }], "at once");
}

#[test]
fn a_recorder_of_another_version_is_sent_away_and_not_told_to_end_anything() {
    let (mut bench, ..) = live();
    let link = bench.link(Role::Recorder);
    let hello = FromRecorder::Hello {
        version: Version { major: 9, minor: 0 },
        recorder: recorder("r9"),
        region: String::new(),
        addresses: Vec::new(),
    };
    bench.say(link, FromRecorder::Heartbeat(Load::default()));
    bench.say(link, hello);
    assert!(bench.heard(link).is_empty());
    assert_eq!(bench.unlinked, [link]);
}
