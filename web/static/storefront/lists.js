// A list that is searched as one types and goes on by a button, as the pages of events, collections and prices have it.

import { el, icon, mount } from "./dom.js";
import { failure, skeleton } from "./states.js";

const PAUSE = 220;

/** Return a labelled search field; `choose` gets its text once the visitor pauses. */
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

/**
 * Return what shows a list in `place`, each time that it is called. `load(after, signal)` gives a connection, `row` an item
 * of it; `none()` is shown where there is nothing. The first list raises what goes wrong, later ones show it.
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
      const added = nodes.map((node) => el("li", {}, row(node, signal)));
      list.append(...added);
      const further = () => {
        // As much as a screen at once, so that nothing in sight moves once the items are there.
        mount(foot, skeleton("rows", 8));
        return more(pageInfo.endCursor).catch((error) => signal.aborted || mount(foot, failure(error, further)));
      };
      // A new one: the old one, which stands where the items now are, would be seen to jump.
      const next = el("div", { class: "onward" }, pageInfo.hasNextPage && el("button", { class: "button", type: "button", onclick: further }, onward));
      foot.replaceWith(next);
      foot = next;
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
