FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY tsconfig.json ./
COPY src src
COPY jobs jobs
COPY sql sql
COPY samples samples
# A named volume takes the owner of the folder that it covers.
RUN mkdir -p /var/lib/lkp && chown node:node /var/lib/lkp
USER node
# Not through npm: signals must reach the process that drains.
ENTRYPOINT ["node", "--import", "tsx", "src/cli.ts"]
CMD ["start"]
