"""English words and sentence patterns for captions."""

from typing import Final

from engine.prompts import DEFAULT_NEGATIVE, POSITIVE_SUFFIX

COLOUR_WORDS: Final = {
    "red": ("red", "red", "red", "red", "bright red", "crimson", "scarlet"),
    "orange": ("orange", "orange", "orange", "bright orange"),
    "yellow": ("yellow", "yellow", "yellow", "bright yellow", "lemon yellow", "golden", "gold"),
    "green": ("green", "green", "green", "bright green", "emerald"),
    "blue": ("blue", "blue", "blue", "bright blue", "deep blue", "azure"),
    "purple": ("purple", "purple", "purple", "violet"),
    "pink": ("pink", "pink", "pink", "light pink"),
    "brown": ("brown", "brown", "brown", "dark brown", "chestnut"),
    "grey": ("grey", "grey", "gray", "gray", "silver", "dark grey"),
    "white": ("white", "white", "white", "snow-white", "pure white"),
    "black": ("black", "black", "black", "jet black"),
}

FURRY: Final = frozenset({"cat", "dog", "rabbit", "horse"})
FUR_WORDS: Final = {"orange": "ginger"}
"""Words for the colour of fur, by the usual ones."""

THING_WORDS: Final = {
    "house": ("house", "house", "house", "cottage", "cabin", "hut"),
    "boat": ("boat", "boat", "boat", "sailboat", "sailing boat", "ship", "yacht"),
    "tree": ("tree", "tree", "tree", "leafy tree", "oak tree", "oak"),
    "car": ("car", "car", "car", "automobile", "sedan"),
    "tower": ("tower", "lighthouse", "lighthouse", "tower"),
    "balloon": ("balloon", "hot-air balloon", "hot air balloon", "balloon"),
    "bird": ("bird", "bird", "bird", "songbird"),
    "person": ("person", "person", "traveller", "figure", "wanderer"),
    "flower": ("flower", "flower", "flower", "blossom", "bloom", "rose", "daisy"),
    "cat": ("cat", "cat", "cat", "cat", "kitten", "kitty"),
    "dog": ("dog", "dog", "dog", "dog", "puppy", "doggy", "hound"),
    "fish": ("fish", "fish", "fish", "fish", "tropical fish"),
    "horse": ("horse", "horse", "horse", "pony", "stallion"),
    "rabbit": ("rabbit", "rabbit", "rabbit", "bunny", "hare"),
    "dragon": ("dragon", "dragon", "dragon", "dragon", "wyvern"),
    "woman": ("woman", "woman", "woman", "girl", "girl", "lady", "princess"),
    "man": ("man", "man", "man", "guy", "gentleman"),
    "child": ("child", "child", "kid", "boy", "little girl", "little boy"),
    "robot": ("robot", "robot", "robot", "android", "droid"),
    "snowman": ("snowman",),
    "castle": ("castle", "castle", "castle", "palace", "fortress"),
    "spaceship": ("spaceship", "spaceship", "UFO", "flying saucer", "spacecraft", "starship"),
    "rocket": ("rocket", "rocket", "rocket", "rocket ship"),
    "moon": ("moon", "moon", "moon", "full moon"),
    "star": ("star", "star", "star", "five-pointed star"),
    "mushroom": ("mushroom", "mushroom", "mushroom", "toadstool"),
    "cake": ("cake", "cake", "cake", "birthday cake", "layer cake"),
    "noodles": ("bowl of noodles", "bowl of noodles", "noodles", "bowl of ramen", "ramen",
                "noodle soup"),
    "sword": ("sword", "sword", "sword", "blade", "longsword"),
    "crown": ("crown", "crown", "crown", "tiara"),
    "book": ("book", "book", "book", "tome", "storybook"),
}  # fmt: skip

PLURALS: Final = {
    "person": "people", "woman": "women", "man": "men", "gentleman": "gentlemen",
    "child": "children", "snowman": "snowmen", "fish": "fish", "tropical fish": "tropical fish",
    "spacecraft": "spacecraft",
}  # fmt: skip
"""Plurals that no rule makes."""

UNCOUNTED: Final = frozenset({"noodles", "ramen", "noodle soup"})
"""Words without an article and a number."""

GARMENTS: Final = {
    "person": ("coat", "jacket", "shirt"),
    "woman": ("dress", "dress", "coat"),
    "man": ("coat", "jacket", "shirt", "suit"),
    "child": ("coat", "shirt", "jumper"),
}
"""What people wear; their colour is that of their clothes."""

NUMBER_WORDS: Final = {
    2: ("two", "two", "two", "2", "2", "a pair of", "a couple of"),
    3: ("three", "three", "three", "3", "3"),
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
    "cat": ("sits", "waits", "sitting", "walking", "is"),
    "dog": ("sits", "waits", "sitting", "running", "is"),
    "fish": ("swims", "swims", "swimming", "is"),
    "horse": ("stands", "gallops", "standing", "galloping", "is"),
    "rabbit": ("sits", "hops", "sitting", "hopping", "is"),
    "dragon": ("stands", "roars", "roaring", "standing", "is"),
    "woman": ("stands", "walks", "waits", "standing", "smiling", "is"),
    "man": ("stands", "walks", "waits", "standing", "smiling", "is"),
    "child": ("stands", "plays", "waits", "playing", "smiling", "is"),
    "robot": ("stands", "walks", "standing", "walking", "is"),
    "snowman": ("stands", "smiles", "standing", "smiling", "is"),
    "castle": ("stands", "rises", "standing", "rising", "is"),
    "spaceship": ("hovers", "flies", "hovering", "flying", "is"),
    "rocket": ("flies", "rises", "flying", "rising", "is"),
    "moon": ("shines", "glows", "shining", "glowing"),
    "star": ("shines", "twinkles", "shining", "twinkling"),
    "mushroom": ("grows", "stands", "growing", "standing", "is"),
    "cake": ("stands", "stands", "standing", "waiting", "is"),
    "noodles": ("steaming", "steaming", "waiting"),
    "sword": ("lies", "gleams", "gleaming", "lying", "is"),
    "crown": ("lies", "sparkles", "sparkling", "lying", "is"),
    "book": ("lies", "lies open", "lying", "waiting", "is"),
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
    "meadow": ("a meadow", "a field", "a hill", "a garden", "a park", "the countryside",
               "a grassy hill", "the meadow", "a lawn"),
    "room": ("a room", "a living room", "the kitchen", "a cosy room", "a bedroom", "an interior"),
    "space": ("space", "outer space", "deep space", "the galaxy", "the cosmos", "the universe"),
    "underwater": ("an underwater world", "a coral reef", "the sea floor", "the bottom of the sea",
                   "an underwater scene", "the deep sea"),
}  # fmt: skip

PLACE_PHRASES: Final = {
    "lake": ("by a mountain lake", "at a mountain lake", "by the lake", "on a mountain lake",
             "beside an alpine lake", "in the mountains", "at the lake", "near a mountain lake",
             "in front of a mountain lake", "on the lake shore", "on a lake"),
    "forest": ("in a forest", "in the forest", "in the woods", "in a pine forest",
               "among the trees of a forest", "in a forest clearing", "at the edge of a forest",
               "deep in the woods", "by the forest"),
    "desert": ("in the desert", "in a desert", "among sand dunes", "on the dunes",
               "in a sandy desert", "in the middle of the desert", "amid the dunes"),
    "sea": ("by the sea", "at the sea", "on the sea", "on the beach", "at the beach",
            "by the ocean", "on the ocean", "at the seaside", "on the shore", "on the coast",
            "near the sea", "out at sea"),
    "city": ("in a city", "in the city", "in town", "on a city street", "in a big city",
             "in front of a city skyline", "in the street", "downtown", "in a town"),
    "meadow": ("in a meadow", "in the meadow", "on the grass", "on a hill", "in a field",
               "in the garden", "in a park", "in the park", "in the countryside",
               "on a lawn", "in the grass", "on a grassy hill"),
    "room": ("in a room", "indoors", "at home", "in the kitchen", "on a table", "on the table",
             "in the living room", "in a bedroom", "inside a cosy room"),
    "space": ("in space", "in outer space", "in deep space", "in the galaxy", "in the cosmos",
              "in space", "far out in space"),
    "underwater": ("underwater", "under water", "under the sea", "at the bottom of the sea",
                   "in a coral reef", "beneath the waves", "on the sea floor", "underwater"),
}  # fmt: skip

TIME_PHRASES: Final = {
    "dawn": ("at dawn", "at dawn", "at sunrise", "in the morning", "in the early morning",
             "at daybreak", "as the sun rises", "at first light", "during sunrise"),
    "noon": ("at noon", "at noon", "at midday", "in the middle of the day", "in bright daylight",
             "during the day", "by day", "in the daytime"),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening", "as the sun sets",
               "during sunset", "at sundown"),
    "night": ("at night", "at night", "at midnight", "in the night", "late at night"),
}  # fmt: skip

TIME_NOUNS: Final = {
    "dawn": ("dawn", "sunrise", "morning", "early morning", "daybreak"),
    "noon": ("noon", "midday", "daytime", "day", "daylight"),
    "sunset": ("sunset", "dusk", "evening", "sundown"),
    "night": ("night", "night", "midnight"),
}

SKY_PHRASES: Final = {
    "dawn": ("under a morning sky",),
    "noon": ("under the midday sun",),
    "sunset": ("under an evening sky",),
    "night": ("under the stars", "by moonlight", "under the moon", "on a starry night"),
}
SKY_NOUNS: Final = {
    "dawn": (),
    "noon": (),
    "sunset": (),
    "night": ("starry night", "moonlit night"),
}
"""More words for a time of day where a clear sky is seen."""

SUNNY_PHRASES: Final = ("on a sunny day", "in the sunshine", "in sunny weather")
SUNNY_TAGS: Final = ("sunny", "sunshine")
"""More words for clear weather at noon."""

WEATHER_PHRASES: Final = {
    "clear": ("under a clear sky", "in clear weather", "in fine weather"),
    "rain": ("in the rain", "in the rain", "in rainy weather", "while it rains", "in heavy rain",
             "under the rain", "with rain falling", "in a downpour"),
    "snow": ("in the snow", "in the snow", "in snowy weather", "while it snows", "in winter",
             "with snow falling", "covered in snow", "in a snowfall"),
    "mist": ("in the mist", "in the fog", "in mist", "in foggy weather", "in fog",
             "with mist drifting by", "wrapped in mist", "in a misty haze"),
}  # fmt: skip

WEATHER_TAGS: Final = {
    "clear": ("clear sky", "clear", "clear weather"),
    "rain": ("rain", "rainy", "raining", "heavy rain"),
    "snow": ("snow", "snowy", "snowing", "snowfall", "winter"),
    "mist": ("mist", "misty", "fog", "foggy"),
}

WEATHER_ADJECTIVES: Final = {
    "clear": ("clear",),
    "rain": ("rainy", "rainy", "wet"),
    "snow": ("snowy", "snowy", "wintry"),
    "mist": ("misty", "foggy"),
}

OPENINGS: Final = (
    "a painting of", "a picture of", "a photo of", "an illustration of", "a drawing of",
    "a scene with", "an image of", "paint", "draw", "show me", "draw me", "can you draw",
    "please paint", "i want", "make a picture of", "could you paint me", "generate",
)  # fmt: skip

STYLE_OPENINGS: Final = {
    "pixel": ("pixel art of", "a pixel art picture of", "8-bit pixel art of", "draw pixel art of"),
    "pencil": ("a pencil drawing of", "a pencil sketch of", "a sketch of", "sketch",
               "a hand-drawn pencil sketch of"),
    "watercolour": ("a watercolour of", "a watercolour painting of", "a watercolor painting of",
                    "watercolor of", "paint a watercolour of"),
    "neon": ("neon art of", "a neon picture of", "a glowing neon drawing of", "a neon sign of"),
}  # fmt: skip

STYLE_TAGS: Final = {
    "pixel": ("pixel art", "pixel art", "pixel art style", "in pixel art style", "8-bit",
              "8-bit style", "as pixel art", "in the style of pixel art", "16-bit pixel art",
              "pixelated", "retro pixel style"),
    "pencil": ("pencil drawing", "pencil drawing", "pencil sketch", "in pencil", "sketch",
               "as a pencil sketch", "in the style of a pencil drawing", "pencil style",
               "sketch style", "graphite pencil"),
    "watercolour": ("watercolour painting", "watercolour", "watercolor", "watercolor painting",
                    "in watercolour", "in watercolor style", "watercolour style",
                    "as a watercolour", "in the style of a watercolour"),
    "neon": ("neon", "neon style", "in neon style", "neon lights", "neon glow", "cyberpunk",
             "cyberpunk neon style", "in the style of a neon sign", "glowing neon lines",
             "in neon colours"),
}  # fmt: skip

COLOURLESS_TAGS: Final = ("black and white drawing", "black and white pencil drawing")
"""More words for pencil, where no colour is named."""

OTHER_STYLES: Final = (
    "photo", "photograph", "film photography", "anime style", "anime", "comic book art",
    "oil painting", "ink wash painting", "line art", "flat vector illustration", "poster art",
    "3d render", "low poly 3d render", "isometric view", "digital art", "digital painting",
    "photorealistic", "hyperrealistic", "concept art", "cartoon", "cartoon style", "realistic",
    "illustration", "in the style of a painting", "gouache", "acrylic", "vector art",
    "studio photo", "fantasy art", "fairy tale illustration",
)  # fmt: skip
"""Styles that are no other than painting to the model."""

JOINERS: Final = (
    "{} and {}", "{} and {}", "{} and {}", "{} and {}", "{} with {}", "{} next to {}",
    "{} beside {}", "{} to the left of {}", "{} on the left and {} on the right",
    "{} and {} side by side", "{} and {} together",
)  # fmt: skip
"""Two kinds side by side: the first stands on the left."""

PATTERNS: Final = (
    "{thing} {place} {time} {weather}",
    "{thing} {place} {time}, {weather}",
    "{thing} {place} {weather} {time}",
    "{thing} {time} {place} {weather}",
    "{thing} {weather} {place} {time}",
    "{thing} {place} {time} {weather}",
    "{thing} {place}, {time}, {weather}",
    "{noun} {time} with {thing} {weather}",
    "{noun} {time} {weather} with {thing}",
    "{noun} with {thing} {time}, {weather}",
    "{time}, {thing} {verb} {place} {weather}",
    "{thing} {verb} {place} {time} {weather}",
    "{there} {thing} {place} {time}, {weather}",
    "{opening} {thing} {place} {time} {weather}",
    "{opening} {thing} {place}, {time}, {weather}",
    "{opening} {thing} {time} {place} {weather}",
    "{opening} {noun} {time} with {thing}, {weather}",
    "{thing}, {noun}, {time_noun}, {weather_tag}",
    "{noun}, {time_noun}, {weather_tag}, {thing}",
    "{bare}, {noun}, {time_noun}, {weather_tag}",
    "{bare}, {bare_noun}, {time_noun}, {weather_tag}",
    "{bare_noun} {bare} {time_noun} {weather_tag}",
    "{weather_tag} {time_noun}, {noun}, {thing}",
    "{bare} {place} {time} {weather}",
    "{adjective} {time_noun} {place} with {thing}",
    "{place}, {thing} {verb} {time} {weather}",
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

STYLE_QUALITY: Final = {
    "pixel": ("clean square edges", "neatly aligned blocks", "a limited palette",
              "readable shapes"),
    "pencil": ("confident lines", "sure varied lines", "fine hatching", "visible paper grain"),
    "watercolour": ("translucent washes", "luminous washes", "softly bleeding edges",
                    "a hint of paper grain"),
    "neon": ("vivid contrast", "crisp outlines", "smooth gradients", "high contrast"),
}  # fmt: skip
"""What an enhancer adds where a prompt names a style; see `engine.prompts.quality`."""

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
