# rivulet run, for arm64 and amd64: docker build -t rivulet .
# Debian, since the state store has no build for musl on arm64.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run -s build
RUN npm pack --silent --ignore-scripts --pack-destination /tmp
WORKDIR /app
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund /tmp/rivulet-*.tgz

FROM node:24-bookworm-slim
ENV NODE_ENV=production STATE_DIRECTORY=/var/lib/rivulet
COPY --from=build /app /app
RUN mkdir -p /var/lib/rivulet && chown node:node /var/lib/rivulet && chmod 700 /var/lib/rivulet
USER node
VOLUME /var/lib/rivulet
EXPOSE 8099
# Of the page, which the configuration has to have.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:8099/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/node_modules/rivulet/dist/cli.js"]
CMD ["run", "/etc/rivulet/rivulet.yaml"]
