"""Drawn people: body, clothes, hair and, near the eye, a face. Measured in metres above the feet."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec import Struct

from gpu_agents.engines.sketch.colour import RGB, mix, rgb, times
from gpu_agents.engines.sketch.face import draw_back_hair, draw_head
from gpu_agents.engines.sketch.stage import Stage
from gpu_agents.engines.sketch.svg import Canvas, Point

HEIGHT = 1.72  # metres, crown of the head
_COLOURS = {
    "red": ("#b23a3a", "红", "赤"),
    "blue": ("#3a5f9c", "蓝"),
    "green": ("#4c7d57", "绿"),
    "white": ("#e9e6dd", "白衣", "白袍", "白色"),
    "black": ("#33333d", "黑"),
    "purple": ("#6c4a8c", "紫"),
    "yellow": ("#d3a63f", "黄"),
    "golden": ("#c9a24a", "金"),
    "pink": ("#d98aa6", "粉"),
    "grey": ("#7d8087", "灰"),
    "gray": ("#7d8087", "灰"),
    "brown": ("#7d5a40", "褐"),
    "orange": ("#cf7a3a", "橙"),
    "cyan": ("#4d8f96", "青"),
}
_CLOTHES = ("#5a6e8c", "#8c4a4a", "#4f7263", "#6b5b86", "#a8825a", "#3f4a63", "#9c6b4f")
_ROBE_WORDS = (
    "robe",
    "monk",
    "wizard",
    "king",
    "queen",
    "princess",
    "samurai",
    "hanfu",
    "priest",
    "ancient",
    "swordsman",
    "修",
    "仙",
    "侠",
    "剑",
    "袍",
    "古",
    "道",
    "僧",
    "和尚",
    "皇",
    "公主",
    "书生",
    "将军",
    "师",
    "弟子",
    "少侠",
    "宗",
    "汉服",
    "江湖",
    "客栈",
    "茶馆",
    "寺",
    "庙",
    "宫",
)
_FEMALE = ("woman", "girl", "she", "her", "female", "lady", "queen", "princess", "女", "她", "仙子", "公主", "娘", "姑")
_OLD = ("old", "elder", "grandfather", "grandmother", "aged", "老")
_CHILD = ("child", "boy", "girl", "kid", "孩", "童", "小女孩", "小男孩")
_SKINS = ("#f0c9a4", "#e3b58d", "#c98f68", "#8f5e43")


class Look(Struct, frozen=True):
    """What a drawn person looks like."""

    skin: RGB
    hair: RGB
    clothes: RGB
    trim: RGB
    robe: bool
    long_hair: bool
    old: bool
    size: float  # 1 = grown up


def look_of(text: str, rng: random.Random, setting: str = "") -> Look:
    """Read a description (zh or en); what it leaves open is chosen by chance."""
    low = f" {text.lower()} "
    words = set(low.replace(",", " ").replace(".", " ").split())

    def named(table: Sequence[str]) -> bool:
        return any((entry in words) if entry.isascii() else (entry in low) for entry in table)

    clothes = rgb(rng.choice(_CLOTHES))
    for name, (value, *chinese) in _COLOURS.items():
        if name in words or any(word in low for word in chinese):
            clothes = rgb(value)
            break
    old = named(_OLD)
    hair = (
        rgb("#dcdcd8")
        if old or "白发" in low or "white hair" in low
        else rgb(rng.choice(("#231d22", "#33241d", "#1f2530", "#4a3122")))
    )
    robe = named(_ROBE_WORDS) or any(word in setting for word in ("teahouse", "tavern", "temple", "palace", "bamboo"))
    return Look(
        skin=rgb(rng.choice(_SKINS[:2] if robe else _SKINS)),
        hair=hair,
        clothes=clothes,
        trim=mix(clothes, rgb("#f1e3c0"), 0.65),
        robe=robe,
        long_hair=named(_FEMALE) or (robe and rng.random() < 0.6),
        old=old,
        size=0.72 if named(_CHILD) and not old else 1.0,
    )


def draw_figure(
    stage: Stage,
    canvas: Canvas,
    foot: Point,
    scale: float,
    look: Look,
    depth: float = 0.0,
    head: bool = True,
    away: bool = False,
    stretch: float = 1.0,
) -> None:
    """A standing person; `scale` pixels a metre, `away` shows the back, `head` False leaves room for a portrait,
    `stretch` widens the body.
    """
    scale *= look.size
    side = 1.0 if stage.sun is not None and stage.sun[0] > foot[0] else -1.0
    figure = _Figure(stage, canvas, foot, scale, look, depth, side, stretch)
    crown = (foot[0], foot[1] - 1.575 * scale)
    big = scale * 1.12  # heads a little large, as in animation
    if head and look.long_hair and not away:
        draw_back_hair(canvas, crown, big, look.hair, stage.pal, depth)
    if look.robe:
        figure.robe(away)
    else:
        figure.coat(away)
    if not head:
        return
    if look.long_hair and away:
        draw_back_hair(canvas, crown, big, look.hair, stage.pal, depth)
    draw_head(
        canvas,
        crown,
        big,
        look.skin,
        look.hair,
        stage.pal,
        depth,
        side,
        long_hair=look.long_hair,
        bun=look.robe,
        old=look.old,
        away=away,
    )


class _Figure:
    """Body parts of one person; x grows towards the light when multiplied by `side`."""

    def __init__(
        self,
        stage: Stage,
        canvas: Canvas,
        foot: Point,
        scale: float,
        look: Look,
        depth: float,
        side: float,
        stretch: float,
    ) -> None:
        self.stretch = stretch
        self.canvas, self.foot, self.scale, self.look, self.depth, self.side = canvas, foot, scale, look, depth, side
        self.pal = stage.pal

    def at(self, x: float, y: float) -> Point:
        return self.foot[0] + x * self.scale * self.stretch, self.foot[1] - y * self.scale

    def tone(self, local: RGB, lit: float) -> RGB:
        return self.pal.tone(local, self.depth, lit)

    def shape(self, points: Sequence[Point], local: RGB, lit: float, opacity: float = 1.0) -> None:
        self.canvas.blob([self.at(*point) for point in points], self.tone(local, lit), opacity)

    def cloth(self, points: Sequence[Point], local: RGB) -> None:
        """A piece of clothing, lighter towards the light."""
        xs = [x for x, _ in points]
        start, end = self.at(min(xs), 1.0), self.at(max(xs), 1.0)
        if self.side > 0:
            start, end = end, start
        stops = [
            (0.0, self.tone(local, 0.95), 1.0),
            (0.45, self.tone(local, 0.6), 1.0),
            (1.0, self.tone(local, 0.12), 1.0),
        ]
        self.canvas.blob([self.at(*point) for point in points], self.canvas.linear(start, end, stops))

    def neck(self) -> None:
        self.shape([(-0.05, 1.40), (-0.045, 1.53), (0.045, 1.53), (0.05, 1.40)], times(self.look.skin, 0.86), 0.4)

    def robe(self, away: bool) -> None:
        look = self.look
        for side in (-1, 1):
            self.cloth(
                [
                    (side * 0.17, 1.41),
                    (side * 0.235, 1.31),
                    (side * 0.29, 1.0),
                    (side * 0.335, 0.72),
                    (side * 0.215, 0.70),
                    (side * 0.15, 1.02),
                ],
                times(look.clothes, 0.9),
            )
            self.shape(
                [(side * 0.325, 0.735), (side * 0.225, 0.71), (side * 0.232, 0.755), (side * 0.318, 0.78)],
                look.trim,
                0.7,
            )
        self.cloth(
            [
                (-0.075, 1.46),
                (-0.185, 1.415),
                (-0.2, 1.2),
                (-0.155, 1.0),
                (-0.22, 0.5),
                (-0.29, 0.02),
                (0.0, -0.015),
                (0.29, 0.02),
                (0.22, 0.5),
                (0.155, 1.0),
                (0.2, 1.2),
                (0.185, 1.415),
                (0.075, 1.46),
            ],
            look.clothes,
        )
        for x0, x1 in ((-0.08, -0.14), (0.03, 0.05), (0.11, 0.19)):
            self.canvas.stroke(
                [self.at(x0, 0.95), self.at((x0 + x1) / 2, 0.5), self.at(x1, 0.04)],
                self.tone(look.clothes, 0.05),
                self.scale * 0.008,
                0.4,
            )
        self.shape(
            [(-0.30, 0.03), (0.0, -0.012), (0.30, 0.03), (0.295, 0.085), (0.0, 0.045), (-0.295, 0.085)], look.trim, 0.5
        )
        self.neck()
        if not away:
            self.collar()
        self.shape([(-0.165, 1.08), (0.165, 1.08), (0.172, 0.98), (-0.172, 0.98)], times(look.clothes, 0.5), 0.5)
        if not away:
            self.canvas.stroke(
                [self.at(0.04, 1.0), self.at(0.06, 0.75), self.at(0.045, 0.55)],
                self.tone(look.trim, 0.5),
                self.scale * 0.022,
            )

    def collar(self) -> None:
        """The crossed collar of a robe, left side over right, above a white under-robe."""
        self.shape([(-0.055, 1.475), (0.055, 1.475), (0.02, 1.36), (-0.005, 1.33)], rgb("#efe9dc"), 0.6)
        trim, shade = self.tone(self.look.trim, 0.8), self.tone(times(self.look.trim, 0.8), 0.5)
        self.canvas.stroke(
            [self.at(-0.075, 1.47), self.at(-0.035, 1.38), self.at(0.02, 1.29)], shade, self.scale * 0.036
        )
        self.canvas.stroke([self.at(0.075, 1.47), self.at(0.03, 1.36), self.at(-0.09, 1.09)], trim, self.scale * 0.038)

    def coat(self, away: bool) -> None:
        look = self.look
        trousers = mix(times(look.clothes, 0.4), rgb("#2c303c"), 0.6)
        for side in (-1, 1):
            self.cloth(
                [
                    (side * 0.02, 0.9),
                    (side * 0.16, 0.9),
                    (side * 0.135, 0.45),
                    (side * 0.115, 0.06),
                    (side * 0.04, 0.06),
                    (side * 0.03, 0.45),
                ],
                trousers,
            )
            self.shape(
                [(side * 0.03, 0.08), (side * 0.12, 0.08), (side * 0.155, 0.0), (side * 0.03, 0.0)], rgb("#2a2628"), 0.4
            )
            self.cloth(
                [
                    (side * 0.15, 1.42),
                    (side * 0.23, 1.36),
                    (side * 0.275, 1.05),
                    (side * 0.27, 0.78),
                    (side * 0.2, 0.78),
                    (side * 0.18, 1.05),
                ],
                times(look.clothes, 0.88),
            )
            self.shape(
                [(side * 0.205, 0.79), (side * 0.265, 0.79), (side * 0.26, 0.70), (side * 0.215, 0.69)], look.skin, 0.5
            )
        self.cloth(
            [
                (-0.07, 1.47),
                (-0.205, 1.41),
                (-0.195, 1.15),
                (-0.175, 0.98),
                (-0.2, 0.74),
                (0.2, 0.74),
                (0.175, 0.98),
                (0.195, 1.15),
                (0.205, 1.41),
                (0.07, 1.47),
            ],
            look.clothes,
        )
        self.neck()
        if away:
            return
        self.shape([(-0.045, 1.46), (0.045, 1.46), (0.0, 1.22)], rgb("#ece8e0"), 0.6)
        for side in (-1, 1):
            self.canvas.polygon(
                [self.at(side * 0.06, 1.49), self.at(side * 0.1, 1.40), self.at(side * 0.005, 1.2)],
                self.tone(times(look.clothes, 0.75), 0.5),
            )
        self.canvas.stroke(
            [self.at(0.0, 1.2), self.at(0.0, 0.76)], self.tone(look.clothes, 0.02), self.scale * 0.008, 0.6
        )
