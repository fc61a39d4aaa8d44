/**
 * Keeps a reader's place in a growing list: at the bottom for whoever is at the bottom, and else at
 * the message they are reading, whatever changes above or below it.
 */

const NEAR_PX = 32;

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} content its one child that grows
 * @param {HTMLElement} list whose children are the places one can be at
 * @param {(atBottom: boolean) => void} moved told when the bottom is reached or left
 */
export function keepPlace(scroller, content, list, moved) {
  let stuck = true;
  let place = null;

  function look() {
    const away = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const was = stuck;
    stuck = away < NEAR_PX;
    place = stuck ? null : firstVisible(scroller, list);
    if (stuck !== was) moved(stuck);
  }

  function restore() {
    if (stuck) {
      scroller.scrollTop = scroller.scrollHeight;
    } else if (place?.element.isConnected) {
      const now = offset(place.element, scroller);
      if (Math.abs(now - place.offset) > 0.5) scroller.scrollTop += now - place.offset;
    }
  }

  scroller.addEventListener("scroll", look, { passive: true });
  const observer = new ResizeObserver(restore);
  observer.observe(content);
  observer.observe(scroller);

  return {
    look, // after the page itself has scrolled: the browser tells of that too late
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

// The children lie one under another, so halving finds the first one that is still seen.
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
