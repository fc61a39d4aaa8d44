/** Line icons, drawn inline so that no file or other server is needed. */

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  check: "M5 13l4 4L19 7",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eye: "M3 12c2.5-4 5.5-6 9-6s6.5 2 9 6c-2.5 4-5.5 6-9 6s-6.5-2-9-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  hash: "M9 4 7 20M17 4l-2 16M4 9h16M3 15h16",
  left: "M15 6l-6 6 6 6",
  lock: "M8 11V8a4 4 0 0 1 8 0v3M5 11h14v9H5z",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  open: "M14 5h5v5M19 5l-8 8M11 6H5v13h13v-6",
  letter: "M4 6h16v12H4zM4 7l8 6 8-6",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20c0-3.5 2.5-6 6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3 2.8 3 5.5",
  reply: "M10 8l-6 5 6 5M4 13h9a7 7 0 0 1 7 7",
  right: "M9 6l6 6-6 6",
  send: "M5 12 19 5l-5 14-3-6zM11 13l8-8",
  slash: "M15 4 9 20",
  thread: "M6 4v8a4 4 0 0 0 4 4h8M14 12l4 4-4 4",
  warning: "M12 4 2.5 20h19zM12 10v5M12 17.5h.01",
  works: "M4 6h10M18 6h2M16 4v4M4 12h2M10 12h10M8 10v4M4 18h8M16 18h4M14 16v4",
};

/** @param {keyof PATHS} name @returns {SVGSVGElement} hidden from screen readers: add text */
export function icon(name) {
  const drawing = svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  drawing.append(svg("path", { d: PATHS[name] }));
  return drawing;
}

/** An icon button with a label for screen readers. */
export function iconButton(name, label, click) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, on: { click } },
    icon(name),
  );
}

/** An SVG element with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}
