// Shows the page of each address without loading a new document; back and forward find the page as it was left.

import { network, Offline } from "./api.js";
import { base, el, local, mount } from "./dom.js";
import { isOver, session } from "./session.js";
import { announce, failure, missing, skeleton } from "./states.js";

const main = document.getElementById("main");
const ADDRESSES = "addresses";
const MOST_ADDRESSES = 50;
const addresses = storedAddresses();
let routes = [];
let leaving = new AbortController();
let moves = 0;

/** Show the page of the current address, then of each link that is followed; `table` has [pattern, load] of each page. */
export function route(table) {
  routes = table;
  history.scrollRestoration = "manual";
  // The server takes either spelling.
  if (/.\/$/.test(here())) history.replaceState(history.state, "", location.pathname.slice(0, -1) + location.search);
  addEventListener("popstate", ({ state }) => show({ scroll: state?.scroll ?? 0, moved: true }));
  addEventListener("pagehide", keepScroll);
  document.addEventListener("click", followLink);
  session.addEventListener("change", ({ detail }) => detail.quiet || show({ scroll: scrollY }));
  network.addEventListener("change", () => network.online && main.querySelector(".page-failure") && again());
  return show({ scroll: history.state?.scroll ?? 0 });
}

/** Show another page. */
export function go(address, { replace = false } = {}) {
  keepScroll();
  const from = replace ? history.state?.from : here();
  history[replace ? "replaceState" : "pushState"]({ from }, "", base + address);
  return show({ scroll: 0, moved: true });
}

/** Change the query of the address, without drawing the page again. */
export function setQuery(query) {
  const text = query.toString();
  history.replaceState(history.state, "", text ? `${location.pathname}?${text}` : location.pathname);
  rememberAddress();
}

/** Return the address of a page as it was last left in this tab, with its search, day and cinema; `otherwise` the first time. */
export function lastAddress(path, otherwise = path) {
  return addresses.get(path) ?? otherwise;
}

function here() {
  return local(location.pathname);
}

function signInAddress() {
  const from = here() + location.search;
  return here() === "/account" ? from : `/account?next=${encodeURIComponent(from)}`;
}

function rememberAddress() {
  addresses.set(here(), here() + location.search);
  try {
    sessionStorage.setItem(ADDRESSES, JSON.stringify([...addresses].slice(-MOST_ADDRESSES)));
  } catch {
    // Without storage they last until the document is reloaded.
  }
}

function storedAddresses() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(ADDRESSES)));
  } catch {
    return new Map();
  }
}

function followLink(event) {
  const link = event.target.closest?.("a[href]");
  const kept = event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || kept || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  const path = local(link.pathname);
  if (!routes.some(([pattern]) => pattern.test(path)) || (link.hash && link.pathname === location.pathname)) return;
  event.preventDefault();
  // A link back to the page before finds it as it was left, down to where it was scrolled to.
  if (link.hasAttribute("data-back") && history.state?.from === path) history.back();
  else go(link.hasAttribute("data-sign-in") ? signInAddress() : path + link.search, { replace: link.href === location.href });
}

function keepScroll() {
  history.replaceState({ ...history.state, scroll: scrollY }, "");
}

async function show({ scroll = 0, moved = false }) {
  leaving.abort();
  leaving = new AbortController();
  moves += 1;
  const [signal, move] = [leaving.signal, moves];
  const [pattern, load] = routes.find(([each]) => each.test(here())) ?? [/^/, null];
  const params = { ...here().match(pattern).groups };
  const root = el("div", { class: "root" });
  const page = { params, query: new URLSearchParams(location.search), signal, title: (text) => move === moves && entitle(text, moved) };
  rememberAddress();
  mark(here());
  const drawn = draw(root, page, load);
  // Replaces the page before in one step, by what the new one draws before its first answer.
  await Promise.race([drawn, new Promise((done) => setTimeout(done, 60))]);
  if (signal.aborted) return;
  mount(main, root);
  scrollTo({ top: scroll, behavior: "instant" });
  await drawn;
  if (signal.aborted) return;
  if (scroll) scrollTo({ top: scroll, behavior: "instant" });
  if (moved) focusOn(root.querySelector("h1"));
}

async function draw(root, page, load) {
  root.setAttribute("aria-busy", "true");
  // Until the module is loaded, which draws its own placeholders.
  mount(root, el("div", { class: "page medium" }, skeleton("rows", 5)));
  try {
    if (load) await (await loaded(load)).render(root, page);
    else {
      page.title("No such page");
      mount(root, missing("page"));
    }
  } catch (error) {
    if (page.signal.aborted) return;
    if (error.code === "UNAUTHENTICATED" && (await isOver().catch(() => false))) return draw(root, page, load);
    if (!(error instanceof Offline) && !error.code) console.error(error);
    page.title("This page could not be shown");
    mount(root, el("div", { class: "page page-failure" }, el("h1", { class: "visually-hidden" }, "This page could not be shown"), failure(error, again)));
  } finally {
    root.removeAttribute("aria-busy");
  }
}

// A browser remembers that a module failed to load; only a new document asks for it again.
let isIncomplete = false;

async function loaded(load) {
  try {
    return await load();
  } catch {
    isIncomplete = true;
    throw new Offline("A module of this page could not be loaded.");
  }
}

function again() {
  if (isIncomplete) location.reload();
  else show({});
}

function entitle(text, aloud) {
  document.title = `${text} · Matinee`;
  if (aloud) announce(text);
}

function focusOn(heading) {
  // The visitor may be typing already.
  if (!heading || main.contains(document.activeElement)) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function mark(path) {
  for (const link of document.querySelectorAll("[data-nav]")) {
    const target = local(link.pathname);
    const isHere = target === "/" ? path === "/" || path.startsWith("/film") || path.startsWith("/book/") : path.startsWith(target);
    if (isHere) link.setAttribute("aria-current", path === target ? "page" : "true");
    else link.removeAttribute("aria-current");
  }
}
