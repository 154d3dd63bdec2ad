// The visitor's account: who is signed in, and signing out.

import "./more_style.js";
import { signInFirst } from "./account.js";
import { el, mount } from "./dom.js";
import { go } from "./router.js";
import { signOut, signOutEverywhere, viewer } from "./session.js";
import { busy, problem, skeleton } from "./states.js";

export async function render(root, page) {
  page.title("Account");
  mount(root, el("div", { class: "page narrow" }, skeleton("rows", 2)));
  const seen = await viewer();
  if (!seen) {
    mount(root, signInFirst("Welcome", "Sign in to see your bookings, or create an account in a moment."));
    return;
  }
  const next = page.query.get("next");
  if (next) {
    await go(ownAddress(next), { replace: true });
    return;
  }
  const trouble = el("div", {});
  const leaving = [["Sign out", signOut, "button"], ["Sign out everywhere", signOutEverywhere, "button quiet"]].map(([words, leave, look]) => {
    const button = el("button", { class: look, type: "button" }, words);
    button.addEventListener("click", () => busy(button, leave).catch(() => mount(trouble, problem("That did not work. You are still signed in."))));
    return button;
  });
  const links = [["/my/bookings", "My bookings"], ["/tickets", "My event tickets"], ["/my/collections", "My collections"]];
  mount(
    root,
    el(
      "div",
      { class: "page narrow" },
      el("div", { class: "page-head" }, el("p", { class: "eyebrow" }, seen.isStaff ? "Staff" : "Signed in"), el("h1", { class: "long" }, seen.username ?? seen.email)),
      el("ul", { class: "row-list links" }, links.map(([href, words]) => el("li", {}, el("a", { href }, words)))),
      trouble,
      el("div", { class: "actions" }, leaving),
    ),
  );
}

/** Return the path and query of an address, without its host; the home page where it cannot be parsed. */
function ownAddress(text) {
  if (!URL.canParse(text, location.origin)) return "/";
  const { pathname, search } = new URL(text, location.origin);
  // A second slash would name a host again.
  return `/${pathname.replace(/^\/+/, "")}${search}`;
}
