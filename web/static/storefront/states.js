// What a page shows while it waits, when there is nothing, and when something went wrong.

import { Offline } from "./api.js";
import { el, icon, mount } from "./dom.js";

/** Return what stands where a list has nothing in it. */
export function empty(title, text, action = null) {
  return el("div", { class: "state" }, icon("ticket"), el("h2", {}, title), el("p", {}, text), action);
}

/** Return what stands where something could not be shown; `retry` is called by its button. */
export function failure(error, retry) {
  const offline = error instanceof Offline;
  const [title, text] = offline
    ? ["You are offline", "The cinema cannot be reached. Your bookings are safe: they are kept there, not here."]
    : ["That did not work", wording(error)];
  const again = el("button", { class: "button primary", type: "button", onclick: retry }, "Try again");
  return el("div", { class: "state", role: "alert" }, icon(offline ? "offline" : "alert"), el("h2", {}, title), el("p", {}, text), again);
}

function wording(error) {
  if (error.code === "RATE_LIMITED") return `Too many people at the till. Try again in ${error.retryAfter || 10} seconds.`;
  return error.code ? error.message : "Something went wrong on this page.";
}

/** Return what says that a thing is not there. */
export function missing(what) {
  const back = el("a", { class: "button primary", href: "/" }, "See what is on");
  return el("div", { class: "page" }, el("div", { class: "state" }, icon("alert"), el("h1", {}, `No such ${what}`), el("p", {}, "The address may be old, or mistyped."), back));
}

/** Return the place that something will take: "cards", "rows" or "film". */
export function skeleton(kind, number = 6) {
  const parts = Array.from({ length: number }, () => el("div", { class: `bone bone-${kind}` }));
  return el("div", { class: `bones ${kind === "cards" ? "wall" : `bones-${kind}`}`, "aria-hidden": "true" }, parts);
}

/** Return a sentence about what the visitor has to mend. */
export function problem(text) {
  return el("p", { class: "problem", role: "alert" }, icon("alert"), text);
}

/** Run what a button stands for, once at a time; it looks busy while that lasts. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Say something to everybody, for a few seconds, in place of what was said before. */
export function toast(text) {
  const note = el("p", { class: "toast" }, icon("check"), text);
  mount(document.getElementById("toasts"), note);
  setTimeout(() => note.remove(), 5000);
}

/** Tell a screen reader something that eyes can see. */
export function announce(text) {
  mount(document.getElementById("announcer"), text);
}
