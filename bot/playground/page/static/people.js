/** The members of the server, grouped by level, each with a menu. */

import { avatar } from "./avatar.js";
import { openMemberMenu } from "./contextmenus.js";
import { byId, fragment, h } from "./dom.js";
import { guild, member, nameOf } from "./lookups.js";
import { onContext } from "./longpress.js";
import { morphChildren } from "./morph.js";
import { on, state } from "./state.js";
import { say } from "./words.js";

const LEVELS = ["bot", "admin", "moderator", "member"];

/** @param {{mention: (user: import("./types.js").User) => void}} can */
export function setUpPeople(can) {
  for (const topic of ["state", "bot", "words", "channel"]) on(topic, show);
  const list = byId("member-list");
  const menu = (button, anchor) => {
    const found = member(button.dataset.user);
    if (found) openMemberMenu(found.user, anchor, can);
  };
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-user]");
    if (button) menu(button, button);
  });
  onContext(list, "[data-user]", menu);
}

function show() {
  const members = guild()?.members ?? [];
  const groups = LEVELS.map((level) => [level, members.filter((one) => one.level === level)]);
  const shown = groups.filter(([, inside]) => inside.length > 0);
  morphChildren(byId("member-list"), fragment(shown.map(group)));
}

function group([level, members]) {
  const sorted = [...members].sort((one, other) =>
    nameOf(one.user).localeCompare(nameOf(other.user)),
  );
  return h(
    "section",
    { "aria-labelledby": `level-${level}` },
    h("h3", { id: `level-${level}` }, `${say(`levels.${level}`)} — ${members.length}`),
    h("ul", {}, sorted.map(row)),
  );
}

function row({ user, level }) {
  const you = user.id === state.viewer;
  const isBot = level === "bot" && user.id === state.bot.user?.id;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: isBot && state.bot.state !== "online" ? "member away" : "member",
        "aria-haspopup": "menu",
        "aria-expanded": false,
        data: { user: user.id },
      },
      avatar(user),
      h(
        "span",
        { class: "member-name" },
        nameOf(user),
        you && h("span", { class: "muted" }, ` ${say("you")}`),
      ),
      isBot && h("span", { class: `bot-state ${state.bot.state}` }, say(`bot.${state.bot.state}`)),
    ),
  );
}
