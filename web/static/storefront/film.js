// One film: its description and rating, and its sessions by day and cinema with the free seats.

import { ask, clock, gql, now } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { boundsOf, count, dateOf, day, minutes, next } from "./format.js";
import { poster, stars } from "./poster.js";
import { lastAddress, setQuery } from "./router.js";
import { viewer } from "./session.js";
import { schedule } from "./showings.js";
import { missing, skeleton } from "./states.js";

const FILM = gql`
  query Film($id: ID!, $now: DateTime!) {
    movie(id: $id) {
      id title description duration genres rating ratingCount poster airingDates { from to } viewerRating { value }
      places(first: 50) { nodes { id name } }
      coming: sessions(from: $now, last: 1) { nodes { startsAt } }
    }
  }`;
const DAYS_SHOWN = 14;

export async function render(root, page) {
  mount(root, el("div", { class: "page" }, skeleton("film", 4)));
  const [{ movie }, module] = await Promise.all([find(page), viewer().then((seen) => seen && import("./rate.js")).catch(() => null)]);
  if (!movie) {
    page.title("No such film");
    mount(root, missing("film"));
    return;
  }
  page.title(movie.title);
  const mean = mount(el("span", { class: "facts" }), rating(movie));
  const rate = module?.rate(movie, (changed) => mount(mean, rating(changed))) ?? el("p", { class: "muted" }, el("a", { href: "/account", "data-sign-in": true }, "Sign in"), " to rate this film.");
  mount(root, el("article", { class: "page film" }, el("div", { class: "glow" }, poster(movie, { eager: true })), about(movie, mean, rate), showings(movie, page)));
}

async function find(page) {
  await clock;
  try {
    return await ask(FILM, { id: page.params.id, now: new Date(now()).toISOString() }, { signal: page.signal });
  } catch (error) {
    if (error.code === "INVALID_ID") return { movie: null };
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

function showings(movie, page) {
  const heading = el("h2", { id: "showings" }, "Sessions");
  const first = movie.coming.nodes[0];
  if (!first) return el("section", { class: "showings", "aria-labelledby": "showings" }, heading, el("p", { class: "notice" }, "This film is on no screen at the moment."));
  const days = daysOf(dateOf(first.startsAt), dateOf(movie.airingDates.to));
  const chosen = { day: days.includes(page.query.get("day")) ? page.query.get("day") : days[0], place: page.query.get("place") ?? "" };
  if (!movie.places.nodes.some(({ id }) => id === chosen.place)) chosen.place = "";
  const list = el("div", { class: "showings-list" });
  const choose = (part) => {
    Object.assign(chosen, part);
    setQuery(new URLSearchParams({ day: chosen.day, ...(chosen.place && { place: chosen.place }) }));
    return schedule(list, movie.id, bounds(chosen.day), chosen.place, page.signal);
  };
  schedule(list, movie.id, bounds(chosen.day), chosen.place, page.signal);
  const bar = el("div", { class: "showings-bar" }, heading, placeChoice(movie.places.nodes, chosen, choose));
  return el("section", { class: "showings", "aria-labelledby": "showings" }, bar, dayChoice(days, chosen, choose), list);
}

function bounds(date) {
  const [from, to] = boundsOf(date);
  return { from: new Date(Math.max(from, now())).toISOString(), to: new Date(to - 1).toISOString() };
}

function daysOf(first, last) {
  const days = [first];
  while (days.at(-1) < last && days.length < DAYS_SHOWN) days.push(next(days.at(-1)));
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
