//! The camera of the presenter: a person who moves before a textured wall, with the noise of a sensor.
//! Written as a file that Chromium plays as its camera, in a loop whose end meets its beginning.

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::f64::consts::TAU;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Pixels of a line.
pub const WIDTH: usize = 1_280;
/// Lines.
pub const HEIGHT: usize = 720;
/// Pictures a second.
pub const FRAME_RATE: usize = 25;
/// Pictures until the loop begins anew: 6 s, 208 MB.
const FRAMES: usize = 150;
/// The amplitude of the noise, of 255: encoders spend some 1.7 Mbit/s on this at 720p.
const NOISE: i16 = 3;
/// The seed of wall and noise.
const SEED: u64 = 5;

/// Writes the file, unless it is there already.
pub fn write(to: &Path) -> Result<()> {
    if to.exists() {
        return Ok(());
    }
    let unfinished = to.with_extension("part");
    let file = File::create(&unfinished).context("cannot write the camera's pictures")?;
    let mut file = BufWriter::new(file);
    writeln!(file, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAME_RATE}:1 Ip A1:1 C420jpeg")?;
    let mut random = StdRng::seed_from_u64(SEED);
    let wall = wall(&mut random);
    for number in 0..FRAMES {
        let turn = TAU * number as f64 / FRAMES as f64;
        file.write_all(b"FRAME\n")?;
        let luma = luma(&wall, turn, &mut random);
        file.write_all(&luma)?;
        let [blue, red] = chroma(turn);
        file.write_all(&blue)?;
        file.write_all(&red)?;
    }
    file.flush()?;
    std::fs::rename(unfinished, to)?;
    Ok(())
}

/// Brightness of a wall that is larger than the picture: noise of several sizes, added up.
fn wall(random: &mut StdRng) -> Vec<f64> {
    let (width, height) = (WIDTH + 2 * SWAY, HEIGHT + 2 * SWAY);
    let mut wall = vec![110.0; width * height];
    for (cell, depth) in [(160, 40.0), (40, 16.0), (10, 7.0)] {
        let columns = width / cell + 2;
        let rows = height / cell + 2;
        let knots: Vec<f64> = (0..columns * rows).map(|_| random.random::<f64>() - 0.5).collect();
        for (at, value) in wall.iter_mut().enumerate() {
            let (x, y) = ((at % width) as f64 / cell as f64, (at / width) as f64 / cell as f64);
            let (column, row) = (x as usize, y as usize);
            let knot = |right: usize, down: usize| knots[(row + down) * columns + column + right];
            let (across, down) = (x.fract(), y.fract());
            let above = knot(0, 0) * (1.0 - across) + knot(1, 0) * across;
            let below = knot(0, 1) * (1.0 - across) + knot(1, 1) * across;
            *value += depth * (above * (1.0 - down) + below * down);
        }
    }
    wall
}

/// How far the camera sways to each side, in pixels.
const SWAY: usize = 12;

/// Where head and shoulders are: centre and radii, in pixels.
fn person(turn: f64) -> [(f64, f64, f64, f64); 2] {
    let x = 640.0 + 90.0 * turn.sin() + 14.0 * (5.0 * turn).sin();
    let y = 300.0 + 22.0 * (3.0 * turn).sin();
    [(x, y, 120.0, 160.0), (640.0 + 50.0 * turn.sin(), 760.0, 380.0, 300.0)]
}

fn is_within((x, y, across, down): (f64, f64, f64, f64), column: f64, line: f64) -> bool {
    let (x, y) = ((column - x) / across, (line - y) / down);
    x * x + y * y < 1.0
}

fn luma(wall: &[f64], turn: f64, random: &mut StdRng) -> Vec<u8> {
    let parts = person(turn);
    let sway = SWAY as f64;
    let (right, down) =
        ((sway + sway * (2.0 * turn).sin()) as usize, (sway + sway * turn.cos()) as usize);
    let mut luma = Vec::with_capacity(WIDTH * HEIGHT);
    for line in 0..HEIGHT {
        for column in 0..WIDTH {
            let (x, y) = (column as f64, line as f64);
            let [head, body] = parts;
            let value = if is_within(head, x, y) {
                // A face has shades, and a mouth that talks.
                let mouth = (head.0, head.1 + 80.0, 40.0, 6.0 + 14.0 * (20.0 * turn).sin().abs());
                let shade = 30.0 * ((x - head.0) / 40.0).sin() * ((y - head.1) / 30.0).cos();
                if is_within(mouth, x, y) { 60.0 } else { 165.0 + shade }
            } else if is_within(body, x, y) {
                80.0 + 25.0 * ((x - body.0) / 9.0).sin() * (y / 11.0).sin()
            } else {
                wall[(line + down) * (WIDTH + 2 * SWAY) + column + right]
            };
            let noise = random.random_range(-NOISE..=NOISE);
            luma.push((value as i16 + noise).clamp(16, 235) as u8);
        }
    }
    luma
}

fn chroma(turn: f64) -> [Vec<u8>; 2] {
    let [head, body] = person(turn);
    let mut planes = [Vec::new(), Vec::new()];
    for line in 0..HEIGHT / 2 {
        for column in 0..WIDTH / 2 {
            let (x, y) = (2.0 * column as f64, 2.0 * line as f64);
            let (blue, red) = if is_within(head, x, y) {
                (110, 150)
            } else if is_within(body, x, y) {
                (150, 116)
            } else {
                (124, 132)
            };
            planes[0].push(blue);
            planes[1].push(red);
        }
    }
    planes
}
