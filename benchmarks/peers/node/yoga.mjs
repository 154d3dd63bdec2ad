// GraphQL Yoga on Node's own HTTP server, with graphql-jit.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { useGraphQlJit } from '@envelop/graphql-jit'
import { createSchema, createYoga } from 'graphql-yoga'
import { makeLoaders, resolvers } from './dataloaders.mjs'
import { serve } from './serve.mjs'
import { viewerOf } from './tokens.mjs'

const yoga = createYoga({
  schema: createSchema({
    typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
    resolvers,
  }),
  plugins: [useGraphQlJit()],
  context: ({ request }) => ({ viewer: viewerOf(request.headers.get('authorization')), loaders: makeLoaders() }),
  graphiql: false,
  landingPage: false,
  logging: false,
})

await serve((port) => createServer(yoga).listen(port, '127.0.0.1'))
