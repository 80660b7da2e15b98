//! Sample entries: what a decoder must know before the first frame, read from that frame.

use crate::error::Error;
use crate::header::av1::{self, Obu, obu_type};
use crate::header::h264::{self, unit_type};
use crate::header::vp9;
use crate::unit::{Size, Unit};
use lectern_control::media::CodecName;
use lectern_wire::cursor::Reader;
use mp4_atom::{
    Audio, Av01, Av1c, Avc1, Avc3, Avcc, AvccExt, Codec, Dops, Opus, Visual, Vp09, VpcC,
};

/// Parameter sets of one kind in one access unit: encoders of browsers write one.
const MAX_SETS: usize = 31;
/// Largest picture of each VP9 level, in luma samples (VP9 bitstream specification annex A), of the
/// levels' higher rates.
const VP9_LEVELS: [(u64, u8); 9] = [
    (36_864, 10),
    (73_728, 11),
    (122_880, 20),
    (245_760, 21),
    (552_960, 30),
    (983_040, 31),
    (2_228_224, 41),
    (8_912_896, 51),
    (u64::MAX, 61),
];

/// What a file's frames have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configuration {
    /// Parameter sets as the sample entry has them.
    H264(Sets),
    /// How it is coded.
    Vp9(vp9::Format),
    /// The first sequence header.
    Av1(av1::Sequence),
    /// Two channels at 48 kHz, always.
    Opus,
}

/// The parameter sets of an access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sets {
    sequences: Vec<Vec<u8>>,
    picture_sets: Vec<Vec<u8>>,
    first: h264::Sequence,
}

impl Sets {
    /// Of NAL units with lengths of four bytes.
    fn of(unit: &Unit) -> Result<Sets, Error> {
        let mut reader = Reader::new(&unit.data);
        let (mut sequences, mut picture_sets) = (Vec::new(), Vec::new());
        while !reader.is_empty() {
            let len = reader.u32().map_err(|_| Error::Configuration)?;
            let nal = usize::try_from(len).ok().and_then(|len| reader.take(len).ok());
            let nal = nal.ok_or(Error::Configuration)?;
            match nal.first().map_or(0, |first| first & 0x1f) {
                unit_type::SEQUENCE_PARAMETERS => sequences.push(nal.to_vec()),
                unit_type::PICTURE_PARAMETERS => picture_sets.push(nal.to_vec()),
                1..=unit_type::IDR_SLICE => break,
                _ => {}
            }
            if sequences.len() > MAX_SETS || picture_sets.len() > MAX_SETS {
                return Err(Error::TooMuch);
            }
        }
        let first = sequences.first().ok_or(Error::Configuration)?;
        let first = h264::Sequence::parse(first).map_err(|_| Error::Configuration)?;
        Ok(Sets { sequences, picture_sets, first })
    }

    fn avcc(&self) -> Avcc {
        let [profile, compatibility, level] = self.first.profile;
        Avcc {
            configuration_version: 1,
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size: 4,
            sequence_parameter_sets: self.sequences.clone(),
            picture_parameter_sets: self.picture_sets.clone(),
            ext: self.first.chroma.map(|(chroma_format, luma, chroma)| AvccExt {
                chroma_format,
                bit_depth_luma: luma,
                bit_depth_chroma: chroma,
                sequence_parameter_sets_ext: Vec::new(),
            }),
        }
    }
}

/// How a frame goes with a file's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As the sample entry says.
    Same,
    /// It brings parameter sets of its own, which the decoder takes from the frame.
    InBand,
    /// It needs another decoder.
    Other,
}

impl Configuration {
    /// Of a file that begins with this frame.
    pub fn of(unit: &Unit) -> Result<Configuration, Error> {
        if !unit.keyframe {
            return Err(Error::NotAKeyframe);
        }
        match unit.codec {
            CodecName::H264 => Sets::of(unit).map(Configuration::H264),
            CodecName::Vp9 => {
                let frame = vp9::Frame::parse(&unit.data).map_err(|_| Error::Configuration)?;
                frame.format.map(Configuration::Vp9).ok_or(Error::Configuration)
            }
            CodecName::Av1 => sequence_header(unit).map(|(header, _)| Configuration::Av1(header)),
            CodecName::Opus => Ok(Configuration::Opus),
            CodecName::Vp8 | CodecName::Red => Err(Error::Codec),
        }
    }

    /// Whether the decoder that a file asks for can decode the frame. Sizes may change: H.264 and
    /// AV1 bring parameter sets, VP9 a size with each keyframe, and decoders take them from there.
    pub fn fit(&self, unit: &Unit) -> Fit {
        if unit.codec != self.codec() {
            return Fit::Other;
        }
        if !unit.keyframe {
            return Fit::Same;
        }
        match (self, Configuration::of(unit)) {
            (Configuration::H264(ours), Ok(Configuration::H264(theirs))) => {
                let chroma = |sets: &Sets| sets.first.chroma.unwrap_or((1, 8, 8));
                match (*ours == theirs, chroma(ours) == chroma(&theirs)) {
                    (true, _) => Fit::Same,
                    (false, true) => Fit::InBand,
                    (false, false) => Fit::Other,
                }
            }
            (Configuration::Vp9(ours), Ok(Configuration::Vp9(theirs))) if *ours == theirs => {
                Fit::Same
            }
            (Configuration::Av1(ours), Ok(Configuration::Av1(theirs))) if ours.is_like(&theirs) => {
                Fit::Same
            }
            (Configuration::Opus, Ok(Configuration::Opus)) => Fit::Same,
            _ => Fit::Other,
        }
    }

    fn codec(&self) -> CodecName {
        match self {
            Configuration::H264(_) => CodecName::H264,
            Configuration::Vp9(_) => CodecName::Vp9,
            Configuration::Av1(_) => CodecName::Av1,
            Configuration::Opus => CodecName::Opus,
        }
    }

    /// The sample entry, for the file's first frame.
    pub fn entry(&self, unit: &Unit) -> Result<Codec, Error> {
        let visual = || unit.size.ok_or(Error::NotAKeyframe).and_then(visual);
        match self {
            Configuration::H264(sets) => {
                Ok(Avc3 { visual: visual()?, avcc: sets.avcc(), ..Avc3::default() }.into())
            }
            Configuration::Vp9(format) => {
                let size = unit.size.ok_or(Error::NotAKeyframe)?;
                let vpcc = vpcc(format, size);
                Ok(Vp09 { visual: visual()?, vpcc, ..Vp09::default() }.into())
            }
            Configuration::Av1(_) => {
                let (header, obu) = sequence_header(unit)?;
                let av1c = av1c(&header, obu);
                Ok(Av01 { visual: visual()?, av1c, ..Av01::default() }.into())
            }
            Configuration::Opus => Ok(opus().into()),
        }
    }
}

/// The entry of a film's picture, whose parameter sets never change.
pub fn avc1(size: Size, sequence: &[u8], picture_set: &[u8]) -> Result<Codec, Error> {
    let first = h264::Sequence::parse(sequence).map_err(|_| Error::Configuration)?;
    let sets = Sets {
        sequences: vec![sequence.to_vec()],
        picture_sets: vec![picture_set.to_vec()],
        first,
    };
    Ok(Avc1 { visual: visual(size)?, avcc: sets.avcc(), ..Avc1::default() }.into())
}

fn visual(size: Size) -> Result<Visual, Error> {
    Ok(Visual {
        data_reference_index: 1,
        width: u16::try_from(size.width).map_err(|_| Error::TooMuch)?,
        height: u16::try_from(size.height).map_err(|_| Error::TooMuch)?,
        ..Visual::default()
    })
}

/// The first OBU of a temporal unit that is a sequence header, and how it is written.
fn sequence_header(unit: &Unit) -> Result<(av1::Sequence, Vec<u8>), Error> {
    let mut rest: &[u8] = &unit.data;
    while !rest.is_empty() {
        let (obu, after) = Obu::first(rest).map_err(|_| Error::Configuration)?;
        if obu.kind == obu_type::SEQUENCE_HEADER {
            let header = av1::Sequence::parse(obu.payload).map_err(|_| Error::Configuration)?;
            let mut bytes = Vec::with_capacity(obu.payload.len().saturating_add(4));
            obu.write(&mut bytes);
            bytes.extend_from_slice(obu.payload);
            return Ok((header, bytes));
        }
        rest = after;
    }
    Err(Error::Configuration)
}

fn av1c(header: &av1::Sequence, config_obus: Vec<u8>) -> Av1c {
    Av1c {
        seq_profile: header.profile,
        seq_level_idx_0: header.level,
        seq_tier_0: header.high_tier,
        high_bitdepth: header.high_bit_depth,
        twelve_bit: header.twelve_bit,
        monochrome: header.monochrome,
        chroma_subsampling_x: header.subsampling.0,
        chroma_subsampling_y: header.subsampling.1,
        chroma_sample_position: header.sample_position,
        initial_presentation_delay: None,
        config_obus,
    }
}

/// VP Codec ISO Media File Format Binding, section "VP Codec Configuration Box".
fn vpcc(format: &vp9::Format, size: Size) -> VpcC {
    let area = u64::from(size.width).saturating_mul(u64::from(size.height));
    let level = VP9_LEVELS.iter().find(|(largest, _)| area <= *largest).map_or(61, |(_, l)| *l);
    // Colour as ISO/IEC 23091-2 numbers it, from the numbers of the VP9 header.
    let (color_primaries, transfer_characteristics, matrix_coefficients) = match format.color_space
    {
        1 | 3 => (6, 6, 6),
        2 => (1, 1, 1),
        4 => (7, 7, 7),
        5 => (9, 14, 9),
        7 => (1, 13, 0),
        _ => (2, 2, 2),
    };
    VpcC {
        profile: format.profile,
        level,
        bit_depth: format.bit_depth,
        chroma_subsampling: match format.subsampling {
            (true, true) => 1,
            (true, false) => 2,
            _ => 3,
        },
        video_full_range_flag: format.full_range,
        color_primaries,
        transfer_characteristics,
        matrix_coefficients,
        codec_initialization_data: Vec::new(),
    }
}

/// RFC 7587 section 4.1: always two channels at 48 kHz; packets of one channel play on both.
fn opus() -> Opus {
    let audio = Audio {
        data_reference_index: 1,
        channel_count: 2,
        sample_size: 16,
        sample_rate: 48_000.into(),
    };
    let dops = Dops {
        output_channel_count: 2,
        pre_skip: 0,
        input_sample_rate: 48_000,
        output_gain: 0,
        channel_mapping: None,
    };
    Opus { audio, dops, btrt: None }
}
