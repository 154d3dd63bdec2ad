// Loads the style that the first pages do without; a page that imports this module waits for it.

import { el, local } from "./dom.js";

await new Promise((loaded, failed) => {
  const href = local(new URL("more.css", import.meta.url).pathname);
  document.head.append(el("link", { rel: "stylesheet", href, onload: loaded, onerror: failed }));
});
