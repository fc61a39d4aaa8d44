/** What stands at the beginning of a channel: what this is, and what one could try first. */

import { channelIcon } from "./channels.js";
import { commandLine, entries, namedEntry } from "./commands.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { findChannel, messagesOf, state } from "./state.js";
import { locale, say } from "./words.js";

// For a bot that is started elsewhere; nothing is known about its model.
const EXAMPLES = ["example.lake", "example.house", "example.boat"];

/** @returns {Node[]} */
export function welcome() {
  const found = findChannel(state.channelId);
  if (!found) return [h("p", { class: "muted" }, say("channel.none"))];
  const { channel } = found;
  const letters = channel.type === 1;
  // After a restart the commands are there before the bot is.
  const canPaint =
    state.bot.state !== "starting" && state.commands.some((command) => command.name === "imagine");
  return [
    h(
      "span",
      { class: "welcome-mark", "aria-hidden": true },
      icon(channelIcon(channel)),
    ),
    h("h2", {}, say(letters ? "welcome.private" : "welcome.title", { channel: channel.name })),
    channel.topic ? h("p", { class: "muted" }, channel.topic) : null,
    ...(channel.can_send === false
      ? [h("p", {}, say(letters ? "welcome.letters" : "composer.forbidden", { channel: channel.name }))]
      : [
          h("p", {}, say(canPaint ? "welcome.paint" : "welcome.wait")),
          demo(),
          canPaint ? examples() : null,
        ]),
  ].filter(Boolean);
}

function demo() {
  const words = state.known[locale().split("-")[0]];
  return words ? h("p", { class: "muted" }, say("welcome.demo", { words })) : null;
}

function prompts() {
  return state.examples?.[locale()] ?? EXAMPLES.map((key) => say(key));
}

function examples() {
  const first = messagesOf(state.channelId).length === 0;
  const entry = namedEntry(entries(state.commands, locale()), "imagine");
  const imagine = entry ? commandLine(entry) : "/imagine";
  return h(
    "div",
    { class: "examples" },
    h("h3", {}, say(first ? "welcome.try" : "welcome.try_again")),
    h(
      "ul",
      {},
      prompts().map((prompt) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "example", data: { act: "example", prompt } },
            h("code", {}, imagine),
            " ",
            prompt,
          ),
        ),
      ),
      state.examples &&
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "example", data: { act: "surprise" } },
            h("span", { "aria-hidden": true }, "🎲 "),
            say("surprise"),
          ),
        ),
    ),
    h("p", { class: "muted small" }, say("welcome.enter")),
  );
}
