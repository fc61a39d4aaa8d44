/** As whom one looks at the playground: the person, the language and the colours, in one menu. */

import { avatar } from "./avatar.js";
import { byId, h } from "./dom.js";
import { nameOf } from "./lookups.js";
import { openMenu } from "./menu.js";
import { recall, remember } from "./settings.js";
import { connect } from "./socket.js";
import { emit, on, state } from "./state.js";
import { THEMES, setTheme, theme } from "./theme.js";
import { LOCALES, fillIn, locale, say, setLocale } from "./words.js";

/** Connects the menu and opens the line as whoever was chosen last, or as the address says. */
export function setUpWho() {
  const asked = new URLSearchParams(window.location.search);
  useLocale(asked.get("locale") ?? recall("locale") ?? navigator.language);
  byId("who").addEventListener("click", () => openMenu(byId("who"), say("who.menu"), groups()));
  for (const topic of ["state", "words"]) on(topic, show);
  on("state", () => remember("viewer", state.viewer));
  connect({ viewer: asked.get("viewer") ?? recall("viewer"), locale: locale() });
}

function show() {
  const person = state.people.find(({ user }) => user.id === state.viewer);
  if (!person) return;
  const name = nameOf(person.user);
  const level = say(`level.${person.level}`);
  byId("who-avatar").replaceChildren(avatar(person.user));
  byId("who-name").replaceChildren(
    h("strong", {}, name),
    " ",
    h("span", { class: "muted small" }, level),
  );
}

function groups() {
  return [
    {
      title: say("who.people"),
      items: state.people.map(({ user, level }) => ({
        label: nameOf(user),
        name: `${nameOf(user)}, ${say(`level.${level}`)}`,
        hint: say(`level.${level}`),
        lead: avatar(user),
        checked: user.id === state.viewer,
        pick: () => user.id !== state.viewer && connect({ viewer: user.id, locale: locale() }),
      })),
    },
    {
      title: say("who.language"),
      items: Object.entries(LOCALES).map(([id, name]) => ({
        label: name,
        checked: id === locale(),
        pick: () => switchLocale(id),
      })),
    },
    {
      title: say("who.theme"),
      items: THEMES.map((id) => ({
        label: say(`theme.${id}`),
        checked: id === theme(),
        pick: () => setTheme(id),
      })),
    },
  ];
}

function switchLocale(id) {
  if (id === locale()) return;
  useLocale(id);
  remember("locale", locale());
  emit("words");
  connect({ viewer: state.viewer, locale: locale() });
}

function useLocale(id) {
  setLocale(id);
  document.documentElement.lang = locale();
  fillIn(document);
}
