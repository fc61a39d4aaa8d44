/** Light, dark or the system's theme; runs before the first paint, so that nothing flashes. */

import { recall, remember } from "./settings.js";

export const THEMES = ["system", "light", "dark"];

/** @returns {string} one of THEMES */
export function theme() {
  const stored = recall("theme");
  return THEMES.includes(stored) ? stored : "system";
}

/** @param {string} name one of THEMES */
export function setTheme(name) {
  remember("theme", name);
  apply();
}

function apply() {
  const name = theme();
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

apply();
