/**
 * Fills a database with what libraries themselves write: `node write.mjs redis://127.0.0.1:PORT/0`. A process of its own,
 * for some of them keep timers and connections that only its end stops.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import KeyvRedis from '@keyv/redis';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import BeeQueue from 'bee-queue';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { createCache } from 'cache-manager';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { Queue as ResqueQueue } from 'node-resque';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import Redlock from 'redlock';

const url = new URL(process.argv[2]);
const connection = { host: url.hostname, port: Number(url.port), db: Number(url.pathname.slice(1)) };
const client = new Redis(connection);
const times = (count, make) => Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** Some jobs done, some waiting, some delayed. */
async function writeBullMq(prefix, name) {
  const queue = new Queue(name, { connection, prefix });
  const events = new QueueEvents(name, { connection, prefix });
  await times(20, (index) => queue.add('send', { to: index }));
  const worker = new Worker(name, async () => 'sent', { connection, prefix });
  await new Promise((done) => {
    let completed = 0;
    worker.on('completed', () => ++completed === 20 && done());
  });
  await worker.close();
  await times(10, (index) => queue.add('send', { to: index }, { delay: index % 2 ? 3_600_000 : 0 }));
  await Promise.all([queue.close(), events.close()]);
}

async function writeBeeQueue(prefix, name) {
  const queue = new BeeQueue(name, {
    redis: connection,
    prefix,
    isWorker: false,
    activateDelayedJobs: false,
  });
  await times(20, (index) => queue.createJob({ index }).save());
  await queue
    .createJob({ late: true })
    .delayUntil(Date.now() + 3_600_000)
    .save();
  await queue.close();
}

async function writeResque(namespace) {
  const { host, port, db: database } = connection;
  const queue = new ResqueQueue({ connection: { pkg: 'ioredis', host, port, database, namespace } });
  await queue.connect();
  await times(20, (index) => queue.enqueue('math', 'add', [index]));
  await times(10, (index) => queue.enqueueIn(3_600_000 + index * 1000, 'math', 'add', [index]));
  await queue.end();
}

/** Base64url ids as express-session makes them, two of them without a digit: one id in 230 is such. */
async function writeSessions(prefix, count) {
  const rare = ['kQmZ_xYbVn-LpOeRtWuIaSdFgHjKlZxC', 'ZEAytyAfwKSxmmbnpHeicYmtCEMqfIkh'];
  const middleware = session({
    store: new RedisStore({ client, prefix, ttl: 86_400 }),
    secret: 'for tests',
    resave: false,
    saveUninitialized: true,
    genid: () => rare.pop() ?? randomBytes(24).toString('base64url'),
  });
  const server = createServer((request, response) => middleware(request, response, () => response.end()));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${server.address().port}/`;
  await times(count, () => fetch(address));
  server.closeAllConnections();
  server.close();
}

async function writeLimits(options) {
  const limiter = new RateLimiterRedis({ storeClient: client, points: 5, duration: 60, ...options });
  await times(100, (index) => limiter.consume(`user_${index}`));
}

/** Each held by its owner for another minute. */
async function writeLocks(resource) {
  const redlock = new Redlock([client]);
  await times(40, (index) => redlock.acquire([`${resource}${index}`], 60_000));
}

/** The stream of broadcasts, and the sessions of sockets that may come back. */
async function writeSockets() {
  const adapter = createAdapter(client.duplicate())({
    name: '/',
    sockets: new Map(),
    server: { opts: { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } } },
  });
  await times(30, (index) => adapter.doPublish({ type: 3, data: { packet: { data: [index] }, opts: {} } }));
  await times(30, () => {
    const [sid, pid] = [randomBytes(15).toString('base64url'), randomBytes(15).toString('base64url')];
    return adapter.persistSession({ sid, pid, rooms: [sid], data: {} });
  });
}

/** A page cache under digests that look like tokens. */
async function writeCaches() {
  const store = new KeyvRedis(url.href);
  const pages = createCache({ stores: [new Keyv({ store, useKeyPrefix: false })] });
  const digest = (index) => createHash('sha256').update(String(index)).digest('base64url');
  await times(150, (index) => pages.set(`page:${digest(index)}`, { html: '<p>' }, 3_600_000));
  const catalog = new Keyv({ store: new KeyvRedis(url.href), namespace: 'catalog' });
  await times(60, (index) => catalog.set(`product-${index}`, { price: index }, 3_600_000));
}

await writeBullMq('bull', 'reports');
await writeBullMq('myapp', 'emails');
await writeBeeQueue('bq', 'thumbnails');
await writeBeeQueue('media', 'posters');
await writeResque('resque');
await writeResque('background');
await writeSessions('sess:', 300);
await writeSessions('visitors:', 60);
await writeLimits({});
await writeLimits({ keyPrefix: 'guard' });
await writeCaches();
await writeLocks('locks:invoice:');
await writeLocks('payout:');
await writeSockets();
process.exit(0);
