// One film: what it is, what people think of it, and where and when it can be seen, with the free seats as they are now.

import { ask, change, gql, now, Refused } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { boundsOf, count, dateOf, day, minutes, next } from "./format.js";
import { poster, stars } from "./poster.js";
import { setQuery } from "./router.js";
import { viewer } from "./session.js";
import { schedule } from "./showings.js";
import { missing, problem, skeleton, toast } from "./states.js";

const FILM = gql`
  query Film($id: ID!, $now: DateTime!) {
    movie(id: $id) {
      id title description duration genres rating ratingCount poster airingDates { from to } viewerRating { value }
      places(first: 50) { nodes { id name } }
      coming: sessions(from: $now, last: 1) { nodes { startsAt } }
    }
  }`;
const RATE = gql`
  mutation RateFilm($input: RateMovieInput!) {
    rateMovie(input: $input) { movie { rating ratingCount } errors { code message path } }
  }`;
const DAYS_SHOWN = 14;

export async function render(root, page) {
  mount(root, el("div", { class: "page" }, skeleton("film", 4)));
  const [{ movie }, seen] = await Promise.all([find(page), viewer().catch(() => null)]);
  if (!movie) {
    page.title("No such film");
    mount(root, missing("film"));
    return;
  }
  page.title(movie.title);
  const mean = mount(el("span", { class: "facts" }), rating(movie));
  mount(root, el("article", { class: "page film" }, el("div", { class: "glow" }, poster(movie, { eager: true })), about(movie, mean, seen), showings(movie, page)));
}

async function find(page) {
  try {
    return await ask(FILM, { id: page.params.id, now: new Date(now()).toISOString() }, { signal: page.signal });
  } catch (error) {
    if (error.code === "INVALID_ID") return { movie: null };
    throw error;
  }
}

function about(movie, mean, seen) {
  const genres = movie.genres.map((genre) => el("li", {}, el("a", { class: "chip", href: `/?genre=${encodeURIComponent(genre)}` }, genre)));
  return el(
    "div",
    { class: "film-head" },
    el("a", { class: "back", href: "/" }, icon("back"), "All films"),
    poster(movie, { eager: true, alt: `Poster of ${movie.title}` }),
    el(
      "div",
      { class: "film-words" },
      el("h1", { class: movie.title.length > 20 ? "long" : "" }, movie.title),
      el("p", { class: "facts" }, mean, el("span", {}, minutes(movie.duration))),
      el("ul", { class: "chips", "aria-label": "Genres" }, genres),
    ),
    el("div", { class: "film-more" }, el("p", { class: "lede" }, movie.description), rate(movie, mean, seen)),
  );
}

const rating = (movie) => [stars(movie), el("span", {}, count(movie.ratingCount, "rating"))];

function rate(movie, mean, seen) {
  if (!seen) return el("p", { class: "muted" }, el("a", { href: `/account?next=/film/${movie.id}` }, "Sign in"), " to rate this film.");
  const note = el("span", { class: "muted", role: "status" }, movie.viewerRating ? "Your rating" : "Rate this film");
  let timer;
  const give = (value) => {
    clearTimeout(timer);
    // Arrow keys pass by the stars between; only where they stop is meant.
    timer = setTimeout(() => rated(movie, value, mean, note), 350);
  };
  const choices = [1, 2, 3, 4, 5].map((value) => {
    const checked = Math.round(movie.viewerRating?.value ?? 0) === value;
    const input = el("input", { type: "radio", name: "stars", value, checked, onchange: () => give(value), "aria-label": count(value, "star") });
    return el("label", {}, input, icon("star"));
  });
  return el("fieldset", { class: "stars" }, el("legend", { class: "visually-hidden" }, "Your rating"), el("div", { class: "stars-row" }, choices), note);
}

async function rated(movie, value, mean, note) {
  try {
    const payload = await change(RATE, { input: { movieId: movie.id, value } });
    mount(mean, rating(payload.movie));
    mount(note, `You gave it ${count(value, "star")}`);
    toast("Thank you for rating.");
  } catch (error) {
    mount(note, problem(error instanceof Refused ? error.message : "Your rating did not reach us. Try again."));
  }
}

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
  const words = (date) => (date === today ? "Today" : date === next(today) ? "Tomorrow" : day(`${date}T12:00:00Z`));
  const choices = days.map((date) =>
    el("label", {}, el("input", { type: "radio", name: "day", checked: date === chosen.day, onchange: () => choose({ day: date }) }), el("span", {}, words(date))),
  );
  return el("fieldset", { class: "days" }, el("legend", { class: "visually-hidden" }, "Day"), el("div", { class: "days-row" }, choices));
}

function placeChoice(places, chosen, choose) {
  const options = [el("option", { value: "" }, "All cinemas"), ...places.map(({ id, name }) => el("option", { value: id, selected: id === chosen.place }, name))];
  return el("label", { class: "select" }, el("span", { class: "visually-hidden" }, "Cinema"), el("select", { onchange: ({ target }) => choose({ place: target.value }) }, options));
}
