/** The lists beside the messages: columns if there is room, otherwise sliding panels. */

import { byId } from "./dom.js";
import { recall, remember } from "./settings.js";

const PANELS = ["side", "members", "drawer"];
// As in layout.css: below the first, every list slides over; below the second, one column fits.
const NARROW = window.matchMedia("(max-width: 899px)");
const MEDIUM = window.matchMedia("(max-width: 1299px)");

const isOpen = (name) => !byId(name).hidden;
const button = (name) => byId(`${name}-button`);

/** Connects the buttons in the top bar; once. */
export function setUpPanels() {
  for (const name of PANELS) {
    button(name).addEventListener("click", () => (isOpen(name) ? close(name) : open(name)));
    byId(`${name}-close`).addEventListener("click", () => close(name));
  }
  byId("curtain").addEventListener("click", closeOverlaid);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]"))
      return;
    const inside = PANELS.find(
      (name) => isOpen(name) && byId(name).contains(document.activeElement),
    );
    if (overlaid()) closeOverlaid();
    else if (inside === "drawer") close("drawer");
  });
  NARROW.addEventListener("change", arrange);
  MEDIUM.addEventListener("change", arrange);
  arrange();
}

/** Closes a panel that covers the messages once something was chosen in it. */
export function closeOverlaid() {
  const name = overlaid();
  if (name) close(name);
}

// The panel that covers the messages now, if any.
function overlaid() {
  return NARROW.matches ? PANELS.find(isOpen) : undefined;
}

function open(name) {
  const others = PANELS.filter((other) => other !== name);
  if (NARROW.matches) others.forEach((other) => set(other, false));
  else if (MEDIUM.matches && name !== "side") set(name === "drawer" ? "members" : "drawer", false);
  set(name, true);
  if (!NARROW.matches) remember(`panel.${name}`, "open");
  curtain();
  if (NARROW.matches) byId(`${name}-close`).focus();
  else if (name === "drawer") byId("drawer").querySelector('[role=tab][tabindex="0"]')?.focus();
}

function close(name) {
  const back = NARROW.matches || byId(name).contains(document.activeElement);
  set(name, false);
  if (!NARROW.matches) remember(`panel.${name}`, "closed");
  curtain();
  if (back) button(name).focus();
}

function set(name, shown) {
  byId(name).hidden = !shown;
  button(name).setAttribute("aria-expanded", String(shown));
}

// Nothing behind a covering panel can be reached.
function curtain() {
  const covered = overlaid() !== undefined;
  byId("curtain").hidden = !covered;
  byId("main").inert = covered;
}

// The columns to show at first and when the window crosses a breakpoint.
function arrange() {
  const wanted = (name, otherwise) => (recall(`panel.${name}`) ?? otherwise) === "open";
  const drawer = !NARROW.matches && wanted("drawer", "closed");
  set("side", !NARROW.matches);
  set("drawer", drawer);
  set("members", !NARROW.matches && wanted("members", "open") && !(MEDIUM.matches && drawer));
  curtain();
}
