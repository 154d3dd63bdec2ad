// Searches a list in the browser by the rules of the server's own search: words begin alike, or differ by one typing error.

const SHORTEST_FORGIVEN = 4;
// Letters that Unicode does not decompose, as in db/search.py.
const WHOLE = { ø: "o", ł: "l", đ: "d", ı: "i", ς: "σ", œ: "oe", æ: "ae", ß: "ss" };
// Scripts that write no spaces between words.
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Return a function that tells whether a text has all words of the query. */
export function matcher(query) {
  const [wanted, literal] = [words(query), query.trim()];
  if (!wanted.length) return (text) => text.includes(literal);
  return (text) => {
    const found = words(text);
    return wanted.every((word) => found.some((each) => fits(word, each)));
  };
}

/** Return the words of a text, without case, accents and punctuation; S.W.A.T. is one word. */
function words(text) {
  const apart = text.normalize("NFKD").toLowerCase().replace(/[\p{Mn}\u00ad\u200c\u200d\u2060\ufeff]/gu, "");
  const folded = apart.replace(/[øłđıςœæß]/g, (letter) => WHOLE[letter]);
  const joined = folded.replace(/(?<![\p{L}\p{N}])(\p{L})\.(?=\p{L}(?![\p{L}\p{N}]))/gu, "$1");
  return joined.split(/[^\p{L}\p{N}\p{M}]+/u).filter(Boolean);
}

function fits(word, found) {
  if (found.startsWith(word) || (UNSPACED.test(word) && found.includes(word))) return true;
  return word.length >= SHORTEST_FORGIVEN && isOneErrorAway(word, found);
}

/** Tell whether one letter left out, added, replaced or swapped with the next turns one word into the other. */
function isOneErrorAway(typed, word) {
  let at = 0;
  while (at < typed.length && typed[at] === word[at]) at += 1;
  const [here, after] = [typed.slice(at), typed.slice(at + 1)];
  const swapped = here.length > 1 && here[1] + here[0] + here.slice(2) === word.slice(at);
  return swapped || [word.slice(at), word.slice(at + 1)].includes(after) || here === word.slice(at + 1);
}
