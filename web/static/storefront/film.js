// One film: its description and rating, and its sessions by day and cinema with the free seats.

import { ask, gql, now } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { boundsOf, count, dateOf, day, minutes, next } from "./format.js";
import { poster, stars } from "./poster.js";
import { lastAddress, setQuery } from "./router.js";
import { viewer } from "./session.js";
import { schedule } from "./showings.js";
import { failure, missing, skeleton } from "./states.js";

const FILM = gql`
  query Film($id: ID!) {
    movie(id: $id) {
      id title description duration genres rating ratingCount poster airingDates { from to } viewerRating { value }
      places(first: 100) { nodes { id name } }
    }
  }`;
const DAYS = gql`
  query FilmDays($id: ID!, $placeId: ID, $from: DateTime) { movie(id: $id) { sessionDays(placeId: $placeId, from: $from) } }`;
const MOST_DAYS = 100;

export async function render(root, page) {
  mount(root, el("div", { class: "page" }, skeleton("film", 4)));
  const place = page.query.get("place");
  const [{ movie }, found, module] = await Promise.all([find(page), daysAt(page, place), viewer().then((seen) => seen && import("./rate.js")).catch(() => null)]);
  if (!movie) {
    page.title("No such film");
    mount(root, missing("film"));
    return;
  }
  const isKnown = !place || movie.places.nodes.some(({ id }) => id === place);
  const days = isKnown ? found : await daysAt(page, "");
  page.title(movie.title);
  const mean = mount(el("span", { class: "facts" }), rating(movie));
  const rate = module?.rate(movie, (changed) => mount(mean, rating(changed))) ?? el("p", { class: "muted" }, el("a", { href: "/account", "data-sign-in": true }, "Sign in"), " to rate this film.");
  mount(root, el("article", { class: "page film" }, el("div", { class: "glow" }, poster(movie, { eager: true })), about(movie, mean, rate), showings(movie, days, page)));
}

async function find(page) {
  try {
    return await ask(FILM, { id: page.params.id }, { signal: page.signal });
  } catch (error) {
    if (error.code === "INVALID_ID") return { movie: null };
    throw error;
  }
}

async function daysAt(page, place) {
  try {
    return await daysOf(page.params.id, place, page.signal);
  } catch (error) {
    if (error.code === "INVALID_ID") return [];
    throw error;
  }
}

function about(movie, mean, rate) {
  const genres = movie.genres.map((genre) => el("li", {}, el("a", { class: "chip", href: `/?genre=${encodeURIComponent(genre)}` }, genre)));
  return el(
    "div",
    { class: "film-head" },
    el("a", { class: "back", href: lastAddress("/"), "data-back": true }, icon("back"), "All films"),
    poster(movie, { eager: true, alt: `Poster of ${movie.title}` }),
    el(
      "div",
      { class: "film-words" },
      el("h1", { class: movie.title.length > 20 ? "long" : "" }, movie.title),
      el("p", { class: "facts" }, mean, el("span", {}, minutes(movie.duration))),
      el("ul", { class: "chips", "aria-label": "Genres" }, genres),
    ),
    el("div", { class: "film-more" }, el("p", { class: "lede" }, movie.description), rate),
  );
}

const rating = (movie) => [stars(movie), el("span", {}, count(movie.ratingCount, "rating"))];

function showings(movie, days, page) {
  const heading = el("h2", { id: "showings" }, "Sessions");
  const [asked, place] = [page.query.get("day"), page.query.get("place")];
  const chosen = { place: movie.places.nodes.some(({ id }) => id === place) ? place : "", day: days.includes(asked) ? asked : days[0] };
  if (!days.length && !chosen.place) return el("section", { class: "showings", "aria-labelledby": "showings" }, heading, el("p", { class: "notice" }, "This film is on no screen at the moment."));
  const [calendar, list] = [el("div", {}), el("div", { class: "showings-list" })];
  const show = () => {
    mount(calendar, days.length > 0 && dayChoice(days, chosen, choose));
    if (days.length) return schedule(list, movie.id, bounds(chosen.day), chosen.place, page.signal);
    return mount(list, el("p", { class: "notice" }, "No sessions to come at this cinema."));
  };
  const choose = async (part) => {
    Object.assign(chosen, part);
    if ("place" in part) {
      const found = await daysOf(movie.id, part.place, page.signal).catch((error) => page.signal.aborted || mount(list, failure(error, () => choose(part))));
      if (!Array.isArray(found) || chosen.place !== part.place) return;
      days = found;
      if (!days.includes(chosen.day)) chosen.day = days[0];
    }
    setQuery(new URLSearchParams({ ...(chosen.day && { day: chosen.day }), ...(chosen.place && { place: chosen.place }) }));
    show();
  };
  show();
  const bar = el("div", { class: "showings-bar" }, heading, placeChoice(movie.places.nodes, chosen, choose));
  return el("section", { class: "showings", "aria-labelledby": "showings" }, bar, calendar, list);
}

function bounds(date) {
  const [from, to] = boundsOf(date);
  return { from: new Date(Math.max(from, now())).toISOString(), to: new Date(to - 1).toISOString() };
}

/** Return the dates on which a film has sessions to come, at one cinema or at all of them. */
async function daysOf(id, place, signal) {
  const days = [];
  let found;
  do {
    const from = days.length ? boundsOf(days.at(-1))[1].toISOString() : null;
    const { movie } = await ask(DAYS, { id, placeId: place || null, from }, { signal });
    found = movie?.sessionDays ?? [];
    days.push(...found.map(dateOf));
  } while (found.length === MOST_DAYS);
  return days;
}

function dayChoice(days, chosen, choose) {
  const today = dateOf(now());
  const words = (date) => (date === today ? "Today" : date === next(today) ? "Tomorrow" : day(boundsOf(date)[0]));
  const choices = days.map((date) =>
    el("label", {}, el("input", { type: "radio", name: "day", checked: date === chosen.day, onchange: () => choose({ day: date }) }), el("span", {}, words(date))),
  );
  return el("fieldset", { class: "days" }, el("legend", { class: "visually-hidden" }, "Day"), el("div", { class: "days-row" }, choices));
}

function placeChoice(places, chosen, choose) {
  const options = [el("option", { value: "" }, "All cinemas"), ...places.map(({ id, name }) => el("option", { value: id, selected: id === chosen.place }, name))];
  return el("label", { class: "select" }, el("span", { class: "visually-hidden" }, "Cinema"), el("select", { onchange: ({ target }) => choose({ place: target.value }) }, options));
}
