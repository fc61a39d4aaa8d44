/** The servers and channels the viewer can see, with threads under their channel. */

import { byId, fragment, h } from "./dom.js";
import { icon } from "./icons.js";
import { guild } from "./lookups.js";
import { morphChildren } from "./morph.js";
import { on, openChannel, state } from "./state.js";
import { say } from "./words.js";

const PRIVATE = 1;
const CATEGORY = 4;
const THREADS = [10, 11, 12];

/** @param {() => void} chosen called when the reader has chosen a channel */
export function setUpChannels(chosen) {
  for (const topic of ["state", "channels", "channel", "words"]) on(topic, show);
  for (const id of ["channel-list", "guild-list"]) {
    byId(id).addEventListener("click", ({ target }) => {
      const channelId = target.closest("[data-channel]")?.dataset.channel;
      if (!channelId) return;
      openChannel(channelId);
      chosen();
    });
  }
}

function show() {
  const here = guild();
  byId("guild-name").textContent = here?.name ?? "";
  byId("guild-list").hidden = state.guilds.length < 2;
  morphChildren(byId("guild-list"), fragment(h("ul", {}, state.guilds.map(guildItem))));
  morphChildren(byId("channel-list"), fragment(h("ul", {}, here ? tree(here.channels) : [])));
}

function guildItem(one) {
  const first = one.channels.filter((channel) => channel.type === 0).sort(byPosition)[0];
  const current = one.id === state.guildId;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "guild",
        "aria-current": current ? "true" : null,
        "aria-label": one.name,
        title: one.name,
        data: { channel: first?.id },
      },
      [...one.name][0]?.toUpperCase(),
    ),
  );
}

// Channels without a category come first, as in Discord.
function tree(channels) {
  const categories = channels.filter((channel) => channel.type === CATEGORY).sort(byPosition);
  const texts = channels
    .filter(({ type }) => type !== CATEGORY && type !== PRIVATE && !THREADS.includes(type))
    .sort(byPosition);
  const known = new Set(categories.map((category) => category.id));
  const rows = (list) => list.map((channel) => channelItem(channel, channels));
  const group = (id, name, list) =>
    h(
      "li",
      { class: "category" },
      h("h3", { id: `category-${id}` }, name),
      h("ul", { "aria-labelledby": `category-${id}` }, rows(list)),
    );
  const letters = channels.filter((channel) => channel.type === PRIVATE);
  return [
    ...rows(texts.filter((channel) => !known.has(channel.parent_id))),
    ...categories.map((category) => {
      const inside = texts.filter((channel) => channel.parent_id === category.id);
      if (inside.length === 0) return null;
      return group(category.id, category.name, inside);
    }),
    letters.length > 0 ? group("private", say("channels.private"), letters) : null,
  ];
}

function channelItem(channel, all) {
  const threads = all.filter(
    ({ type, parent_id: parent }) => THREADS.includes(type) && parent === channel.id,
  );
  const inner = threads.sort(byPosition).map((thread) => h("li", {}, link(thread)));
  return h(
    "li",
    {},
    link(channel),
    inner.length > 0 &&
      h("ul", { class: "threads", "aria-label": say("threads", { channel: channel.name }) }, inner),
  );
}

function link(channel) {
  const unread = state.unread.get(channel.id) ?? 0;
  const hints = hintsOf(channel);
  const current = channel.id === state.channelId;
  return h(
    "button",
    {
      type: "button",
      class: unread ? "channel unread" : "channel",
      "aria-current": current ? "page" : null,
      title: [channel.topic, ...hints].filter(Boolean).join(" · ") || null,
      data: { channel: channel.id },
    },
    icon(channelIcon(channel)),
    h("span", { class: "channel-name" }, channel.name),
    hints.length > 0 && [
      icon("lock"),
      h("span", { class: "visually-hidden" }, ` (${hints.join(", ")})`),
    ],
    unread > 0 && [
      h("span", { class: "badge", "aria-hidden": true }, unread > 99 ? "99+" : String(unread)),
      h("span", { class: "visually-hidden" }, ` (${say("unread", { n: unread })})`),
    ],
  );
}

/** The icon beside a channel's name. @param {import("./types.js").Channel} channel */
export function channelIcon(channel) {
  if (channel.type === PRIVATE) return "letter";
  return THREADS.includes(channel.type) ? "thread" : "hash";
}

function hintsOf(channel) {
  const hints = [];
  if (channel.type === PRIVATE) return hints;
  if (channel.can_send === false) hints.push(say("channel.read_only"));
  if (channel.archived) hints.push(say("channel.archived"));
  return hints;
}

function byPosition(one, other) {
  return (one.position ?? 0) - (other.position ?? 0);
}
