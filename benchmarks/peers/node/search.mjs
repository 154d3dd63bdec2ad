// Words of a search as Matinee understands them: trigrams for the index, patterns that forgive one typing error.
const WHOLE = { ø: 'o', ł: 'l', đ: 'd', ı: 'i', ς: 'σ', œ: 'oe', æ: 'ae', ß: 'ss' }
const MOST_WORDS = 8
const LONGEST_WORD = 32
const SHORTEST_FORGIVEN = 4

function fold(text) {
  const apart = text.normalize('NFKD').replace(/[\u0300-\u036f]/gu, '').toLowerCase()
  const plain = apart.replace(/[øłđıςœæß]/gu, (letter) => WHOLE[letter])
  return plain.replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ').trim()
}

const pieces = (text) => [...new Set(Array.from({ length: Math.max(0, text.length - 2) }, (_, at) => text.slice(at, at + 3)))]

// Whatever matches a word has all trigrams of at least one of these sets.
function clues(word) {
  const padded = `  ${word}`
  if (word.length < SHORTEST_FORGIVEN) return [pieces(padded)]
  if (word.length === SHORTEST_FORGIVEN) return pieces(`${padded} `).map((trigram) => [trigram])
  const middle = Math.floor(padded.length / 2)
  return [pieces(padded.slice(0, middle)), pieces(padded.slice(middle + 1))]
}

function withError(word, at) {
  const before = word.slice(0, at)
  const after = word.slice(at + 1)
  const spellings = [`${before}[^ ]?${after}`, `${before}[^ ]${word[at]}${after}`]
  if (after) spellings.push(`${before}${after[0]}${word[at]}${after.slice(1)}`)
  return spellings
}

function pattern(word) {
  const spellings = [word]
  if (word.length >= SHORTEST_FORGIVEN) {
    const errors = new Set([...word].flatMap((_, at) => withError(word, at)))
    spellings.push(`(?:${[...errors].join('|')})(?: |$)`)
  }
  return `(?:^| )(?:${spellings.join('|')})`
}

// Returns the statement's condition and its values, with parameters from $first on.
export function matching(text, first) {
  const words = fold(text).split(' ').filter(Boolean).slice(0, MOST_WORDS).map((word) => word.slice(0, LONGEST_WORD))
  const values = [words.map(pattern)]
  const found = words.map((word) => {
    const choices = clues(word).map((trigrams) => `title_trigrams @> $${first - 1 + values.push(trigrams)}::text[]`)
    return `(${choices.join(' OR ')})`
  })
  return { condition: [...found, `coalesce(title_key ~ ALL ($${first}::text[]), false)`].join(' AND '), values }
}
