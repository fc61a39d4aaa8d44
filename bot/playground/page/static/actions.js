/** Requests of the page to the server. Every failure comes back as one sentence. */

import { SAID } from "./said.js";
import { state } from "./state.js";
import { locale, say } from "./words.js";

/** An action that was refused; its message is fit to be shown. */
export class Refusal extends Error {}

/**
 * @param {string} kind @param {Record<string, any>} body @returns {Promise<any>}
 * @throws {Refusal}
 */
export async function act(kind, body) {
  const request = { viewer: state.viewer, locale: locale(), kind, ...body };
  return send("/page/act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
}

/**
 * @param {File} file
 * @returns {Promise<{id: string, filename: string, size: number, content_type: string, url: string}>}
 * @throws {Refusal}
 */
export async function upload(file, signal) {
  const form = new FormData();
  form.append("file", file, file.name);
  return send("/page/uploads", { method: "POST", body: form, signal });
}

/** The translation of a known sentence of the server, otherwise the sentence itself. */
export function translated(sentence) {
  return (locale() === "zh-CN" && SAID[sentence]) || sentence;
}

async function send(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(say("error.network"));
  }
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    // Not JSON: only the status is known.
  }
  if (response.ok && answer && answer.ok !== false) return answer;
  throw new Refusal(translated(answer?.error || say("error.status", { status: response.status })));
}
