"""The pictures of posters: geometry on a field of 400 by 410, each composed anew by its dice."""

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from demo.poster_palettes import Palette, is_dark

WIDTH: Final = 400
HEIGHT: Final = 410


def draw_disc(x: float, y: float, radius: float, fill: str) -> str:
    """Return a filled circle."""
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.0f}" fill="{fill}"/>'


def draw_box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Return a filled rectangle."""
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" fill="{fill}"/>'


def draw_shape(outline: str, fill: str) -> str:
    """Return a filled path."""
    return f'<path d="{outline}" fill="{fill}"/>'


def draw_sunset(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield a sun that sinks behind the lines of the sea."""
    x, radius, horizon = dice.randint(130, 270), dice.randint(105, 135), dice.randint(215, 250)
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.bright)
    yield draw_disc(x, horizon - 20, radius, palette.accent)
    yield draw_box(0, horizon, WIDTH, HEIGHT - horizon, palette.deep)
    for row in range(7):
        y, half = horizon + 12 + row * 20, radius * (1 - row / 8)
        yield draw_box(x - half + dice.randint(-14, 14), y, 2 * half, 9 - row, palette.accent)
    yield draw_disc(dice.choice((55, 345)), dice.randint(45, 80), 13, palette.ground)


def draw_quarters(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield a floor of tiles, each with a quarter circle or a dot."""
    inks = [palette.deep, palette.bright, palette.accent]
    size = 93
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.ground)
    corners = ((0, 0, 1, 1), (1, 0, -1, 1), (1, 1, -1, -1), (0, 1, 1, -1))
    for tile in range(16):
        left, top = 5 + tile % 4 * 99, 10 + tile // 4 * 99
        paint, below = dice.sample(inks, 2)
        dotted = dice.random() < 0.2
        if dotted or dice.random() < 0.4:
            yield draw_box(left, top, size, size, below)
        if dotted:
            yield draw_disc(left + size / 2, top + size / 2, dice.choice((20, 32)), paint)
            continue
        right, down, across, along = dice.choice(corners)
        x, y = left + right * size, top + down * size
        arc = f"A{size} {size} 0 0 {int(across == along)} {x} {y + along * size}"
        yield draw_shape(f"M{x} {y}h{across * size}{arc}z", paint)


def draw_mountains(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield three ranges of peaks under a moon."""
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.bright)
    yield draw_disc(dice.randint(90, 310), dice.randint(85, 130), dice.randint(46, 66), palette.accent)
    for level, fill in enumerate((palette.ground, palette.deep, palette.ink)):
        base = 185 + level * 75
        points = [f"M0 {base + dice.randint(-30, 40)}"]
        steps = dice.randint(2, 3) * 2
        for step in range(1, steps + 1):
            y = base + (dice.randint(-75, -20) if step % 2 else dice.randint(20, 60))
            points.append(f"L{WIDTH * step // steps + dice.randint(-18, 18) * (step < steps)} {y}")
        yield draw_shape("".join(points) + f"V{HEIGHT}H0z", fill)


def draw_beam(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield the light of a projector that falls across a dark room, over the heads of three rows."""
    left = dice.random() < 0.5
    lamp, far = (0, WIDTH) if left else (WIDTH, 0)
    lamp_y, top, bottom = dice.randint(40, 90), dice.randint(70, 110), dice.randint(280, 320)
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.deep)
    yield draw_shape(f"M{lamp} {lamp_y}L{far} {top - 45}V{bottom + 35}z", palette.bright)
    yield draw_shape(f"M{lamp} {lamp_y}L{far} {top}V{bottom - 30}z", palette.accent)
    yield draw_shape(f"M{lamp} {lamp_y}L{far} {top + 60}V{bottom - 95}z", palette.ground)
    dark = palette.ink if is_dark(palette.ink) else palette.ground
    for row, fill in enumerate((palette.accent, palette.bright, dark)):
        y, radius = 300 + row * 38, 17 + row * 5
        for seat in range(8 - row):
            x = 12 + seat * (60 + row * 12) - row * 20 + dice.randint(-5, 5)
            yield draw_disc(x, y + dice.randint(-4, 3), radius, fill)
        yield draw_box(0, y + radius - 5, WIDTH, HEIGHT, fill)


def draw_skyline(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield a town at night, a few windows still lit."""
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.deep)
    yield draw_disc(dice.randint(80, 320), dice.randint(80, 120), dice.randint(38, 62), palette.accent)
    left = 0
    while left < WIDTH:
        width, height = dice.choice((46, 58, 70)), dice.randint(110, 270)
        top = HEIGHT - height
        yield draw_box(left, top, width + 1, height, dice.choice((palette.ink, palette.bright)))
        if dice.random() < 0.5:
            peak = dice.randint(18, 44)
            yield draw_shape(f"M{left} {top}l{width / 2:.0f}-{peak}l{width / 2:.0f} {peak}z", palette.accent)
        for _ in range(4):
            x, y = (
                left + dice.randrange(8, width - 14, 13),
                top + dice.randrange(14, height - 20, 22),
            )
            yield draw_box(x, y, 8, 12, dice.choice((palette.ground, palette.accent)))
        left += width


def draw_spiral(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield squares that turn inside one another until the eye is dizzy."""
    turn, shrink = dice.choice((-1, 1)) * dice.uniform(7, 13), dice.uniform(0.83, 0.87)
    inks = (palette.deep, palette.bright, palette.ground, palette.accent)
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.ground)
    x, y, reach = dice.randint(170, 230), dice.randint(180, 230), 430.0
    for ring in range(18):
        angle = math.radians(45 + turn * ring)
        corners = (
            f"{x + reach * math.cos(angle + quarter * math.pi / 2):.0f} "
            f"{y + reach * math.sin(angle + quarter * math.pi / 2):.0f}"
            for quarter in range(4)
        )
        yield draw_shape("M" + "L".join(corners) + "z", inks[ring % 4])
        reach *= shrink


def draw_eye(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield one eye that looks out from between its lids."""
    y, bow = dice.randint(190, 220), dice.randint(150, 190)
    x = dice.randint(165, 235)
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.deep)
    for ring, fill in enumerate((palette.accent, palette.deep, palette.bright, palette.ground)):
        lid = bow * 1.65 - ring * bow * 0.2
        yield draw_shape(f"M-40 {y}Q200 {y - lid * 1.6:.0f} 440 {y}Q200 {y + lid * 1.6:.0f} -40 {y}z", fill)
    for radius, fill in ((88, palette.deep), (74, palette.accent), (42, palette.ink)):
        yield draw_disc(x, y, radius, fill)
    yield draw_disc(x + 24, y - 26, 13, palette.ground)


def draw_rays(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield the rays of a rising star over a curved world."""
    x, y, count = dice.randint(120, 280), dice.randint(250, 300), dice.choice((12, 14, 16))
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.bright)
    offset = dice.uniform(0, math.pi / count)
    for ray in range(count):
        start = offset + ray * 2 * math.pi / count
        ends = [
            f"{x + 640 * math.cos(angle):.0f} {y + 640 * math.sin(angle):.0f}"
            for angle in (start, start + math.pi / count)
        ]
        yield draw_shape(f"M{x} {y}L{ends[0]}L{ends[1]}z", palette.ground)
    yield draw_disc(x, y, dice.randint(84, 108), palette.accent)
    yield draw_disc(200, 860, 530, palette.deep)
    yield draw_disc(dice.choice((70, 330)), dice.randint(55, 95), dice.randint(16, 26), palette.deep)


def draw_waves(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield rows of rollers, a small boat on one of them."""
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.bright)
    yield draw_disc(dice.randint(80, 320), dice.randint(80, 110), dice.randint(40, 56), palette.accent)
    rows, boat = 6, dice.randint(1, 3)
    for row in range(rows):
        y, length, phase = 175 + row * 42, 100 + row * 16, dice.randint(0, 120)
        if row == boat:
            yield _draw_boat(dice.randint(110, 290), y - 6, palette)
        swell = f"q{length / 4:.0f}-{30 + row * 3} {length / 2:.0f} 0t{length / 2:.0f} 0"
        more = f"t{length / 2:.0f} 0" * 10
        fill = (palette.deep, palette.ground, palette.ink)[row % 3]
        yield draw_shape(f"M{-phase - length} {y}{swell}{more}V{HEIGHT}H{-phase - length}z", fill)


def _draw_boat(x: int, y: int, palette: Palette) -> str:
    """Return a hull with a sail."""
    hull = draw_shape(f"M{x - 42} {y - 8}h84l-16 34h-52z", palette.accent)
    return hull + draw_shape(f"M{x} {y - 100}v84h-44zM{x + 6} {y - 78}v62h34z", palette.ink)


def draw_stairs(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield a stairway that climbs to an open door."""
    steps, mirrored = dice.randint(6, 8), dice.random() < 0.5
    depth, rise = 300 // steps, 230 // steps
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.deep)
    door = HEIGHT - steps * rise - 150

    def turned(x: float, width: float) -> float:
        return WIDTH - x - width if mirrored else x

    yield draw_box(turned(285, 90), door, 90, 150, palette.accent)
    yield draw_shape(f"M{turned(285, 0):.0f} {door}h{-90 if mirrored else 90}v150z", palette.ground)
    for step in range(steps + 1):
        left, top = step * depth - 20, HEIGHT - step * rise
        yield draw_box(
            turned(left, WIDTH),
            top,
            WIDTH,
            HEIGHT - top,
            palette.ink if step % 2 else palette.bright,
        )
        yield draw_box(turned(left, WIDTH), top, WIDTH, 6, palette.ground)
    yield draw_disc(turned(110, 0), dice.randint(90, 120), dice.randint(38, 52), palette.bright)


def draw_petals(dice: Random, palette: Palette) -> Iterator[str]:
    """Yield a flower of overlapping leaves, or a rose window."""
    count, length, width = dice.choice((8, 10, 12)), dice.randint(165, 185), dice.randint(46, 62)
    yield draw_box(0, 0, WIDTH, HEIGHT, palette.ground)
    yield draw_disc(200, 205, 196, palette.bright)
    rings = ((1.0, 0.0, palette.deep), (0.72, 0.5, palette.accent), (0.46, 0.0, palette.ground))
    for ring, offset, fill in rings:
        leaves = (
            _draw_leaf(2 * math.pi * (petal + offset) / count, length * ring, width * ring) for petal in range(count)
        )
        yield draw_shape("".join(leaves), fill)
    yield draw_disc(200, 205, 30, palette.deep)
    yield draw_disc(200, 205, 15, palette.bright)


def _draw_leaf(angle: float, length: float, width: float) -> str:
    """Return the outline of a leaf that grows from the flower's middle."""
    along, across = math.cos(angle), math.sin(angle)
    tip = f"{200 + length * along:.0f} {205 + length * across:.0f}"
    x, y = 200 + length / 2 * along, 205 + length / 2 * across
    sides = (f"{x - side * across:.0f} {y + side * along:.0f}" for side in (width, -width))
    return f"M200 205Q{next(sides)} {tip}Q{next(sides)} 200 205z"


MOTIFS: Final = (
    draw_sunset,
    draw_quarters,
    draw_mountains,
    draw_beam,
    draw_skyline,
    draw_spiral,
    draw_eye,
    draw_rays,
    draw_waves,
    draw_stairs,
    draw_petals,
)
