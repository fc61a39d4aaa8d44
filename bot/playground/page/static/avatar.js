/** A user's avatar: a colour, and an initial or number, since nobody here has an image. */

import { h } from "./dom.js";
import { colour, nameOf } from "./lookups.js";

const COLOURS = [0x3f51b5, 0x00695c, 0x8e24aa, 0xb23b00, 0x2e6f1f, 0xad1457, 0x455a64, 0x5d4037];

/** @param {import("./types.js").User} user @returns {HTMLElement} decoration beside the name */
export function avatar(user) {
  const fill =
    user.accent_color ?? COLOURS[Number(BigInt(user.id || "0") % BigInt(COLOURS.length))];
  const name = nameOf(user);
  const initial = /\d{1,2}$/.exec(name)?.[0] ?? [...name][0] ?? "?";
  return h(
    "span",
    {
      class: "avatar",
      "aria-hidden": true,
      style: { "background-color": colour(fill), color: isLight(fill) ? "#111" : "#fff" },
    },
    initial.toUpperCase(),
  );
}

// By relative luminance: above it black is easier to read than white.
function isLight(value) {
  const channel = (shift) => {
    const part = ((value >> shift) & 255) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0) > 0.179;
}
