//! Bits and packets, written independently of what is tested.

use crate::encoder::Sent;
use lectern_wire::rtp::{Fields, Form, HeaderWriter};
use lectern_wire::{PayloadType, RtpTime, Ssrc};

/// The id of the dependency descriptor at the publisher and at the subscriber.
pub const DESCRIPTOR: [u8; 2] = [13, 9];
pub const PAYLOAD_TYPE: u8 = 96;

/// Bits, most significant first.
#[derive(Default)]
pub struct Bits {
    pub bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    pub fn put(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("some");
            *last |= ((value >> place & 1) as u8) << (7 - self.len % 8);
            self.len += 1;
        }
    }

    /// ns(n) of the AV1 specification, section 4.10.7.
    pub fn put_below(&mut self, value: u32, limit: u32) {
        let width = 32 - limit.leading_zeros();
        if width <= 1 {
            return;
        }
        let short = (1 << width) - limit;
        if value < short {
            self.put(value, width - 1);
        } else {
            self.put(value + short, width);
        }
    }
}

/// An RTP packet of a publisher.
pub fn packet(sent: &Sent) -> Vec<u8> {
    let fields = Fields {
        marker: sent.marker,
        payload_type: PayloadType::from_low_bits(PAYLOAD_TYPE),
        sequence: sent.sequence as u16,
        timestamp: RtpTime(sent.timestamp),
        ssrc: Ssrc(1_000 + sent.encoding as u32),
    };
    let is_long = sent.descriptor.as_ref().is_some_and(|value| value.len() > 16);
    let form = if is_long { Form::TwoByte } else { Form::OneByte };
    let mut buffer = vec![0; 1_200];
    let mut writer = HeaderWriter::new(&mut buffer, &fields, form).expect("room");
    if let Some(value) = &sent.descriptor {
        writer.extension(DESCRIPTOR[0], value).expect("room");
    }
    let len = writer.finish().expect("room");
    buffer.truncate(len);
    buffer.extend(&sent.payload);
    buffer
}
