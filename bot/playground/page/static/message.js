/** One message as an element, rebuilt for every change and then morphed into the shown one. */

import { translated } from "./actions.js";
import { avatar } from "./avatar.js";
import { componentView } from "./components.js";
import { fragment, h } from "./dom.js";
import { embedView } from "./embeds.js";
import { icon } from "./icons.js";
import { nameOf, plainMessage, roleColour, user } from "./lookups.js";
import { attachments } from "./media.js";
import { noteText } from "./presses.js";
import { prose } from "./prose.js";
import { FLAG, state } from "./state.js";
import { messageTime, sameDay, stamp } from "./time.js";
import { say } from "./words.js";

const TOGETHER_MS = 7 * 60_000;
const REPLY = 19;
const CONTEXT_COMMAND = 23;
const BY_COMMAND = 2;

/** @typedef {import("./types.js").Message} Message */

/** Whether this message is grouped under the previous one without a header of its own. */
export function continues(message, previous) {
  if (!previous || message.local || previous.local) return false;
  const gap = Date.parse(message.timestamp) - Date.parse(previous.timestamp);
  return (
    message.author.id === previous.author.id &&
    gap < TOGETHER_MS &&
    sameDay(Date.parse(message.timestamp), Date.parse(previous.timestamp)) &&
    !message.interaction_metadata &&
    message.type !== REPLY &&
    has(message, FLAG.EPHEMERAL) === has(previous, FLAG.EPHEMERAL)
  );
}

/**
 * @param {Message} message
 * @param {{grouped: boolean, active: boolean}} how active: selected with the arrow keys
 */
export function messageView(message, { grouped, active }) {
  const ms = Date.parse(message.timestamp);
  const name = nameOf(message.author);
  const ephemeral = has(message, FLAG.EPHEMERAL);
  const classes = ["message"];
  if (grouped) classes.push("grouped");
  if (ephemeral) classes.push("ephemeral");
  if (message.local) classes.push("local", message.local);
  if (callsMe(message)) classes.push("calls-me");
  const label = say("message.label", { name, time: messageTime(ms) });
  return h(
    "article",
    {
      class: classes.join(" "),
      "aria-label": ephemeral ? `${label}, ${say("ephemeral")}` : label,
      tabindex: active ? "0" : "-1",
      data: { id: message.id },
    },
    reference(message),
    h("div", { class: "message-side" }, grouped ? hoverTime(ms) : avatar(message.author)),
    h(
      "div",
      { class: "message-main" },
      !grouped && head(message, name, ms),
      body(message),
      note(message),
      ephemeral && ephemeralLine(message),
    ),
    h("div", { class: "toolbar" }, moreButton(active, name)),
  );
}

function has(message, flag) {
  return ((message.flags ?? 0) & flag) !== 0;
}

function callsMe(message) {
  if (message.author.id === state.viewer || has(message, FLAG.EPHEMERAL)) return false;
  // A mention in the text does not imply a notification: the sender may have suppressed it.
  const named = message.mentions?.some((mentioned) => mentioned.id === state.viewer);
  return named || message.mention_everyone === true;
}

function head(message, name, ms) {
  const dot = roleColour(message.author.id);
  return h(
    "div",
    { class: "message-head" },
    dot &&
      h("span", { class: "role-dot", "aria-hidden": true, style: { "background-color": dot } }),
    h("strong", { class: "author", data: { user: message.author.id } }, name),
    message.author.bot && h("span", { class: "bot-tag" }, say("bot.tag")),
    h(
      "time",
      { class: "muted small", datetime: message.timestamp, title: stamp(ms, "F") },
      messageTime(ms),
    ),
  );
}

function hoverTime(ms) {
  return h(
    "time",
    { class: "hover-time muted", datetime: new Date(ms).toISOString() },
    stamp(ms, "t"),
  );
}

function moreButton(active, name) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-haspopup": "menu",
      "aria-expanded": false,
      "aria-label": say("message.more", { name }),
      // One tab stop per list, not per message; the arrow keys move it.
      tabindex: active ? "0" : "-1",
      data: { act: "more" },
    },
    icon("more"),
  );
}

// What a message responds to: another message, or a user's command.
function reference(message) {
  if (message.type === REPLY) return replyLine(message.referenced_message);
  const by = message.interaction_metadata;
  const person = by?.user ?? (message.line_user ? user(message.line_user) : null);
  const name = by?.name ?? message.line_name;
  if (!person || (by && by.type !== BY_COMMAND)) return null;
  const called = name
    ? message.type === CONTEXT_COMMAND
      ? name
      : `/${name}`
    : say("used.something");
  return h(
    "div",
    { class: "reference" },
    icon("slash"),
    h("span", {}, say("used", { name: nameOf(person) })),
    h("span", { class: "used-name" }, called),
  );
}

function replyLine(original) {
  if (!original) return h("div", { class: "reference" }, icon("reply"), say("reply.gone"));
  const text = plainMessage(original) || say("reply.attachment");
  return h(
    "button",
    {
      type: "button",
      class: "reference",
      data: { act: "jump", channel: original.channel_id, message: original.id },
    },
    icon("reply"),
    h("strong", {}, nameOf(original.author)),
    h("span", { class: "snippet" }, text.slice(0, 160)),
  );
}

function body(message) {
  if (message.local === "pending") return thinking(say("line.sending"));
  if (message.local === "failed") {
    return h(
      "p",
      { class: "failure" },
      icon("warning"),
      translated(message.content) || say("interaction.silent"),
    );
  }
  if (has(message, FLAG.LOADING)) {
    return thinking(say("line.thinking", { name: nameOf(message.author) }));
  }
  const where = { messageId: message.id };
  const components = (message.components ?? []).map((part) => componentView(part, where));
  if (has(message, FLAG.V2)) return fragment(components, edited(message, "p"));
  const suppressed = has(message, FLAG.SUPPRESS_EMBEDS);
  const text = (message.content || "").trim() !== "";
  return fragment(
    text && h("div", { class: "prose" }, prose(message.content), edited(message, "span")),
    !text && edited(message, "p"),
    message.attachments?.length > 0 && attachments(message.attachments),
    !suppressed && (message.embeds ?? []).map(embedView),
    components,
  );
}

function thinking(sentence) {
  return h("p", { class: "thinking" }, h("span", { class: "dots", "aria-hidden": true }), sentence);
}

function edited(message, tag) {
  if (!message.edited_timestamp) return null;
  const title = stamp(Date.parse(message.edited_timestamp), "F");
  return h(tag, { class: "edited muted small", title }, say("edited"));
}

function note(message) {
  const text = state.notes.get(message.id);
  return text && h("p", { class: "failure" }, icon("warning"), noteText(text));
}

function ephemeralLine(message) {
  const button = h(
    "button",
    { type: "button", class: "link-button", data: { act: "dismiss" } },
    say("dismiss"),
  );
  return h(
    "p",
    { class: "ephemeral-line muted small" },
    icon("eye"),
    h("span", {}, say("ephemeral")),
    message.local !== "pending" && [" · ", button],
  );
}
