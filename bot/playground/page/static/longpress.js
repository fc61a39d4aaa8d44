/** Opens context menus: by right click, the menu key, or a long press. */

const HOLD_MS = 550;
const STILL_PX = 10;

/**
 * @param {HTMLElement} root
 * @param {string} selector the elements inside the root that have a menu
 * @param {(element: HTMLElement, anchor: Parameters<typeof import("./menu.js").openMenu>[0]) => void} open
 */
export function onContext(root, selector, open) {
  let timer = 0;
  let from = null;
  let openedAt = -Infinity;
  const cancel = () => window.clearTimeout(timer);

  root.addEventListener("contextmenu", (event) => {
    const element = event.target.closest(selector);
    // Selected text keeps the browser's own menu, for copying.
    if (!element || !window.getSelection().isCollapsed) return;
    event.preventDefault();
    cancel();
    if (performance.now() - openedAt < 1000) return; // the long press was faster
    const byKey = event.clientX === 0 && event.clientY === 0;
    open(element, byKey ? event.target : point(event, element));
  });

  // Where a long press fires no contextmenu event (iOS), a timer does.
  root.addEventListener("pointerdown", (event) => {
    const element = event.target.closest(selector);
    if (event.pointerType !== "touch" || !element) return;
    from = event;
    cancel();
    timer = window.setTimeout(() => {
      openedAt = performance.now();
      open(element, point(event, element));
    }, HOLD_MS);
  });
  root.addEventListener("pointermove", (event) => {
    if (from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > STILL_PX)
      cancel();
  });
  for (const type of ["pointerup", "pointercancel", "scroll"])
    root.addEventListener(type, cancel, true);
  // Lifting the finger that opened the menu must not press anything.
  root.addEventListener(
    "click",
    (event) => {
      if (performance.now() - openedAt > 1000) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}

function point(event, element) {
  const focusable = element.matches("[tabindex], button")
    ? element
    : element.querySelector("button");
  return { x: event.clientX, y: event.clientY, owner: focusable ?? element };
}
