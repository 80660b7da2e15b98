//! Limits of the engine: each table, queue and rate has its bound here, with its trade-off.

use lectern_wire::Bitrate;
use std::time::Duration;

/// Peers on one engine: state for more than a core can serve, and a bound for the tables.
pub const MAX_PEERS: usize = 16_384;
/// Peers in one room: two transports for every participant of the biggest room.
pub const MAX_PEERS_PER_ROOM: usize = 2 * lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;
/// Rooms on one engine: each costs a few hundred bytes.
pub const MAX_ROOMS: usize = 16_384;
/// Rooms whose revision is remembered after their end, so that a late command under an old lease
/// does not bring one back; the oldest is forgotten first.
pub const MAX_FENCES: usize = 4_096;
/// Tracks one peer publishes.
pub const MAX_TRACKS_PER_PEER: usize = lectern_control::limits::MAX_TRACKS_PER_PARTICIPANT;
/// Tracks one peer subscribes to: a page of tiles is below 100, sound of a big room is above.
pub const MAX_SUBSCRIPTIONS_PER_PEER: usize = 1_024;
/// Subscriptions of restored peers that wait for their track to be restored as well.
pub const MAX_PENDING_PER_ROOM: usize = 16_384;
/// SSRCs bound for one publisher: four encodings with retransmissions for each track. Browsers use
/// under 20, and garbage must not fill memory.
pub const MAX_SSRCS_PER_PEER: usize = 128;
/// Remote addresses that authenticated checks have opened for one peer; the oldest is forgotten.
pub const MAX_ADDRESSES_PER_PEER: usize = 8;
/// Accepted checks that are told of at once; more are told of with the client's next check.
pub const MAX_ACCEPTED: usize = 256;
/// The longest datagram that is sent: an Ethernet frame's payload. Longer ones are not fragmented.
pub const MAX_DATAGRAM_BYTES: usize = 1_472;
/// The longest RTP packet taken from a publisher, so that headers may grow on the way.
pub const MAX_RTP_BYTES: usize = 1_440;

/// Packets kept of one camera's encoding: one second of 8 Mbit/s.
pub const CACHED_CAMERA_PACKETS: usize = 1_024;
/// Packets kept of one encoding of a shared screen: a group, and what comes while it is sent again.
pub const CACHED_SCREEN_PACKETS: usize = 2_048;
/// Packets kept of one audio encoding for retransmission: over two seconds of 20 ms frames.
pub const CACHED_AUDIO_PACKETS: usize = 128;
/// How long a packet is kept for retransmission: as long as it may wait for its turn, and half a second:
/// later ones miss their place in any jitter buffer.
pub const CACHE_AGE: Duration = PACED_DELAY.saturating_add(Duration::from_millis(500));
/// The same of a shared screen, which may wait for longer.
pub const CACHED_SCREEN_AGE: Duration = CACHE_AGE.saturating_mul(MORE_PACED_DELAY);
/// Packets a keyframe and what depends on it may have to be kept for people who join late: half a
/// second on a link of 8 Mbit/s. To catch up with more takes longer than a new keyframe.
pub const MAX_GROUP_PACKETS: u64 = 400;
/// The same of a shared screen, whose first keyframe is small and whose sharpness follows: what a path
/// may take in [`LONGEST_REPLAY`] from the start.
pub const MAX_SCREEN_GROUP_PACKETS: u64 = 800;
/// Bytes of all packet caches of one engine: beyond it packets are forwarded but not kept.
pub const MAX_CACHE_BYTES: usize = 512 << 20;

/// Packets of one encoding that are missing and asked for: a longer hole is a keyframe's task.
pub const MAX_MISSING: usize = 256;
/// How often one packet is asked for.
pub const MAX_NACK_TRIES: u8 = 8;
/// How long one packet is asked for: a receiver's jitter buffer does not wait longer.
pub const NACK_AGE: Duration = Duration::from_millis(1_000);
/// Wait before the first NACK: packets that merely swapped places arrive within it.
pub const NACK_DELAY: Duration = Duration::from_millis(5);
/// Shortest time between two NACKs for one packet.
pub const NACK_INTERVAL: Duration = Duration::from_millis(20);
/// Round trip to a publisher before one was measured.
pub const ASSUMED_ROUND_TRIP: Duration = Duration::from_millis(80);

/// Bytes a subscriber may have retransmitted at once beyond its share: a lost burst of a keyframe.
pub const REPAIR_BURST_BYTES: u32 = 256 << 10;
/// The share of what is forwarded to a subscriber that retransmissions may add, as a divisor: one
/// half serves links that lose a third; a storm of NACKs gets no more.
pub const REPAIR_SHARE: u32 = 2;
/// Packets a subscriber may ask for again a second: a tenth of 20 Mbit/s, over and over.
pub const NACKED_PER_SECOND: u32 = 2_000;
/// Packets a subscriber may ask for again at once: a second in which everything was lost, twice.
pub const NACKED_AT_ONCE: u32 = 4_000;
/// Packets sent again for one NACK: more than a receiver's list of missing packets holds at once.
pub const MAX_REPAIRS_PER_NACK: usize = 512;
/// Retransmissions remembered for each subscription, so that one packet is not sent twice within
/// [`REPAIR_INTERVAL`].
pub const REMEMBERED_REPAIRS: usize = 64;
/// Shortest time between two retransmissions of one packet to one subscriber.
pub const REPAIR_INTERVAL: Duration = Duration::from_millis(10);

/// How long a publisher is asked for lost sound: an answer that comes later than the usual jitter buffer
/// of 60 to 100 ms waits, comes for nothing. A round trip goes into this.
pub const SOUND_PATIENCE: Duration = Duration::from_millis(100);
/// Bytes of the datagrams of sound that are kept for one subscriber who loses some: most of a second of
/// three voices with all redundancy.
pub const SEALED_BYTES: usize = 32 << 10;
/// How many datagrams of sound are kept for one subscriber, at most.
pub const SEALED_PACKETS: usize = 128;
/// How long they are kept on after the last loss: whoever loses packets now and then would otherwise
/// have each first one unrepaired.
pub const SEALED_LINGER: Duration = Duration::from_secs(30);
/// The longest packet that redundancy makes, before it is sealed: what browsers send at most, so that
/// whatever path carries their pictures carries it too.
pub const MAX_REDUNDANT_BYTES: usize = 1_200;

/// Shortest time between two keyframe requests for one encoding: a keyframe costs the publisher
/// ten times a usual frame, and one serves all who wait.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// Keyframe requests without an answer after which they are sent four times more rarely.
pub const KEYFRAME_EAGER_TRIES: u32 = 8;

/// How often a new keyframe of a shared screen is asked for although nobody waits for one: often
/// enough for whoever joins to catch up quickly, rarely enough to cost the screen no sharpness.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(10);
/// Frames after which the group of a shared screen is to be begun anew.
pub const REFRESH_FRAMES: u32 = 150;
/// How many times larger than its keyframe a group of a shared screen may grow.
pub const REFRESH_GROWTH: u32 = 3;
/// Video packets are padded to a multiple of so many bytes, so that those of one frame, which
/// encoders make equal but for a byte, leave as one run of equal datagrams: costs under 1 %.
pub const PADDING_GRID: usize = 16;
/// Payloads under this are not padded: they would grow by more than they save.
pub const LEAST_PADDED_BYTES: usize = 400;

/// How long nobody must watch an encoding until its publisher is told so: a page that is laid out anew
/// hides and shows within it.
pub const UNWATCHED_FOR: Duration = Duration::from_secs(5);
/// How long a lower layer of a track must come alone before the best one is given up: the time for
/// which the picture stands still when an encoder switches its best layer off.
pub const LAYER_SILENCE: Duration = Duration::from_millis(700);
/// Former mappings remembered for each subscription, so that packets from before a switch of
/// layers can still be retransmitted.
pub const REMEMBERED_SWITCHES: usize = 4;
/// Runs of left out packets remembered for each subscription that does not get all layers: two
/// seconds of a picture each 33 ms whose upper layers are left out. 1.5 KB.
pub const REMEMBERED_RUNS: usize = 64;
/// Changes of a subscription's layers remembered, so that a late packet and a retransmission are
/// treated as their frame was: one with each picture for as long as packets are kept. 1.5 KB.
pub const REMEMBERED_CHOICES: usize = 64;
/// Frames of an encoding remembered while their packets come, so that late packets are treated as
/// their frame was: 700 ms of three spatial layers. 4 KB.
pub const REMEMBERED_FRAMES: usize = 64;
/// Half of the time over which the rates of layers are measured: long enough for a group of eight
/// pictures, short enough to follow an encoder that changes its rate.
pub const RATE_WINDOW: Duration = Duration::from_millis(500);
/// Relays of one engine: meetings that are recorded at once on one worker.
pub const MAX_RELAYS: usize = 256;
/// Tracks of one relay, whether they are there yet or not.
pub const MAX_RELAYED_TRACKS: usize = 4_096;

/// A jump of a publisher's sequence numbers over this starts a new mapping: what was lost is too
/// much to be repaired, and jumps near 2^15 confuse receivers.
pub const MAX_SEQUENCE_GAP: u64 = 2_048;
/// How far all outgoing indices jump when a transport is restored (below 2^15, at least what an
/// owner may have sent beyond its last snapshot).
pub const INDEX_JUMP: u64 = 512;

/// Bytes of a peer's state that is given away: with the event around it, it must fit one message.
pub const MAX_STATE_BYTES: usize = lectern_control::limits::MAX_FRAME_BYTES - 1_024;

/// How long an export waits for data messages that are on their way: longer than most round trips,
/// shorter than a pause that people notice.
pub const EXPORT_PATIENCE: Duration = Duration::from_millis(250);

/// How long a peer whose state was given away is received from, should nobody remove it: the move
/// has ended long before.
pub const EXPORTED_LINGER: Duration = Duration::from_secs(60);

/// Time between two transport-wide feedback messages: what libwebrtc's estimator is tuned for.
pub const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);
/// Arrivals remembered for transport-wide feedback: 20,000 packets a second and peer.
pub const FEEDBACK_WINDOW: usize = 1_024;
/// Packets a subscriber's estimator remembers until it hears of them: a second of 20 Mbit/s, in
/// 32 KiB. Feedback about older ones counts as congestion.
pub const SENT_PACKETS: usize = 2_048;
/// Time between two rounds of receiver and sender reports.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);
/// Time after its first packet in which a new stream gets its first sender report: lips are in
/// step from then on.
pub const FIRST_REPORT_DELAY: Duration = Duration::from_millis(100);
/// Time between two looks at who speaks.
pub const SPEAKERS_INTERVAL: Duration = Duration::from_millis(300);
/// Speakers named at once; a list of a whole room's noise helps nobody.
pub const MAX_SPEAKERS: usize = 16;
/// Time between two quality events of a participant.
pub const QUALITY_INTERVAL: Duration = Duration::from_secs(5);

/// Data messages a peer may send a second, after a burst of [`DATA_BURST_MESSAGES`].
pub const DATA_MESSAGES_PER_SECOND: u32 = 200;
/// Data messages a peer may send at once.
pub const DATA_BURST_MESSAGES: u32 = 400;
/// Bytes of data messages a peer may send a second, after a burst of [`DATA_BURST_BYTES`].
pub const DATA_BYTES_PER_SECOND: u32 = 512 << 10;
/// Bytes of data messages a peer may send at once.
pub const DATA_BURST_BYTES: u32 = 2 << 20;
/// Packets to receivers that the messages of one peer may cause a second, and at once: two messages
/// a second from each person to 2,000 others. One message may overdraw this; then the next wait.
pub const PEER_DELIVERIES_PER_SECOND: u32 = 4_000;
/// What a peer's messages may cause at once: a file of 2 MiB to ten people.
pub const PEER_BURST_DELIVERIES: u32 = 20_000;
/// The same for all peers of a room together: about a fifth of a core.
pub const ROOM_DELIVERIES_PER_SECOND: u32 = 40_000;
/// What the messages of a room may cause at once.
pub const ROOM_BURST_DELIVERIES: u32 = 80_000;
/// Receivers that one message may name.
pub const MAX_DESTINATIONS: usize = 256;
/// How long messages are held back after each step of a room's move, so that none is passed on where
/// some of its receivers are not: longer than from one step to the next, too short to be noticed.
pub const DATA_REST: Duration = Duration::from_millis(300);
/// Bytes of messages held back for one peer; they move with it, and all of its state in one frame.
pub const MAX_HELD_BYTES: usize = 256 << 10;
/// Bytes of a channel's label.
pub const MAX_LABEL_BYTES: usize = 64;

/// Where the estimate of a subscriber's path begins: what nearly every path takes, and a shared screen
/// becomes sharp with at once. The first probes go out within its first packets.
pub const START_ESTIMATE: Bitrate = Bitrate::kbps(3_000);
/// The estimate is never below this: sound and a little more.
pub const LEAST_ESTIMATE: Bitrate = Bitrate::kbps(60);
/// The estimate is never above this.
pub const MOST_ESTIMATE: Bitrate = Bitrate::kbps(100_000);
/// Bytes of IPv4 and UDP headers, of SRTP's tag: they take their share of a path.
pub const UNDER_RTP_BYTES: usize = 20 + 8 + 16;
/// Probes consist of packets of at least so many bytes.
pub const LEAST_PROBE_PAYLOAD: usize = 200;
/// They are among so many that were sent last.
pub const PROBE_MEMORY: u64 = 64;

/// How much may leave at once after silence: a frame of a camera, not a keyframe. Routers hold this
/// much easily, and a run of datagrams is one send call.
pub const PACING_BURST: Duration = Duration::from_millis(10);
/// What waits is let go when so much may leave: long enough that several packets make one run, too
/// short to be seen.
pub const PACING_QUANTUM: Duration = Duration::from_millis(5);
/// How long packets may wait for their turn. What is later comes too late for a conversation: new
/// packets of pictures are then not taken, until a keyframe that fits.
pub const PACED_DELAY: Duration = Duration::from_millis(1_000);
/// How much longer packets of a shared screen, and what matters more, may wait: text that comes late is
/// better than none.
pub const MORE_PACED_DELAY: u32 = 2;
/// The part of the longest wait, in hundredths, that a cached group may take on a subscriber's path to
/// be replayed: what comes meanwhile needs the rest. To catch up with more takes longer than a new
/// keyframe.
pub const LONGEST_REPLAY: u32 = 80;
/// Packets that may wait for one subscriber: a second of 20 Mbit/s.
pub const MAX_PACED_PACKETS: usize = 2_048;
/// Packets that are to be sent again, and wait, beyond which none is sent more than once.
pub const MAX_WAITING_COPIES: usize = 64;
/// How often a subscriber's bandwidth is shared out anew; at once where it has become less.
pub const ALLOCATION_INTERVAL: Duration = Duration::from_millis(200);
/// How long a picture that was lowered does not go up: what changes each moment is worse than what is
/// a little less sharp.
pub const REST_AFTER_LOWERING: Duration = Duration::from_millis(1_000);
/// What waits for longer than this when a picture is lowered is not sent any more: the lower one begins
/// sooner.
pub const STALE_BACKLOG: Duration = Duration::from_millis(200);
/// What the publisher takes to answer a request for a keyframe: a round trip, and a picture of a screen
/// that is sent five times a second.
pub const FRESH_KEYFRAME: Duration = Duration::from_millis(300);
/// How long such a keyframe is waited for before the group that is there will do.
pub const FRESH_PATIENCE: Duration = Duration::from_millis(1_000);
/// What is left for sound: three voices.
pub const SOUND_RESERVE: Bitrate = Bitrate::kbps(100);
/// What a layer of a screen is taken to cost, in hundredths of what was announced, where it costs less now.
pub const NEXT_SLIDE: u64 = 60;
/// An encoding that has not come for so long is not there to be chosen.
pub const LAYER_GONE: Duration = Duration::from_secs(2);
/// What may be sent at once to switch to an encoding whose keyframe has just come, in the time that it
/// takes on the subscriber's path, and how old that keyframe may be: quicker than a new one.
pub const SWITCH_REPLAY: Duration = Duration::from_millis(200);
/// A group that has begun within this time is not begun anew for the sake of a path that does not take it.
pub const SPARED_GROUP: Duration = Duration::from_secs(3);
/// See [`SWITCH_REPLAY`].
pub const YOUNG_GROUP: Duration = Duration::from_millis(500);
/// Layers of one track: three encodings, or three of space, with three of time each.
pub const MAX_LAYERS_PER_TRACK: usize = 12;
