/** Pure: what an option of a command accepts, checked before it is sent, as Discord's client does. */

export const TYPE = {
  STRING: 3,
  INTEGER: 4,
  BOOLEAN: 5,
  USER: 6,
  CHANNEL: 7,
  ROLE: 8,
  MENTIONABLE: 9,
  NUMBER: 10,
  ATTACHMENT: 11,
};

// Discord's bounds for both kinds of number: what a double holds exactly.
const LARGEST = 2 ** 53;

/**
 * @typedef {import("./types.js").Option} Option
 * @typedef {{text: string, picked?: {name: string, value: any}|null, upload?: string|null,
 *   uploading?: boolean}} Given the user's input
 * @typedef {{value: any} | {missing: true} | {problem: string, values?: Record<string, any>}} Verdict
 *   `problem` is a key of the table of words
 */

/** @param {Option} option @returns {"choices"|"autocomplete"|"boolean"|"entities"|"none"} */
export function listOf(option) {
  if (option.choices?.length) return "choices";
  if (option.autocomplete) return "autocomplete";
  if (option.type === TYPE.BOOLEAN) return "boolean";
  if ([TYPE.USER, TYPE.CHANNEL, TYPE.ROLE, TYPE.MENTIONABLE].includes(option.type))
    return "entities";
  return "none";
}

const CHOICE_CHARS = 100; // of the value of a choice

/** Whether it takes free text, in which other options may be named too. */
export function isFreeText(option) {
  // With or without suggestions: what may be longer than any of them is words.
  const free = listOf(option) === "none" || (option.max_length ?? 0) > CHOICE_CHARS;
  return option.type === TYPE.STRING && free;
}

/**
 * @param {Option} option
 * @param {Given} given
 * @param {(text: string) => {value: any}|null} named finds the list value that a text names
 * @returns {Verdict}
 */
export function check(option, given, named = () => null) {
  const verdict =
    option.type === TYPE.ATTACHMENT ? checkFile(given) : checkText(option, given, named);
  if ("missing" in verdict && option.required) return { problem: "option.required" };
  return verdict;
}

function checkFile({ upload, uploading }) {
  if (uploading) return { problem: "option.uploading" };
  return upload ? { value: upload } : { missing: true };
}

function checkText(option, { text, picked }, named) {
  const trimmed = text.trim();
  if (trimmed === "") return { missing: true };
  if (picked && picked.name === text) return { value: picked.value };
  const list = listOf(option);
  if (list !== "none" && list !== "autocomplete") {
    const found = named(trimmed);
    return found ? { value: found.value } : { problem: "option.choice" };
  }
  if (option.type === TYPE.INTEGER || option.type === TYPE.NUMBER)
    return checkNumber(option, trimmed);
  return checkLength(option, trimmed);
}

function checkLength(option, text) {
  const length = [...text].length; // a character outside the basic plane counts once
  if (option.min_length != null && length < option.min_length) {
    return { problem: "option.short", values: { n: option.min_length } };
  }
  if (option.max_length != null && length > option.max_length) {
    return { problem: "option.long", values: { n: option.max_length, length } };
  }
  return { value: text };
}

function checkNumber(option, text) {
  const whole = option.type === TYPE.INTEGER;
  const shape = whole ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/;
  if (!shape.test(text)) return { problem: whole ? "option.integer" : "option.number" };
  const value = Number(text);
  const least = option.min_value ?? -LARGEST;
  const most = option.max_value ?? LARGEST;
  if (value < least) return { problem: "option.small", values: { least } };
  if (value > most) return { problem: "option.large", values: { most } };
  return { value };
}
