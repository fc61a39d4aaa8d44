/** Renders Discord's markdown as elements, with names in place of ids. */

import { fragment, h } from "./dom.js";
import { channelName, nameInText, nameOf, user } from "./lookups.js";
import { blocks } from "./markdown.js";
import { inline } from "./inline.js";
import { state } from "./state.js";
import { relative, stamp } from "./time.js";
import { say } from "./words.js";

// A link into a channel of this server is followed here, as Discord's client does.
const DISCORD_LINK = /^https:\/\/(?:\w+\.)?discord\.com\/channels\/\d+\/(\d+)(?:\/(\d+))?$/;

/** A whole text: paragraphs, lists, quotes, code. @param {string} text */
export function prose(text) {
  return fragment(blocks(text).map(blockView));
}

/** One line of text, for titles and names. @param {string} text */
export function line(text) {
  return fragment(inline(text).map(inlineView));
}

function blockView(block) {
  switch (block.kind) {
    case "heading":
      return h(`h${block.level + 2}`, { class: "md-heading" }, block.children.map(inlineView));
    case "subtext":
      return h("p", { class: "md-small" }, block.children.map(inlineView));
    case "quote":
      return h("blockquote", {}, block.blocks.map(blockView));
    case "code":
      return h(
        "pre",
        { tabindex: "0", role: "group", "aria-label": say("code.block") },
        h("code", { data: { language: block.language || null } }, block.text),
      );
    case "list":
      return listView(block);
    default:
      return h("p", {}, block.children.map(inlineView));
  }
}

function listView(list) {
  const start = list.ordered && list.start !== 1 ? list.start : null;
  return h(
    list.ordered ? "ol" : "ul",
    { start },
    list.items.map((item) => h("li", {}, item.children.map(inlineView), item.lists.map(listView))),
  );
}

const TAGS = { strong: "strong", em: "em", underline: "u", strike: "s" };

function inlineView(node) {
  switch (node.kind) {
    case "text":
      return document.createTextNode(node.text);
    case "code":
      return h("code", {}, node.text);
    case "spoiler":
      return spoiler(node);
    case "link":
      return link(node);
    case "time":
      return timeView(node);
    case "emoji":
      return h("span", { class: "custom-emoji" }, `:${node.name}:`);
    case "command":
      return h(
        "button",
        { type: "button", class: "mention", data: { act: "start", name: node.name } },
        `/${node.name}`,
      );
    case "channel":
      return channelMention(node.id, null, nameInText(node));
    case "user":
    case "role":
    case "everyone":
      return mention(node);
    default:
      return h(TAGS[node.kind], {}, node.children.map(inlineView));
  }
}

function mention(node) {
  const mine = node.kind === "everyone" || node.id === state.viewer;
  const text = node.kind === "everyone" ? node.text : nameInText(node);
  const title = node.kind === "user" ? nameOf(user(node.id)) : null;
  return h("span", { class: mine ? "mention mine" : "mention", title }, text);
}

function channelMention(channelId, messageId, text) {
  if (channelName(channelId) === null) return h("span", { class: "mention" }, text);
  const data = { act: "jump", channel: channelId, message: messageId };
  return h("button", { type: "button", class: "mention", data }, text);
}

function link(node) {
  const inside = DISCORD_LINK.exec(node.url);
  if (inside && channelName(inside[1]) !== null) {
    const name = `#${channelName(inside[1])}`;
    const text = inside[2] ? say("link.message", { channel: name }) : name;
    return channelMention(inside[1], inside[2] ?? null, text);
  }
  return h(
    "a",
    {
      href: node.url,
      title: node.title ?? null,
      target: "_blank",
      rel: "noopener noreferrer nofollow",
    },
    node.children.map(inlineView),
  );
}

function timeView({ seconds, style }) {
  const ms = seconds * 1000;
  const live = style === "R";
  return h(
    "time",
    {
      datetime: new Date(ms).toISOString(),
      title: stamp(ms, "F"),
      data: { relative: live ? ms : null },
    },
    live ? relative(ms) : stamp(ms, style),
  );
}

// Its content can be neither announced nor reached until it is opened.
function spoiler(node) {
  return h(
    "span",
    {
      class: "spoiler",
      role: "button",
      tabindex: "0",
      "aria-label": say("spoiler.show"),
      data: { act: "reveal", spoiler: JSON.stringify(node.children) },
    },
    h("span", { inert: true }, node.children.map(inlineView)),
  );
}
