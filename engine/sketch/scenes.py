"""Draw a scene: sky, place, things, weather, style, in that order."""

from typing import Final

import numpy as np

from engine.sketch.backdrops import STAGES, SceneConditions, StagingHeights, draw_backdrop
from engine.sketch.canvas import LIGHTS, Canvas, Light, Rgb, mix, times, weathered
from engine.sketch.spec import Scene, Subject
from engine.sketch.styles import restyled
from engine.sketch.things import draw_thing

_SIZES: Final = {
    "house": 0.40,
    "boat": 0.40,
    "tree": 0.50,
    "car": 0.44,
    "tower": 0.48,
    "balloon": 0.38,
    "bird": 0.34,
    "person": 0.40,
    "flower": 0.44,
    "cat": 0.44,
    "dog": 0.44,
    "fish": 0.46,
    "horse": 0.48,
    "rabbit": 0.46,
    "dragon": 0.50,
    "woman": 0.48,
    "man": 0.48,
    "child": 0.44,
    "robot": 0.46,
    "snowman": 0.46,
    "castle": 0.52,
    "spaceship": 0.50,
    "rocket": 0.50,
    "moon": 0.44,
    "star": 0.46,
    "mushroom": 0.46,
    "cake": 0.46,
    "noodles": 0.44,
    "sword": 0.54,
    "crown": 0.44,
    "book": 0.44,
}
"""The height of a thing's unit, as a fraction of the canvas's unit."""
_FLYING_FEET: Final = {"balloon": 0.60, "bird": 0.58, "moon": 0.60, "star": 0.60, "spaceship": 0.58}
"""Where things that hang in the air end, as a fraction of the picture's height."""
_FLOATING: Final = frozenset({"boat"})
_SWIMMING: Final = frozenset({"fish"})
_SLOTS: Final = {1: ((0.5,), 1.2), 2: ((0.25, 0.75), 0.88), 3: ((1 / 6, 0.5, 5 / 6), 0.66)}
"""By the number of things: where their middles are, as fractions of the width, and how large they
are beside one alone. Things keep to these places: a model this small learns what a thing is long
before it learns that the same thing may be anywhere."""
_WIDEST: Final = 1.3
_TALLEST: Final = 1.15
"""The width and height of a thing in units of its size, with its outline: things beside each other
stay apart, and those in the air stay in the picture."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a thing, px."""


def draw(scene: Scene, rng: np.random.Generator, width_px: int, height_px: int) -> np.ndarray:
    """Draw a scene as uint8 pixels, height × width × 3.

    What the scene leaves open (where things are, clouds, waves) comes from `rng`.
    """
    return draw_with_boxes(scene, rng, width_px, height_px)[0]


def draw_with_boxes(
    scene: Scene, rng: np.random.Generator, width_px: int, height_px: int
) -> tuple[np.ndarray, tuple[Box, ...]]:
    """Draw a scene, and also return where its things are, from left to right."""
    canvas = Canvas(width_px, height_px)
    light = weathered(LIGHTS[scene.time], scene.weather)
    stage = STAGES[scene.place]
    sun_x = canvas.width * ((0.22 if scene.time == "dawn" else 0.77) + rng.uniform(-0.05, 0.05))
    setting = SceneConditions(light, scene.time, scene.weather, sun_x)
    moonless = any(each.thing == "moon" for each in scene.subjects)
    _sky(canvas, setting, stage, rng, moonless=moonless)
    draw_backdrop(canvas, scene.place, setting, rng)
    if scene.weather == "mist":
        _mist(canvas, light, rng, 0.34, 0.72, 0.42)
    boxes = _things(canvas, scene, stage, light, rng)
    _fall(canvas, scene, light, rng)
    return restyled(canvas.pixels(), scene.style, rng), boxes


def slots(scene: Scene) -> tuple[Subject, ...]:
    """Return a scene's things one by one, from left to right."""
    return tuple(each for each in scene.subjects for _ in range(each.count))


def _sky(
    canvas: Canvas,
    setting: SceneConditions,
    stage: StagingHeights,
    rng: np.random.Generator,
    *,
    moonless: bool,
) -> None:
    light, h = setting.light, canvas.height
    top, middle, low = light.sky
    canvas.gradient([(0, top), (h * 0.32, middle), (h * 0.60, low), (h, low)])
    hidden = setting.weather == "rain" and setting.time in ("noon", "night")
    sun_y = stage.sun * h if setting.time in ("dawn", "sunset") else h * 0.14
    if setting.time == "night":
        _stars(canvas, light, rng, 18 if setting.weather == "clear" else 9)
    _halo(canvas, setting, sun_y, 0.55 if setting.time in ("dawn", "sunset") else 0.3)
    radius = {"dawn": 0.075, "noon": 0.065, "sunset": 0.125, "night": 0.078}[setting.time]
    sun = mix(light.sun, light.sky[1], 0.4 if hidden else 0.0)
    if setting.time == "night":
        if not moonless:
            _crescent(canvas, setting.sun_x, sun_y, radius * canvas.unit, sun)
    else:
        canvas.disc(setting.sun_x, sun_y, radius * canvas.unit, sun)
    if setting.time == "noon" and setting.weather == "clear":
        _rays(canvas, setting.sun_x, sun_y, radius * canvas.unit, light)
    clouds = {"clear": rng.integers(0, 4), "rain": 5, "snow": 3, "mist": 1}[setting.weather]
    for i in range(int(clouds)):
        share = (i + rng.uniform(0.1, 0.9)) / max(1, clouds)
        y = h * (0.07 if setting.weather == "rain" else rng.uniform(0.08, 0.26))
        x = share * canvas.width
        if setting.weather != "rain" and abs(x - setting.sun_x) < canvas.unit * 0.25:
            x = setting.sun_x + canvas.unit * 0.3 * (1 if x > setting.sun_x else -1)
        _cloud(canvas, x, y, canvas.unit * rng.uniform(0.10, 0.15), light)


def _halo(canvas: Canvas, setting: SceneConditions, sun_y: float, strength: float) -> None:
    rows = np.linspace(0, canvas.height, 96)[:, None]
    columns = np.linspace(0, canvas.width, 96)[None]
    distance = np.hypot(columns - setting.sun_x, rows - sun_y) / canvas.unit
    canvas.veil(strength * np.exp(-((distance / 0.26) ** 2)), setting.light.sun)


def _crescent(canvas: Canvas, x: float, y: float, radius: float, fill: Rgb) -> None:
    angles = np.linspace(-1.9, 1.9, 24) + 2.6
    outer = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles.tolist()]
    (x0, y0), (x1, y1) = outer[-1], outer[0]
    bend = radius * 1.0
    inner = []
    for t in np.linspace(0, 1, 16)[1:-1].tolist():
        swell = bend * np.sin(np.pi * t)
        px, py = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
        inner.append((px + swell * np.cos(2.6), py + swell * np.sin(2.6)))
    canvas.polygon([*outer, *inner], fill)


def _rays(canvas: Canvas, x: float, y: float, radius: float, light: Light) -> None:
    for i in range(8):
        angle = np.pi / 4 * i
        dx, dy = float(np.cos(angle)), float(np.sin(angle))
        near, far = radius * 1.3, radius * 1.75
        ray = [(x + dx * near, y + dy * near), (x + dx * far, y + dy * far)]
        canvas.line(ray, light.sun, radius * 0.2)


def _stars(canvas: Canvas, light: Light, rng: np.random.Generator, count: int) -> None:
    for _ in range(int(count * canvas.width / canvas.unit)):
        x, y = rng.uniform(0, canvas.width), rng.uniform(0, 0.42) * canvas.height
        r = canvas.unit * rng.uniform(0.008, 0.013)
        points = []
        for i in range(8):
            reach = r if i % 2 == 0 else r * 0.38
            points.append((x + reach * np.cos(np.pi / 4 * i), y + reach * np.sin(np.pi / 4 * i)))
        canvas.polygon(points, (255.0, 250.0, 225.0))


def _cloud(canvas: Canvas, x: float, y: float, size: float, light: Light) -> None:
    for dx, dy, r in ((-0.9, 0.1, 0.42), (-0.35, -0.16, 0.56), (0.3, -0.1, 0.6), (0.9, 0.12, 0.42)):
        canvas.ellipse(x + dx * size, y + dy * size, r * size, r * size * 0.8, light.cloud)
    canvas.rectangle(x - 0.9 * size, y, x + 0.9 * size, y + 0.42 * size, light.cloud)


def _things(
    canvas: Canvas, scene: Scene, stage: StagingHeights, light: Light, rng: np.random.Generator
) -> tuple[Box, ...]:
    subjects = slots(scene)
    if not subjects:
        return ()
    centres, scale = _SLOTS[len(subjects)]
    room = canvas.width / len(subjects) / _WIDEST if len(subjects) > 1 else canvas.width
    return tuple(
        _thing(
            canvas,
            scene,
            subject,
            (canvas.width * (centre + rng.uniform(-0.02, 0.02)), scale, room),
            stage,
            light,
            rng,
        )
        for subject, centre in zip(subjects, centres, strict=True)
    )


def _thing(
    canvas: Canvas,
    scene: Scene,
    subject: Subject,
    slot: tuple[float, float, float],
    stage: StagingHeights,
    light: Light,
    rng: np.random.Generator,
) -> Box:
    """Draw one thing; its slot is the x of its middle, its scale and the largest size, px."""
    x, scale, largest = slot
    thing = subject.thing
    size = min(_SIZES[thing] * canvas.unit * scale, largest) * rng.uniform(0.96, 1.06)
    foot = canvas.height * (stage.ground + rng.uniform(0.0, 0.015))
    if stage.afloat or thing in _SWIMMING:
        foot = canvas.height * (0.52 + rng.uniform(-0.015, 0.015)) + size * 0.5
    elif thing in _FLYING_FEET:
        foot = max(
            canvas.height * (_FLYING_FEET[thing] + rng.uniform(-0.01, 0.01)), size * _TALLEST
        )
    elif thing in _FLOATING and (stage.has_water or stage.has_pond):
        foot = canvas.height * (stage.float_line + rng.uniform(0.0, 0.015))
        _berth(canvas, stage, light, x, foot, size)
    else:
        shadow = times(light.tint, 70.0)
        canvas.ellipse(x, foot, size * 0.5, size * 0.05, shadow)
    draw_thing(canvas, thing, subject.colour, (x, foot, size), light, scene.time, rng)
    if scene.weather == "snow" and thing == "house":
        roof = [(x - size * 0.30, foot - size * 0.665), (x, foot - size * 0.94)]
        canvas.line([*roof, (x + size * 0.30, foot - size * 0.665)], (244, 248, 255), size * 0.06)
    return x - size * 0.6, foot - size * 1.1, x + size * 0.6, foot + size * 0.05


def _berth(
    canvas: Canvas, stage: StagingHeights, light: Light, x: float, foot: float, size: float
) -> None:
    """Draw water under a boat: its wake where there is a lake or sea, else a pond."""
    if not stage.has_water:
        rim = mix(light.water, (255.0, 255.0, 255.0), 0.35)
        canvas.ellipse(x, foot, size * 0.92, size * 0.17, rim)
        canvas.ellipse(x, foot, size * 0.88, size * 0.145, light.water)
    shade = times(light.water, 0.7)
    canvas.ellipse(x, foot + size * 0.02, size * 0.5, size * 0.055, shade)


def _mist(
    canvas: Canvas, light: Light, rng: np.random.Generator, top: float, bottom: float, most: float
) -> None:
    rows = np.linspace(0, 1, 96)[:, None]
    columns = np.linspace(0, canvas.width / canvas.unit, 96)[None]
    middle, half = (top + bottom) / 2, (bottom - top) / 2
    mask = most * np.exp(-(((rows - middle) / half) ** 2) * 1.2)
    for level in (top + 0.1, middle, bottom - 0.05):
        centre = level + 0.02 * np.sin(columns * 4 + rng.uniform(0, 6.28))
        mask = mask + 0.5 * np.exp(-(((rows - centre) / 0.03) ** 2))
    pale = mix(light.haze, (255.0, 255.0, 255.0), 0.45)
    canvas.veil(np.broadcast_to(mask, (96, 96)), mix(pale, light.sky[1], 0.25))


def _fall(canvas: Canvas, scene: Scene, light: Light, rng: np.random.Generator) -> None:
    """Draw what falls in front of everything: raindrops, flakes, or the nearest bank of mist."""
    count = int(canvas.width * canvas.height / canvas.unit**2 * 46)
    xs, ys = rng.uniform(0, canvas.width, count), rng.uniform(0, canvas.height, count)
    if scene.weather == "rain":
        drop = mix(light.sky[1], (225.0, 238.0, 255.0), 0.72 if scene.time != "night" else 0.5)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            length = canvas.unit * 0.055
            canvas.line([(x, y), (x - length * 0.32, y + length)], drop, canvas.unit * 0.0065)
    elif scene.weather == "snow":
        flake = mix((255.0, 255.0, 255.0), light.sky[1], 0.0 if scene.time != "night" else 0.12)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            canvas.disc(x, y, canvas.unit * float(rng.uniform(0.008, 0.014)), flake)
    elif scene.weather == "mist":
        _mist(canvas, light, rng, 0.93, 1.06, 0.3)
