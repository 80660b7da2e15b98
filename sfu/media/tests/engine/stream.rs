//! A stream a client sends: VP8 frames or Opus packets with numbers that can be followed.

use crate::client::Rtp;
use crate::world::{OPUS, VP8, VP8_RTX};

/// Ticks from frame to frame at 30 a second.
pub const FRAME_TICKS: u32 = 3_000;
/// Ticks from packet to packet at 50 a second.
pub const AUDIO_TICKS: u32 = 960;

/// One encoding as a client sends it.
#[derive(Debug, Clone)]
pub struct Stream {
    pub ssrc: u32,
    pub repair_ssrc: u32,
    pub index: u64,
    pub repair_index: u64,
    pub timestamp: u32,
    pub picture_id: u16,
    pub mid: &'static str,
    pub rid: Option<&'static str>,
    pub transport_wide: u16,
}

impl Stream {
    pub fn new(ssrc: u32, mid: &'static str, rid: Option<&'static str>) -> Stream {
        Stream {
            ssrc,
            repair_ssrc: ssrc + 1,
            index: u64::from(ssrc % 500) + 65_000,
            repair_index: 10,
            timestamp: ssrc.wrapping_mul(77_777),
            picture_id: (ssrc % 300) as u16,
            mid,
            rid,
            transport_wide: 0,
        }
    }

    /// A frame of so many packets. The payload after the descriptor says frame and packet.
    pub fn frame(&mut self, packets: u8, keyframe: bool) -> Vec<Rtp> {
        let frame = (0..packets)
            .map(|packet| {
                let mut payload = self.descriptor(packet == 0);
                payload.push(u8::from(!keyframe));
                payload.extend([packet; 100]);
                let sent = self.packet(VP8, payload, packet + 1 == packets);
                self.index += 1;
                sent
            })
            .collect();
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        frame
    }

    /// One packet of sound, at so many decibels below overload.
    pub fn sound(&mut self, below_overload_db: u8) -> Rtp {
        let mut packet = self.packet(OPUS, vec![0x78; 80], false);
        packet.extensions.push((1, vec![0x80 | below_overload_db]));
        self.index += 1;
        self.timestamp = self.timestamp.wrapping_add(AUDIO_TICKS);
        packet
    }

    /// A packet that was sent before, as a retransmission.
    pub fn repair(&mut self, original: &Rtp) -> Rtp {
        let mut payload = (original.index as u16).to_be_bytes().to_vec();
        payload.extend(&original.payload);
        let mut repair =
            Rtp { ssrc: self.repair_ssrc, payload_type: VP8_RTX, payload, ..original.clone() };
        repair.extensions.retain(|(id, _)| *id == 4);
        repair.extensions.extend(self.rid.map(|rid| (11, rid.as_bytes().to_vec())));
        repair.index = self.repair_index;
        self.repair_index += 1;
        repair
    }

    fn packet(&mut self, payload_type: u8, payload: Vec<u8>, marker: bool) -> Rtp {
        self.transport_wide = self.transport_wide.wrapping_add(1);
        let mut extensions = vec![
            (4, self.mid.as_bytes().to_vec()),
            (3, self.transport_wide.to_be_bytes().to_vec()),
        ];
        extensions.extend(self.rid.map(|rid| (10, rid.as_bytes().to_vec())));
        Rtp {
            ssrc: self.ssrc,
            index: self.index,
            timestamp: self.timestamp,
            payload_type,
            marker,
            extensions,
            payload,
        }
    }

    /// RFC 7741: extended, with a picture id of 15 bits and the index of the lowest layer.
    fn descriptor(&self, starts: bool) -> Vec<u8> {
        let [high, low] = self.picture_id.to_be_bytes();
        let start = if starts { 0x10 } else { 0 };
        vec![0x80 | start, 0xc0, 0x80 | high, low, self.picture_id as u8]
    }
}

/// The picture id of a received packet.
pub fn picture_id(packet: &Rtp) -> u16 {
    u16::from_be_bytes([packet.payload[2] & 0x7f, packet.payload[3]])
}

/// The index of the lowest temporal layer of a received packet.
pub fn tl0_index(packet: &Rtp) -> u8 {
    packet.payload[4]
}
