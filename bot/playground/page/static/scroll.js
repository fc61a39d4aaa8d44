/**
 * Keeps a reader's place in a growing list: at the bottom if they are there, and otherwise
 * at the message they are reading, whatever changes above or below it.
 */

const NEAR_PX = 32;

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} content its one child that grows
 * @param {HTMLElement} list whose children are the possible positions
 * @param {(atBottom: boolean) => void} moved called when the bottom is reached or left
 */
export function keepPlace(scroller, content, list, moved) {
  let stuck = true;
  let place = null;
  let lastTop = 0;

  function look() {
    const away = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const was = stuck;
    // Only scrolling up leaves the bottom: a list that has merely grown does not.
    const left = scroller.scrollTop < lastTop - 1;
    stuck = away < NEAR_PX || (was && !left);
    place = stuck ? null : firstVisible(scroller, list);
    lastTop = scroller.scrollTop;
    if (stuck !== was) moved(stuck);
    if (stuck && !left) restore();
  }

  function restore() {
    if (stuck) {
      scroller.scrollTop = scroller.scrollHeight;
    } else if (place?.element.isConnected) {
      const now = offset(place.element, scroller);
      if (Math.abs(now - place.offset) > 0.5) scroller.scrollTop += now - place.offset;
    }
    lastTop = scroller.scrollTop;
  }

  scroller.addEventListener("scroll", look, { passive: true });
  const observer = new ResizeObserver(restore);
  observer.observe(content);
  observer.observe(scroller);

  return {
    look, // for callers that cannot wait for the scroll event
    restore,
    atBottom: () => stuck,
    toBottom() {
      const was = stuck;
      stuck = true;
      place = null;
      restore();
      if (!was) moved(true);
    },
  };
}

function offset(element, scroller) {
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}

// The children are stacked, so bisection finds the first visible one.
function firstVisible(scroller, list) {
  const top = scroller.getBoundingClientRect().top;
  const { children } = list;
  let low = 0;
  let high = children.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (children[middle].getBoundingClientRect().bottom > top) high = middle;
    else low = middle + 1;
  }
  const element = children[low];
  return element ? { element, offset: offset(element, scroller) } : null;
}
