/** Syncs a long list of elements with a list of items, touching only what has changed. */

import { morph } from "./morph.js";

const marks = new WeakMap();

/**
 * Items with equal marks look the same, so they are not rebuilt. Removed elements are passed to
 * `leaving` first.
 *
 * @template T
 * @param {HTMLElement} container holds nothing but these elements
 * @param {T[]} items
 * @param {{key: (item: T) => string, mark: (item: T) => unknown[],
 *   build: (item: T) => HTMLElement, leaving?: (element: HTMLElement) => void}} how
 */
export function syncList(container, items, how) {
  const shown = new Map();
  for (const element of container.children) shown.set(element.dataset.item, element);
  let cursor = container.firstElementChild;
  const wanted = new Set(items.map(how.key));
  for (const item of items) {
    // Skip removed elements, so that the others need not be moved past them.
    while (cursor && !wanted.has(cursor.dataset.item)) cursor = cursor.nextElementSibling;
    const element = upToDate(shown.get(how.key(item)), item, how);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else container.insertBefore(element, cursor);
  }
  for (const [key, element] of shown) {
    if (wanted.has(key)) continue;
    how.leaving?.(element);
    element.remove();
  }
}

function upToDate(element, item, how) {
  const mark = how.mark(item);
  if (!element) {
    const built = how.build(item);
    built.dataset.item = how.key(item);
    marks.set(built, mark);
    return built;
  }
  if (!same(marks.get(element), mark)) {
    const fresh = how.build(item);
    fresh.dataset.item = how.key(item);
    morph(element, fresh);
    marks.set(element, mark);
  }
  return element;
}

function same(one, other) {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
