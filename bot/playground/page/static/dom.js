/** Builds elements. Text always becomes a text node: nothing here parses HTML. */

/**
 * An element with attributes and children. Of the props, `on` are listeners, `data` goes to the
 * dataset and `style` to single style properties (a style attribute would break the page's policy).
 *
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children nodes, strings, lists of these; null, undefined, false and "" are left out
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) put(element, name, value);
  element.append(...given(children));
  return element;
}

/** A fragment of children, which are given as for `h`. */
export function fragment(...children) {
  const nodes = document.createDocumentFragment();
  nodes.append(...given(children));
  return nodes;
}

/** The element with this id; if it is missing, index.html is wrong. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

let counter = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

function given(children) {
  const empty = (child) => child === null || child === undefined || child === false || child === "";
  return children.flat(Infinity).filter((child) => !empty(child));
}

function put(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === "on") {
    for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
  } else if (name === "data") {
    for (const [key, item] of Object.entries(value)) {
      if (item !== null && item !== undefined && item !== false)
        element.dataset[key] = String(item);
    }
  } else if (name === "style") {
    for (const [property, item] of Object.entries(value)) element.style.setProperty(property, item);
  } else if (name.startsWith("aria-")) {
    element.setAttribute(name, String(value)); // "false" has a meaning there
  } else if (value !== false) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}
