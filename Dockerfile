# Vigil on a machine of your own:
#
#   docker build -t vigil .
#   docker run -d --name vigil -p 3000:3000 -v vigil:/data --env-file .env vigil
#   docker exec vigil vigil doctor
#
# Without DATABASE_URL the embedded database, the keys and the mirror of your repository are kept in /data.
# Tests of your repository run in bubblewrap, which needs user namespaces; Docker's default profile forbids them. With
# AGENT_SANDBOX unset add: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined

FROM node:24-bookworm-slim AS build
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node node_modules/next/dist/bin/next build \
  && npm prune --omit=dev --no-audit --no-fund \
  # The image brings its own Node, and nothing builds here again.
  && rm -rf node_modules/node-linux-* .next/cache

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends bubblewrap ca-certificates git openssh-client tini \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data \
  && printf '#!/bin/sh\nexec node /app/src/cli/main.ts "$@"\n' > /usr/local/bin/vigil \
  && chmod 755 /usr/local/bin/vigil
# Vigil closes its database before it exits; Next.js on its own would not wait.
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 NEXT_MANUAL_SIG_HANDLE=true HOST=0.0.0.0 PORT=3000 VIGIL_HOME=/data
WORKDIR /app
COPY --from=build /app ./
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
CMD ["sh", "-c", "exec node scripts/serve.mjs \"$HOST\" \"$PORT\""]
