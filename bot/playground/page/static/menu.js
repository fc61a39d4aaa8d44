/** Menus: a panel of choices with arrow key navigation. */

import { h } from "./dom.js";
import { closePanel, openPanel, panelOf } from "./overlay.js";

/**
 * @typedef {{label: string, name?: string, hint?: string, lead?: Node|null, danger?: boolean,
 *   checked?: boolean, pick: () => void}} MenuItem `name` replaces the label for screen readers;
 *   `checked` makes it a radio item
 * @typedef {{title: string, items: MenuItem[]}} MenuGroup
 */

/**
 * @param {Element|{x: number, y: number, owner: HTMLElement}} anchor
 * @param {string} label
 * @param {(MenuItem|MenuGroup)[]} entries
 */
export function openMenu(anchor, label, entries) {
  const owner = anchor instanceof Element ? anchor : anchor.owner;
  if (anchor instanceof Element && panelOf(owner)) {
    closePanel();
    return;
  }
  const menu = h(
    "div",
    { role: "menu", "aria-label": label, class: "menu", tabindex: "-1", on: { keydown: walk } },
    entries.map((entry) => ("items" in entry ? group(entry) : item(entry))),
  );
  const expands = owner.hasAttribute("aria-haspopup");
  if (expands) owner.setAttribute("aria-expanded", "true");
  openPanel(anchor, menu, {
    onClose: () => expands && owner.setAttribute("aria-expanded", "false"),
  });
  (menu.querySelector('[aria-checked="true"]') ?? menu.querySelector("button"))?.focus();
}

function group({ title, items }) {
  return h(
    "div",
    { role: "group", "aria-label": title },
    h("p", { class: "menu-title", "aria-hidden": true }, title),
    items.map(item),
  );
}

function item({ label, name, hint, lead, danger, checked, pick }) {
  const chosen = () => {
    closePanel(); // first, so that what `pick` focuses keeps the focus
    pick();
  };
  return h(
    "button",
    {
      type: "button",
      role: checked === undefined ? "menuitem" : "menuitemradio",
      "aria-checked": checked,
      "aria-label": name,
      tabindex: "-1",
      class: danger ? "menu-item danger-text" : "menu-item",
      on: { click: chosen },
    },
    lead,
    h("span", { class: "menu-label" }, label, hint && h("span", { class: "option-hint" }, hint)),
  );
}

function walk(event) {
  const items = [...event.currentTarget.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const to = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (event.key === "Tab") {
    closePanel();
  } else if (to !== undefined) {
    event.preventDefault();
    items[to].focus();
  } else if (event.key.length === 1 && event.key !== " ") {
    const typed = event.key.toLowerCase();
    const later = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    later.find((button) => button.textContent.trim().toLowerCase().startsWith(typed))?.focus();
  }
}
