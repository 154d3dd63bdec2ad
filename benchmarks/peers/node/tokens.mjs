// The same signed tokens as Matinee's, so that one token is good for every peer.
import { createSigner, createVerifier } from 'fast-jwt'
import { decode, encode } from './ids.mjs'
import { settings } from './serve.mjs'

const verify = createVerifier({
  key: settings.secret,
  algorithms: ['HS256'],
  allowedIss: 'matinee',
  allowedAud: 'matinee',
  cache: true,
})
const sign = createSigner({ key: settings.secret, algorithm: 'HS256', iss: 'matinee', aud: 'matinee', expiresIn: '1d' })

export function viewerOf(authorization) {
  if (!authorization) return null
  return decode('usr', verify(authorization.slice('Bearer '.length)).sub)
}

export const tokenFor = (userId) => sign({ sub: encode('usr', userId) })
