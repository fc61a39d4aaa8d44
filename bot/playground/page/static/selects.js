/** Select menus of strings, users, roles and channels, in messages and modals. */

import { h } from "./dom.js";
import { SELECT_KINDS, entities } from "./entities.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { closePanel, openPanel, panelOf, place } from "./overlay.js";
import { state } from "./state.js";
import { say } from "./words.js";

/**
 * The closed menu as part of a message. It is opened by its `data-act`.
 * @param {import("./types.js").Component} component
 * @param {{messageId: string}} where
 */
export function selectView(component, { messageId }) {
  const key = `${messageId}/${component.custom_id}`;
  const busy = state.pressed.has(key);
  const values = state.chosen.get(key) ?? defaultValues(component);
  return h(
    "button",
    {
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": false,
      "aria-label": component.placeholder || say("select.placeholder"),
      "aria-disabled": component.disabled || busy ? true : null,
      "aria-busy": busy ? true : null,
      data: { act: component.disabled ? null : "select", customId: component.custom_id },
    },
    h("span", { class: "select-value" }, valueText(component, values)),
    busy ? h("span", { class: "dots", "aria-hidden": true }) : icon("down"),
  );
}

/** The default selection. */
export function defaultValues(component) {
  if (component.type === 3) {
    return component.options.filter((option) => option.default).map((option) => option.value);
  }
  return (component.default_values ?? []).map((value) => value.id);
}

/** The chosen values as text, or the placeholder. */
export function valueText(component, values) {
  if (values.length === 0) return component.placeholder || say("select.placeholder");
  const names = new Map(choices(component).map((choice) => [choice.value, choice.name]));
  return values.map((value) => names.get(value) ?? value).join(", ");
}

function choices(component) {
  if (component.type !== 3) return entities(SELECT_KINDS[component.type], component.channel_types);
  return component.options.map((option) => ({
    value: option.value,
    name:
      option.emoji?.id || !option.emoji?.name
        ? option.label
        : `${option.emoji.name} ${option.label}`,
    hint: option.description ?? "",
  }));
}

/**
 * Opens the list of a select at its button.
 *
 * @param {HTMLElement} button
 * @param {import("./types.js").Component} component
 * @param {string[]} before the values chosen so far
 * @param {(values: string[]) => void} done called once, and only if the selection changed
 */
export function openSelect(button, component, before, done) {
  if (panelOf(button)) closePanel();
  else new SelectPanel(component, before).open(button, done);
}

class SelectPanel {
  constructor(component, before) {
    this.before = before;
    this.values = [...before];
    this.all = choices(component);
    this.least = component.min_values ?? 1;
    this.most = component.max_values ?? 1;
    this.mayBeEmpty = this.least === 0 || component.required === false;
    this.multiple = this.most > 1;
    const label = component.placeholder || say("select.placeholder");
    const onPick = ({ value }) => this.pick(value);
    this.listbox = new Listbox({ label, multiple: this.multiple, onPick });
    this.search = h("input", {
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": say("select.search"),
      "aria-expanded": true,
      "aria-autocomplete": "list",
      placeholder: say("select.search"),
      on: { input: () => this.show(0), keydown: (event) => this.keyed(event) },
    });
    this.listbox.attach(this.search);
    this.status = h("p", { class: "muted small", role: "status" });
  }

  open(button, done) {
    const close = { click: closePanel };
    const panel = h(
      "div",
      { class: "select-panel" },
      this.search,
      this.status,
      this.listbox.element,
      this.multiple &&
        h("button", { type: "button", class: "bot-button primary", on: close }, say("select.done")),
    );
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", this.listbox.element.id);
    openPanel(button, panel, {
      onClose: () => {
        button.setAttribute("aria-expanded", "false");
        button.removeAttribute("aria-controls");
        const changed = this.values.join("\n") !== this.before.join("\n");
        if (changed && this.isEnough()) done(this.values);
      },
    });
    const first = this.all.findIndex((choice) => this.values.includes(choice.value));
    this.show(Math.max(0, first));
    this.search.focus();
  }

  isEnough() {
    const count = this.values.length;
    return count === 0 ? this.mayBeEmpty : count >= this.least && count <= this.most;
  }

  show(active = this.listbox.active) {
    const typed = this.search.value.trim().toLowerCase();
    const found = this.all.filter((choice) => choice.name.toLowerCase().includes(typed));
    const full = this.multiple && this.values.length >= this.most;
    const mark = (choice) => {
      const selected = this.values.includes(choice.value);
      return { ...choice, selected, disabled: full && !selected };
    };
    this.listbox.show(found.map(mark), Math.min(active, found.length - 1));
    this.status.textContent = found.length === 0 ? say("select.none") : this.limits();
    place();
  }

  limits() {
    if (!this.multiple) return "";
    const { least, most } = this;
    return say("select.limits", { count: this.values.length, least, most });
  }

  pick(value) {
    const chosen = this.values.includes(value);
    const without = this.values.filter((other) => other !== value);
    if (this.multiple) {
      if (chosen) this.values = without;
      else if (this.values.length < this.most) this.values = [...this.values, value];
      this.show();
    } else {
      // Choosing it again clears it, if an empty selection is allowed.
      this.values = chosen && this.mayBeEmpty ? [] : [value];
      closePanel();
    }
  }

  keyed(event) {
    if (event.isComposing || this.listbox.key(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.listbox.pickActive();
    } else if (event.key === "Tab" && !this.multiple) {
      closePanel();
    }
  }
}
