//! The size in which a decoder gives its pictures, whatever size they come in.

/// How pictures are made to fit a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fit {
    /// All of it is seen, pixel for pixel where it fits: text stays sharp.
    Screen,
    /// Fills the place where its shape is near, cut at the edges; else all of it is seen.
    Camera,
}

/// A place's size, and how pictures fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// How it fits.
    pub fit: Fit,
}

/// Pictures wider than this are not cut to fill a place: too much would be lost.
const MAX_CUT_ASPECT: &str = "2.2";
/// A shared screen is shown pixel for pixel until it could be so much larger.
const MAX_UNSCALED: &str = "1.25";
/// Nor narrower ones: phones held upright.
const MIN_CUT_ASPECT: &str = "1.2";

impl Shape {
    /// Bytes of a picture of this shape, in planar YUV 4:2:0.
    pub fn bytes(self) -> usize {
        self.width as usize * self.height as usize * 3 / 2
    }

    /// FFmpeg's filters that make it so, after turning it upright; `around` is the colour beside it,
    /// in RGB. Sizes are worked out by FFmpeg, anew where the stream's size changes.
    pub fn filters(self, quarter_turns: u8, around: [u8; 3]) -> String {
        let Shape { width, height, fit } = self;
        let turn = match quarter_turns & 3 {
            1 => "transpose=clock,",
            2 => "hflip,vflip,",
            3 => "transpose=cclock,",
            _ => "",
        };
        let inside = format!("min({width}/iw,{height}/ih)");
        let (factor, cut) = match fit {
            Fit::Screen => {
                let sharp = format!("between({inside},1,{MAX_UNSCALED})");
                (format!("if({sharp},1,{inside})"), "crop=floor(iw/2)*2:floor(ih/2)*2:0:0,")
            }
            Fit::Camera => {
                let near = format!("between(iw/ih,{MIN_CUT_ASPECT},{MAX_CUT_ASPECT})");
                (format!("if({near},max({width}/iw,{height}/ih),{inside})"), "")
            }
        };
        let side = |side: &str| format!("max(2,round({side}*{factor}/2)*2)");
        let [red, green, blue] = around;
        format!(
            "{turn}{cut}scale=w='{}':h='{}':flags=bicubic:out_color_matrix=bt601:out_range=tv,\
             format=yuv420p,crop=w='min(iw,{width})':h='min(ih,{height})',\
             pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x{red:02x}{green:02x}{blue:02x}",
            side("iw"),
            side("ih"),
        )
    }
}
