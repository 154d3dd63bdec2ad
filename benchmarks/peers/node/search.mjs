// Words of a search as Matinee understands them: a tsquery of the words, their beginnings and their misspellings.
const WHOLE = { ø: 'o', ł: 'l', đ: 'd', ı: 'i', ς: 'σ', œ: 'oe', æ: 'ae', ß: 'ss' }
const MOST_WORDS = 8
const LONGEST_WORD = 32
const SHORTEST_FORGIVEN = 4

function fold(text) {
  const apart = text.normalize('NFKD').replace(/[\u0300-\u036f]/gu, '').toLowerCase()
  const plain = apart.replace(/[øłđıςœæß]/gu, (letter) => WHOLE[letter])
  return plain.replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ').trim()
}

// The lexemes of the words from which this one differs by an error at this place.
function spellings(word, at) {
  const before = word.slice(0, at)
  const after = word.slice(at + 1)
  const found = [`?${before}?${after}`, `?${before}?${word[at]}${after}`, `${before}${after}`]
  return after ? [...found, `${before}${after[0]}${word[at]}${after.slice(1)}`] : found
}

function alternatives(word) {
  const errors = word.length < SHORTEST_FORGIVEN ? [] : [...word].flatMap((_, at) => spellings(word, at))
  return [`'${word}':*`, ...new Set(errors.map((spelling) => `'${spelling}'`))].join(' | ')
}

// Returns what a title has to match, and the part of it that asks for beginnings of words alone.
export function searchQueries(text) {
  const words = fold(text).split(' ').filter(Boolean).slice(0, MOST_WORDS).map((word) => word.slice(0, LONGEST_WORD))
  return [words.map((word) => `(${alternatives(word)})`).join(' & '), words.map((word) => `'${word}':*`).join(' & ')]
}
