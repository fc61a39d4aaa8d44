"""English words and their meanings; the longest match wins, the reader finds plurals."""

from __future__ import annotations

from engine.prompts.concepts import ConceptKind, Sense

WORDS: dict[ConceptKind, dict[Sense, str]] = {
    ConceptKind.SUBJECT: {
        Sense.PORTRAIT: "portrait, headshot, selfie, self portrait, face, mugshot",
        Sense.PERSON: (
            "woman, women, man, men, girl, boy, child, children, kid, baby, person, people, "
            "lady, gentleman, mother, father, grandmother, grandfather, couple, bride, groom, "
            "crowd, knight, queen, king, prince, princess, warrior, samurai, ninja, wizard, "
            "witch, elf, pirate, dancer, ballerina, astronaut, soldier, fisherman, farmer, "
            "monk, nurse, doctor, chef, human, musician, singer, model, athlete, traveller, "
            "traveler, hiker, teenager, figure, geisha"
        ),
        Sense.ANIMAL: (
            "animal, cat, kitten, dog, puppy, fox, wolf, wolves, bear, lion, tiger, leopard, "
            "snow leopard, horse, deer, rabbit, bunny, squirrel, panda, red panda, elephant, "
            "monkey, cow, sheep, goat, pig, mouse, mice, hedgehog, otter, raccoon, giraffe, "
            "zebra, koala, kangaroo, golden retriever, corgi, shiba inu, husky, cheetah, "
            "camel, donkey, hamster, lynx, badger"
        ),
        Sense.BIRD: (
            "bird, owl, night owl, eagle, hawk, falcon, raven, crow, parrot, penguin, swan, "
            "duck, goose, geese, sparrow, nightingale, hummingbird, kingfisher, peacock, "
            "flamingo, heron, robin, rooster, chicken, seagull, crane bird, dove, pigeon"
        ),
        Sense.SCALY: (
            "fish, goldfish, koi, shark, snake, lizard, gecko, chameleon, crocodile, turtle, "
            "iguana, neon tetra, clownfish, salmon, octopus, jellyfish, whale, dolphin, frog"
        ),
        Sense.INSECT: (
            "insect, butterfly, bee, dragonfly, beetle, ladybug, spider, ant, moth, firefly"
        ),
        Sense.CREATURE: (
            "dragon, monster, creature, demon, goblin, orc, troll, unicorn, phoenix, griffin, "
            "alien, zombie, vampire, werewolf, kraken, cyclops, kaiju, golem, beast"
        ),
        Sense.ROBOT: "robot, android, cyborg, mech, mecha, droid",
        Sense.FOOD: (
            "food, ramen, sushi, noodles, pizza, burger, hamburger, hot dog, sandwich, bread, "
            "cake, pancake, cookie, croissant, pastry, dessert, ice cream, salad, soup, steak, "
            "fruit, strawberry, cherry, cherries, apple, oranges, lemon, peach, breakfast, "
            "meal, dinner, lunch, dumpling, cheese, chocolate, cup of coffee, coffee, latte, "
            "cup of tea, cocktail, donut"
        ),
        Sense.LETTERING: (
            "sign, neon sign, poster, lettering, typography, calligraphy, text, caption, "
            "title, book cover, album cover, banner, billboard, business card, flyer, word, "
            "words, graffiti, headline, slogan, letters, label, menu, infographic, invitation"
        ),
        Sense.VEHICLE: (
            "car, sports car, truck, bus, train, tram, motorcycle, motorbike, bicycle, bike, "
            "boat, ship, sailboat, sailing ship, yacht, canoe, plane, airplane, aircraft, "
            "helicopter, hot air balloon, rocket, spaceship, spacecraft, submarine, tank, "
            "tractor, van, taxi, scooter"
        ),
        Sense.FLOWER: (
            "flower, rose, tulip, lily, lilies, sunflower, orchid, peony, peonies, daisy, "
            "daisies, lotus, cherry blossom, blossom, bouquet, poppy, poppies, lavender, "
            "morning glory"
        ),
        Sense.TREE: (
            "tree, oak, pine, willow, bonsai, birch, maple, palm tree, dawn redwood, cactus, "
            "plant, fern, mushroom, bamboo"
        ),
        Sense.PRODUCT: (
            "product, bottle, perfume, perfume bottle, watch, wristwatch, sneaker, shoe, "
            "handbag, headphones, smartphone, phone, laptop, camera, jewelry, jewellery, ring, "
            "necklace, lipstick, cosmetics, packaging, chair, lamp, teapot, mug, vase, guitar, "
            "violin, backpack"
        ),
        Sense.BUILDING: (
            "building, house, lake house, cottage, cabin, castle, palace, temple, church, "
            "cathedral, mosque, pagoda, tower, skyscraper, bridge, lighthouse, windmill, barn, "
            "hut, villa, mansion, architecture, ruins, museum, facade, city hall, pavilion, "
            "monastery, shrine, pyramid"
        ),
        Sense.LANDSCAPE: "landscape, scenery, panorama, vista, seascape",
    },
    ConceptKind.STYLE: {
        Sense.PHOTO: (
            "photo, photograph, photography, photorealistic, photo realistic, realistic, dslr, "
            "snapshot, raw photo, cinematic, film still, movie still, documentary"
        ),
        Sense.FILM: (
            "polaroid, analog photo, analogue photo, 35mm film, film photo, kodak, "
            "disposable camera, daguerreotype, lomography, film photography"
        ),
        Sense.OIL: (
            "oil painting, oil on canvas, oil paint, impasto, impressionist, impressionism, "
            "impressionist painting, van gogh, monet, rembrandt, post impressionist"
        ),
        Sense.WATERCOLOUR: (
            "watercolor, watercolour, watercolor painting, watercolour painting, aquarelle"
        ),
        Sense.INK: (
            "ink painting, ink wash, ink drawing, ink wash painting, sumi e, ink sketch, "
            "chinese ink painting, ink"
        ),
        Sense.PENCIL: (
            "pencil drawing, pencil sketch, pencil, charcoal, charcoal drawing, sketch, "
            "line art, line drawing, crayon, crayon drawing, chalk drawing, drawing"
        ),
        Sense.PAINT: (
            "painting, acrylic painting, acrylic, gouache, fresco, tempera, pastel drawing, "
            "pastel painting, painted"
        ),
        Sense.PIXEL: "pixel art, 8 bit, 16 bit, 8bit, 16bit, pixelated, pixel, sprite",
        Sense.ANIME: "anime, manga, studio ghibli, ghibli, chibi, cel shaded",
        Sense.COMIC: "comic, comic book, cartoon, graphic novel, pop art, caricature",
        Sense.RENDER: (
            "3d render, 3d rendering, 3d, cgi, blender render, octane render, blender, "
            "unreal engine, pixar, isometric, low poly, voxel, render"
        ),
        Sense.VECTOR: (
            "vector, vector art, vector illustration, flat vector, flat vector logo, logo, "
            "icon, app icon, flat design, sticker, pictogram, emblem, line icon, vector logo"
        ),
        Sense.ILLUSTRATION: (
            "illustration, digital painting, digital art, concept art, matte painting, "
            "storybook illustration, children's book illustration, fantasy art, "
            "book illustration, poster art, poster illustration"
        ),
        Sense.PRINT: (
            "woodcut, woodblock print, linocut, ukiyo e, screen print, etching, engraving, "
            "lithograph, risograph"
        ),
        Sense.CRAFT: (
            "origami, paper cut, papercut, paper craft, felt, claymation, clay, lego, "
            "embroidery, crochet, knitted, stop motion, plasticine, quilling, needle felt"
        ),
        Sense.MONOCHROME: (
            "black and white, monochrome, monochromatic, grayscale, greyscale, b&w, bw, noir, "
            "film noir, sepia"
        ),
        Sense.ABSTRACT: "abstract, abstract art, abstract painting, cubist, cubism, suprematist",
        Sense.OTHER_STYLE: (
            "surreal, surrealist, surrealism, art nouveau, art deco, baroque, steampunk, "
            "cyberpunk, vaporwave, synthwave, mosaic, stained glass, renaissance, gothic, "
            "retro, vintage, bauhaus, medieval manuscript, collage, stencil, blueprint, "
            "double exposure, x ray"
        ),
    },
    ConceptKind.MATERIAL: {
        Sense.STUFF: (
            "wood, wooden, metal, metallic, steel, iron, bronze, copper, brass, glass, stone, "
            "marble, concrete, brick, ceramic, porcelain, leather, silk, velvet, cotton, "
            "linen, wool, woolen, paper, cardboard, plastic, rubber, crystal, jade, amber, "
            "ivory, bone, clay, felt, gold leaf, rose gold, chrome, denim, lace, fur, wax, "
            "sand, ice, bamboo, granite, rust, rusty"
        ),
    },
    ConceptKind.LIGHT: {
        Sense.LIT: (
            "lighting, lights, lit, backlit, backlight, backlighting, rim light, rim lighting, "
            "sunlight, sunlit, sunbeam, sunbeams, sun rays, god rays, volumetric light, "
            "volumetric lighting, low key, high key, chiaroscuro, spotlight, firelight, "
            "lamplight, candlelight, candlelit, candle light, moonlight, starlight, neon, "
            "neon light, neon sign, harsh light, soft light, hard light, golden light, "
            "warm light, cold light, cool light, natural light, noon light, midday light, "
            "harsh noon light, morning light, evening light, dawn light, dim light, "
            "bright light, ambient light, studio light, window light, dappled light, "
            "diffused light, diffuse light, flat light, low light, blue light, red light, "
            "dramatic light, light rays, rays of light, beam of light, alpenglow, glow, "
            "glowing, bioluminescent, lantern light, streetlight, flash, overcast light, "
            "sunset light, light and shadow, contre jour, lens flare, softbox, torchlight"
        ),
        Sense.SHADOW: "shadow, long shadow, harsh shadow, shadowed, shadowy",
    },
    ConceptKind.PLACE: {
        Sense.INDOOR: (
            "indoor, indoors, interior, inside, room, living room, bedroom, kitchen, bathroom, "
            "studio, cafe, café, restaurant, library, office, classroom, workshop, attic, "
            "cellar, corridor, hallway, greenhouse, bar, pub, laboratory, theater, theatre, "
            "gym, by the window, windowsill"
        ),
        Sense.MOUNTAIN: (
            "mountain, mountains, mount, hill, valley, canyon, cliff, alps, glacier, volcano"
        ),
        Sense.SEA: (
            "sea, ocean, beach, coast, coastline, shore, island, harbor, harbour, bay, lagoon, "
            "seaside"
        ),
        Sense.LAKE: "lake, mountain lake, river, pond, stream, waterfall, creek, riverside, fjord",
        Sense.FOREST: "forest, woods, woodland, jungle, rainforest, grove",
        Sense.DESERT: "desert, dune, sand dune, savanna, savannah, oasis, steppe",
        Sense.COUNTRYSIDE: (
            "countryside, field, meadow, village, farm, vineyard, prairie, rice terrace, "
            "lavender field, wheat field, orchard, pasture"
        ),
        Sense.CITY: (
            "city, street, alley, skyline, downtown, town, cityscape, city street, market, "
            "rooftop, plaza, square, metropolis, tokyo, new york, paris, london, shanghai, "
            "hong kong"
        ),
        Sense.SPACE: (
            "space, outer space, galaxy, nebula, planet, moon surface, on the moon, mars, "
            "orbit, universe, cosmos, asteroid"
        ),
        Sense.UNDERWATER: "underwater, coral reef, deep sea, seabed, ocean floor, under the sea",
        Sense.OUTDOORS: "outdoor, outdoors, outside, garden, park, sky, courtyard, backyard",
    },
    ConceptKind.TIME: {
        Sense.DAWN: (
            "dawn, sunrise, daybreak, first light, early morning, break of day, crack of dawn"
        ),
        Sense.MORNING: "morning",
        Sense.NOON: "noon, midday, high noon, broad daylight, daytime",
        Sense.AFTERNOON: "afternoon, late afternoon",
        Sense.GOLDEN_HOUR: "golden hour",
        Sense.SUNSET: "sunset, sundown, setting sun",
        Sense.DUSK: "dusk, twilight, blue hour, evening, nightfall, gloaming",
        Sense.NIGHT: (
            "night, nighttime, midnight, starry, starry night, starry sky, night sky, moonlit, "
            "full moon, moonlight, milky way, northern lights, aurora, under the stars"
        ),
        Sense.SEASON: "spring, summer, autumn, winter, midsummer, midwinter",
    },
    ConceptKind.WEATHER: {
        Sense.RAIN: "rain, rainy, raining, drizzle, downpour, rain soaked",
        Sense.SNOW: "snow, snowy, snowing, snowfall, blizzard, snow covered",
        Sense.FOG: "fog, foggy, mist, misty, haze, hazy, smog",
        Sense.STORM: "storm, stormy, thunderstorm, lightning, thunder, tornado, hurricane",
        Sense.CLOUDS: "overcast, cloudy, clouds, cloud, grey sky, gray sky",
        Sense.SUN: "sunny, clear sky, blue sky, sunshine",
        Sense.WIND: "wind, windy, breeze, gale",
    },
    ConceptKind.COLOUR: {
        Sense.HUE: (
            "red, orange, yellow, green, blue, purple, violet, pink, white, black, grey, gray, "
            "brown, gold, golden, silver, turquoise, teal, cyan, magenta, crimson, scarlet, "
            "indigo, beige, cream, maroon, navy, emerald, lavender, midnight blue, navy blue, "
            "light blue, dark blue, dark green, light green, dark red, sky blue, rose gold, "
            "snow white, pastel, colorful, colourful, rainbow, multicolored, vivid colors, "
            "amber, azure, ochre"
        ),
    },
    ConceptKind.LOOK: {
        Sense.BLURRY: (
            "blurry, blurred, blur, out of focus, unfocused, soft focus, motion blur, dreamy, "
            "defocused, long exposure, tilt shift"
        ),
        Sense.BOKEH: (
            "bokeh, shallow depth of field, blurry background, blurred background, "
            "depth of field, out of focus background"
        ),
        Sense.GRAINY: (
            "grain, grainy, film grain, noise, noisy, glitch, vhs, lofi, lo fi, low quality, "
            "low resolution, low res, distorted, cctv, jpeg artifacts, jpeg, artifacts, "
            "scratched"
        ),
        Sense.MINIMAL: "minimalist, minimal, minimalism, minimalistic, sparse, negative space",
        Sense.FLAT: (
            "flat, flat color, flat colors, flat colour, flat colours, two dimensional, 2d, "
            "silhouette art, low contrast"
        ),
        Sense.DARK: (
            "dark, dim, dimly, gloomy, pitch black, darkness, low key, shadowy, noir, unlit, "
            "black background"
        ),
        Sense.COLD: "cold, cool tones, cold tones, blue tones, icy, frozen, frosty",
        Sense.PALE: (
            "washed out, faded, muted, desaturated, muted colors, muted colours, pale, "
            "bleached, colorless, colourless"
        ),
        Sense.CHAOTIC: (
            "chaotic, chaos, cluttered, messy, asymmetrical, asymmetric, dutch angle, tilted, "
            "unbalanced, psychedelic, exploding, explosion, crooked, twisted"
        ),
        Sense.DEFORMED: (
            "deformed, distorted, disfigured, mutant, mutated, grotesque, melting, horror, "
            "monster, demon, zombie, alien, cyclops, extra fingers, six fingers, extra arms, "
            "four arms, six arms, extra limbs, two heads, three eyes, multiple heads, "
            "bad anatomy, caricature, body horror, cubist, surreal"
        ),
        Sense.SILHOUETTE: "silhouette, silhouetted",
        Sense.NO_EYES: (
            "eyes closed, closed eyes, sunglasses, blindfold, blindfolded, from behind, "
            "back view, rear view, faceless, mask, masked, helmet, hooded, sleeping, asleep, "
            "back turned, seen from the back, headless, visor"
        ),
        Sense.FRAMING: (
            "close up, closeup, macro, wide angle, aerial, aerial view, from above, "
            "from below, bird's eye view, low angle, high angle, top view, top down, "
            "full body, half body, fisheye, overhead, eye level, panoramic, centered, centred, "
            "symmetrical, wide shot, medium shot, extreme close up, rule of thirds, side view, "
            "profile, portrait lens, telephoto, drone shot, isometric, flat lay"
        ),
        Sense.MOOD: (
            "mood, moody, serene, peaceful, calm, quiet, tranquil, cozy, cosy, gloomy, eerie, "
            "creepy, scary, horror, spooky, melancholy, melancholic, sad, lonely, joyful, "
            "happy, cheerful, festive, epic, dramatic, romantic, mysterious, angry, tense, "
            "terrifying, lively, nostalgic"
        ),
        Sense.BACKGROUND: "background, backdrop, white background, black background",
        Sense.DRY: "dry, arid",
        Sense.SIGNED: "watermark, signature, signed",
    },
    ConceptKind.NEUTRAL: {
        Sense.NOTHING: (
            "evening gown, evening dress, nightstand, night stand, night vision, good night, "
            "good morning, dawn of time, dark knight, dark hair, light brown, black widow, "
            "morning star, sunny side up, dawn of the dead, cloud computing, night gown, "
            "book club, man made, cold brew, iron man, snow globe, paper plane, watch tower, "
            "kingdom, new york times, spring roll, spring onion, wind chime, summer dress, "
            "winter coat, winter jacket, rain coat, rain boots, high quality, light bulb, "
            "light year, space bar, dark chocolate, dark matter, field of view, "
            "simple black dress, sea lion, bear hug, spider web, bus stop, train station, "
            "dinner table, fruit bat, apple tree, golden gate bridge, empty space, red carpet, "
            "white house, storm trooper, stormtrooper, face mask, negative space"
        ),
    },
}
"""Kind → sense → words, separated by commas; hyphens are written as spaces."""
