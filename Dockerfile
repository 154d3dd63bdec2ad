# The image of Matinee: a server, a worker or a migration, by the command it is given.
#   docker build -t matinee .
#   docker run --rm -e DATABASE_URL=… -e MATINEE_SECRET=… matinee migrate
#   docker run -p 8000:8000 -e DATABASE_URL=… -e MATINEE_SECRET=… matinee
# compose.yaml does all of it at once.

# The assets of /graphql and /docs; the same `npm ci` that make runs.
FROM node:22-slim AS tools
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --silent

# The full Python image has make, so the same rules install here and on a developer's machine.
FROM python:3.11-bookworm AS build
WORKDIR /app
COPY . .
# Argon2 is built for the processors that images run on: with AVX2 a sign-in costs half the CPU of the wheel's.
RUN make install && if [ "$(uname -m)" = x86_64 ]; then make argon2 MARCH=x86-64-v3 && rm -rf .venv/native; fi

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin matinee \
    && install --directory --owner matinee /var/lib/matinee
WORKDIR /app
COPY --from=build /app /app
COPY --from=tools /app/node_modules /app/node_modules
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MATINEE_DATA_DIR=/var/lib/matinee
# Exports, and nothing else once DATABASE_URL is set.
VOLUME /var/lib/matinee
USER matinee
EXPOSE 8000
# The process answers; whether its database does is /readyz, which should not restart it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["matinee"]
CMD ["serve", "--host", "0.0.0.0"]
