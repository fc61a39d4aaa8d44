/**
 * The page's own texts in English and Chinese, in one table. Texts of the bot and the server are not
 * included, except for the few known sentences in said.js.
 */

import { TABLE } from "./table.js";

export const LOCALES = { "en-US": "English", "zh-CN": "中文" };

const COLUMN = { "en-US": 0, "zh-CN": 1 };

let current = "en-US";

/** The language of the page, as one of Discord's locales. */
export function locale() {
  return current;
}

/** @param {string} wanted any language; the page uses the closest one it has */
export function setLocale(wanted) {
  current = /^zh\b/i.test(wanted) ? "zh-CN" : "en-US";
}

/** @param {string} key */
export function hasWord(key) {
  return Object.hasOwn(TABLE, key);
}

/**
 * A text from the table with its values filled in. `n` selects the English singular or plural.
 *
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function say(key, values = {}) {
  if (!hasWord(key)) {
    console.error(`No words for “${key}”`);
    return key;
  }
  const found = TABLE[key][COLUMN[current]];
  const form = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return form.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? shown(values[name]) : whole,
  );
}

/** Fills in the elements of index.html that have `data-t…` attributes. */
export function fillIn(root) {
  const places = { t: null, tLabel: "aria-label", tTitle: "title" };
  for (const [name, attribute] of Object.entries(places)) {
    const selector = name === "t" ? "[data-t]" : `[data-t-${name.slice(1).toLowerCase()}]`;
    for (const element of root.querySelectorAll(selector)) {
      const text = say(element.dataset[name]);
      if (attribute) element.setAttribute(attribute, text);
      else element.textContent = text;
    }
  }
}

function shown(value) {
  return typeof value === "number" ? new Intl.NumberFormat(current).format(value) : String(value);
}
