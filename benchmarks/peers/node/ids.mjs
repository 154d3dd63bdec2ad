// Public ids, such as mov_7262193846145024: three letters for the kind and a snowflake.
export const encode = (kind, snowflake) => `${kind}_${snowflake}`

export function decode(kind, id) {
  const [found, snowflake] = split(id)
  if (found !== kind) throw new Error(`INVALID_ID: ${id}`)
  return snowflake
}

export const split = (id) => [id.slice(0, 3), id.slice(4)]

export const cursor = (...key) => Buffer.from(JSON.stringify(key)).toString('base64url')
