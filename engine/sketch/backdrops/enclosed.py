"""Places that hide the sky of the scene: a room, space, and the bottom of the sea."""

from typing import Final

import numpy as np

from engine.sketch.backdrops.setting import Drawer, SceneConditions, bank
from engine.sketch.canvas import LIGHTS, Canvas, Rgb, mix, times

_INDOORS: Final[dict[str, Rgb]] = {
    "dawn": (1.0, 0.88, 0.92),
    "noon": (1.0, 1.0, 1.0),
    "sunset": (0.98, 0.68, 0.46),
    "night": (0.40, 0.32, 0.34),
}
"""What the light that falls into a room multiplies its colours by. Chosen by eye."""

_LAMP_LIGHT: Final[Rgb] = (255.0, 190.0, 96.0)


def _glow(canvas: Canvas, x: float, y: float, reach: float, strength: float, rgb: Rgb) -> None:
    """Lay a round soft glow over the picture; `reach` in the canvas's unit."""
    rows = np.linspace(0, canvas.height, 96)[:, None]
    columns = np.linspace(0, canvas.width, 96)[None]
    distance = np.hypot(columns - x, rows - y) / canvas.unit
    canvas.veil(strength * np.exp(-((distance / reach) ** 2)), rgb)


def _room(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w, u = canvas.height, canvas.width, canvas.unit
    tint = _INDOORS[setting.time]
    table = h * 0.68
    canvas.rectangle(0, 0, w, table, times((244.0, 228.0, 196.0), tint))
    side = 1 if rng.random() < 0.5 else -1
    offset = min(w * 0.31, w * 0.5 - u * 0.19)
    window_x = w * 0.5 + side * offset + u * rng.uniform(-0.015, 0.015)
    lamp_x = w * (0.5 - side * rng.uniform(0.27, 0.31))
    if setting.time == "night":
        _glow(canvas, lamp_x, h * 0.2, 0.55, 0.62, _LAMP_LIGHT)
    _window(canvas, setting, window_x, rng)
    _table(canvas, table, tint, rng)
    if setting.time == "night":
        _glow(canvas, lamp_x, h * 0.8, 0.5, 0.22, _LAMP_LIGHT)
    _lamp(canvas, lamp_x, h * 0.19, tint, lit=setting.time == "night")


def _table(canvas: Canvas, top: float, tint: Rgb, rng: np.random.Generator) -> None:
    """Draw a wooden table from `top` down: a bright edge and few boards."""
    h, w, u = canvas.height, canvas.width, canvas.unit
    canvas.rectangle(0, top, w, h, times((200.0, 138.0, 82.0), tint))
    canvas.rectangle(0, top, w, top + u * 0.022, times((226.0, 170.0, 110.0), tint))
    seam = times((164.0, 106.0, 60.0), tint)
    for share in (0.34, 0.68):
        y = top + (h - top) * (share + rng.uniform(-0.04, 0.04))
        canvas.rectangle(0, y, w, y + u * 0.009, seam)


def _lamp(canvas: Canvas, x: float, foot: float, tint: Rgb, *, lit: bool) -> None:
    """Draw a lamp that hangs from the ceiling, its shade's lower edge at `foot`."""
    u = canvas.unit
    metal = times((70.0, 66.0, 72.0), tint)
    canvas.line([(x, 0), (x, foot - u * 0.07)], metal, u * 0.012)
    bulb = (255.0, 244.0, 190.0) if lit else times((250.0, 246.0, 230.0), tint)
    canvas.disc(x, foot, u * 0.036, bulb)
    shade = [(x - u * 0.035, foot - u * 0.085), (x + u * 0.035, foot - u * 0.085)]
    canvas.polygon([*shade, (x + u * 0.1, foot), (x - u * 0.1, foot)],
                   (226.0, 96.0, 60.0) if lit else times((206.0, 92.0, 74.0), tint))  # fmt: skip


def _window(canvas: Canvas, setting: SceneConditions, x: float, rng: np.random.Generator) -> None:
    """Draw a window around `x` that shows the sky of the time of day."""
    u, sky = canvas.unit, setting.light.sky
    half, top = u * 0.135, canvas.height * 0.13
    bottom = top + u * 0.36
    frame = times((252.0, 250.0, 246.0), mix(_INDOORS[setting.time], (1.0, 1.0, 1.0), 0.25))
    edge = u * 0.02
    canvas.rectangle(x - half - edge, top - edge, x + half + edge, bottom + edge, frame)
    bands = 24
    for i in range(bands):
        share = i / (bands - 1)
        rgb = mix(sky[0], sky[1], share * 2) if share < 0.5 else mix(sky[1], sky[2], share * 2 - 1)
        y = top + (bottom - top) * i / bands
        canvas.rectangle(x - half, y, x + half, bottom, rgb)
    _window_sky(canvas, setting, (x - half, top, x + half, bottom), rng)
    bar = u * 0.008
    canvas.rectangle(x - bar, top, x + bar, bottom, frame)
    middle = top + (bottom - top) * 0.5
    canvas.rectangle(x - half, middle - bar, x + half, middle + bar, frame)
    sill = times(frame, 0.88)
    canvas.rectangle(x - half - edge * 1.8, bottom + edge, x + half + edge * 1.8,
                     bottom + edge * 2.2, sill)  # fmt: skip


def _window_sky(
    canvas: Canvas,
    setting: SceneConditions,
    pane: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> None:
    """Draw what is in the sky behind a window: a sun, a cloud, or moon and stars."""
    x0, y0, x1, y1 = pane
    wide, high, u = x1 - x0, y1 - y0, canvas.unit
    light = setting.light
    if setting.time == "night":
        canvas.disc(x0 + wide * 0.72, y0 + high * 0.24, u * 0.038, light.sun)
        for dx, dy in ((0.2, 0.16), (0.32, 0.38), (0.74, 0.68), (0.24, 0.78)):
            jitter = rng.uniform(-0.04, 0.04)
            canvas.disc(x0 + wide * (dx + jitter), y0 + high * dy, u * 0.008, (255.0, 250.0, 225.0))
    elif setting.time == "noon":
        y = y0 + high * rng.uniform(0.26, 0.34)
        for dx, radius in ((0.3, 0.13), (0.5, 0.18), (0.7, 0.13)):
            canvas.ellipse(x0 + wide * dx, y, wide * radius, wide * radius * 0.7, light.cloud)
    else:
        radius = wide * (0.2 if setting.time == "dawn" else 0.3)
        canvas.disc(x0 + wide * 0.5, y0 + high * rng.uniform(0.68, 0.72), radius, light.sun)


def _space(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w, u = canvas.height, canvas.width, canvas.unit
    canvas.gradient(
        [(0, (10.0, 8.0, 34.0)), (h * 0.6, (24.0, 14.0, 60.0)), (h, (12.0, 10.0, 40.0))]
    )
    side = 1 if rng.random() < 0.5 else -1
    for dx, dy, reach, strength, rgb in (
        (-0.30, 0.74, 0.34, 0.55, (150.0, 52.0, 170.0)),
        (-0.16, 0.86, 0.24, 0.40, (40.0, 120.0, 190.0)),
        (-0.42, 0.58, 0.18, 0.35, (214.0, 80.0, 150.0)),
    ):
        x = w * (0.5 + side * (dx + rng.uniform(-0.03, 0.03)))
        _glow(canvas, x, h * (dy + rng.uniform(-0.03, 0.03)), reach, strength, rgb)
    for _ in range(int(46 * w * h / u**2)):
        bright = rng.random()
        star = mix((130.0, 136.0, 190.0), (255.0, 252.0, 236.0), bright)
        radius = u * (0.0035 + 0.006 * bright)
        canvas.disc(rng.uniform(0, w), rng.uniform(0, h), radius, star)
    offset = min(w * 0.34, w * 0.5 - u * 0.17)
    planet_x, planet_y = w * 0.5 + side * offset, h * (0.17 + rng.uniform(-0.02, 0.02))
    _planet(canvas, planet_x, planet_y, u * rng.uniform(0.075, 0.09))


def _planet(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draw a far planet with a ring that passes in front of its lower half."""
    ring = (236.0, 206.0, 160.0)
    tilt = -0.32
    angles = np.linspace(0, 2 * np.pi, 49)
    xs, ys = 1.85 * radius * np.cos(angles), 0.5 * radius * np.sin(angles)
    turned_x = x + xs * np.cos(tilt) - ys * np.sin(tilt)
    turned_y = y + xs * np.sin(tilt) + ys * np.cos(tilt)
    points = list(zip(turned_x.tolist(), turned_y.tolist(), strict=True))
    canvas.line(points[24:], ring, radius * 0.2)
    canvas.disc(x, y, radius, (226.0, 134.0, 84.0))
    canvas.ellipse(
        x - radius * 0.12, y - radius * 0.36, radius * 0.7, radius * 0.2, (246.0, 172.0, 116.0)
    )
    canvas.line(points[:25], ring, radius * 0.2)


def _underwater(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w, u = canvas.height, canvas.width, canvas.unit
    night = setting.time == "night"
    stops = ((120.0, 226.0, 226.0), (40.0, 166.0, 206.0), (18.0, 104.0, 168.0))
    if night:
        stops = ((26.0, 70.0, 112.0), (14.0, 42.0, 86.0), (8.0, 24.0, 60.0))
    canvas.gradient([(0, stops[0]), (h * 0.4, stops[1]), (h * 0.85, stops[2]), (h, stops[2])])
    _light_rays(canvas, 0.13 if night else 0.26, rng)
    tint = times(LIGHTS["night"].tint, 1.7) if night else LIGHTS["noon"].tint
    bank(canvas, rng, h * 0.80, times((214.0, 192.0, 140.0), tint))
    bank(canvas, rng, h * 0.86, times((240.0, 218.0, 160.0), tint))
    for i, dx in enumerate((0.05, 0.13, 0.88, 0.96)):
        rgb = ((38.0, 150.0, 92.0), (70.0, 184.0, 84.0))[i % 2]
        foot = h * (0.86 + 0.04 * (i % 2))
        tall = u * rng.uniform(0.34, 0.46) * (1.0 if i in (0, 3) else 0.66)
        x = w * (dx + rng.uniform(-0.02, 0.02))
        _seaweed(canvas, x, foot, tall, times(rgb, tint), rng)
    _bubbles(canvas, mix(stops[1], (255.0, 255.0, 255.0), 0.3 if night else 0.6), stops[1], rng)


def _bubbles(canvas: Canvas, rim: Rgb, water: Rgb, rng: np.random.Generator) -> None:
    """Draw two strings of bubbles that grow as they rise."""
    u = canvas.unit
    for share in (0.24, 0.76):
        middle = canvas.width * (share + rng.uniform(-0.03, 0.03))
        for i in range(4):
            x = middle + u * rng.uniform(-0.025, 0.025)
            y = canvas.height * (0.62 - 0.14 * i + rng.uniform(-0.02, 0.02))
            radius = u * (0.012 + 0.004 * i)
            canvas.disc(x, y, radius, rim)
            canvas.disc(x, y, radius * 0.68, mix(rim, water, 0.6))


def _light_rays(canvas: Canvas, strength: float, rng: np.random.Generator) -> None:
    """Let broad rays of light fall from the surface, fading towards the bottom."""
    rows = np.linspace(0, 1, 128)[:, None]
    columns = np.linspace(0, 1, 128)[None]
    slant = columns + rows * (columns - 0.5) * -0.5 + rng.uniform(-0.04, 0.04)
    beams = np.zeros((128, 128))
    for centre, half in ((0.2, 0.06), (0.46, 0.08), (0.76, 0.06)):
        beams = beams + np.exp(-(((slant - centre) / half) ** 2))
    canvas.veil(strength * beams * np.clip(1 - rows / 0.85, 0, 1), (255.0, 255.0, 255.0))


def _seaweed(
    canvas: Canvas, x: float, foot: float, height: float, rgb: Rgb, rng: np.random.Generator
) -> None:
    """Draw a broad waving leaf that tapers towards its tip."""
    rise = np.linspace(0, 1, 25)
    sway = x + height * 0.09 * np.sin(rise * 7 + rng.uniform(0, 6.28)) * rise**0.5
    half = height * 0.085 * (1 - rise**1.5) + 0.4
    ys = foot - rise * height
    left = list(zip((sway - half).tolist(), ys.tolist(), strict=True))
    right = list(zip((sway + half).tolist(), ys.tolist(), strict=True))
    canvas.polygon([*left, *right[::-1]], rgb)


DRAWERS: Final[dict[str, Drawer]] = {
    "room": _room,
    "space": _space,
    "underwater": _underwater,
}
