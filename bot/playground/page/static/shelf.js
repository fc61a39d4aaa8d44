/** The shelf above the composer: what to enter, and a list to choose from. */

import { byId } from "./dom.js";

/**
 * @param {{title: string, hint?: string, list?: HTMLElement|null, status?: string}} what
 */
export function showShelf({ title, hint = "", list = null, status = "" }) {
  byId("shelf-title").textContent = title;
  byId("shelf-hint").textContent = hint;
  const place = byId("shelf-list");
  // The same list stays where it is, with its scroll position.
  if (place.firstElementChild !== list) place.replaceChildren(...(list ? [list] : []));
  shelfStatus(status);
  byId("shelf").hidden = false;
}

/** A line under the list: loading, an error, how many there are. */
export function shelfStatus(text) {
  const line = byId("shelf-status");
  if (line.textContent !== text) line.textContent = text;
  line.hidden = text === "";
}

export function hideShelf() {
  byId("shelf").hidden = true;
  byId("shelf-list").replaceChildren();
}
