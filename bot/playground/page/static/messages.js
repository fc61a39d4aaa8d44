/** The list of messages: synced with the state, with keyboard navigation and actions. */

import { announce } from "./announce.js";
import { dismiss, isDismissed, openMessageMenu } from "./contextmenus.js";
import { byId, fragment, h } from "./dom.js";
import { syncList } from "./keyed.js";
import { openPicture } from "./lightbox.js";
import { nameOf, pictureCount, plainMessage } from "./lookups.js";
import { onContext } from "./longpress.js";
import { continues, messageView } from "./message.js";
import { morphChildren, reveal } from "./morph.js";
import { closeOrphan } from "./overlay.js";
import { announceFailure, findComponent, use } from "./presses.js";
import { keepPlace } from "./scroll.js";
import { defaultValues, openSelect } from "./selects.js";
import { FLAG, findMessage, messagesOf, on, openChannel, state } from "./state.js";
import { sameDay, stamp } from "./time.js";
import { welcome } from "./welcome.js";
import { locale, say } from "./words.js";

const READ_OUT = 240;

let place = null;
let activeId = null; // the one message that Tab stops at
let epoch = 0; // increases when everything may look different
let missed = 0; // messages that arrived while the reader was scrolled up
let planned = false;
let shownFor = ""; // which user and channel this list belongs to

/** @param {{start: (name: string) => void, example: (prompt: string) => void,
 *   surprise: () => void,
 *   reply: (message: import("./types.js").Message) => void, leave: () => void}} can */
export function setUpMessages(can) {
  const log = byId("log");
  place = keepPlace(log, byId("log-content"), byId("messages"), (atBottom) => {
    if (atBottom) missed = 0;
    showJump();
  });
  byId("jump").addEventListener("click", () => {
    place.toBottom();
    log.focus({ preventScroll: true });
  });
  log.addEventListener("click", (event) => pressed(event, can));
  log.addEventListener("keydown", (event) => keyed(event, can));
  log.addEventListener("focusin", ({ target }) => activate(target.closest("article")?.dataset.id));
  log.addEventListener("error", ({ target }) => broken(target), true);
  onContext(log, "article", (article, anchor) => {
    const message = messageOf(article);
    if (message) openMessageMenu(message, anchor, can);
  });
  for (const topic of ["state", "words", "channel"]) on(topic, startOver);
  for (const topic of ["commands", "bot"])
    on(topic, () => morphChildren(byId("welcome"), fragment(welcome())));
  on("messages", news);
  on("interaction", announceFailure);
}

// Everything may look different now. A different list starts at its end; after a mere reconnection
// the reader stays where they were.
function startOver() {
  epoch += 1;
  const now = `${state.viewer} ${state.channelId}`;
  const other = now !== shownFor;
  shownFor = now;
  if (other) missed = 0;
  sync();
  if (other) place.toBottom();
}

// Many updates may come at once; they are shown together in the next animation frame.
function plan() {
  if (planned) return;
  planned = true;
  const go = () => {
    planned = false;
    sync();
  };
  // A hidden tab has no animation frames, but its list must not wait for them.
  if (document.hidden) window.setTimeout(go, 50);
  else window.requestAnimationFrame(go);
}

function news({ channelId, message, previous, isNew }) {
  if (channelId !== state.channelId) return;
  plan();
  if (!message) return;
  const mine = message.author.id === state.viewer || message.local === "pending";
  if (isNew && !previous && mine) place.toBottom();
  else if (isNew && !previous && !place.atBottom()) missed += 1;
  readOut(message, previous, mine);
}

// New messages of others, and placeholders that became a picture or a text; not each progress step.
function readOut(message, previous, mine) {
  if (mine || message.local || ((message.flags ?? 0) & FLAG.LOADING) !== 0) return;
  const painted = pictureCount(message) > (previous ? pictureCount(previous) : 0);
  const arrived = !previous || ((previous.flags ?? 0) & FLAG.LOADING) !== 0;
  if (!arrived && !painted) return;
  const said = plainMessage(message).slice(0, READ_OUT);
  const pictures = painted ? say("read.pictures", { n: pictureCount(message) }) : "";
  announce([`${nameOf(message.author)}:`, said, pictures].filter(Boolean).join(" "));
}

function sync() {
  place.look(); // where the reader is, before anything moves
  const list = byId("messages");
  morphChildren(byId("welcome"), fragment(welcome()));
  const messages = messagesOf(state.channelId).filter(({ id }) => !isDismissed(id));
  // Focus entering the list goes to its newest message.
  const reading = list.contains(document.activeElement);
  if (!reading || !messages.some(({ id }) => id === activeId))
    activeId = messages.at(-1)?.id ?? null;
  syncList(list, rows(messages), {
    key: (row) => row.key,
    mark: (row) => (row.message ? markOf(row) : [row.key, locale()]),
    build: (row) => (row.message ? messageView(row.message, row) : dayView(row.day)),
    leaving: saveFocus,
  });
  closeOrphan();
  place.restore();
  showJump();
}

// The messages, with a divider between days.
function rows(messages) {
  const result = [];
  let before = null;
  for (const message of messages) {
    const ms = Date.parse(message.timestamp);
    if (!before || !sameDay(ms, Date.parse(before.timestamp))) {
      result.push({ key: `day-${new Date(ms).toDateString()}-${message.id}`, day: ms });
    }
    const grouped = continues(message, before);
    result.push({ key: message.id, message, grouped, active: message.id === activeId });
    before = message;
  }
  return result;
}

// Everything that a message's appearance depends on.
function markOf({ message, grouped, active }) {
  const own = (map) => [...map.keys()].filter((key) => key.startsWith(`${message.id}/`));
  const chosen = own(state.chosen).map((key) => `${key}=${state.chosen.get(key)}`);
  return [
    message,
    grouped,
    active,
    state.notes.get(message.id),
    own(state.pressed).join(),
    chosen.join(),
    epoch,
  ];
}

function dayView(ms) {
  return h("div", { class: "day", role: "separator" }, h("span", {}, stamp(ms, "D")));
}

function saveFocus(element) {
  if (element.contains(document.activeElement)) byId("log").focus({ preventScroll: true });
}

function showJump() {
  const jump = byId("jump");
  jump.hidden = place.atBottom();
  byId("jump-words").textContent = missed > 0 ? say("jump.new", { n: missed }) : say("jump");
}

function messageOf(element) {
  const id = element?.closest("article")?.dataset.id;
  return id ? findMessage(state.channelId, id) : undefined;
}

const ACTS = {
  press: ({ element, message }) => {
    const component = findComponent(message.components, element.dataset.customId);
    if (component && !component.disabled) use(message, component);
  },
  select: ({ element, message }) => {
    const component = findComponent(message.components, element.dataset.customId);
    const key = `${message.id}/${element.dataset.customId}`;
    if (!component || state.pressed.has(key)) return;
    const before = state.chosen.get(key) ?? defaultValues(component);
    openSelect(element, component, before, (values) => use(message, component, values));
  },
  more: ({ element, message, can }) => openMessageMenu(message, element, can),
  dismiss: ({ message }) => dismiss(message),
  reveal: ({ element }) => uncover(element.closest("[data-spoiler]")),
  enlarge: ({ element }) => openPicture(element.closest(".picture")),
  jump: ({ element }) => jumpTo(element.dataset.channel, element.dataset.message),
  start: ({ element, can }) => can.start(element.dataset.name),
  example: ({ element, can }) => can.example(element.dataset.prompt),
  surprise: ({ can }) => can.surprise(),
};

function pressed(event, can) {
  const element = event.target.closest("[data-act]");
  if (!element) return;
  const message = messageOf(element);
  if (message || ["example", "jump", "start", "surprise"].includes(element.dataset.act)) {
    ACTS[element.dataset.act]({ element, message, can });
  }
}

function uncover(spoiler) {
  if (!spoiler || spoiler.dataset.revealed !== undefined) return;
  const hadFocus = spoiler.contains(document.activeElement);
  reveal(spoiler);
  if (hadFocus) (spoiler.querySelector("button, a[href]") ?? spoiler).focus?.();
}

function keyed(event, can) {
  const { key, target } = event;
  if ((key === "Enter" || key === " ") && target.matches(".spoiler[role=button]")) {
    event.preventDefault();
    target.click();
  } else if (key === "Escape") {
    can.leave();
  } else if (target.matches("article, #log")) {
    step(event);
  }
}

// The arrow keys move from message to message.
function step(event) {
  const articles = [...byId("messages").querySelectorAll("article")];
  const at = articles.findIndex((article) => article.dataset.id === activeId);
  const onList = event.target.id === "log";
  const to = {
    ArrowUp: onList ? at : at - 1,
    ArrowDown: onList ? at : at + 1,
    Home: 0,
    End: articles.length - 1,
  }[event.key];
  const next = articles[to];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  place.look();
}

function activate(id) {
  if (!id || id === activeId) return;
  activeId = id;
  sync();
}

/** Goes to a message in any channel, and highlights it. */
export function jumpTo(channelId, messageId) {
  openChannel(channelId);
  if (!messageId) return;
  const article = [...byId("messages").children].find((child) => child.dataset.id === messageId);
  if (!article) return;
  article.scrollIntoView({ block: "center" });
  place.look();
  article.focus({ preventScroll: true });
  article.classList.add("flash");
  window.setTimeout(() => article.classList.remove("flash"), 1600);
}

// A picture that cannot be loaded shows its alt text.
function broken(target) {
  if (target instanceof HTMLImageElement)
    target.closest(".picture")?.setAttribute("data-broken", "");
}
