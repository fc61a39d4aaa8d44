/** The composer: plain messages, and commands, which turn into forms once recognised. */

import { Refusal, act } from "./actions.js";
import { notice } from "./announce.js";
import { entries, namedEntry } from "./commands.js";
import { byId } from "./dom.js";
import { OptionForm } from "./form.js";
import { nameOf } from "./lookups.js";
import { isFreeText } from "./options.js";
import { Picker } from "./picker.js";
import { findChannel, on, state } from "./state.js";
import { parseTyped } from "./typed.js";
import { locale, say } from "./words.js";

const LONGEST = 2000;

/** @type {OptionForm|null} */ let form = null;
/** @type {Picker} */ let picker;
/** @type {import("./types.js").Message|null} */ let replyTo = null;
let shownFor = ""; // which user and channel this composer belongs to
const drafts = new Map(); // unfinished messages of other channels

// Long placeholders are cut off; the button for commands is there as well.
const NARROW = window.matchMedia("(max-width: 599px)");
const text = () => byId("composer-text");
const all = () => entries(state.commands, locale());

/** Connects the composer of index.html; once. */
export function setUpComposer() {
  picker = new Picker(text(), (entry) => startForm(entry));
  text().addEventListener("input", typed);
  text().addEventListener("compositionend", typed);
  text().addEventListener("keydown", keyed);
  text().addEventListener("blur", () => picker.close());
  text().addEventListener("focus", () => picker.follow(text().value, all()));
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (form) form.submit();
    else sendText();
  });
  byId("composer").addEventListener("input", () => complain(""));
  byId("commands-button").addEventListener("click", openPicker);
  byId("surprise").addEventListener("click", fillSurprise);
  byId("reply-cancel").addEventListener("click", () => {
    setReply(null);
    focusComposer();
  });
  for (const topic of ["state", "channel", "channels", "words"]) on(topic, refresh);
  for (const topic of ["state", "commands"]) on(topic, showSurprise);
  on("commands", () => picker.isOpen && picker.follow(text().value, all()));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", dropped);
}

/** Starts a command by its name, as clicking its mention in a message does. */
export function startCommand(name) {
  const entry = namedEntry(all(), name);
  if (entry) startForm(entry);
  else notice(say("command.unknown", { name }));
}

function showSurprise() {
  byId("surprise").hidden = !state.examples || !namedEntry(all(), "imagine");
}

/** Fills in /imagine without sending it. */
export function fillExample(prompt) {
  const entry = namedEntry(all(), "imagine");
  const option = entry?.options.find(isFreeText);
  if (!entry || !option) {
    notice(say("command.unknown", { name: "imagine" }));
    return;
  }
  startForm(entry, new Map([[option.name, prompt]]));
}

/** Fills in /imagine with a prompt by chance, another one each time, without sending it. */
export async function fillSurprise() {
  try {
    fillExample((await act("surprise", {})).prompt);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    notice(error.message);
  }
}

/** The next message will reply to this one. @param {import("./types.js").Message} message */
export function replyWith(message) {
  if (form) leaveForm();
  setReply(message);
  focusComposer();
}

function setReply(message) {
  replyTo = message;
  byId("replying").hidden = message === null;
  if (message)
    byId("replying-words").textContent = say("replying", { name: nameOf(message.author) });
}

/** Inserts a mention at the caret. @param {import("./types.js").User} user */
export function mention(user) {
  if (form) leaveForm();
  const area = text();
  area.focus();
  area.setRangeText(`<@${user.id}> `, area.selectionStart, area.selectionEnd, "end");
  typed();
}

/** Moves the focus to where typing continues. */
export function focusComposer() {
  if (form) {
    if (!form.focus()) byId("send").focus();
  } else {
    text().focus();
  }
}

function typed(event) {
  fit();
  // Leave letters alone that an input method is still composing.
  if (event?.isComposing) return;
  const value = text().value;
  const known = parseTyped(value, all(), locale());
  if (known) startForm(known.entry, known.values);
  else picker.follow(value, all());
}

function keyed(event) {
  if (event.isComposing || event.keyCode === 229) return; // an input method has the keys
  if (picker.key(event)) return;
  if (event.key === "Escape" && replyTo) {
    setReply(null);
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (!event.repeat) sendText();
  }
}

function openPicker() {
  if (form) leaveForm();
  picker.folded = null;
  if (!text().value.startsWith("/")) text().value = "/";
  text().focus();
  typed();
}

function startForm(entry, values = new Map()) {
  endForm();
  picker.close();
  complain("");
  text().value = "";
  const started = new OptionForm(entry, state.channelId, {
    left: leaveForm,
    sent: () => form === started && leaveForm(),
    failed: (sentence) => (form === started ? complain(sentence) : notice(sentence)),
  });
  form = started;
  form.fill(values);
  const place = byId("option-form");
  place.replaceChildren(form.root);
  place.hidden = false;
  text().hidden = true;
  byId("composer").classList.add("filling");
  focusComposer();
}

function endForm() {
  form?.end();
  form = null;
  byId("option-form").replaceChildren();
  byId("option-form").hidden = true;
  byId("composer").classList.remove("filling");
  text().hidden = false;
}

// Back to plain text; moves the focus along if it was in the form.
function leaveForm() {
  const had =
    byId("composer").contains(document.activeElement) || document.activeElement === document.body;
  endForm();
  complain("");
  fit();
  if (had) text().focus();
}

async function sendText() {
  const content = text().value.trim();
  if (content === "") return;
  if (content.startsWith("/")) {
    complain(say("command.unknown", { name: content.slice(1).split(/\s/)[0] }));
    return;
  }
  if (!mayWrite()) {
    complain(say("composer.forbidden"));
    return;
  }
  const length = [...content].length;
  if (length > LONGEST) {
    complain(say("composer.long", { length, most: LONGEST }));
    return;
  }
  const before = { content: text().value, replyTo, channelId: state.channelId };
  // Cleared before sending, so that a second Enter has nothing to send.
  text().value = "";
  setReply(null);
  fit();
  try {
    await act("say", {
      channel_id: before.channelId,
      content,
      reply_to: before.replyTo?.id ?? null,
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    giveBack(before);
    complain(error.message);
  }
}

// An unsent message comes back, unless another one has been started meanwhile.
function giveBack({ content, replyTo: answered, channelId }) {
  if (channelId !== state.channelId) {
    drafts.set(draftKey(channelId), content);
  } else if (!form && text().value === "") {
    text().value = content;
    if (answered) setReply(answered);
    fit();
  }
}

function complain(sentence) {
  const line = byId("composer-problem");
  line.textContent = sentence;
  line.hidden = sentence === "";
}

function draftKey(channelId) {
  return `${state.viewer} ${channelId}`;
}

// After a change of channel, user or language this is a new composer; after a mere reconnection
// it is the same one, and everything that was typed stays.
function refresh() {
  const now = `${draftKey(state.channelId)} ${locale()}`;
  if (state.ready && now !== shownFor) {
    if (shownFor) drafts.set(shownFor.split(" ").slice(0, 2).join(" "), text().value);
    shownFor = now;
    if (form) leaveForm();
    if (replyTo) setReply(null);
    text().value = drafts.get(draftKey(state.channelId)) ?? "";
    picker.close();
  }
  showPlace();
  fit();
}

// Commands work even where posting is not allowed.
function showPlace() {
  const channel = findChannel(state.channelId)?.channel;
  const letters = channel?.type === 1; // the bot's direct messages, where commands do not work
  for (const id of ["composer-text", "commands-button", "surprise", "send"])
    byId(id).disabled = !channel || letters;
  text().placeholder = channel ? say(placeholder(letters), { channel: channel.name }) : "";
}

function placeholder(letters) {
  if (letters) return "composer.letters";
  if (!mayWrite()) return "composer.only_commands";
  return NARROW.matches ? "composer.short" : "composer.placeholder";
}

function mayWrite() {
  return findChannel(state.channelId)?.channel.can_send !== false;
}

// As high as its content, up to the style's limit.
function fit() {
  const area = text();
  area.style.setProperty("height", "auto");
  if (area.value !== "") area.style.setProperty("height", `${area.scrollHeight}px`);
}

function dropped(event) {
  const files = event.dataTransfer?.files;
  if (!files?.length) return;
  event.preventDefault();
  if (!form?.takeFiles(files)) notice(say("drop.nowhere"));
}
