// PostGraphile 5 with the schema that it makes from the tables by itself; its documents are its own, too.
import { createServer } from 'node:http'
import { grafserv } from 'grafserv/node'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { serve, settings } from './serve.mjs'

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ['public', 'peers'],
      poolConfig: { max: settings.poolSize, idleTimeoutMillis: 0 },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false },
})

await serve(async (port) => {
  const server = createServer()
  await instance.createServ(grafserv).addTo(server)
  server.listen(port, '127.0.0.1')
})
