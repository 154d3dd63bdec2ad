// Entry point: the pages by address, and the header that all pages share.

import { network } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { route } from "./router.js";
import { session, viewer } from "./session.js";

const film = () => import("./film.js");
const book = () => import("./book.js");
const booking = () => import("./booking.js");

const PAGES = [
  [/^\/$/, () => import("./films.js")],
  [/^\/film\/(?<id>[^/]+)$/, film],
  [/^\/book\/(?<id>[^/]+)$/, book],
  [/^\/booking\/(?<id>[^/]+)$/, booking],
  [/^\/my\/bookings$/, () => import("./bookings.js")],
  [/^\/account$/, () => import("./account_page.js")],
  [/^\/tickets$/, () => import("./events.js")],
  [/^\/tickets\/(?<id>[^/]+)$/, () => import("./event.js")],
  [/^\/my\/collections$/, () => import("./collections.js")],
  [/^\/my\/collections\/(?<id>[^/]+)$/, () => import("./collection.js")],
  [/^\/prices$/, () => import("./prices.js")],
];

async function showAccount() {
  const place = document.getElementById("account");
  const seen = await viewer().catch(() => null);
  const name = seen ? (seen.username ?? seen.email.split("@")[0]) : "Sign in";
  place.toggleAttribute("data-sign-in", !seen);
  mount(place, icon("person"), el("span", {}, name));
}

function showNetwork() {
  const banner = document.getElementById("offline");
  banner.hidden = network.online;
}

function switchTheme() {
  const light = getComputedStyle(document.documentElement).colorScheme;
  const dark = light === "dark" || (light !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const chosen = dark ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // Without storage it lasts until the document is reloaded.
  }
}

// The second click of a double click counts for the button of the first one, never for another that has taken its place.
let pressed;

function ignoreStrayClick(event) {
  const button = event.target.closest?.("button, a");
  if (event.detail > 1 && button && button !== pressed) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else pressed = button;
}

document.addEventListener("click", ignoreStrayClick, true);
document.getElementById("theme").addEventListener("click", switchTheme);
network.addEventListener("change", showNetwork);
session.addEventListener("change", showAccount);
showNetwork();
showAccount();
await route(PAGES);
// Loaded ahead, so that booking goes on where the network is slow.
if (!navigator.connection?.saveData) setTimeout(() => [film, book, booking].forEach((load) => load().catch(() => {})), 1500);
