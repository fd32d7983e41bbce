# docker build -t cachectl . && docker run --rm -e REDIS_URL=redis://cache:6379 cachectl stats
FROM node:20-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm pack --pack-destination /tmp \
  && npm install --global --prefix /opt/cachectl --offline --ignore-scripts /tmp/cachectl-*.tgz

FROM node:20-slim
COPY --from=build /opt/cachectl /opt/cachectl
ENV PATH=/opt/cachectl/bin:$PATH
USER node
WORKDIR /home/node
ENTRYPOINT ["cachectl"]
CMD ["--help"]
