"""Places under the open sky, from the horizon to the ground that things stand on."""

from typing import Final

import numpy as np

from engine.sketch.backdrops.setting import SNOW, Drawer, SceneConditions, bank
from engine.sketch.canvas import Canvas, Point, Rgb, mix, times


def _ridge(
    canvas: Canvas, rng: np.random.Generator, base: float, height: float, peaks: int
) -> list[Point]:
    """Return a jagged line of mountain tops from left to right, px."""
    step = canvas.width / peaks
    points: list[Point] = [(-step, base)]
    for i in range(-1, peaks + 1):
        points.append(
            (i * step + rng.uniform(0.3, 0.7) * step, base - height * rng.uniform(0.6, 1))
        )
        points.append(((i + 1) * step, base - height * rng.uniform(0.15, 0.35)))
    return points


def _ripples(
    canvas: Canvas, setting: SceneConditions, rng: np.random.Generator, top: float, bottom: float
) -> None:
    """Draw light horizontal strokes on water, and the sun's glitter under it."""
    bright = mix(setting.light.water, (255.0, 255.0, 255.0), 0.28)
    for _ in range(int(26 * canvas.width / canvas.unit)):
        y = rng.uniform(top + 3, bottom - 2)
        near = (y - top) / (bottom - top)
        half = canvas.unit * (0.015 + 0.05 * near) * rng.uniform(0.6, 1.2)
        x = rng.uniform(0, canvas.width)
        canvas.ellipse(x, y, half, 0.5 + 0.8 * near, bright)
    for i in range(9):
        y = top + (bottom - top) * (i + 0.5) / 9
        half = canvas.unit * (0.02 + 0.05 * rng.random())
        canvas.ellipse(
            setting.sun_x, y, half, 1.1, mix(setting.light.water, setting.light.sun, 0.75)
        )


def _lake(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    shore = canvas.height * 0.56
    for base, height, peaks, rgb, distance in (
        (shore, 0.36, 3, (110.0, 122.0, 150.0), 0.42),
        (shore, 0.25, 4, (84.0, 98.0, 120.0), 0.12),
    ):
        ridge = _ridge(canvas, rng, base, canvas.height * height, peaks)
        canvas.polygon(
            [*ridge, (canvas.width * 2, base), (-canvas.width, base)], setting.lit(rgb, distance)
        )
        for i in range(1, len(ridge) - 1, 2):
            _snow_cap(canvas, setting, ridge[i - 1 : i + 2], base, distance)
    grass = setting.ground((74.0, 134.0, 70.0), 0.1)
    canvas.rectangle(0, shore - canvas.height * 0.025, canvas.width, shore, grass)
    near = canvas.height * 0.86
    canvas.rectangle(0, shore, canvas.width, canvas.height, setting.light.water)
    _ripples(canvas, setting, rng, shore, near)
    bank(canvas, rng, near, setting.ground((86.0, 156.0, 70.0)))


def _snow_cap(
    canvas: Canvas, setting: SceneConditions, corner: list[Point], base: float, distance: float
) -> None:
    """Whiten a mountain's tip; `corner` is its left foot, tip and right foot."""
    left, tip, right = corner
    share = 0.85 if setting.weather == "snow" else 0.42
    share = min(share, 0.9 * (base - tip[1]) / max(1.0, base - tip[1]))
    a = (tip[0] + (left[0] - tip[0]) * share, tip[1] + (left[1] - tip[1]) * share)
    b = (tip[0] + (right[0] - tip[0]) * share, tip[1] + (right[1] - tip[1]) * share)
    notch = ((a[0] + b[0]) / 2, min(a[1], b[1]) - (min(a[1], b[1]) - tip[1]) * 0.25)
    canvas.polygon([a, tip, b, notch], setting.lit(SNOW, distance * 0.5))


def _conifer(
    canvas: Canvas,
    setting: SceneConditions,
    x: float,
    foot: float,
    height: float,
    rgb: Rgb,
    far: float,
) -> None:
    trunk = setting.lit((92.0, 66.0, 48.0), far)
    canvas.rectangle(x - height * 0.03, foot - height * 0.14, x + height * 0.03, foot, trunk)
    for layer in range(3):
        low = foot - height * (0.10 + 0.26 * layer)
        half = height * (0.25 - 0.055 * layer)
        top = low - height * 0.40
        canvas.polygon([(x - half, low), (x, top), (x + half, low)], setting.lit(rgb, far))
        if setting.weather == "snow":
            cut = 0.45
            tip = [
                (x - half * cut, top + (low - top) * cut),
                (x, top),
                (x + half * cut, top + (low - top) * cut),
            ]
            canvas.polygon(tip, setting.lit(SNOW, far))


def _forest(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, u = canvas.height, canvas.unit
    canvas.rectangle(0, h * 0.52, canvas.width, h, setting.ground((60.0, 112.0, 56.0), 0.3))
    rows = ((0.56, 0.26, 0.34, (46.0, 108.0, 70.0)), (0.63, 0.34, 0.16, (34.0, 96.0, 58.0)))
    for foot, height, far, rgb in rows:
        step = u * height * 0.36
        x = -step * rng.random()
        while x < canvas.width + step:
            low = 0.72 if abs(x - setting.sun_x) < u * 0.16 else 1.0
            tall = u * height * low * rng.uniform(0.8, 1.15)
            _conifer(canvas, setting, x, h * foot, tall, rgb, far)
            x += step * rng.uniform(0.8, 1.2)
    bank(canvas, rng, h * 0.63, setting.ground((92.0, 150.0, 66.0)))
    for side in (0.02, 0.98):
        for depth in range(2):
            x = canvas.width * side + u * rng.uniform(-0.07, 0.07)
            foot = h * (0.74 + 0.14 * depth)
            _conifer(canvas, setting, x, foot, u * rng.uniform(0.5, 0.66), (24.0, 84.0, 48.0), 0)


def _desert(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w = canvas.height, canvas.width
    sands = ((0.50, 0.07, (232.0, 190.0, 128.0), 0.25), (0.58, 0.06, (240.0, 200.0, 122.0), 0.08),
             (0.70, 0.05, (246.0, 208.0, 120.0), 0.0))  # fmt: skip
    canvas.rectangle(0, h * 0.52, w, h, setting.ground(sands[0][2], sands[0][3], 0.55))
    for i, (y, swell, rgb, far) in enumerate(sands):
        xs = np.linspace(0, w, 41)
        phase, pace = rng.uniform(0, 6.28), rng.uniform(2.0, 3.4)
        ys = h * (
            y + swell * np.abs(np.sin(xs / canvas.unit * pace / 2 + phase)) * -1 + swell * 0.5
        )
        shade = (0.82 + 0.09 * i) * (1.3 if setting.time == "night" else 1.0)
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        canvas.polygon([*points, (w, h), (0, h)], setting.ground(times(rgb, shade), far, 0.55))
        if i < 2:
            for _ in range(2):
                x = rng.uniform(0.05, 0.95) * w
                if abs(x - setting.sun_x) > canvas.unit * 0.15:
                    _cactus(canvas, setting, x, h * (y + 0.05), canvas.unit * (0.11 + 0.06 * i))
    side = 0.06 if rng.random() < 0.5 else 0.94
    _cactus(canvas, setting, w * side, h * 0.83, canvas.unit * rng.uniform(0.26, 0.34))


def _cactus(canvas: Canvas, setting: SceneConditions, x: float, foot: float, height: float) -> None:
    rgb = setting.lit((52.0, 136.0, 76.0), 0.05)
    thick = height * 0.17
    canvas.line([(x, foot), (x, foot - height)], rgb, thick)
    canvas.disc(x, foot - height, thick / 2, rgb)
    for side, low in ((-1, 0.35), (1, 0.5)):
        elbow = x + side * height * 0.27
        y = foot - height * low
        canvas.line([(x, y), (elbow, y), (elbow, y - height * 0.28)], rgb, thick * 0.8)
        canvas.disc(elbow, y - height * 0.28, thick * 0.4, rgb)
    if setting.weather == "snow":
        canvas.disc(x, foot - height, thick * 0.6, setting.lit(SNOW))


def _sea(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w = canvas.height, canvas.width
    horizon, beach = h * 0.46, h * 0.84
    deep = times(setting.light.water, 0.82)
    canvas.rectangle(0, horizon, w, h, deep)
    canvas.rectangle(0, horizon + (beach - horizon) * 0.45, w, h, setting.light.water)
    _ripples(canvas, setting, rng, horizon, beach)
    for i in range(3):
        y = horizon + (beach - horizon) * (0.35 + 0.24 * i)
        _wave(canvas, setting, rng, y, 1.2 + 0.5 * i)
    foam = mix(setting.light.water, setting.lit((255.0, 255.0, 255.0)), 0.8)
    bank(canvas, rng, beach - h * 0.014, foam)
    bank(canvas, rng, beach + h * 0.006, setting.ground((244.0, 214.0, 150.0), 0, 0.7))


def _wave(
    canvas: Canvas, setting: SceneConditions, rng: np.random.Generator, y: float, width: float
) -> None:
    crest = mix(setting.light.water, (255.0, 255.0, 255.0), 0.45)
    xs = np.linspace(0, canvas.width, 60)
    ys = y + canvas.unit * 0.010 * np.abs(np.sin(xs / canvas.unit * 9 + rng.uniform(0, 6.28)))
    canvas.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), crest, width)


def _city(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, u = canvas.height, canvas.unit
    street = h * 0.74
    for height, rgb, far in (
        (0.46, (140.0, 150.0, 178.0), 0.40),
        (0.34, (104.0, 112.0, 140.0), 0.08),
    ):
        x = -u * 0.1 * rng.random()
        while x < canvas.width:
            width = u * rng.uniform(0.12, 0.2)
            low = 0.72 if abs(x + width / 2 - setting.sun_x) < u * 0.15 else 1.0
            tall = h * height * low * rng.uniform(0.6, 1.0)
            _building(canvas, setting, (x, street - tall, x + width, street), rgb, far, rng)
            x += width * rng.uniform(1.0, 1.12)
    canvas.rectangle(0, street, canvas.width, h, setting.ground((176.0, 178.0, 184.0), 0, 0.8))
    canvas.rectangle(0, h * 0.79, canvas.width, h, setting.ground((92.0, 94.0, 104.0), 0, 0.62))
    for i in range(int(canvas.width / (u * 0.2)) + 1):
        x = u * 0.2 * i
        canvas.rectangle(x, h * 0.95, x + u * 0.1, h * 0.965, setting.lit((240.0, 232.0, 200.0)))


def _building(
    canvas: Canvas,
    setting: SceneConditions,
    box: tuple[float, float, float, float],
    rgb: Rgb,
    far: float,
    rng: np.random.Generator,
) -> None:
    x0, y0, x1, y1 = box
    canvas.rectangle(x0, y0, x1, y1, setting.lit(times(rgb, rng.uniform(0.85, 1.1)), far))
    if setting.weather == "snow":
        canvas.rectangle(x0, y0, x1, y0 + canvas.unit * 0.014, setting.lit(SNOW, far))
    glows = setting.time in ("night", "sunset")
    glass = (255.0, 224.0, 120.0) if glows else setting.lit((214.0, 232.0, 246.0), far)
    step = canvas.unit * 0.045
    for row in range(int((y1 - y0 - step) / step)):
        for column in range(max(1, int((x1 - x0 - step * 0.4) / step))):
            if rng.random() < (0.62 if glows else 0.85):
                x, y = x0 + step * (column + 0.45), y0 + step * (row + 0.6)
                fill = mix(glass, setting.light.haze, far * 0.5)
                canvas.rectangle(x, y, x + step * 0.45, y + step * 0.55, fill)


def _meadow(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    h, w = canvas.height, canvas.width
    snowy = setting.weather == "snow"
    glow = {"night": 1.4, "sunset": 1.15}.get(setting.time, 1.0)
    for y, swell, pace, rgb, far, shade in (
        (0.60, 0.045, 2.6, (112.0, 180.0, 120.0), 0.30, 0.86),
        (0.67, 0.050, 2.0, (104.0, 190.0, 92.0), 0.08, 0.92),
        (0.77, 0.030, 1.5, (128.0, 212.0, 84.0), 0.0, 1.0),
    ):
        xs = np.linspace(0, w, 41)
        ys = h * (y + swell * np.sin(xs / canvas.unit * pace + rng.uniform(0, 6.28)))
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        # Far hills are darker, so that they stand out under snow too, where less is enough.
        dim = (1 + shade) / 2 if snowy else shade
        fill = times(setting.ground(times(rgb, glow), far, 0.94), dim)
        canvas.polygon([*points, (w, h), (0, h)], fill)
    if not snowy:
        _tiny_flowers(canvas, setting, rng)


def _tiny_flowers(canvas: Canvas, setting: SceneConditions, rng: np.random.Generator) -> None:
    """Strew a few flowers at the left and right, where they do not disturb what stands there."""
    petals = ((255.0, 250.0, 250.0), (255.0, 226.0, 90.0), (255.0, 150.0, 190.0))
    dim = 0.62 if setting.time == "night" else 1.0
    for i, share in enumerate((0.05, 0.90, 0.17, 0.80, 0.07, 0.95, 0.22, 0.85)):
        x = canvas.width * (share + rng.uniform(-0.025, 0.025))
        y = canvas.height * (0.83 + 0.04 * (i // 2) + rng.uniform(-0.012, 0.012))
        radius = canvas.unit * rng.uniform(0.011, 0.014)
        petal = times(times(petals[i % 3], setting.light.thing_tint), dim)
        for angle in np.arange(5) * 2 * np.pi / 5:
            dx, dy = radius * float(np.cos(angle)), radius * float(np.sin(angle))
            canvas.disc(x + dx, y + dy, radius * 0.75, petal)
        canvas.disc(x, y, radius * 0.6, times((240.0, 170.0, 40.0), dim))


DRAWERS: Final[dict[str, Drawer]] = {
    "lake": _lake,
    "forest": _forest,
    "desert": _desert,
    "sea": _sea,
    "city": _city,
    "meadow": _meadow,
}
