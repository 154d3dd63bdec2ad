// The prices of films at both providers, side by side, and their export as a file.

import "./more_style.js";
import { ask, change, gql } from "./api.js";
import { el, icon, local, mount } from "./dom.js";
import { ago, count, dayLong, money } from "./format.js";
import { listIn, searchField } from "./lists.js";
import { follow } from "./live.js";
import { setQuery } from "./router.js";
import { viewer } from "./session.js";
import { busy, empty, problem, skeleton } from "./states.js";
import { wording } from "./wording.js";

const OFFERS = gql`
  query Offers($search: String, $after: String) {
    offers(search: $search, first: 24, after: $after) {
      nodes { id title year prices { provider price stale fetchedAt } }
      pageInfo { hasNextPage endCursor }
    }
  }`;
const PROVIDERS = gql`query Providers { providers { name state lastSuccessAt } }`;
const REQUEST = gql`
  mutation RequestExport {
    requestMovieExport { export { id status rowCount downloadUrl expiresAt } errors { code message path } }
  }`;
const EXPORT = gql`query OneExport($id: ID!) { movieExport(id: $id) { id status rowCount downloadUrl expiresAt } }`;
const EXPORT_CHANGE = gql`
  subscription ExportChange($id: ID!) { movieExportChanged(id: $id) { id status rowCount downloadUrl expiresAt } }`;
const EXPORT_NOW = gql`
  query ExportNow($ids: [ID!]!) { nodes(ids: $ids) { id ... on MovieExport { status rowCount downloadUrl expiresAt } } }`;
const LOOK_EVERY = 5000;

export async function render(root, page) {
  page.title("Prices");
  const query = new URLSearchParams(page.query);
  const said = el("div", { class: "providers", role: "status" });
  const place = el("div", {});
  const head = el("div", { class: "page-head" }, el("h1", {}, "Prices"), el("p", { class: "lede" }, "What a film costs at two shops, and where it costs less."));
  mount(root, el("div", { class: "page medium" }, head, skeleton("rows", 5)));
  let names = [];
  const show = listIn(place, {
    left: page.signal,
    onward: "More films",
    row: (offer) => row(offer, names),
    none: () => empty("No shop sells that", "Check the spelling, or try fewer letters."),
    load: async (after, signal) => (await ask(OFFERS, { search: query.get("q"), after }, { signal })).offers,
  });
  const look = async () => {
    const { providers } = await ask(PROVIDERS, {}, { signal: page.signal });
    names = providers.map(({ name }) => name);
    mount(said, providers.map(standing));
  };
  const choose = (q) => {
    if (q) query.set("q", q);
    else query.delete("q");
    setQuery(query);
    return show();
  };
  const [seen] = await Promise.all([viewer().catch(() => null), look()]);
  const controls = el("div", { class: "controls" }, searchField("Search prices", query.get("q") ?? "", choose, page.signal));
  const whole = el("div", { class: "page medium" }, head, said, exporting(seen, query, page.signal), controls, place);
  mount(root, whole);
  // Without any known price the rest of the page still shows the state of each shop.
  await show().catch((error) => {
    if (error.code !== "UPSTREAM_UNAVAILABLE") throw error;
    mount(place, empty("No prices at the moment", "Neither shop answers, and nothing is known from before.", el("button", { class: "button primary", type: "button", onclick: show }, "Try again")));
  });
  const timer = setInterval(() => document.hidden || look().catch(() => {}), LOOK_EVERY);
  page.signal.addEventListener("abort", () => clearInterval(timer));
}

const shop = (name) => name[0].toUpperCase() + name.slice(1);

function standing({ name, state, lastSuccessAt }) {
  const isUp = state === "UP";
  const since = lastSuccessAt ? `Its last prices are shown, from ${ago(lastSuccessAt)}.` : "No price of it is known.";
  return el("p", { class: "card" }, el("span", { class: `badge ${isUp ? "good" : "bad"}` }, isUp ? "Answers" : "Silent"), el("strong", {}, shop(name)), !isUp && el("span", { class: "muted" }, `Does not answer at the moment. ${since}`));
}

function row({ title, year, prices }, names) {
  const at = (name) => {
    const place = prices.findIndex(({ provider }) => provider === name);
    const found = prices[place];
    if (!found) return el("dd", { class: "muted" }, "Not sold here");
    const best = place === 0 && (prices.length > 1 ? el("span", { class: "badge gold" }, "Cheapest") : el("span", { class: "badge" }, "Only here"));
    return el("dd", {}, el("strong", {}, money(found.price)), best, found.stale && el("span", { class: "badge bad" }, icon("clock"), `Last seen ${ago(found.fetchedAt)}`));
  };
  return el(
    "article",
    { class: "card offer" },
    el("h2", {}, title, year && el("span", { class: "muted" }, ` ${year}`)),
    el("dl", {}, names.map((name) => el("div", {}, el("dt", {}, shop(name)), at(name)))),
  );
}

function exporting(seen, query, signal) {
  const said = el("div", { role: "status" });
  const button = el("button", { class: "button", type: "button" }, icon("download"), "Make a CSV file");
  let followed = new AbortController();

  function show(made) {
    mount(said, progress(made));
    button.disabled = made.status === "QUEUED" || made.status === "RUNNING";
    if (!button.disabled) followed.abort();
  }

  function begin(made) {
    followed = new AbortController();
    show(made);
    const over = AbortSignal.any([signal, followed.signal]);
    follow({ id: made.id, subscription: EXPORT_CHANGE, poll: EXPORT_NOW, next: show, signal: over });
  }

  const request = async () => {
    const made = (await change(REQUEST, {})).export;
    query.set("export", made.id);
    setQuery(query);
    begin(made);
  };
  button.addEventListener("click", () => busy(button, request).catch((error) => mount(said, problem(wording(error)))));
  if (seen && query.has("export")) ask(EXPORT, { id: query.get("export") }, { signal }).then(({ movieExport }) => movieExport && begin(movieExport), () => {});
  const way = seen ? button : el("p", { class: "muted" }, el("a", { href: "/account", "data-sign-in": true }, "Sign in"), " to have them all in one file.");
  return el("section", { class: "card export", "aria-label": "All prices in one file" }, el("div", {}, el("h2", {}, "All in one file"), el("p", { class: "muted" }, "Every film that was seen at the shops in the last 24 hours, as CSV.")), way, said);
}

function progress({ status, rowCount, downloadUrl, expiresAt }) {
  if (status === "COMPLETED") {
    const link = el("a", { class: "button primary", href: local(new URL(downloadUrl, location.href).pathname), download: true }, icon("download"), `Download ${count(rowCount, "row")}`);
    return [link, el("p", { class: "muted" }, `Kept until ${dayLong(expiresAt)}.`)];
  }
  if (status === "FAILED") return problem("The file could not be written. Make it once more.");
  if (status === "EXPIRED") return problem("This file is no longer kept. Make a new one.");
  const words = status === "QUEUED" ? "Waiting for its turn …" : `Writing: ${count(rowCount ?? 0, "row")} so far …`;
  return el("label", {}, words, el("progress", {}));
}
