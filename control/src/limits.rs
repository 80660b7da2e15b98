//! Limits of what may stand in a message. Each is checked by the side that receives.

/// One message between roles: a snapshot of a big transport fits ten times over.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// People in one room: a page of the roster stays under a megabyte.
pub const MAX_PARTICIPANTS_PER_ROOM: usize = 2_000;
/// Tracks one participant publishes: screen, its sound, camera, microphone, and room to spare.
pub const MAX_TRACKS_PER_PARTICIPANT: usize = 16;
/// Transports of one participant: publisher and subscriber, twice while one is replaced.
pub const MAX_PEERS_PER_PARTICIPANT: usize = 4;
/// A person's shown name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 256;
/// A participant's metadata and all its attributes together, in bytes.
pub const MAX_METADATA_BYTES: usize = 64 << 10;
/// Encodings (rid) of one track: three simulcast layers, and one more for another codec.
pub const MAX_ENCODINGS_PER_TRACK: usize = 4;
/// Codecs offered for one track.
pub const MAX_CODECS_PER_TRACK: usize = 16;
/// Sound slots of one peer: more voices at once than anybody can follow.
pub const MAX_SOUND_SLOTS: usize = 8;
/// Header extensions of one peer: one-byte ids end at 14 (RFC 8285 section 4.2), two-byte at 255.
pub const MAX_EXTENSIONS_PER_PEER: usize = 32;
/// Candidates a client may name for one peer; browsers send under ten.
pub const MAX_CANDIDATES_PER_PEER: usize = 32;
/// Data channels of one peer; LiveKit-compatible clients use three.
pub const MAX_CHANNELS_PER_PEER: usize = 16;
/// One data message, as SCTP stacks in browsers accept it everywhere.
pub const MAX_DATA_MESSAGE_BYTES: usize = 64 << 10;
/// Bytes spliced to each data message of a peer, and of the name it is addressed by.
pub const MAX_SPLICE_BYTES: usize = 1 << 10;
/// Fields that clients of an edge's protocol may not fill.
pub const MAX_RESERVED_FIELDS: usize = 16;
/// People who wait in one lobby: half a large meeting may come too early.
pub const MAX_WAITING: usize = 1_000;
/// Of those, how many moderators are shown at once; the rest is a number until these are dealt with.
pub const MAX_WAITING_SHOWN: usize = 50;
/// A word to or from those who admit, in bytes of UTF-8.
pub const MAX_KNOCK_BYTES: usize = 1 << 10;
/// Who else may subscribe, where a publisher names them one by one.
pub const MAX_AUDIENCE: usize = 500;
/// Digits of a PIN: fewer are guessed too easily.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=10;
/// Lines of the audit log in one answer.
pub const MAX_AUDIT_LINES: u32 = 500;
