/** "Behind the scenes": three tabs about what the bot does. */

import { byId } from "./dom.js";
import { setUpFaults } from "./faults.js";
import { setUpRequests } from "./requests.js";
import { setUpVitals } from "./vitals.js";

const TABS = ["requests", "vitals", "faults"];

/** Connects the drawer; once. */
export function setUpDrawer() {
  const list = byId("drawer-tabs");
  list.addEventListener("click", ({ target }) => {
    const tab = target.closest("[role=tab]");
    if (tab) select(tab.dataset.tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = TABS.findIndex((name) => byId(`tab-${name}`) === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const name = TABS[(to + TABS.length) % TABS.length];
    select(name);
    byId(`tab-${name}`).focus();
  });
  setUpRequests();
  setUpVitals();
  setUpFaults();
  select("requests");
}

function select(chosen) {
  for (const name of TABS) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === chosen));
    tab.tabIndex = name === chosen ? 0 : -1;
    byId(`panel-${name}`).hidden = name !== chosen;
  }
}
