/** One small panel beside its anchor; Escape or a press elsewhere closes it. */

const GAP = 6;
const MARGIN = 8;

let shown = null;

/**
 * Shows `element` at `anchor` and closes any open panel. The focus returns to the anchor if the
 * panel closes while the focus is in it.
 *
 * @param {Element|{x: number, y: number, owner: HTMLElement}} anchor an element, or a point that
 *   belongs to one
 * @param {HTMLElement} element
 * @param {{onClose?: () => void}} [options]
 * @returns {() => void} closes it
 */
export function openPanel(anchor, element, { onClose } = {}) {
  closePanel();
  const owner = anchor instanceof Element ? anchor : anchor.owner;
  // Inside a modal dialog only what is inside the dialog can be used; else it stays in its landmark.
  (owner.closest("dialog, main, nav, aside") ?? document.body).append(element);
  element.classList.add("panel");
  shown = { anchor, owner, element, onClose };
  place();
  return closePanel;
}

/** Closes the open panel, if any. */
export function closePanel() {
  if (!shown) return;
  const { owner, element, onClose } = shown;
  const hadFocus = element.contains(document.activeElement);
  shown = null;
  element.remove();
  onClose?.();
  if (hadFocus && owner.isConnected) owner.focus({ preventScroll: true });
}

/** Whether this element's panel is open. */
export function panelOf(owner) {
  return shown !== null && shown.owner === owner;
}

/** Closes the panel if its anchor is no longer on the page. */
export function closeOrphan() {
  if (shown && !shown.owner.isConnected) closePanel();
}

/** Repositions the panel after it or its anchor has moved or changed size. */
export function place() {
  if (!shown) return;
  const { anchor, element } = shown;
  const box =
    anchor instanceof Element
      ? anchor.getBoundingClientRect()
      : { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y };
  const width = element.offsetWidth;
  const height = element.offsetHeight;
  const below = box.bottom + GAP + height <= window.innerHeight - MARGIN;
  const above = box.top - GAP - height;
  const top = below ? box.bottom + GAP : Math.max(MARGIN, above);
  const left = Math.min(Math.max(MARGIN, box.left), window.innerWidth - width - MARGIN);
  element.style.setProperty("top", `${top}px`);
  element.style.setProperty("left", `${Math.max(MARGIN, left)}px`);
}

/** Registers the listeners that close or move panels; once. */
export function watchPanels() {
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (!shown || shown.element.contains(target)) return;
      // A press on the owner closes it anyway.
      if (shown.anchor instanceof Element && shown.anchor.contains(target)) return;
      closePanel();
    },
    true,
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !shown) return;
      event.preventDefault();
      event.stopPropagation();
      closePanel();
    },
    true,
  );
  document.addEventListener("scroll", () => requestAnimationFrame(place), true);
  window.addEventListener("resize", place);
}
