"""Sound and pictures that a test can recognise: a tone, and the frame counter of `page/counter.js`."""

import numpy as np

SAMPLE_RATE = 48_000

COLUMNS = 8
COUNTER_BITS = 20
CHECKSUM_BITS = 12
HEADER = [1, 0, 1, 0, 1, 1, 0, 0]
ROWS = 1 + (COUNTER_BITS + CHECKSUM_BITS) // COLUMNS

# The blocks lie in the upper left corner, over this share of the picture's width and height.
SHARE = (512 / 1280, 320 / 720)

# Blocks whose grey differs by less than this are too blurred to be read.
CONTRAST = 60

# Video's own grey range (BT.601): what lies outside may be clipped on the way.
BLACK, GREY, WHITE = 16, 128, 235

# Below this a frame of sound counts as silence: full scale is 1.
SILENCE = 0.001


def checksum(counter):
    return (((counter + 1) * 0x9E3779B1) & 0xFFFFFFFF) >> (32 - CHECKSUM_BITS)


def blocks(counter):
    """The blocks of a number, row by row: 1 is white."""
    bits = list(HEADER)
    bits += [(counter >> bit) & 1 for bit in reversed(range(COUNTER_BITS))]
    bits += [(checksum(counter) >> bit) & 1 for bit in reversed(range(CHECKSUM_BITS))]
    return bits


def picture(counter, width, height):
    """A grey I420 picture with the counter in its corner, as bytes."""
    grey = np.full((height, width), GREY, dtype=np.uint8)
    grid = np.array(blocks(counter), dtype=np.uint8).reshape(ROWS, COLUMNS)
    rows = np.linspace(0, round(height * SHARE[1]), ROWS + 1).astype(int)
    columns = np.linspace(0, round(width * SHARE[0]), COLUMNS + 1).astype(int)
    for row in range(ROWS):
        for column in range(COLUMNS):
            value = WHITE if grid[row, column] else BLACK
            grey[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = value
    colour = np.full(2 * ((width + 1) // 2) * ((height + 1) // 2), 128, dtype=np.uint8)
    return bytes(grey) + bytes(colour)


def read(grey):
    """The number in a grey picture, or None."""
    height, width = grey.shape
    down = (np.arange(ROWS) + 0.5) * height * SHARE[1] / ROWS
    across = (np.arange(COLUMNS) + 0.5) * width * SHARE[0] / COLUMNS
    seen = grey[np.ix_(down.astype(int), across.astype(int))].astype(int).flatten()
    if seen.max() - seen.min() < CONTRAST:
        return None
    bits = (seen > (int(seen.max()) + int(seen.min())) / 2).astype(int)
    if list(bits[: len(HEADER)]) != HEADER:
        return None
    text = "".join(map(str, bits[len(HEADER) :]))
    counter, found = int(text[:COUNTER_BITS], 2), int(text[COUNTER_BITS:], 2)
    return counter if found == checksum(counter) else None


def tone(hz, volume, first, count):
    """Samples of a sine that goes on from frame to frame."""
    at = np.arange(first, first + count)
    wave = np.sin(2 * np.pi * hz * at / SAMPLE_RATE) * volume
    return (wave * 32_767).astype(np.int16)


def listen(samples, rate):
    """Level (root of the mean square, 1 is full scale) and pitch of a frame of sound."""
    wave = samples.astype(np.float64) / 32_768
    level = float(np.sqrt(np.mean(wave**2))) if len(wave) else 0.0
    if level < SILENCE:
        return level, 0.0
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return level, float(np.argmax(spectrum) * rate / len(wave))
