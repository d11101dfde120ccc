"""What a drawn person looks like, read from a description."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec import Struct

from gpu_agents.engines.sketch.colour import RGB, mix, rgb

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
