// The films that are on: a wall of posters with a search, which loads more as the visitor scrolls.

import { ask, clock, gql, now } from "./api.js";
import { each, el, icon, mount } from "./dom.js";
import { count, dateOf, day, dayLong, minutes } from "./format.js";
import { searchField } from "./lists.js";
import { poster, stars } from "./poster.js";
import { setQuery } from "./router.js";
import { empty, failure, skeleton } from "./states.js";

const FILMS = gql`
  query Films($sort: MovieSort!, $filter: MovieFilter!, $after: String, $counted: Boolean!) {
    movies(sort: $sort, filter: $filter, first: 24, after: $after) {
      nodes { id title poster rating ratingCount duration genres airingDates { from to } }
      pageInfo { hasNextPage endCursor }
      totalCount @include(if: $counted)
    }
  }`;
const SORTS = { rating: ["RATING", "Best rated"], new: ["NEW", "New"], leaving: ["LEAVING_SOON", "Leaving soon"] };
const KEPT_FOR = 120_000;
const DAYS = 86_400_000;

// Films that were loaded, by search and sort, so that the back button finds the wall as it was.
const kept = new Map();

export async function render(root, page) {
  page.title("Now showing");
  const wanted = { q: page.query.get("q") ?? "", sort: Object.hasOwn(SORTS, page.query.get("sort")) ? page.query.get("sort") : "rating", genre: page.query.get("genre") ?? "" };
  const said = el("p", { class: "lede", role: "status" }, "\u00a0");
  const place = el("div", {}, skeleton("cards", 12));
  const choose = (change) => {
    Object.assign(wanted, change);
    remember(wanted);
    return list(place, said, wanted, page.signal);
  };
  const today = el("p", { class: "eyebrow" }, "\u00a0");
  mount(root, el("div", { class: "page" }, head(today, said), controls(wanted, choose, page.signal), place));
  await clock;
  mount(today, dayLong(now()));
  await list(place, said, wanted, page.signal, { first: true });
}

function head(today, said) {
  return el("div", { class: "page-head hero" }, today, el("h1", {}, "Now showing"), said);
}

function controls(wanted, choose, signal) {
  const search = searchField("Search films", wanted.q, (q) => choose({ q }), signal);
  return el("div", { class: "controls" }, search, sorting(wanted, choose), genre(wanted, choose));
}

function sorting(wanted, choose) {
  const choices = Object.entries(SORTS).map(([name, [, words]]) =>
    el("label", {}, el("input", { type: "radio", name: "sort", value: name, checked: wanted.sort === name, onchange: () => choose({ sort: name }) }), el("span", {}, words)),
  );
  return el("fieldset", { class: "segments" }, el("legend", { class: "visually-hidden" }, "Sort by"), choices);
}

function genre(wanted, choose) {
  if (!wanted.genre) return null;
  const chip = el("button", { class: "chip", type: "button", "aria-label": `Show all genres, not only ${wanted.genre}` }, wanted.genre, icon("close"));
  chip.addEventListener("click", () => {
    chip.remove();
    choose({ genre: "" });
  });
  return chip;
}

function remember({ q, sort, genre: kind }) {
  const query = new URLSearchParams({ ...(q && { q }), ...(sort !== "rating" && { sort }), ...(kind && { genre: kind }) });
  setQuery(query);
}

let asking = new AbortController();

async function list(place, said, wanted, left, { first = false } = {}) {
  asking.abort();
  asking = new AbortController();
  const signal = AbortSignal.any([left, asking.signal]);
  const found = loaded(wanted);
  place.setAttribute("aria-busy", "true");
  try {
    if (!found.nodes.length) await more(found, { signal });
    show(place, said, wanted, found, signal);
  } catch (error) {
    if (signal.aborted) return;
    if (first) throw error;
    mount(place, failure(error, () => list(place, said, wanted, left)));
  } finally {
    if (!signal.aborted) place.removeAttribute("aria-busy");
  }
}

function loaded(wanted) {
  const key = JSON.stringify(wanted);
  const found = kept.get(key);
  if (found && found.nodes.length && now() - found.from < KEPT_FOR) return found;
  // One instant for all pages of the list, to the minute: its cursors are bound to the filter.
  const from = Math.floor(now() / 60_000) * 60_000;
  const filter = { airingFrom: new Date(from).toISOString(), ...(wanted.q && { search: wanted.q }), ...(wanted.genre && { genre: wanted.genre }) };
  const fresh = { from, filter, sort: SORTS[wanted.sort][0], nodes: [], after: null, more: true, total: 0 };
  if (kept.size > 20) kept.clear();
  kept.set(key, fresh);
  return fresh;
}

async function more(found, { signal }) {
  const { filter, sort, after } = found;
  const { movies } = await ask(FILMS, { filter, sort, after, counted: !after }, { signal });
  found.nodes.push(...movies.nodes);
  Object.assign(found, { after: movies.pageInfo.endCursor, more: movies.pageInfo.hasNextPage, total: movies.totalCount ?? found.total });
  return movies.nodes;
}

function show(place, said, wanted, found, signal) {
  const named = wanted.q ? ` for “${wanted.q}”` : "";
  mount(said, found.total ? `${count(found.total, "film")}${named}${wanted.genre ? ` in ${wanted.genre}` : ""}` : `No film${named}`);
  if (!found.nodes.length) {
    mount(place, wanted.q ? empty("No film of this name", "Check the spelling, or try fewer letters.") : empty("No film at the moment", "Films are listed as soon as they have sessions to come."));
    return;
  }
  const wall = el("ul", { class: "wall" }, each(found.nodes, (movie, position) => card(movie, position < 6)));
  mount(place, wall);
  if (found.more) place.append(onward(wall, found, signal));
}

function onward(wall, found, signal) {
  const button = el("button", { class: "button", type: "button" }, "More films");
  // A new element for each page: moved below the cards, the old one would count as a layout shift.
  const part = el("div", { class: "onward" }, skeleton("cards", 12), button);
  const again = () => (found.more ? part.replaceWith(onward(wall, found, signal)) : part.remove());
  const watcher = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && load(false), { rootMargin: "600px" });
  let loading = false;
  const load = async (pressed) => {
    if (loading) return;
    loading = true;
    button.setAttribute("aria-busy", "true");
    try {
      const cards = each(await more(found, { signal }), (movie) => card(movie));
      wall.append(...cards);
      again();
      if (pressed) cards[0]?.querySelector("a").focus();
    } catch (error) {
      if (!signal.aborted) mount(part, failure(error, again));
    }
    watcher.disconnect();
  };
  button.addEventListener("click", () => load(true));
  signal.addEventListener("abort", () => watcher.disconnect());
  watcher.observe(part);
  return part;
}

function card(movie, eager = false) {
  const facts = [minutes(movie.duration), movie.genres[0]].filter(Boolean).join(" · ");
  return el(
    "li",
    {},
    el("a", { class: "film-card", href: `/film/${movie.id}` }, poster(movie, { eager }), badge(movie), el("h2", {}, movie.title), el("span", { class: "facts" }, stars(movie), el("span", {}, facts))),
  );
}

function badge({ airingDates }) {
  if (!airingDates) return null;
  const [from, to, today] = [Date.parse(airingDates.from), Date.parse(airingDates.to), now()];
  if (from > today) return el("span", { class: "badge gold" }, dateOf(from) === dateOf(today) ? "From today" : `From ${day(from)}`);
  if (to - today < 3 * DAYS) return el("span", { class: "badge bad" }, "Last days");
  return today - from < 3 * DAYS ? el("span", { class: "badge gold" }, "New") : null;
}
