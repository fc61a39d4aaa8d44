/** The connection to the server: one WebSocket that reconnects automatically. */

import { receive, setConnection } from "./state.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

let current = null;

/**
 * Connects as this user in this language; a previous connection is closed first. Without a viewer
 * the server chooses one and reports it.
 *
 * @param {{viewer: string|null, locale: string}} who
 */
export function connect(who) {
  current?.end();
  current = line(who);
}

/** Retries at once. */
export function retryNow() {
  current?.retry();
}

function line({ viewer, locale }) {
  let socket = null;
  let timer = 0;
  let failures = 0;
  let ended = false;
  let asViewer = viewer;

  function dial() {
    window.clearTimeout(timer);
    setConnection({ status: "connecting" });
    let welcomed = false;
    socket = new WebSocket(address(asViewer, locale));
    socket.onmessage = ({ data }) => {
      if (ended) return;
      const frame = JSON.parse(data);
      receive(frame);
      if (frame.type !== "state" || welcomed) return;
      welcomed = true;
      failures = 0;
      asViewer = frame.viewer;
      setConnection({ status: "open" });
    };
    socket.onclose = () => {
      if (ended) return;
      // A stored user of another playground may not exist in this one.
      if (!welcomed && failures > 0) asViewer = null;
      again();
    };
  }

  function again() {
    const wait =
      Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.8 + Math.random() * 0.4);
    failures += 1;
    setConnection({ status: "waiting", retryAt: Date.now() + wait });
    timer = window.setTimeout(dial, wait);
  }

  dial();
  return {
    end() {
      ended = true;
      window.clearTimeout(timer);
      socket?.close();
    },
    retry() {
      if (socket.readyState === WebSocket.CLOSED) dial();
    },
  };
}

function address(viewer, locale) {
  const url = new URL("/page/socket", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (viewer) url.searchParams.set("viewer", viewer);
  url.searchParams.set("locale", locale);
  return url;
}
