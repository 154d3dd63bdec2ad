// Starts a server in as many processes as WORKERS says, on the port that PORT names.
import cluster from 'node:cluster'

export const settings = {
  port: Number(process.env.PORT),
  secret: process.env.PEER_SECRET,
  publicUrl: process.env.PEER_PUBLIC_URL,
  holdSeconds: Number(process.env.PEER_HOLD_SECONDS),
  poolSize: Number(process.env.PEER_POOL_SIZE),
}

export async function serve(listen) {
  const workers = Number(process.env.WORKERS)
  if (workers > 1 && cluster.isPrimary) {
    for (let number = 0; number < workers; number++) cluster.fork()
  } else {
    await listen(settings.port)
  }
}
