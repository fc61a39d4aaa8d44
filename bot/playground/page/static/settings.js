/** Stores the reader's choices, and works without storage if the browser has none. */

const PREFIX = "zimagine.playground.";

/** @param {string} key @param {string} value @param {boolean} [tabOnly] not for the other tabs */
export function remember(key, value, tabOnly = false) {
  for (const store of stores(tabOnly)) {
    try {
      store.setItem(PREFIX + key, value);
    } catch {
      // If storage is full or forbidden, only the choice is lost.
    }
  }
}

/** The stored value; this tab's value takes precedence over the shared one. */
export function recall(key) {
  for (const store of stores(false).reverse()) {
    try {
      const value = store.getItem(PREFIX + key);
      if (value !== null) return value;
    } catch {
      // As above.
    }
  }
  return null;
}

// Two tabs can be two users: each tab's own storage comes before the shared one.
function stores(tabOnly) {
  try {
    return tabOnly ? [window.sessionStorage] : [window.localStorage, window.sessionStorage];
  } catch {
    return [];
  }
}
