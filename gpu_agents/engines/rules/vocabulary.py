"""Word tables of the direction rules, Chinese and English side by side, and the lexicon that finds their words in a text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct


class Hit(Struct, frozen=True):
    """A word of a table found in a text: its meaning, the word as written, where it starts."""

    meaning: str
    word: str
    start: int


class Lexicon:
    """Meaning → words. English words match whole words in any case with a plural ending, Chinese ones anywhere; longest wins."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._meaning = {
            word: meaning for meaning, words in table.items() for word in words.replace("_", " ").split("|")
        }
        ordered = sorted(self._meaning, key=lambda word: (-len(word), word))
        latin = "|".join(re.escape(word) for word in ordered if word.isascii())
        han = "|".join(re.escape(word) for word in ordered if not word.isascii())
        self._latin = re.compile(rf"(?<![a-z])(?:({latin})(?:s|es)?)(?![a-z])", re.IGNORECASE | re.ASCII)
        self._han = re.compile(han)

    def find(self, text: str) -> list[Hit]:
        """Every hit in the order of the text."""
        if not (self._latin.search(text) or self._han.search(text)):
            return []
        hits = [Hit(self._meaning[m.group(1).lower()], m.group(), m.start()) for m in self._latin.finditer(text)]
        hits += [Hit(self._meaning[m.group()], m.group(), m.start()) for m in self._han.finditer(text)]
        return sorted(hits, key=lambda hit: hit.start)

    def first(self, text: str) -> Hit | None:
        """The first hit, None without one."""
        hits = self.find(text)
        return hits[0] if hits else None

    def meanings(self, text: str) -> list[str]:
        """Meanings of all hits in order, repeated as often as they occur."""
        return [hit.meaning for hit in self.find(text)]


# Places. A meaning that ends in "/in" is indoors.
PLACES = Lexicon(
    {
        "street": "street|alley|lane|road|avenue|crossroads|老街|长街|街上|街道|街头|街|巷子|小巷|雨巷|巷口|巷|"
        "马路|十字路口",
        "market": "market|bazaar|集市|夜市|市场",
        "bridge": "bridge|石桥|断桥|木桥|小桥|大桥|桥上|桥头|桥",
        "teahouse/in": "tea_house|teahouse|cafe|café|tavern|inn|bar|restaurant|茶馆|茶楼|茶肆|酒馆|酒楼|客栈|咖啡馆|"
        "餐馆",
        "library/in": "library|archive|bookshop|study|图书馆|藏书阁|书房|书店|书斋",
        "lantern room/in": "lantern_room|lamp_room|灯室",
        "lighthouse": "lighthouse|灯塔",
        "tower": "tower|钟楼|塔楼|高塔|城楼",
        "temple": "temple|monastery|shrine|church|cathedral|古寺|寺庙|山寺|寺院|道观|庙门|佛殿|寺|庙|教堂",
        "palace": "palace|castle|fortress|throne_room|宫殿|皇宫|大殿|城堡",
        "mountain": "mountain|peak|cliff|summit|hill|valley|canyon|高山|山顶|山路|山道|山门|山谷|悬崖|崖边|雪山|"
        "群山|山峰|山",
        "forest": "forest|wood|grove|jungle|bamboo|森林|树林|竹林|林间|密林|林中",
        "sea": "sea|ocean|shore|beach|harbour|harbor|pier|coast|bay|大海|海边|海面|海滩|海岸|港口|码头|海上|沙滩|海",
        "river": "river|stream|riverbank|waterfall|河边|江边|河岸|江面|河面|小河|溪边|瀑布|渡口|河|江",
        "lake": "lake|pond|湖边|湖面|湖心|池塘|湖",
        "boat": "boat|ship|deck|小船|渔船|船上|乌篷船|甲板|船头",
        "desert": "desert|dune|沙漠|戈壁|沙丘",
        "field": "field|meadow|farm|grassland|steppe|田野|草原|草地|麦田|稻田|雪原|荒野|原野",
        "garden": "garden|park|courtyard|orchard|花园|公园|庭院|院子|果园",
        "village": "village|town|hamlet|村庄|村口|小镇|古镇|村子|山村",
        "city": "city|skyline|downtown|rooftop|城市|都市|京城|城里|屋顶|天台",
        "station": "station|platform|airport|subway|metro|火车站|车站|站台|机场|地铁",
        "school/in": "school|classroom|university|学校|教室|大学|课堂",
        "hospital/in": "hospital|clinic|ward|医院|病房|诊所",
        "office/in": "office|workshop|studio|laboratory|factory|办公室|工坊|作坊|实验室|工厂",
        "kitchen/in": "kitchen|厨房|灶间",
        "home/in": "house|home|room|bedroom|hut|cabin|apartment|attic|hall|corridor|stairwell|staircase|房间|卧室|"
        "屋里|屋内|家中|木屋|小屋|大厅|走廊|客厅|阁楼",
        "space": "space|spaceship|planet|moon_base|太空|飞船|星球",
        "cave": "cave|cavern|mine|tunnel|山洞|洞穴|地道|隧道",
    }
)

TIMES = Lexicon(
    {
        "dawn": "dawn|sunrise|daybreak|first_light|黎明|拂晓|破晓|清晨|日出|天亮|天色微明|晨光",
        "morning": "morning|早晨|早上|上午",
        "day": "day|daytime|noon|midday|afternoon|sunlight|白天|正午|中午|午后|下午|阳光",
        "dusk": "dusk|sunset|evening|twilight|golden_hour|黄昏|傍晚|日落|夕阳|薄暮|晚霞",
        "night": "night|midnight|moonlight|starlight|moonlit|雨夜|深夜|半夜|午夜|夜里|夜晚|夜色|月光|星光|今夜|夜",
    }
)

WEATHER = Lexicon(
    {
        "storm": "storm|thunder|lightning|gale|hurricane|tempest|暴风雨|暴雨|雷雨|雷声|闪电|狂风|风暴|雷鸣",
        "rain": "rain|drizzle|downpour|raining|rainy|rainwater|细雨|大雨|下雨|雨水|雨点|雨丝|雨夜|雨巷|雨幕|雨",
        "snow": "snow|blizzard|snowing|snowy|snowfall|snowflake|frost|大雪|风雪|飞雪|下雪|雪花|落雪|白雪|积雪|雪",
        "fog": "fog|mist|haze|misty|foggy|大雾|薄雾|雾气|晨雾|浓雾|雾",
        "wind": "wind|breeze|windy|微风|大风|海风|山风|晚风",
        "clouds": "overcast|cloud|cloudy|grey_sky|gray_sky|阴天|乌云|多云|阴云",
        "clear": "clear_sky|sunny|blue_sky|晴天|晴空|晴朗|放晴|蓝天",
    }
)

# A leap in time: the next sentence opens a new scene.
LEAPS = Lexicon(
    {
        "leap": "later|next_day|next_morning|the_following|years_later|that_night|at_dawn|at_dusk|meanwhile"
        "|第二天|次日|翌日|后来|多年以后|多年后|几天后|三天后|数日后|当晚|那天夜里|与此同时|天亮时|天亮了|一年后|转眼"
    }
)

# Going to a place: a place word beside one of these changes the scene.
ARRIVALS = Lexicon(
    {
        "arrive": "arrive|arrived|arriving|reach|reached|reaching|enter|entered|entering|return|returned|climb|"
        "climbed|step_into|stepped_into"
        "|walked_into|walk_into|came_to|come_to|went_to|sailed|at_the|in_the"
        "|来到|走进|走到|回到|登上|爬上|抵达|到了|进了|推开|赶到|穿过|驶向|驶出|踏上|站在|坐在|奔向"
    }
)

CAMERAS = Lexicon(
    {
        "close_up": "close_up|close-up|closeup|extreme_close|insert|特写|近景|大特写|手指|指尖|眼睛|眼泪|泪水|泪|"
        "eye|tear|fingertip|finger|palm|掌心",
        "wide": "wide|wide_shot|establishing|long_shot|panorama|vista|远景|全景|大远景|远处|天地|horizon|天边|地平线",
        "aerial": "aerial|bird's_eye|from_above|drone|overhead|俯瞰|航拍|鸟瞰|从空中|高空",
        "low_angle": "low_angle|looks_up|look_up|looking_up|looked_up|towering|towers|仰拍|仰望|抬头|仰头|高耸",
        "high_angle": "high_angle|looks_down|look_down|looked_down|looking_down|俯拍|俯视|低头",
        "pan": "pan|pans|panning|sweeps|sweep|across_the|摇镜|横摇|环顾|扫过|掠过|looks_around",
        "dolly": "dolly|tracking|follow|walk|walked|walking|climbs|climb|climbing|climbed|stride|跟拍|推轨|跟随|"
        "走|穿过|沿着|走上|走进|登上|前行",
        "zoom": "zoom|push_in|zooms|推近|推镜|拉近|变焦",
        "handheld": "handheld|run|runs|running|ran|chase|fight|stagger|staggers|struggle|手持|奔跑|跑|追|冲|搏斗|"
        "挣扎|摇晃|踉跄|狂奔",
        "static": "static|still_frame|motionless|still_life|定镜|静止|一动不动",
    }
)

LIGHTS = Lexicon(
    {
        "neon": "neon|霓虹",
        "candlelight": "candle|candlelight|lantern|lamplight|oil_lamp|fireplace|firelight|hearth|torch|烛光|蜡烛|烛|"
        "灯笼|油灯|篝火|炉火|火把|灯火",
        "backlit": "silhouette|backlit|backlight|剪影|逆光|背光",
        "studio": "studio_light|spotlight|stage|聚光灯|舞台|摄影棚",
        "golden_hour": "golden|golden_hour|amber|金色|金光|霞光|余晖",
    }
)

MOODS = Lexicon(
    {
        "happy": "happy|smile|smiled|smiling|laugh|laughed|laughing|joy|cheer|delight|笑|微笑|欢喜|高兴|快乐|"
        "开心|喜悦|欢呼",
        "calm": "calm|quiet|quietly|peace|peaceful|gentle|gently|silence|silent|serene|平静|安静|宁静|静静|轻轻|"
        "安详|温柔|缓缓|温暖",
        "tense": "tense|afraid|fear|danger|scream|shout|shouted|panic|desperate|urgent|crash|shatter|roar|紧张|"
        "害怕|恐惧|危险|惊|急|怒|喊|崩塌|撕|轰",
        "sad": "sad|cry|cried|crying|tear|weep|wept|grief|lonely|alone|lost|goodbye|mourn|died|dead|悲|哭|泪|"
        "伤心|孤独|孤零零|告别|离别|叹|思念|再也没",
        "mysterious": "mystery|mysterious|strange|secret|shadow|whisper|whispered|hidden|unknown|神秘|奇怪|秘密|影子|"
        "低语|隐约|若隐若现|传说|无人知晓",
        "epic": "epic|triumph|glory|army|battle|legend|heroic|majestic|blaze|blazes|壮丽|壮阔|浩荡|战场|英雄|"
        "史诗|万丈|光芒|轰鸣",
        "romantic": "love|loved|kiss|embrace|beloved|heart|tender|爱|吻|拥抱|相拥|心上人|依偎",
    }
)

FAST = Lexicon(
    {
        "fast": "run|runs|ran|running|chase|fight|crash|suddenly|leap|leaps|slam|slams|burst|bursts|shatters|"
        "races|奔跑|跑|追|冲|突然|忽然|猛地|撞|狂奔|扑|炸|撕裂"
    }
)

PLACE_MOODS = {"storm": "tense", "snow": "calm", "fog": "mysterious"}
PLACE_LIGHTS = {
    "dawn": "golden_hour",
    "dusk": "golden_hour",
    "night": "night",
    "storm": "overcast",
    "rain": "overcast",
    "snow": "overcast",
    "fog": "overcast",
    "clouds": "overcast",
    "morning": "natural",
    "day": "natural",
    "clear": "natural",
}
