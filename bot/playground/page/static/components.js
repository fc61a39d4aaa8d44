/** Components of a message (layouts, buttons, menus) as elements; `data-act` marks their actions. */

import { h } from "./dom.js";
import { safeUrl } from "./inline.js";
import { colour } from "./lookups.js";
import { cover, fileCard, gallery, picture } from "./media.js";
import { prose } from "./prose.js";
import { selectView } from "./selects.js";
import { state } from "./state.js";
import { say } from "./words.js";

const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 6: "primary" };

/**
 * @param {import("./types.js").Component} component
 * @param {{messageId: string}} where
 * @returns {HTMLElement}
 */
export function componentView(component, where) {
  const view = VIEWS[component.type];
  if (!view)
    return h("p", { class: "missing" }, say("component.unknown", { type: component.type }));
  return view(component, where);
}

const VIEWS = {
  1: row,
  2: button,
  3: selectView,
  5: selectView,
  6: selectView,
  7: selectView,
  8: selectView,
  9: section,
  10: text,
  11: thumbnail,
  12: (component) => gallery(component.items.map(media)),
  13: file,
  14: separator,
  17: container,
};

function row(component, where) {
  return h(
    "div",
    { class: "row" },
    component.components.map((inner) => componentView(inner, where)),
  );
}

function text(component) {
  return h("div", { class: "prose" }, prose(component.content));
}

function button(component, where) {
  const mark =
    component.emoji &&
    h("span", { class: "emoji", "aria-hidden": Boolean(component.label) }, emoji(component.emoji));
  if (component.style === 5) return linkButton(component, mark);
  const busy = state.pressed.has(`${where.messageId}/${component.custom_id}`);
  const off = component.disabled || component.style === 6;
  return h(
    "button",
    {
      type: "button",
      class: `bot-button ${BUTTON_STYLES[component.style] ?? "secondary"}`,
      // aria-disabled instead of disabled, to keep the focus while the bot works.
      "aria-disabled": off || busy ? true : null,
      "aria-busy": busy ? true : null,
      data: { act: off ? null : "press", customId: component.custom_id },
    },
    mark,
    component.label ?? (component.emoji ? null : say("button.premium")),
    busy && h("span", { class: "dots", "aria-hidden": true }),
  );
}

function linkButton(component, mark) {
  const url = component.disabled ? null : safeUrl(component.url);
  return h(
    "a",
    {
      class: "bot-button secondary",
      href: url,
      role: url ? null : "link",
      "aria-disabled": url ? null : true,
      target: "_blank",
      rel: "noopener noreferrer nofollow",
    },
    mark,
    component.label,
  );
}

/** A Unicode emoji itself, a custom one by name. */
export function emoji({ id, name }) {
  return id ? `:${name}:` : (name ?? "");
}

function section(component, where) {
  return h(
    "div",
    { class: "section" },
    h(
      "div",
      { class: "section-words" },
      component.components.map((inner) => componentView(inner, where)),
    ),
    component.accessory && componentView(component.accessory, where),
  );
}

function media(item) {
  return {
    url: item.media.url,
    alt: item.description ?? "",
    width: item.media.width,
    height: item.media.height,
    contentType: item.media.content_type,
    spoiler: item.spoiler === true,
  };
}

function thumbnail(component) {
  return h("div", { class: "thumbnail" }, picture(media(component), false));
}

function file(component) {
  const address = component.file.url;
  const name = component.name ?? address.split("?")[0].split("/").at(-1);
  const card = fileCard({
    url: address,
    filename: name,
    size: component.size ?? component.file.size,
  });
  return component.spoiler ? covered(card, address, "file-cover") : card;
}

function separator(component) {
  const wide = component.spacing === 2 ? " wide" : "";
  return h(component.divider === false ? "div" : "hr", { class: `separator${wide}` });
}

function container(component, where) {
  const accent = component.accent_color;
  const inner = component.components.map((child) => componentView(child, where));
  return h(
    "div",
    {
      class: accent == null ? "container" : "container accented",
      style: accent == null ? {} : { "border-inline-start-color": colour(accent) },
    },
    component.spoiler ? covered(inner, JSON.stringify(component), "container-cover") : inner,
  );
}

function covered(inner, hides, name) {
  return h(
    "div",
    { class: `covered ${name}`, data: { spoiler: hides } },
    h("div", { class: "under", inert: true }, inner),
    cover(),
  );
}
