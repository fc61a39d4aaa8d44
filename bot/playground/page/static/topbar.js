/** The top bar: channel, bot state and connection. */

import { announce } from "./announce.js";
import { channelIcon } from "./channels.js";
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { nameOf } from "./lookups.js";
import { retryNow } from "./socket.js";
import { findChannel, on, state } from "./state.js";
import { say } from "./words.js";

let lost = false;

/** Connects the top bar; once. */
export function setUpTopbar() {
  for (const topic of ["state", "channel", "channels", "words"]) on(topic, showChannel);
  for (const topic of ["state", "bot", "words"]) on(topic, showBot);
  for (const topic of ["connection", "words"]) on(topic, showConnection);
  window.setInterval(countDown, 1000);
  byId("retry").addEventListener("click", retryNow);
  window.addEventListener("online", retryNow);
}

function showChannel() {
  const channel = findChannel(state.channelId)?.channel;
  const name = channel?.name ?? "";
  const unread = [...state.unread.values()].reduce((sum, count) => sum + count, 0);
  byId("channel-icon").replaceChildren(icon(channel ? channelIcon(channel) : "hash"));
  // If the channel list is hidden, so are its unread counts.
  byId("side-button").classList.toggle("news", unread > 0);
  byId("channel-title").textContent = name || say("title");
  byId("channel-topic").textContent = channel?.topic ?? "";
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${name ? `${channel.type === 1 ? "" : "#"}${name} · ` : ""}${say("title")}`;
}

// A banner is only shown if the bot cannot respond.
function showBot() {
  const { bot } = state;
  const banner = byId("bot-banner");
  banner.hidden = bot.state === "online";
  const name = bot.user ? nameOf(bot.user) : "zimagine";
  const text =
    bot.state === "online"
      ? ""
      : [say(`bot.${bot.state}.long`, { name }), bot.detail].filter(Boolean).join(" ");
  banner.className = `banner ${bot.state}`;
  const words = h("p", {}, text);
  // A status region only announces changes.
  if (banner.textContent !== text)
    banner.replaceChildren(icon(bot.state === "starting" ? "works" : "warning"), words);
}

function showConnection() {
  const { status } = state.connection;
  const banner = byId("connection-banner");
  const waiting = status === "waiting";
  if (waiting && !lost) announce(say("connection.lost"));
  if (status === "open" && lost) announce(say("connection.back"));
  lost = status === "open" ? false : lost || waiting;
  banner.hidden = status === "open" || (!lost && state.ready);
  byId("retry").hidden = !waiting;
  countDown();
}

function countDown() {
  const { status, retryAt } = state.connection;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const text =
    status === "waiting" ? say("connection.waiting", { n: seconds }) : say("connection.connecting");
  const words = byId("connection-words");
  if (words.textContent !== text) words.textContent = text;
}
