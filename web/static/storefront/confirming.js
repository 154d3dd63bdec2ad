// A button with a question before what cannot be undone.

import { el, mount } from "./dom.js";
import { announce, busy } from "./states.js";

const ASK_FOR = 8000;

/**
 * Return a button, and the panel in which it asks; `question()` gives the words of the question and of its confirming button, `act`
 * runs once that is pressed.
 *
 * The panel belongs below the button: a second click on the same place must not confirm. For the same reason the focus stays where
 * it is. Escape, a click elsewhere and a few seconds take the question back.
 */
export function confirming(words, { question, act, signal }) {
  const button = el("button", { class: "button quiet danger small", type: "button", "aria-expanded": "false" }, words);
  const panel = el("div", { class: "question", hidden: true });
  let open = null;

  function close() {
    open?.abort();
    open = null;
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  function ask() {
    open = new AbortController();
    const [sentence, verb] = question();
    const confirm = el("button", { class: "button danger small", type: "button" }, verb);
    const keep = el("button", { class: "button quiet small", type: "button", onclick: close }, "Keep");
    confirm.addEventListener("click", () => busy(confirm, act).finally(close));
    mount(panel, el("p", {}, sentence), el("div", { class: "actions" }, confirm, keep));
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    announce(sentence);
    const later = setTimeout(() => confirm.hasAttribute("aria-busy") || close(), ASK_FOR);
    open.signal.addEventListener("abort", () => clearTimeout(later));
    document.addEventListener("keydown", leave, { signal: open.signal });
    document.addEventListener("pointerdown", (event) => panel.contains(event.target) || button.contains(event.target) || close(), { signal: open.signal });
  }

  function leave({ key }) {
    if (key !== "Escape") return;
    if (panel.contains(document.activeElement)) button.focus();
    close();
  }

  button.addEventListener("click", (event) => {
    if (!open) ask();
    else if (event.detail < 2) close();
  });
  signal.addEventListener("abort", close);
  return { button, panel };
}
