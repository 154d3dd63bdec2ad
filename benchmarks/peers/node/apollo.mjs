// Apollo Server as it comes: its standalone HTTP server, its store of parsed and validated documents.
import { readFileSync } from 'node:fs'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { makeLoaders, resolvers } from './dataloaders.mjs'
import { serve } from './serve.mjs'
import { viewerOf } from './tokens.mjs'

const server = new ApolloServer({
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
})

await serve((port) =>
  startStandaloneServer(server, {
    listen: { port, host: '127.0.0.1' },
    context: async ({ req }) => ({ viewer: viewerOf(req.headers.authorization), loaders: makeLoaders() }),
  }),
)
