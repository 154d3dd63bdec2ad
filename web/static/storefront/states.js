// What a page shows while it loads, when a list is empty, and when something failed.

import { Offline } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { wording } from "./wording.js";

/** Return the placeholder of an empty list. */
export function empty(title, text, action = null) {
  return el("div", { class: "state" }, icon("ticket"), el("h2", {}, title), el("p", {}, text), action);
}

/** Return the message of a failure; its button calls `retry`. */
export function failure(error, retry) {
  const offline = error instanceof Offline;
  const [title, text] = offline
    ? ["You are offline", "The cinema cannot be reached. Your bookings are safe: they are kept there, not here."]
    : ["That did not work", wording(error)];
  const again = el("button", { class: "button primary", type: "button", onclick: retry }, "Try again");
  return el("div", { class: "state", role: "alert" }, icon(offline ? "offline" : "alert"), el("h2", {}, title), el("p", {}, text), again);
}

/** Return the page of a thing that does not exist. */
export function missing(what) {
  const back = el("a", { class: "button primary", href: "/" }, "See what is on");
  return el("div", { class: "page" }, el("div", { class: "state" }, icon("alert"), el("h1", {}, `No such ${what}`), el("p", {}, "The address may be old, or mistyped."), back));
}

/** Return placeholders of the size of what is loading: "cards", "rows" or "film". */
export function skeleton(kind, number = 6) {
  const parts = Array.from({ length: number }, () => el("div", { class: `bone bone-${kind}` }));
  return el("div", { class: `bones ${kind === "cards" ? "wall" : `bones-${kind}`}`, "aria-hidden": "true" }, parts);
}

/** Return an error message for the visitor. */
export function problem(text) {
  return el("p", { class: "problem", role: "alert" }, icon("alert"), text);
}

/** Run the work of a button, once at a time; the button looks busy meanwhile. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Show a short message for a few seconds, in place of the one before. */
export function toast(text) {
  const note = el("p", { class: "toast" }, icon("check"), text);
  mount(document.getElementById("toasts"), note);
  setTimeout(() => note.remove(), 5000);
}

/** Have a screen reader say a text. */
export function announce(text) {
  mount(document.getElementById("announcer"), text);
}
