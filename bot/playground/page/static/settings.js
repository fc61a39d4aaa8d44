/** Remembers what the reader chose, and works without a memory where the browser gives none. */

const PREFIX = "zimagine.playground.";

/** @param {string} key @param {string} value @param {boolean} [tabOnly] not for the other tabs */
export function remember(key, value, tabOnly = false) {
  for (const store of stores(tabOnly)) {
    try {
      store.setItem(PREFIX + key, value);
    } catch {
      // A full or forbidden store costs the memory, never the page.
    }
  }
}

/** What was remembered; what this tab remembers comes before what all tabs do. */
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

// Two tabs can be two people: each tab has its own memory before the shared one.
function stores(tabOnly) {
  try {
    return tabOnly ? [window.sessionStorage] : [window.localStorage, window.sessionStorage];
  } catch {
    return [];
  }
}
