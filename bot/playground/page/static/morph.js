/**
 * Changes a shown element into a freshly built one without replacing what stays the same, so that
 * focus, scroll positions, decoded pictures and what the reader has opened survive an edit.
 */

// Set on the shown element and unknown when the message is rebuilt: whether its list is open, and
// that its picture could not be loaded.
const KEPT = new Set(["aria-expanded", "aria-controls", "data-broken"]);

/** @param {Node} shown @param {Node} fresh of the same kind; consumed */
export function morph(shown, fresh) {
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== fresh.data) shown.data = fresh.data;
    return;
  }
  keepRevealed(shown, fresh);
  syncAttributes(shown, fresh);
  morphChildren(shown, fresh);
}

/** Makes the children of `parent` like those of `fresh` (an element or a fragment). */
export function morphChildren(parent, fresh) {
  const keyed = new Map();
  for (const child of parent.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let cursor = parent.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = counterpart(wanted, cursor, keyed);
    if (!found) {
      parent.insertBefore(wanted, cursor);
    } else {
      // Moving a node loses its focus, so nodes already in place are not moved.
      if (found === cursor) cursor = cursor.nextSibling;
      else parent.insertBefore(found, cursor);
      keyed.delete(keyOf(found));
      morph(found, wanted);
    }
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function counterpart(wanted, cursor, keyed) {
  const key = keyOf(wanted);
  if (key !== null) {
    const found = keyed.get(key);
    return found && found.nodeName === wanted.nodeName ? found : null;
  }
  const fits = cursor && cursor.nodeName === wanted.nodeName && keyOf(cursor) === null;
  return fits ? cursor : null;
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? (node.dataset.key ?? null) : null;
}

// A spoiler stays open while its content is the same.
function keepRevealed(shown, fresh) {
  if (shown.dataset.revealed === undefined || fresh.dataset.spoiler !== shown.dataset.spoiler)
    return;
  reveal(fresh);
}

/** Opens a spoiler: its content becomes visible, readable and usable. */
export function reveal(spoiler) {
  spoiler.dataset.revealed = "";
  for (const name of ["role", "aria-label"]) spoiler.removeAttribute(name);
  if (spoiler.hasAttribute("tabindex")) spoiler.setAttribute("tabindex", "-1");
  spoiler.querySelector(":scope > [inert]")?.removeAttribute("inert");
  spoiler.querySelector(":scope > .cover")?.remove();
}

function syncAttributes(shown, fresh) {
  for (const { name } of [...shown.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (KEPT.has(name) || shown.getAttribute(name) === value) continue;
    // The page's policy forbids style attributes, but not style properties.
    if (name === "style") shown.style.cssText = fresh.style.cssText;
    else shown.setAttribute(name, value);
  }
}
