// Makes elements by calls, never from text: the page's trusted types policy forbids turning text into markup.

const SVG = "http://www.w3.org/2000/svg";

/** The path of MATINEE_PUBLIC_URL. */
export const base = document.documentElement.dataset.base;

/** Return a path without it. */
export const local = (path) => (path.startsWith(base) ? path.slice(base.length) || "/" : path);

// Paths on a field of 24 units.
const ICONS = {
  star: "M12 3l2.7 5.8 6.3.8-4.6 4.3 1.2 6.3L12 17.1l-5.6 3.1 1.2-6.3L3 9.6l6.3-.8z",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
  pin: "M12 21s7-6.2 7-11a7 7 0 0 0-14 0c0 4.8 7 11 7 11zM12 12a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  back: "M19 12H5M11 6l-6 6 6 6",
  check: "M5 13l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  ticket: "M3 9V6h18v3a3 3 0 0 0 0 6v3H3v-3a3 3 0 0 0 0-6zM14 6v12",
  offline: "M3 3l18 18M8.5 15.5a5 5 0 0 1 5-1.3M5 12a10 10 0 0 1 4-2.4M2 8.5A15 15 0 0 1 6 6M12 5.1A15 15 0 0 1 22 8.5M14.5 9.4A10 10 0 0 1 19 12M12 19h.01",
  alert: "M12 3l9.5 17h-19zM12 10v4M12 17h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c.6-4 3.9-6 8-6s7.4 2 8 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

/** Return an element. Properties named `on…` are listeners; true makes an empty attribute, false and null none. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(made.dataset, value);
    else made.setAttribute(key, value === true ? "" : key === "href" && value[0] === "/" ? base + value : value);
  }
  return mount(made, ...children);
}

/** Replace an element's children, and return the element; null and false are left out. */
export function mount(root, ...children) {
  root.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return root;
}

/** Return what `draw` makes of each item. An item that cannot be drawn is left out, so that one bad value costs no page. */
export function each(items, draw) {
  return items.flatMap((item, position) => {
    try {
      return [draw(item, position)];
    } catch (error) {
      console.error(error);
      return [];
    }
  });
}

/** Return a decorative icon. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" }))
    drawing.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}
