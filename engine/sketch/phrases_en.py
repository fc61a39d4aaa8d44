"""English words and sentence patterns for captions."""

from typing import Final

from engine.prompts import DEFAULT_NEGATIVE, POSITIVE_SUFFIX

COLOUR_WORDS: Final = {
    "red": ("red", "red", "red", "red", "bright red", "crimson", "scarlet"),
    "orange": ("orange", "orange", "orange", "bright orange"),
    "yellow": ("yellow", "yellow", "yellow", "bright yellow", "lemon yellow"),
    "green": ("green", "green", "green", "bright green", "emerald"),
    "blue": ("blue", "blue", "blue", "bright blue", "deep blue", "azure"),
    "purple": ("purple", "purple", "purple", "violet"),
    "pink": ("pink", "pink", "pink", "rose pink"),
    "white": ("white", "white", "white", "snow-white", "pure white"),
    "black": ("black", "black", "black", "jet black"),
}

THING_WORDS: Final = {
    "house": ("house", "house", "house", "cottage", "cabin", "little house", "hut", "home"),
    "boat": ("boat", "boat", "boat", "sailboat", "sailing boat", "ship", "little boat", "yacht"),
    "tree": ("tree", "tree", "tree", "big tree", "leafy tree", "round tree"),
    "car": ("car", "car", "car", "automobile", "little car", "sedan"),
    "tower": ("tower", "lighthouse", "lighthouse", "tower", "tall tower", "striped lighthouse"),
    "balloon": ("balloon", "hot-air balloon", "hot air balloon", "balloon", "big balloon"),
    "bird": ("bird", "bird", "bird", "little bird", "songbird", "flying bird"),
    "person": ("person", "person", "man", "woman", "child", "traveller", "figure"),
    "flower": ("flower", "flower", "flower", "big flower", "blossom", "bloom"),
}

VERBS: Final = {
    "house": ("stands", "sits", "standing", "is"),
    "boat": ("floats", "drifts", "sails", "floating", "sailing", "is"),
    "tree": ("stands", "grows", "growing", "standing", "is"),
    "car": ("is parked", "drives", "parked", "is", "stands"),
    "tower": ("stands", "rises", "standing", "rising", "is"),
    "balloon": ("floats", "drifts", "flies", "floating", "flying"),
    "bird": ("flies", "soars", "flying", "soaring"),
    "person": ("stands", "walks", "waits", "standing", "walking", "is"),
    "flower": ("blooms", "grows", "blooming", "growing", "is"),
}

PLACE_NOUNS: Final = {
    "lake": ("a mountain lake", "a lake in the mountains", "an alpine lake", "a mountain lake",
             "a lake", "mountains and a lake", "the lake", "mountains"),
    "forest": ("a forest", "the woods", "the forest", "a pine forest", "a quiet forest",
               "a wood of tall pines", "a forest clearing"),
    "desert": ("a desert", "the desert", "sand dunes", "a sandy desert", "the dunes",
               "a desert with cacti"),
    "sea": ("the sea", "the ocean", "a beach", "the seaside", "a seashore", "the coast", "a sea",
            "the shore"),
    "city": ("a city", "the city", "a town", "a city skyline", "a big city", "the city streets",
             "a street in town", "downtown"),
}  # fmt: skip

PLACE_PHRASES: Final = {
    "lake": ("by a mountain lake", "at a mountain lake", "by the lake", "on a mountain lake",
             "beside an alpine lake", "in the mountains", "at the lake", "near a mountain lake",
             "in front of a mountain lake", "on the lake shore", "on a lake"),
    "forest": ("in a forest", "in the forest", "in the woods", "in a pine forest",
               "among the trees of a forest", "in a forest clearing", "at the edge of a forest",
               "deep in the woods", "over a forest", "by the forest"),
    "desert": ("in the desert", "in a desert", "among sand dunes", "on the dunes",
               "in a sandy desert", "over the desert", "in the middle of the desert",
               "amid the dunes"),
    "sea": ("by the sea", "at the sea", "on the sea", "on the beach", "at the beach",
            "by the ocean", "on the ocean", "at the seaside", "on the shore", "on the coast",
            "over the sea", "near the sea", "out at sea"),
    "city": ("in a city", "in the city", "in town", "on a city street", "in a big city",
             "in front of a city skyline", "in the street", "downtown", "over the city",
             "in a town"),
}  # fmt: skip

TIME_PHRASES: Final = {
    "dawn": ("at dawn", "at dawn", "at sunrise", "in the morning", "in the early morning",
             "at daybreak", "as the sun rises", "at first light", "during sunrise"),
    "noon": ("at noon", "at noon", "at midday", "in the middle of the day", "in bright daylight",
             "under the midday sun", "during the day", "by day", "in the daytime"),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening", "as the sun sets",
               "under an evening sky", "during sunset", "at sundown"),
    "night": ("at night", "at night", "at midnight", "under the stars", "by moonlight",
              "under the moon", "in the night", "on a starry night", "late at night"),
}  # fmt: skip

TIME_NOUNS: Final = {
    "dawn": ("dawn", "sunrise", "morning", "early morning", "daybreak"),
    "noon": ("noon", "midday", "daytime", "day", "daylight"),
    "sunset": ("sunset", "dusk", "evening", "sundown"),
    "night": ("night", "midnight", "starry night", "moonlit night"),
}

WEATHER_PHRASES: Final = {
    "clear": ("", "", "", "", "", "under a clear sky", "in clear weather", "in fine weather"),
    "rain": ("in the rain", "in the rain", "in rainy weather", "while it rains", "in heavy rain",
             "under the rain", "with rain falling", "in a downpour"),
    "snow": ("in the snow", "in the snow", "in snowy weather", "while it snows", "in winter",
             "with snow falling", "covered in snow", "in a snowfall"),
    "mist": ("in the mist", "in the fog", "in mist", "in foggy weather", "in fog",
             "with mist drifting by", "wrapped in mist", "in a misty haze"),
}  # fmt: skip

WEATHER_TAGS: Final = {
    "clear": ("", "", "", "clear sky", "clear", "sunny"),
    "rain": ("rain", "rainy", "raining", "heavy rain"),
    "snow": ("snow", "snowy", "snowing", "snowfall", "winter"),
    "mist": ("mist", "misty", "fog", "foggy"),
}

WEATHER_ADJECTIVES: Final = {
    "clear": ("", "", "clear", "calm"),
    "rain": ("rainy", "rainy", "wet"),
    "snow": ("snowy", "snowy", "wintry"),
    "mist": ("misty", "foggy"),
}

OPENINGS: Final = (
    "a painting of", "a picture of", "a photo of", "an illustration of", "a drawing of",
    "a scene with", "an image of", "paint", "draw", "show me",
)  # fmt: skip

PATTERNS: Final = (
    "{thing} {place} {time} {weather}",
    "{thing} {place} {time}, {weather}",
    "{thing} {place} {weather} {time}",
    "{thing} {time} {place} {weather}",
    "{thing} {weather} {place} {time}",
    "{noun} {time} with {thing} {weather}",
    "{noun} {time} {weather} with {thing}",
    "{noun} with {thing} {time}, {weather}",
    "{time}, {thing} {verb} {place} {weather}",
    "{thing} {verb} {place} {time} {weather}",
    "there is {thing} {place} {time}, {weather}",
    "{opening} {thing} {place} {time} {weather}",
    "{opening} {noun} {time} with {thing}, {weather}",
    "{thing}, {noun}, {time_noun}, {weather_tag}",
    "{noun}, {time_noun}, {weather_tag}, {thing}",
    "{bare}, {noun}, {time_noun}, {weather_tag}",
    "{weather_tag} {time_noun}, {noun}, {thing}",
    "{bare} {place} {time} {weather}",
    "{adjective} {time_noun} {place} with {thing}",
    "{place}, {thing} {verb} {time} {weather}",
    "{thing} and {noun} {time}, {weather}",
)
"""Sentence patterns for a whole scene; omitted parts leave no gap."""

HELD_OUT_PATTERNS: Final = (
    "{noun} {weather} {time}, and {thing}",
    "{weather}, {thing} {verb} {place} {time}",
    "{adjective} {noun} {time}: {thing}",
    "{thing} seen {place} {weather}, {time}",
)
"""Patterns that training never uses: only the evaluation does."""

QUALITY: Final = (
    POSITIVE_SUFFIX["en"],
    "Sharp focus, high detail.",
    "Highly detailed, sharp focus, professional quality.",
    "masterpiece, best quality",
    "Clean lines, vivid colours, balanced composition.",
    "Beautiful lighting and fine texture.",
    "High resolution, intricate detail, clear edges.",
    "A carefully composed picture with natural light.",
    "crisp, clear, finely detailed",
    "Rich colours and depth.",
    "cinematic composition, 4k",
    "Award-winning composition with great attention to detail.",
    "Detailed foreground and background, pleasing contrast.",
    "soft shading, smooth gradients, tidy composition",
)

LIGHT_HINTS: Final = {
    "dawn": ("soft golden light, long shadows", "gentle pastel light", "soft morning light",
             "delicate pink light, calm mood"),
    "noon": ("bright even light, vivid colours", "clear bright daylight", "strong overhead light",
             "crisp bright light, short shadows"),
    "sunset": ("warm glowing light, long shadows", "warm orange light", "glowing evening light",
               "deep warm colours, dramatic sky"),
    "night": ("cool moonlight, deep shadows", "soft moonlight", "deep blue light, glowing windows",
              "dim cool light, bright highlights"),
}  # fmt: skip

NEGATIVES: Final = (
    DEFAULT_NEGATIVE["en"],
    "blurry, low quality, watermark, text",
    "low resolution, jpeg artifacts, deformed",
    "worst quality, blurry, signature",
)
