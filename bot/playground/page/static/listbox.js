/** A list of options beside a text field that keeps the focus: the combobox pattern. */

import { freshId, h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {{value: any, name: string, hint?: string, selected?: boolean, disabled?: boolean,
 *   lead?: Node|null}} Item
 */

export class Listbox {
  /**
   * @param {{label: string, multiple?: boolean, onPick: (item: Item) => void}} options
   */
  constructor({ label, multiple = false, onPick }) {
    this.onPick = onPick;
    this.multiple = multiple;
    /** @type {Item[]} */ this.items = [];
    this.active = -1;
    this.field = null;
    this.element = h("ul", {
      id: freshId("list"),
      class: "listbox",
      role: "listbox",
      "aria-label": label,
      "aria-multiselectable": multiple ? true : null,
      // The field keeps the focus while the mouse chooses.
      on: { mousedown: (event) => event.preventDefault(), click: (event) => this.clicked(event) },
    });
  }

  /** Lets `field` announce the active option from now on; null releases the previous field. */
  attach(field) {
    this.field?.removeAttribute("aria-activedescendant");
    this.field = field;
    field?.setAttribute("aria-controls", this.element.id);
    this.tell();
  }

  /** @param {Item[]} items @param {number} [active] the option that Enter chooses; -1 for none */
  show(items, active = items.length > 0 ? 0 : -1) {
    this.items = items;
    this.element.replaceChildren(...items.map((item, index) => this.option(item, index)));
    this.activate(active);
  }

  /** Moves to the next or previous selectable option, wrapping around. */
  move(step) {
    const count = this.items.length;
    const start = this.active < 0 && step < 0 ? count : this.active;
    for (let away = 1; away <= count; away += 1) {
      const index = (((start + step * away) % count) + count) % count;
      if (!this.items[index].disabled) {
        this.activate(index);
        return;
      }
    }
  }

  activate(index) {
    this.active = index;
    [...this.element.children].forEach((option, at) =>
      option.classList.toggle("active", at === index),
    );
    this.element.children[index]?.scrollIntoView({ block: "nearest" });
    this.tell();
  }

  /** Chooses the active option. @returns {boolean} whether there was one */
  pickActive() {
    const item = this.items[this.active];
    if (!item || item.disabled) return false;
    this.onPick(item);
    return true;
  }

  /**
   * Handles a key in a field with an open list.
   * @returns {boolean} whether the key was for the list
   */
  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (!(event.key in steps) || this.items.length === 0) return false;
    event.preventDefault();
    this.move(steps[event.key]);
    return true;
  }

  clicked(event) {
    const option = event.target.closest("[role=option]");
    const item = option && this.items[[...this.element.children].indexOf(option)];
    if (item && !item.disabled) this.onPick(item);
  }

  tell() {
    if (!this.field) return;
    const option = this.element.children[this.active];
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  option(item, index) {
    const selected = this.multiple ? Boolean(item.selected) : (item.selected ?? false);
    return h(
      "li",
      {
        id: `${this.element.id}-${index}`,
        role: "option",
        "aria-selected": selected,
        "aria-disabled": item.disabled ? true : null,
      },
      item.lead,
      h("span", { class: "option-name" }, item.name),
      item.hint && h("span", { class: "option-hint" }, item.hint),
      selected && icon("check"),
    );
  }
}
