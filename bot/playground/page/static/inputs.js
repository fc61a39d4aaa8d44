/** The inputs of a modal: text, select menus, files, radio groups. */

import { freshId, h } from "./dom.js";
import { icon } from "./icons.js";
import { prose } from "./prose.js";
import { defaultValues, openSelect, valueText } from "./selects.js";
import { FilePicker } from "./uploads.js";
import { say } from "./words.js";

const PARAGRAPH = 2;

/**
 * @typedef {Object} Input
 * @property {string|null} customId null for display only
 * @property {HTMLElement} root
 * @property {() => any} value
 * @property {() => string} check an error message, or ""
 * @property {() => void} focus
 */

/**
 * The inputs of a modal in order. Rows and labels are wrappers without an input of their own.
 *
 * @param {import("./types.js").Component[]} components
 * @returns {Input[]}
 */
export function modalInputs(components) {
  return components.flatMap((component) => {
    if (component.type === 1) return modalInputs(component.components);
    if (component.type === 18)
      return [build(component.component, component.label, component.description)];
    return [build(component, component.label ?? "", "")];
  });
}

function build(component, label, description) {
  switch (component.type) {
    case 4:
      return textInput(component, label, description);
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return selectInput(component, label, description);
    case 10:
      return {
        customId: null,
        root: h("div", { class: "prose" }, prose(component.content)),
        value: () => null,
        check: () => "",
        focus: () => {},
      };
    case 19:
      return fileInput(component, label, description);
    case 21:
      return radioInput(component, label, description);
    default: {
      const root = h("p", { class: "missing" }, say("component.unknown", { type: component.type }));
      return { customId: null, root, value: () => null, check: () => "", focus: () => {} };
    }
  }
}

// A label, its input, and a place for errors.
function frame(control, id, label, description, required) {
  const problem = h("p", { class: "problem", id: `${id}-problem`, hidden: true });
  const root = h(
    "div",
    { class: "modal-field" },
    h(
      "label",
      { for: id, id: `${id}-label` },
      label,
      required && h("span", { class: "required", "aria-hidden": true }, " *"),
    ),
    description && h("p", { class: "muted small", id: `${id}-hint` }, description),
    control,
    problem,
  );
  const complain = (sentence) => {
    problem.textContent = sentence;
    problem.hidden = sentence === "";
    const field = root.querySelector(`#${id}`);
    if (sentence) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    return sentence;
  };
  return { root, complain };
}

function describedBy(id, description) {
  return description ? `${id}-hint ${id}-problem` : `${id}-problem`;
}

function textInput(component, label, description) {
  const id = freshId("input");
  const required = component.required !== false;
  const long = component.style === PARAGRAPH;
  const field = h(long ? "textarea" : "input", {
    id,
    type: long ? null : "text",
    rows: long ? 4 : null,
    placeholder: component.placeholder,
    "aria-required": required,
    "aria-describedby": describedBy(id, description),
    autocomplete: "off",
    data: { autofocus: true },
  });
  field.value = component.value ?? "";
  const { root, complain } = frame(field, id, label, description, required);
  field.addEventListener("input", () => complain(""));
  return {
    customId: component.custom_id,
    root,
    value: () => field.value,
    check: () => complain(textProblem(component, field.value, required)),
    focus: () => field.focus(),
  };
}

function textProblem(component, value, required) {
  const length = [...value].length;
  if (value.trim() === "") return required ? say("option.required") : "";
  if (component.min_length != null && length < component.min_length) {
    return say("option.short", { n: component.min_length });
  }
  const most = component.max_length ?? 4000;
  return length > most ? say("option.long", { n: most, length }) : "";
}

function selectInput(component, label, description) {
  const id = freshId("input");
  const required = component.required !== false;
  let values = defaultValues(component);
  const shown = h("span", { class: "select-value" }, valueText(component, values));
  const button = h(
    "button",
    {
      id,
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": false,
      "aria-labelledby": `${id}-label`,
      "aria-required": required,
      "aria-describedby": describedBy(id, description),
      data: { autofocus: true },
    },
    shown,
    icon("down"),
  );
  const { root, complain } = frame(button, id, label, description, required);
  button.addEventListener("click", () =>
    openSelect(button, component, values, (chosen) => {
      values = chosen;
      shown.textContent = valueText(component, values);
      complain("");
    }),
  );
  const least = component.min_values ?? 1;
  return {
    customId: component.custom_id,
    root,
    value: () => values,
    check: () => {
      if (values.length === 0) return complain(required ? say("option.required") : "");
      return complain(values.length < least ? say("select.least", { least }) : "");
    },
    focus: () => button.focus(),
  };
}

// One of several options. Chosen again, an option that is not required is chosen no more.
function radioInput(component, label, description) {
  const id = freshId("input");
  const required = component.required !== false;
  const options = component.options.map((option) => {
    const input = h("input", { type: "radio", name: id, value: option.value });
    input.checked = option.default === true;
    const text = h("span", {}, option.label);
    const hint = option.description && h("span", { class: "muted small" }, option.description);
    return { input, root: h("label", { class: "radio-option" }, input, text, hint) };
  });
  const group = h(
    "div",
    {
      id,
      role: "radiogroup",
      class: "radio-group",
      "aria-labelledby": `${id}-label`,
      "aria-required": required,
      "aria-describedby": describedBy(id, description),
    },
    options.map((option) => option.root),
  );
  const { root, complain } = frame(group, id, label, description, required);
  const chosen = () => options.find((option) => option.input.checked)?.input ?? null;
  let before = chosen();
  group.addEventListener("click", ({ target }) => {
    if (target.type !== "radio") return;
    if (!required && target === before) target.checked = false;
    before = chosen();
    complain("");
  });
  return {
    customId: component.custom_id,
    root,
    value: () => chosen()?.value ?? null,
    check: () => complain(required && chosen() === null ? say("option.required") : ""),
    focus: () => options[0]?.input.focus(),
  };
}

function fileInput(component, label, description) {
  const required = component.required !== false;
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  let complain = (sentence) => sentence;
  const picker = new FilePicker({ label, most, onChange: () => complain("") });
  const { id } = picker.input;
  picker.input.setAttribute("aria-describedby", describedBy(id, description));
  const framed = frame(picker.element, id, label, description, required);
  complain = framed.complain;
  return {
    customId: component.custom_id,
    root: framed.root,
    value: () => picker.ids,
    check: () => complain(fileProblem(picker, required, least)),
    focus: () => picker.input.focus(),
  };
}

function fileProblem(picker, required, least) {
  if (picker.uploading) return say("option.uploading");
  if (picker.failed) return picker.failed;
  if (picker.ids.length === 0) return required ? say("option.required") : "";
  return picker.ids.length < least ? say("file.least", { least }) : "";
}
