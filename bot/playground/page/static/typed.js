/** Pure: parses a whole command from one line of text ("/imagine a red house seed: 5"). */

import { isFreeText } from "./options.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Option} Option
 */

/**
 * @param {string} text
 * @param {Entry[]} all
 * @param {string} locale
 * @returns {{entry: Entry, values: Map<string, string>}|null} null while the command's name is
 *   not followed by a space: it may still change
 */
export function parseTyped(text, all, locale) {
  if (!text.startsWith("/")) return null;
  const body = text.slice(1).replace(/\s+/g, " ");
  const lower = body.toLowerCase();
  let best = null;
  for (const entry of all) {
    for (const words of [entry.words, entry.rawWords]) {
      const start = `${words.join(" ").toLowerCase()} `;
      if (lower.startsWith(start) && start.length > (best?.length ?? 0)) {
        best = { entry, length: start.length };
      }
    }
  }
  if (!best) return null;
  return {
    entry: best.entry,
    values: splitOptions(body.slice(best.length), best.entry.options, locale),
  };
}

/**
 * Parses option values written as "name: value". Text before the first name goes to the first option
 * that takes free text, or else to the first that is not named.
 *
 * @param {string} text @param {Option[]} options @param {string} locale
 * @returns {Map<string, string>} option name → text, in the order of the text
 */
export function splitOptions(text, options, locale) {
  const values = new Map();
  const marks = optionMarks(text, options, locale);
  const free = text.slice(0, marks[0]?.start ?? text.length).trim();
  if (free !== "") {
    const named = new Set(marks.map((mark) => mark.option));
    const open = options.filter((option) => !named.has(option));
    const target = open.find(isFreeText) ?? open[0];
    if (target) values.set(target.name, free);
  }
  marks.forEach((mark, index) => {
    values.set(
      mark.option.name,
      text.slice(mark.end, marks[index + 1]?.start ?? text.length).trim(),
    );
  });
  return values;
}

/** The positions of option names in a text; each once, at its first occurrence. */
export function optionMarks(text, options, locale) {
  const byName = new Map();
  for (const option of options) {
    for (const name of [option.name_localizations?.[locale], option.name]) {
      if (name) byName.set(name.toLowerCase(), option);
    }
  }
  const names = [...byName.keys()].sort((one, other) => other.length - one.length).map(literal);
  if (names.length === 0) return [];
  const pattern = new RegExp(`(^|\\s)(${names.join("|")})[:：]\\s*`, "giu");
  const seen = new Set();
  const marks = [];
  for (const found of text.matchAll(pattern)) {
    const option = byName.get(found[2].toLowerCase());
    if (seen.has(option)) continue;
    seen.add(option);
    marks.push({ option, start: found.index, end: found.index + found[0].length });
  }
  return marks;
}

function literal(name) {
  return name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
