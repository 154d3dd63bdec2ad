// A list with a search field and a button for its next page, for the pages of events, collections and prices.

import { each, el, icon, mount } from "./dom.js";
import { failure, skeleton } from "./states.js";

const PAUSE = 220;

/** Return a labelled search field; `choose` is called with its text once the visitor stops typing. */
export function searchField(label, value, choose, signal) {
  let timer;
  const input = el("input", { type: "search", id: "search", name: "q", value, placeholder: label, autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const type = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(() => choose(input.value.trim()), pause);
  };
  input.addEventListener("input", () => type(PAUSE));
  signal.addEventListener("abort", () => clearTimeout(timer));
  const submit = (event) => {
    event.preventDefault();
    type(0);
  };
  const words = el("label", { for: "search", class: "visually-hidden" }, label);
  return el("form", { class: "search", role: "search", onsubmit: submit }, icon("search"), words, input);
}

/** Return a screen of placeholders for the foot of a list, so that nothing in sight moves when the items replace them. */
export const placeholders = () => skeleton("rows", 8);

/** Return a new foot of a list, in place of the old one: moved below added items, that would count as a layout shift. */
export function renewed(foot, ...content) {
  const next = el("div", { class: "onward" }, ...content);
  foot.replaceWith(next);
  return next;
}

/**
 * Return a function that shows a list in `place`, anew with each call. `load(after, signal)` gives a connection, `row` draws an
 * item, `none()` the placeholder of an empty list. The first call raises what fails, later ones show it.
 */
export function listIn(place, { load, row, none, onward, left }) {
  let asking = new AbortController();
  let isFirst = true;
  return async function show() {
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([left, asking.signal]);
    const list = el("ul", { class: "row-list" });
    let foot = el("div", { class: "onward" });
    const more = async (after) => {
      const { nodes, pageInfo } = await load(after, signal);
      const added = each(nodes, (node) => el("li", {}, row(node, signal)));
      list.append(...added);
      const further = () => {
        foot = renewed(foot, placeholders());
        return more(pageInfo.endCursor).catch((error) => signal.aborted || mount(foot, failure(error, further)));
      };
      foot = renewed(foot, pageInfo.hasNextPage && el("button", { class: "button", type: "button", onclick: further }, onward));
      if (after) added[0]?.querySelector("a, button")?.focus();
    };
    if (!place.querySelector(".row-list")) mount(place, skeleton("rows", 5));
    place.setAttribute("aria-busy", "true");
    try {
      await more(null);
      mount(place, list.children.length ? [list, foot] : none());
    } catch (error) {
      if (signal.aborted) return;
      if (isFirst) throw error;
      mount(place, failure(error, show));
    } finally {
      isFirst = false;
      if (!signal.aborted) place.removeAttribute("aria-busy");
    }
  };
}
