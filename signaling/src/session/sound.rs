//! Sound slots of a client: in a large room it hears a few streams that carry whoever is loudest,
//! instead of one for each microphone.
//!
//! The slots stand in its description from the beginning, so that nothing is negotiated when the
//! room grows. Who hears by slots goes on so: a room that shrinks is heard no worse by them.

use super::Session;
use super::downlink::AnsweredTrack;
use super::event::{ClientNotice, Purpose};
use super::random;
use super::slot::Wanted;
use lectern_control::edge::Notice;
use lectern_control::media::{
    Codec, CodecName, Feedback, MediaKind, PayloadMapping, SlotCodec, SoundSlot, Source,
    SubscriptionParameters,
};
use lectern_control::node::{Command, SoundSeat};
use lectern_control::{ParticipantId, TrackId};
use rand::rngs::StdRng;

/// By this the client knows slots: their streams belong to nobody in the room.
const STREAM: &str = "sound";
/// What a slot may carry, best first: what it is called here, whatever publishers call it, and how
/// it is described. What browsers add to the description of Opus does not matter to who decodes it
/// (RFC 7587 section 6.1).
const CODECS: [(CodecName, u8, &str); 1] = [(CodecName::Opus, 111, "minptime=10;useinbandfec=1")];

/// How a client hears a large room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundSlots {
    /// Voices at once.
    pub count: usize,
    /// Voices that others publish, above which the room is large.
    pub above: usize,
}

impl SoundSlots {
    /// Each voice is a track of its own.
    pub const NONE: SoundSlots = SoundSlots { count: 0, above: usize::MAX };
}

/// The sound slots of one client.
#[derive(Debug)]
pub(super) struct Sound {
    above: usize,
    /// A section each; they stand for no track of anybody.
    sections: Vec<Wanted>,
    /// As the client has answered.
    slots: Vec<Option<SoundSlot>>,
    /// The client hears by slots, or will.
    is_on: bool,
    is_refused: bool,
    seats: Vec<Option<SoundSeat>>,
    speakers: Vec<(ParticipantId, f32)>,
}

impl Sound {
    pub(super) fn new(offered: SoundSlots, rng: &mut StdRng) -> Sound {
        let codecs = CODECS.map(|(name, payload_type, format)| Codec {
            name,
            payload_type,
            rtx_payload_type: None,
            format: format.to_owned(),
            feedback: Feedback::default(),
        });
        let section = |place: usize| {
            let id = TrackId(random::id(rng));
            Wanted {
                track: id,
                sent: id,
                kind: MediaKind::Audio,
                source: Source::Unknown,
                codecs: codecs.to_vec(),
                stream: format!("{STREAM}|{place}"),
                cname: format!("{STREAM}-{place}"),
                // Whoever is heard may have ruled it out.
                may_be_redundant: false,
            }
        };
        Sound {
            above: offered.above,
            sections: (0..offered.count).map(section).collect(),
            slots: vec![None; offered.count],
            is_on: false,
            is_refused: false,
            seats: Vec::new(),
            speakers: Vec::new(),
        }
    }

    /// A section for each slot.
    pub(super) fn sections(&self) -> &[Wanted] {
        if self.is_refused { &[] } else { &self.sections }
    }

    /// Whether an answer is about a slot.
    pub(super) fn is_slot(&self, answered: &AnsweredTrack) -> bool {
        self.place_of(answered.track).is_some()
    }

    fn place_of(&self, track: TrackId) -> Option<usize> {
        self.sections.iter().position(|section| section.track == track)
    }

    /// All slots, once the client has answered.
    fn ready(&self) -> Option<Vec<SoundSlot>> {
        let slots: Option<Vec<SoundSlot>> = self.slots.iter().cloned().collect();
        slots.filter(|slots| !slots.is_empty() && !self.is_refused)
    }

    fn answer(&mut self, answered: AnsweredTrack) {
        let Some(place) = self.place_of(answered.track) else { return };
        match answered.parameters.and_then(slot) {
            Some(slot) => self.slots[place] = Some(slot),
            None => (self.is_refused, self.is_on) = (true, false),
        }
    }

    /// Who of those who speak is heard in the slots of a participant; all where nothing is known.
    fn audible(&self, me: ParticipantId) -> Vec<(ParticipantId, f32)> {
        let Some((last, seats)) = self.seats.split_last().filter(|_| self.is_on) else {
            return self.speakers.clone();
        };
        let is_me = |seat: &&SoundSeat| seat.participant == me;
        let own = seats.iter().flatten().any(|seat| is_me(&seat));
        let heard = |who: ParticipantId| {
            let last = last.iter().filter(|_| own);
            seats.iter().flatten().chain(last).any(|seat| seat.participant == who)
        };
        let speakers = self.speakers.iter().copied();
        speakers.filter(|(who, _)| *who == me || heard(*who)).collect()
    }
}

impl Session {
    /// Leaves out the voices that are heard in slots: once the room is large, and the client is
    /// ready to hear it so.
    pub(super) fn choose_sound(&mut self, wanted: &mut Vec<Wanted>) {
        if self.sound.sections().is_empty() {
            return;
        }
        let voices = self.roster.voices();
        if !self.sound.is_on && voices.len() > self.sound.above {
            match self.sound.ready() {
                Some(slots) if self.down.is_settled() => {
                    self.sound.is_on = true;
                    // Before the voices end, so that nothing is missed in between.
                    self.set_slots(slots);
                    self.tell_speakers();
                }
                // It comes into a large room.
                None if !self.down.has_offered() => self.sound.is_on = true,
                _ => {}
            }
        }
        if self.sound.is_on {
            wanted.retain(|one| !voices.contains(&one.track));
        }
    }

    /// The client has answered about its slots.
    pub(super) fn answered_slots(&mut self, answered: Vec<AnsweredTrack>) {
        if answered.is_empty() {
            return;
        }
        answered.into_iter().for_each(|one| self.sound.answer(one));
        if let Some(slots) = self.sound.ready().filter(|_| self.sound.is_on) {
            self.set_slots(slots);
        }
    }

    fn set_slots(&mut self, slots: Vec<SoundSlot>) {
        let peer = self.down.peer;
        self.command(Purpose::Subscribe, Command::SetSoundSlots { peer, slots });
    }

    /// News of who speaks, and of who is heard.
    pub(super) fn of_sound(&mut self, notice: &Notice) {
        match notice {
            Notice::Speakers { speakers } => self.sound.speakers.clone_from(speakers),
            Notice::SoundSeats { seats } => {
                self.sound.seats.clone_from(seats);
                if !self.sound.is_on {
                    return;
                }
            }
            _ => return,
        }
        self.tell_speakers();
    }

    fn tell_speakers(&mut self) {
        let speakers = self.sound.audible(self.me.id);
        self.tell(ClientNotice::Speakers(speakers));
    }
}

/// A slot as the client has answered: it names codecs, not what publishers call them.
fn slot(parameters: SubscriptionParameters) -> Option<SoundSlot> {
    let SubscriptionParameters { mid, ssrc, rtx_ssrc, payloads, repeats, .. } = parameters;
    let name = |from: u8| CODECS.iter().find(|(_, ours, _)| *ours == from).map(|known| known.0);
    let codec = |PayloadMapping { from, to, rtx }| {
        Some(SlotCodec { name: name(from)?, payload_type: to, rtx_payload_type: rtx })
    };
    let codecs: Vec<SlotCodec> = payloads.into_iter().filter_map(codec).collect();
    if codecs.is_empty() {
        return None;
    }
    Some(SoundSlot { mid, ssrc, rtx_ssrc, codecs, repeats })
}
