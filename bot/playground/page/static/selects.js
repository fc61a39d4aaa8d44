/** Select menus of strings, people, roles and channels, in messages and in dialogs. */

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

/** What is chosen before anybody chooses. */
export function defaultValues(component) {
  if (component.type === 3) {
    return component.options.filter((option) => option.default).map((option) => option.value);
  }
  return (component.default_values ?? []).map((value) => value.id);
}

/** The chosen values in words, or the placeholder. */
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
 * @param {(values: string[]) => void} done called once, and only when something else was chosen
 */
export function openSelect(button, component, before, done) {
  if (panelOf(button)) {
    closePanel();
    return;
  }
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  const all = choices(component);
  let values = [...before];
  const multiple = most > 1;
  const listbox = new Listbox({
    label: component.placeholder || say("select.placeholder"),
    multiple,
    onPick: ({ value }) => {
      values = toggled(values, value, { multiple, least, most });
      if (multiple) refresh();
      else closePanel();
    },
  });
  const search = searchField(listbox, () => refresh(0));
  const status = h("p", { class: "muted small", role: "status" });
  const refresh = (active = listbox.active) => {
    const typed = search.value.trim().toLowerCase();
    const found = all.filter((choice) => choice.name.toLowerCase().includes(typed));
    const full = multiple && values.length >= most;
    const mark = (choice) => {
      const selected = values.includes(choice.value);
      return { ...choice, selected, disabled: full && !selected };
    };
    listbox.show(found.map(mark), Math.min(active, found.length - 1));
    status.textContent = found.length ? limits(values, least, most) : say("select.none");
    place();
  };
  const panel = h("div", { class: "select-panel" }, search, status, listbox.element);
  if (multiple) {
    const close = { click: closePanel };
    panel.append(
      h("button", { type: "button", class: "bot-button primary", on: close }, say("select.done")),
    );
  }
  button.setAttribute("aria-expanded", "true");
  openPanel(button, panel, {
    onClose: () => {
      button.setAttribute("aria-expanded", "false");
      const changed = values.join("\n") !== before.join("\n");
      if (changed && values.length >= least && values.length <= most) done(values);
    },
  });
  refresh(
    Math.max(
      0,
      all.findIndex((choice) => values.includes(choice.value)),
    ),
  );
  search.focus();
}

function limits(values, least, most) {
  if (most <= 1) return "";
  return say("select.limits", { count: values.length, least, most });
}

function toggled(values, value, { multiple, least, most }) {
  const without = values.filter((other) => other !== value);
  if (!multiple) return without.length < values.length && least === 0 ? [] : [value];
  if (without.length < values.length) return without;
  return values.length < most ? [...values, value] : values;
}

function searchField(listbox, onInput) {
  const search = h("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": say("select.search"),
    "aria-expanded": true,
    "aria-autocomplete": "list",
    placeholder: say("select.search"),
    on: {
      input: onInput,
      keydown: (event) => {
        if (event.isComposing || listbox.key(event)) return;
        if (event.key === "Enter") {
          event.preventDefault();
          listbox.pickActive();
        } else if (event.key === "Tab" && !listbox.multiple) {
          closePanel();
        }
      },
    },
  });
  listbox.attach(search);
  return search;
}
