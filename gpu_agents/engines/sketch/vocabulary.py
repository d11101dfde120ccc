"""Word tables, Chinese and English, and how words are found in a prompt.

English words match whole words and their plural; Chinese words match anywhere, because the text has no spaces.
"""

from __future__ import annotations

import re
from functools import cache

Table = dict[str, tuple[str, ...]]

INTERIORS: Table = {
    "teahouse": ("tea house", "teahouse", "tea room", "茶馆", "茶楼", "茶室", "茶肆"),
    "library": ("library", "study", "bookshop", "bookstore", "archive", "书房", "图书馆", "藏书阁", "书店", "藏经阁"),
    "kitchen": ("kitchen", "bakery", "厨房", "灶房", "后厨"),
    "classroom": ("classroom", "school", "lecture", "教室", "学校", "课堂", "学堂"),
    "laboratory": ("laboratory", "lab", "实验室", "研究室", "丹房", "炼丹"),
    "office": ("office", "meeting room", "boardroom", "newsroom", "办公室", "会议室", "公司"),
    "workshop": ("workshop", "forge", "smithy", "garage", "factory", "作坊", "工坊", "铁匠铺", "车间", "工厂"),
    "hall": (
        "hall", "throne", "throne room", "ballroom", "cathedral", "church", "大殿", "殿内", "大厅", "王座",
        "教堂", "礼堂", "殿堂",
    ),
    "tavern": ("tavern", "inn", "bar", "pub", "cafe", "restaurant", "客栈", "酒馆", "酒楼", "酒吧", "餐厅", "咖啡馆", "酒肆"),
    "hospital": ("hospital", "ward", "clinic", "病房", "医院", "诊所", "医馆"),
    "train": ("train", "carriage", "subway", "metro", "火车", "车厢", "地铁", "列车"),
    "cockpit": ("cockpit", "space station", "control room", "驾驶舱", "空间站", "舰桥", "船舱", "控制室", "飞船内", "机舱"),
    "room": (
        "room", "bedroom", "apartment", "living room", "indoors", "房间", "卧室", "客厅", "屋内", "屋里",
        "室内", "家中", "家里", "洞房",
    ),
}  # fmt: skip

LANDSCAPES: Table = {
    "mountain": ("mountain", "peak", "cliff", "valley", "summit", "hill", "山", "峰", "崖", "岭", "谷"),
    "sea": ("sea", "ocean", "beach", "coast", "shore", "island", "harbor", "harbour", "海", "沙滩", "海边", "岛", "港"),
    "lake": ("lake", "pond", "lagoon", "湖", "池塘", "潭"),
    "river": ("river", "stream", "creek", "canal", "waterfall", "河", "江", "溪", "瀑布"),
    "bamboo": ("bamboo", "竹林", "竹海", "竹"),
    "forest": ("forest", "woods", "woodland", "jungle", "grove", "park", "森林", "树林", "林中", "丛林", "林间", "公园", "桃林"),
    "city": (
        "city", "street", "downtown", "alley", "skyscraper", "metropolis", "rooftop", "城市", "街", "都市",
        "巷", "长安", "上海", "北京", "东京", "大厦", "城中", "市集", "集市",
    ),
    "village": ("village", "hamlet", "town", "farm", "countryside", "村", "镇", "乡间", "农家", "乡下"),
    "desert": ("desert", "dune", "sahara", "沙漠", "大漠", "戈壁", "沙丘"),
    "snowfield": ("snowfield", "tundra", "glacier", "arctic", "antarctic", "雪原", "雪地", "冰原", "冰川", "极地"),
    "field": (
        "field", "meadow", "grassland", "prairie", "steppe", "plains", "garden", "草原", "田野", "麦田",
        "原野", "花海", "稻田", "花园", "草地",
    ),
    "cave": ("cave", "cavern", "grotto", "mineshaft", "山洞", "洞穴", "洞府", "石窟", "矿洞"),
    "space": ("space", "galaxy", "cosmos", "orbit", "planet", "nebula", "asteroid", "太空", "宇宙", "星球", "星云"),
}  # fmt: skip

STRUCTURES: Table = {
    "temple": ("temple", "pagoda", "shrine", "monastery", "寺", "庙", "塔", "道观", "宝塔", "宗门"),
    "castle": ("castle", "fortress", "citadel", "城堡", "要塞", "古堡"),
    "palace": ("palace", "forbidden city", "宫殿", "皇宫", "宫", "仙宫"),
    "bridge": ("bridge", "桥"),
    "lighthouse": ("lighthouse", "灯塔"),
    "gate": ("torii", "gate", "archway", "牌坊", "山门", "城门", "鸟居"),
    "ruins": ("ruin", "ruins", "columns", "废墟", "遗迹", "古迹"),
    "hut": ("hut", "cottage", "cabin", "house", "小屋", "茅屋", "木屋", "房子", "屋外"),
}  # fmt: skip

OBJECTS: Table = {
    "lantern": ("lantern", "lamp", "灯笼", "孔明灯", "花灯", "油灯"),
    "boat": ("boat", "ship", "sailboat", "canoe", "小船", "帆船", "渔船", "轻舟", "船"),
    "sword": ("sword", "blade", "剑", "刀"),
    "horse": ("horse", "pony", "horseman", "马匹", "骏马", "白马", "骑马", "战马", "马"),
    "bird": ("bird", "crane", "eagle", "seagull", "crow", "swallow", "鸟", "鹤", "鹰", "雁", "海鸥", "乌鸦", "燕"),
    "book": ("book", "scroll", "letter", "书卷", "古书", "卷轴", "书本", "秘籍", "信件"),
    "fire": ("fire", "campfire", "bonfire", "flame", "篝火", "火堆", "火焰", "烈火"),
    "umbrella": ("umbrella", "parasol", "伞"),
    "robot": ("robot", "android", "mech", "机器人", "机甲"),
    "cat": ("cat", "kitten", "猫"),
    "dog": ("dog", "puppy", "wolf", "fox", "狗", "犬", "狼", "狐狸"),
    "car": ("car", "taxi", "truck", "汽车", "轿车", "出租车"),
    "dragon": ("dragon", "龙"),
    "balloon": ("balloon", "hot air balloon", "热气球", "气球"),
    "flower": ("flower", "rose", "blossom", "lotus", "sakura", "花", "桃花", "樱", "莲"),
    "tea": ("tea", "teapot", "cup", "coffee", "茶", "咖啡", "酒杯"),
    "spaceship": ("spaceship", "starship", "rocket", "ufo", "飞船", "太空船", "火箭", "飞碟"),
}  # fmt: skip

WEATHER: Table = {
    "rain": ("rain", "rainy", "raining", "drizzle", "downpour", "雨"),
    "snow": ("snow", "snowy", "snowing", "blizzard", "snowfield", "雪"),
    "fog": ("fog", "foggy", "mist", "misty", "haze", "smoke", "雾", "烟雨", "云海", "朦胧"),
    "storm": ("storm", "stormy", "thunder", "lightning", "tempest", "thunderstorm", "雷", "暴风", "暴雨", "闪电", "风暴"),
    "wind": ("wind", "windy", "breeze", "gale", "leaves", "petals", "狂风", "大风", "微风", "清风", "落叶", "落花", "花瓣"),
}  # fmt: skip

TIMES: Table = {
    "night": (
        "night", "midnight", "moon", "moonlight", "moonlit", "star", "starry", "夜", "月", "星空", "星光",
        "深夜", "子时",
    ),
    "dawn": ("dawn", "sunrise", "daybreak", "early morning", "黎明", "日出", "清晨", "拂晓", "破晓", "朝阳", "晨"),
    "sunset": ("sunset", "golden hour", "sundown", "夕阳", "日落", "落日", "夕照"),
    "dusk": ("dusk", "twilight", "evening", "黄昏", "傍晚", "暮色", "薄暮"),
    "day": ("noon", "midday", "daylight", "daytime", "sunny", "正午", "白天", "晴天", "阳光", "中午"),
}  # fmt: skip

PEOPLE: Table = {
    "crowd": (
        "crowd", "people", "soldier", "army", "villager", "students", "guests", "众人", "人群", "士兵", "军队",
        "百姓", "弟子们", "行人", "学生们",
    ),
    "pair": (
        "couple", "two people", "two men", "two women", "lovers", "friends", "两人", "二人", "情侣", "师徒",
        "夫妻", "恋人",
    ),
    "one": (
        "man", "woman", "boy", "girl", "person", "child", "monk", "warrior", "swordsman", "knight", "king",
        "queen", "princess", "he", "she", "hero", "traveler", "traveller", "old man", "detective", "scientist",
        "doctor", "student", "teacher", "astronaut", "figure", "hunter", "男", "女", "少年", "少女", "老人",
        "孩子", "和尚", "剑客", "侠", "将军", "公主", "皇帝", "书生", "道士", "旅人", "他", "她", "人影", "修士",
        "仙子", "宇航员", "医生", "老师", "侦探", "背影", "弟子",
    ),
}  # fmt: skip

STYLES: Table = {
    "ink": ("ink", "ink wash", "sumi-e", "水墨", "国画", "墨"),
    "noir": ("noir", "black and white", "monochrome", "黑白", "黑色电影"),
    "sepia": ("sepia", "vintage", "retro", "old photo", "复古", "怀旧", "老照片"),
    "comic": ("comic", "manga", "anime", "cartoon", "漫画", "动漫", "动画"),
    "watercolour": ("watercolor", "watercolour", "水彩"),
}


@cache
def _pattern(word: str) -> re.Pattern[str]:
    if word.isascii():
        return re.compile(rf"\b{re.escape(word)}(?:s|es)?\b", re.IGNORECASE)
    return re.compile(re.escape(word))


def find(table: Table, text: str) -> dict[str, int]:
    """Keys of `table` named in `text`, with the position of the first hit, earliest first.

    A hit inside a longer word of another key does not count: 灯塔 is a lighthouse, no pagoda.
    """
    hits: list[tuple[int, int, str]] = []
    for key, words in table.items():
        hits += [(*match.span(), key) for word in words for match in _pattern(word).finditer(text)]
    whole = [hit for hit in hits if not any(_inside(hit, other) for other in hits)]
    first: dict[str, int] = {}
    for start, _, key in sorted(whole):
        first.setdefault(key, start)
    return first


def _inside(hit: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return hit[2] != other[2] and other[0] <= hit[0] and hit[1] <= other[1] and hit[1] - hit[0] < other[1] - other[0]
