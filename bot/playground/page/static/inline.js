/**
 * Pure: one run of Discord's markdown becomes a list of nodes (emphasis, links, mentions, times …).
 *
 * @typedef {{kind: string, text?: string, children?: Inline[], id?: string, name?: string,
 *   url?: string, title?: string, seconds?: number, style?: string}} Inline
 */

const DEEPEST = 12;
const LAST_SECOND = 8.64e12; // the limit of Date

// Longest first: "**" must be tried before "*".
const PAIRS = [
  { mark: "||", wrap: (children) => ({ kind: "spoiler", children }) },
  { mark: "~~", wrap: (children) => ({ kind: "strike", children }) },
  { mark: "***", wrap: (children) => ({ kind: "em", children: [{ kind: "strong", children }] }) },
  {
    mark: "___",
    wrap: (children) => ({ kind: "em", children: [{ kind: "underline", children }] }),
  },
  { mark: "**", wrap: (children) => ({ kind: "strong", children }) },
  { mark: "__", wrap: (children) => ({ kind: "underline", children }) },
  { mark: "*", wrap: (children) => ({ kind: "em", children }) },
  { mark: "_", wrap: (children) => ({ kind: "em", children }) },
];

// Contents of < and >; the first match wins.
const ANGLES = [
  [/<@!?(\d+)>/y, ([, id]) => ({ kind: "user", id })],
  [/<@&(\d+)>/y, ([, id]) => ({ kind: "role", id })],
  [/<#(\d+)>/y, ([, id]) => ({ kind: "channel", id })],
  [/<\/([^:>\n]+):(\d+)>/y, ([, name, id]) => ({ kind: "command", name, id })],
  [
    /<t:(-?\d{1,14})(?::([tTdDfFRsS]))?>/y,
    ([, seconds, style]) => timeNode(Number(seconds), style),
  ],
  [/<a?:(\w{2,32}):(\d+)>/y, ([, name, id]) => ({ kind: "emoji", name, id })],
  [/<((?:https?:\/\/|mailto:)[^\s>]+)>/y, ([, url]) => linkNode(url)],
];

/**
 * @param {string} text
 * @param {{inLink?: boolean, depth?: number}} [where]
 * @returns {Inline[]}
 */
export function inline(text, { inLink = false, depth = 0 } = {}) {
  const nodes = [];
  const scope = { inLink, depth, hopeless: new Set() };
  let plain = "";
  const flush = () => {
    if (plain) nodes.push({ kind: "text", text: plain });
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const found = special(text, at, scope);
    if (found?.node) {
      flush();
      nodes.push(found.node);
    } else {
      plain += found ? found.text : text[at];
    }
    at = found ? found.end : at + 1;
  }
  flush();
  return nodes;
}

/** The address if it is safe to link to, else null. */
export function safeUrl(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function special(text, at, scope) {
  switch (text[at]) {
    case "\\":
      return escaped(text, at);
    case "`":
      return code(text, at);
    case "<":
      return angle(text, at);
    case "[":
      return scope.inLink ? null : maskedLink(text, at, scope);
    case "h":
      return scope.inLink ? null : bareLink(text, at);
    case "@":
      return everyone(text, at);
    case "*":
    case "_":
    case "~":
    case "|":
      return scope.depth < DEEPEST ? pair(text, at, scope) : null;
    default:
      return null;
  }
}

// A backslash escapes the next character; before letters, digits and spaces it is literal.
function escaped(text, at) {
  const sign = String.fromCodePoint(text.codePointAt(at + 1) ?? 32);
  if (/[0-9A-Za-z\s]/.test(sign)) return null;
  return { text: sign, end: at + 1 + sign.length };
}

function code(text, at) {
  const end = codeEnd(text, at);
  if (end < 0) return null;
  const ticks = /`+/y.exec(text.slice(at))[0].length;
  let inside = text.slice(at + ticks, end - ticks);
  // One space of padding allows code to start or end with a backtick.
  if (/^ .*` $|^ `.* $/s.test(inside)) inside = inside.slice(1, -1);
  return { node: { kind: "code", text: inside }, end };
}

// The end of the code span that opens at `at`, or -1: both runs of backticks have the same length.
function codeEnd(text, at) {
  const opening = /^`+/.exec(text.slice(at))[0].length;
  const run = /`+/g;
  run.lastIndex = at + opening;
  for (let found = run.exec(text); found; found = run.exec(text)) {
    if (found[0].length === opening) return run.lastIndex;
  }
  return -1;
}

function angle(text, at) {
  for (const [pattern, make] of ANGLES) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    const node = found && make(found);
    if (node) return { node, end: pattern.lastIndex };
  }
  return null;
}

function timeNode(seconds, style) {
  return Math.abs(seconds) <= LAST_SECOND ? { kind: "time", seconds, style: style ?? "f" } : null;
}

function linkNode(address) {
  const url = safeUrl(address);
  return url ? { kind: "link", url, children: [{ kind: "text", text: address }] } : null;
}

function bareLink(text, at) {
  const pattern = /https?:\/\/[^\s<。，、；：！？）】」』》]+/y;
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (!found) return null;
  let address = found[0].replace(/[.,:;"'!?*_~|\]]+$/, "");
  // An unmatched closing bracket belongs to the sentence around the address.
  while (address.endsWith(")") && count(address, ")") > count(address, "(")) {
    address = address.slice(0, -1).replace(/[.,:;"'!?]+$/, "");
  }
  const node = linkNode(address);
  return node && { node, end: at + address.length };
}

function count(text, sign) {
  return text.split(sign).length - 1;
}

function everyone(text, at) {
  const found = /^@(everyone|here)\b/.exec(text.slice(at, at + 10));
  return found && { node: { kind: "everyone", text: found[0] }, end: at + found[0].length };
}

function maskedLink(text, at, scope) {
  const close = matching(text, at, "[", "]");
  if (close < 0 || text[close + 1] !== "(") return null;
  const end = matching(text, close + 1, "(", ")");
  if (end < 0) return null;
  const target = /^\s*<?([^\s<>]+)>?(?:\s+["'](.*)["'])?\s*$/s.exec(text.slice(close + 2, end));
  const label = text.slice(at + 1, close);
  const url = target && safeUrl(target[1]);
  if (!url || !label.trim()) return null;
  const children = inline(label, { inLink: true, depth: scope.depth + 1 });
  return { node: { kind: "link", url, title: target[2], children }, end: end + 1 };
}

// The index of the bracket that closes the one at `at`, or -1.
function matching(text, at, open, close) {
  let depth = 0;
  for (let index = at; index < text.length && index < at + 2100; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === open) depth += 1;
    else if (text[index] === close) {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return -1;
}

function pair(text, at, scope) {
  for (const { mark, wrap } of PAIRS) {
    if (!text.startsWith(mark, at) || scope.hopeless.has(mark)) continue;
    if (!mayOpen(text, at, mark)) continue;
    const from = at + mark.length;
    const close = closing(text, from, mark);
    if (close < 0) {
      // Nothing closes it from here on, nor further right: keeps long texts fast.
      scope.hopeless.add(mark);
      continue;
    }
    const children = inline(text.slice(from, close), {
      inLink: scope.inLink,
      depth: scope.depth + 1,
    });
    return { node: wrap(children), end: close + mark.length };
  }
  return null;
}

function mayOpen(text, at, mark) {
  if (mark === "*") return !/\s/.test(text[at + 1] ?? " ");
  // snake_case is not emphasis.
  if (mark === "_") return !/[\p{L}\p{N}_]/u.test(text[at - 1] ?? " ");
  return true;
}

// Where `mark` closes, or -1. Escapes and code are skipped; longer runs do not count.
function closing(text, from, mark) {
  const sign = mark[0];
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") {
      at += 1;
    } else if (text[at] === "`") {
      const end = codeEnd(text, at);
      if (end > 0) at = end - 1;
    } else if (text.startsWith(mark, at)) {
      let run = mark.length;
      while (text[at + run] === sign) run += 1;
      if (at > from && mayClose(text, at, mark, run)) return at + run - mark.length;
      at += run - 1;
    }
  }
  return -1;
}

function mayClose(text, at, mark, run) {
  if (mark.length > 1) return true;
  if (run > 1) return false;
  if (mark === "*") return !/\s/.test(text[at - 1]);
  return !/[\p{L}\p{N}_]/u.test(text[at + 1] ?? " ");
}
