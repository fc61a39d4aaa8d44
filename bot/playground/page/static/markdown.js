/**
 * Pure: the text of a message becomes blocks (paragraphs, headings, lists, quotes, code).
 *
 * @typedef {import("./inline.js").Inline} Inline
 * @typedef {{kind: "paragraph"|"subtext", children: Inline[]}
 *   | {kind: "heading", level: number, children: Inline[]}
 *   | {kind: "code", language: string, text: string}
 *   | {kind: "quote", blocks: Block[]}
 *   | {kind: "list", ordered: boolean, start: number, items: ListItem[]}} Block
 * @typedef {{children: Inline[], lists: Block[]}} ListItem
 */

import { inline } from "./inline.js";

const FENCE = /```(?:([\w+\-.#]+)\n)?\n*([\s\S]+?)\n*```/g;
const BULLET = /^( *)([-*]|\d{1,9}\.) +(\S.*)$/;

/** @param {string} text @returns {Block[]} */
export function blocks(text, inQuote = false) {
  const result = [];
  const paragraph = [];
  const flush = () => {
    if (paragraph.length && paragraph.join("").trim() !== "") {
      result.push({ kind: "paragraph", children: inline(paragraph.join("\n")) });
    }
    paragraph.length = 0;
  };
  let rest = text.replaceAll("\r\n", "\n");
  while (rest) {
    const found = blockAt(rest, inQuote);
    if (found) {
      flush();
      result.push(found.block);
      rest = rest.slice(found.length);
      continue;
    }
    const { line, fence } = nextLine(rest);
    paragraph.push(line);
    rest = rest.slice(line.length + (fence ? 0 : 1));
    if (fence) {
      flush();
      result.push({ kind: "code", language: fence[1] ?? "", text: fence[2] });
      rest = rest.slice(fence[0].length).replace(/^\n/, "");
    }
  }
  flush();
  return result;
}

/**
 * A text without markup, for places without formatting.
 *
 * @param {string} text
 * @param {(node: Inline) => string} naming the text for a mention, a time or an emoji
 */
export function plainText(text, naming) {
  return blocks(text)
    .map((block) => plainBlock(block, naming))
    .join("\n");
}

function plainBlock(block, naming) {
  const run = (children) => children.map((node) => plainInline(node, naming)).join("");
  switch (block.kind) {
    case "code":
      return block.text;
    case "quote":
      return block.blocks.map((inner) => plainBlock(inner, naming)).join("\n");
    case "list":
      return block.items
        .flatMap((item) => [
          run(item.children),
          ...item.lists.map((list) => plainBlock(list, naming)),
        ])
        .join("\n");
    default:
      return run(block.children);
  }
}

function plainInline(node, naming) {
  // Spoilers are not announced either.
  if (node.kind === "spoiler") return "…";
  if (node.children) return node.children.map((child) => plainInline(child, naming)).join("");
  if (["text", "code", "everyone"].includes(node.kind)) return node.text;
  return naming(node);
}

// The next line, cut where a code block starts in it.
function nextLine(rest) {
  const end = rest.indexOf("\n");
  const whole = end < 0 ? rest : rest.slice(0, end);
  FENCE.lastIndex = 0;
  const fence = whole.includes("```") ? FENCE.exec(rest) : null;
  const starts = fence && fence.index <= whole.length && rest[fence.index - 1] !== "\\";
  return starts ? { line: rest.slice(0, fence.index), fence } : { line: whole, fence: null };
}

// The block (not a paragraph) that starts here, and its length in characters.
function blockAt(rest, inQuote) {
  const quote = inQuote ? null : quoteAt(rest);
  if (quote) return quote;
  const heading = /^(#{1,3}) +(\S.*)(?:\n|$)/.exec(rest);
  if (heading) {
    const block = { kind: "heading", level: heading[1].length, children: inline(heading[2]) };
    return { block, length: heading[0].length };
  }
  const small = /^-# +(\S.*)(?:\n|$)/.exec(rest);
  if (small) {
    return { block: { kind: "subtext", children: inline(small[1]) }, length: small[0].length };
  }
  return listAt(rest);
}

function quoteAt(rest) {
  if (rest.startsWith(">>> ")) {
    return { block: { kind: "quote", blocks: blocks(rest.slice(4), true) }, length: rest.length };
  }
  const found = /^(?:> .*(?:\n|$)|>(?:\n|$))+/.exec(rest);
  if (!found) return null;
  const inside = found[0].replace(/^> ?/gm, "").replace(/\n$/, "");
  return { block: { kind: "quote", blocks: blocks(inside, true) }, length: found[0].length };
}

function listAt(rest) {
  const lines = [];
  let length = 0;
  for (const line of rest.split("\n")) {
    const found = BULLET.exec(line);
    const goesOn = lines.length > 0 && /^ {2,}\S/.test(line);
    if (!found && !goesOn) break;
    if (found && lines.length > 0 && isOther(found, lines[0])) break;
    length += line.length + 1;
    if (found) {
      lines.push({ indent: found[1].length, bullet: found[2], text: found[3] });
    } else {
      lines.at(-1).text += "\n" + line.trim();
    }
  }
  if (lines.length === 0) return null;
  return { block: nested(lines), length };
}

// Bullets after numbers, or the reverse, start another list.
function isOther([, indent, bullet], first) {
  return indent.length <= first.indent && /\d/.test(bullet) !== /\d/.test(first.bullet);
}

// Lines with a deeper indent become lists of the item before them.
function nested(lines) {
  const ordered = /\d/.test(lines[0].bullet);
  const items = [];
  for (let at = 0; at < lines.length;) {
    let next = at + 1;
    while (next < lines.length && lines[next].indent > lines[at].indent) next += 1;
    const inner = lines.slice(at + 1, next);
    items.push({
      children: inline(lines[at].text),
      lists: inner.length ? [nested(inner)] : [],
    });
    at = next;
  }
  return { kind: "list", ordered, start: ordered ? parseInt(lines[0].bullet, 10) : 1, items };
}
