//! Colours, and what they are in BT.601 with limited range, as browsers encode.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// A colour of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Luma.
    pub y: u8,
    /// Blue difference.
    pub u: u8,
    /// Red difference.
    pub v: u8,
}

impl Colour {
    /// ITU-R BT.601-7 section 2.5, in eight bits.
    pub fn of([red, green, blue]: Rgb) -> Colour {
        let (red, green, blue) = (i32::from(red), i32::from(green), i32::from(blue));
        let scaled = |value: i32, zero: i32| (((value + 128) >> 8) + zero).clamp(0, 255) as u8;
        Colour {
            y: scaled(66 * red + 129 * green + 25 * blue, 16),
            u: scaled(-38 * red - 74 * green + 112 * blue, 128),
            v: scaled(112 * red - 94 * green - 18 * blue, 128),
        }
    }
}
