import { createHash } from 'node:crypto';
import { SeededRandom } from '../../src/support/random.ts';

/** The keys that a library writes, and the tree that one would draw of them by hand: a row for each pattern, with its keys. */
export interface FrameworkKeyspace {
  readonly keys: readonly string[];
  readonly rows: Readonly<Record<string, number>>;
}

const draw = new SeededRandom(20_261_129, 'frameworks');
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const digest = (algorithm: string) => createHash(algorithm).update(String(draw.fraction())).digest();
const md5 = () => digest('md5').toString('hex');
const sha1 = () => digest('sha1').toString('hex');
const sha256 = () => digest('sha256').toString('hex');
const uuid = () => md5().replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/, '$1-$2-4$3-a$4-$5');
const below = (bound: number) => draw.below(bound);
const ofAlphabet = (alphabet: string, length: number) =>
  times(length, () => alphabet.charAt(below(alphabet.length))).join('');
const lower = 'abcdefghijklmnopqrstuvwxyz';
const alphanumeric = `${lower}${lower.toUpperCase()}0123456789`;
const address = () => times(4, () => below(255) + 1).join('.');
const epoch = 1_790_000_000;
const slugs = 'red blue green old new fast slow small large round flat deep'.split(' ');
const slug = (index: number) =>
  `${slugs[index % 12] ?? ''}-${slugs[Math.floor(index / 12) % 12] ?? ''}-${['chair', 'lamp', 'table'][index % 3] ?? ''}`;

/** laravel/framework: Cache/RedisStore.php, RedisTagSet.php, RateLimiter.php; Queue/RedisQueue.php; config/database.php, cache.php. */
const laravel: FrameworkKeyspace = {
  keys: [
    ...times(40, (index) => `laravel_database_laravel_cache_:posts.${101 + index}`),
    ...times(30, (index) => `laravel_database_laravel_cache_:user:${index}:profile`),
    ...times(20, () => `laravel_database_laravel_cache_:${sha1()}:posts.index`),
    ...times(20, () => `laravel_database_laravel_cache_:${sha1()}:timer`),
    ...times(30, () => `laravel_database_laravel_cache_:${ofAlphabet(alphanumeric, 40)}`),
    'laravel_database_laravel_cache_:tag:posts:entries',
    'laravel_database_laravel_cache_:tag:authors:entries',
    'laravel_database_laravel_cache_:illuminate:queue:restart',
    'laravel_database_laravel_cache_:spatie.permission.cache',
    ...times(4, () => `laravel_database_laravel_cache_:framework/schedule-${sha1()}`),
    ...['', ':notify', ':reserved', ':delayed'].map((end) => `laravel_database_queues:default${end}`),
  ],
  rows: {
    'laravel_database_laravel_cache_:posts.<id>': 40,
    'laravel_database_laravel_cache_:user:<id>:profile': 30,
    'laravel_database_laravel_cache_:<hash>:posts.index': 20,
    'laravel_database_laravel_cache_:<hash>:timer': 20,
    'laravel_database_laravel_cache_:<token>': 30,
    'laravel_database_laravel_cache_:tag:posts:entries': 1,
    'laravel_database_laravel_cache_:tag:authors:entries': 1,
    'laravel_database_laravel_cache_:illuminate:queue:restart': 1,
    'laravel_database_laravel_cache_:spatie.permission.cache': 1,
    'laravel_database_laravel_cache_:framework/schedule-<hash>': 4,
    'laravel_database_queues:default': 1,
    'laravel_database_queues:default:notify': 1,
    'laravel_database_queues:default:reserved': 1,
    'laravel_database_queues:default:delayed': 1,
  },
};

/** taskforcesh/bullmq: src/classes/queue-keys.ts, src/commands/includes (job keys, `:logs`, `:lock`), job-scheduler.ts. */
const bullmq: FrameworkKeyspace = {
  keys: [
    ...['emails', 'reports'].flatMap((queue) => [
      ...times(30, (index) => `bull:${queue}:${index + 1}`),
      ...times(8, (index) => `bull:${queue}:${index + 1}:logs`),
      ...['meta', 'id', 'wait', 'active', 'completed', 'events', 'stalled-check'].map(
        (name) => `bull:${queue}:${name}`,
      ),
    ]),
    ...times(12, (index) => `bull:emails:repeat:${md5()}:${epoch * 1000 + index}`),
    ...times(5, () => `bull:reports:${uuid()}`),
  ],
  rows: {
    ...Object.fromEntries(
      ['emails', 'reports'].flatMap((queue) => [
        [`bull:${queue}:<id>`, 30],
        [`bull:${queue}:<id>:logs`, 8],
        ...['meta', 'id', 'wait', 'active', 'completed', 'events', 'stalled-check'].map(
          (name) => [`bull:${queue}:${name}`, 1] as const,
        ),
      ]),
    ),
    'bull:emails:repeat:<hash>:<id>': 12,
    'bull:reports:<uuid>': 5,
  },
};

/** sidekiq/sidekiq: lib/sidekiq/api.rb, launcher.rb (identity: host, pid and 12 hex digits), metrics/query.rb (`j|date|hour:minute`). */
const sidekiq: FrameworkKeyspace = {
  keys: [
    ...['queues', 'queue:default', 'queue:mailers', 'schedule', 'retry', 'dead', 'processes'],
    ...['stat:processed', 'stat:failed'],
    ...times(20, (index) => `stat:processed:2026-11-${String(index + 1).padStart(2, '0')}`),
    ...times(20, (index) => `stat:failed:2026-11-${String(index + 1).padStart(2, '0')}`),
    ...times(6, (index) => `worker-${index + 1}:${4000 + index}:${md5().slice(0, 12)}:work`),
    ...times(40, (index) => `j|20261129|${10 + (index % 3)}:${index}`),
  ],
  rows: {
    ...{ queues: 1, 'queue:default': 1, 'queue:mailers': 1, schedule: 1, retry: 1, dead: 1, processes: 1 },
    ...{ 'stat:processed': 1, 'stat:failed': 1, 'stat:processed:<date>': 20, 'stat:failed:<date>': 20 },
    'worker-<id>:<id>:<text>:work': 6,
    'j|<id>|<id>:<id>': 40,
  },
};

/** django/django: core/cache/backends/base.py (`prefix:version:key`), utils/cache.py, core/cache/utils.py, contrib/sessions/backends. */
const django: FrameworkKeyspace = {
  keys: [
    ...times(60, () => `:1:views.decorators.cache.cache_page..GET.${md5()}.${md5()}.en-us.UTC`),
    ...times(30, () => `:1:views.decorators.cache.cache_header..${md5()}.en-us.UTC`),
    ...times(25, () => `:1:template.cache.sidebar.${md5()}`),
    ...times(40, () => `:1:django.contrib.sessions.cached_db${ofAlphabet(`${lower}0123456789`, 32)}`),
    ...times(30, (index) => `:1:user_${index}_profile`),
    ...[':1:site_settings', ':2:site_settings'],
  ],
  rows: {
    ':1:views.decorators.cache.cache_page..GET.<hash>.<hash>.en-us.UTC': 60,
    ':1:views.decorators.cache.cache_header..<hash>.en-us.UTC': 30,
    ':1:template.cache.sidebar.<hash>': 25,
    ':1:django.contrib.sessions.cached_<token>': 40,
    ':1:user_<id>_profile': 30,
    ...{ ':1:site_settings': 1, ':2:site_settings': 1 },
  },
};

/** The same with a KEY_PREFIX, in the order of a table: some of its keys come before one that shows what it is. */
const prefixed: FrameworkKeyspace = {
  keys: django.keys
    .map((key) => `mysite${key}`)
    .toSorted((left, right) => (right.length % 7) - (left.length % 7)),
  rows: Object.fromEntries(Object.entries(django.rows).map(([name, keys]) => [`mysite${name}`, keys])),
};

const options = 'alloptions notoptions cron site_logo'.split(' ');
const transients = times(40, (index) => slug(index).replaceAll('-', '_'));

/** rhubarbgroup/redis-cache: includes/object-cache.php (fast_build_key, sanitize_key_part); WordPress: class-wp-query.php, feed.php. */
const wordpress: FrameworkKeyspace = {
  keys: [
    ...times(50, (index) => `wp_:posts:${index + 1}`),
    ...times(50, (index) => `wp_:post_meta:${index + 1}`),
    ...times(20, () => `wp_:post-queries:wp_query-${md5()}-0.${10_000_000 + below(89_999_999)} ${epoch}`),
    ...options.map((name) => `wp_:options:${name}`),
    ...times(10, (index) => `wp_:useremail:ann${index}@example.org`),
    ...times(20, () => `wp_:transient:feed_${md5()}`),
    ...times(12, (index) => `wp_:transient:wc_related_${index + 1}`),
    ...transients.map((name) => `wp_:transient:plugin_${name}`),
    'wp_:posts:last_changed',
  ],
  rows: {
    ...{ 'wp_:posts:<id>': 50, 'wp_:post_meta:<id>': 50, 'wp_:post-queries:<text>': 20 },
    ...Object.fromEntries(options.map((name) => [`wp_:options:${name}`, 1])),
    ...{ 'wp_:useremail:<email>': 10, 'wp_:transient:feed_<hash>': 20, 'wp_:transient:wc_related_<id>': 12 },
    'wp_:transient:plugin_<text>': 40,
    'wp_:posts:last_changed': 1,
  },
};

/** spring-cloud-gateway: RedisRateLimiter.java; rack/rack-attack: lib/rack/attack/cache.rb; animir/node-rate-limiter-flexible; upstash/ratelimit. */
const rateLimits: FrameworkKeyspace = {
  keys: [
    ...times(30, () => address()).flatMap((each) => [
      `request_rate_limiter.{${each}}.tokens`,
      `request_rate_limiter.{${each}}.timestamp`,
    ]),
    ...times(30, (index) => `request_rate_limiter.{user:${index + 1}}.tokens`),
    ...times(30, () => `rack::attack:${epoch / 100 + below(9)}:req/ip:${address()}`),
    ...times(20, () => `rlflx:${address()}`),
    ...times(20, (index) => `@upstash/ratelimit:ann${index}@example.org:${epoch + index}`),
    ...times(20, (index) => `quota:{user-${index + 1}}:minute`),
  ],
  rows: {
    'request_rate_limiter.{<ip>}.tokens': 30,
    'request_rate_limiter.{<ip>}.timestamp': 30,
    'request_rate_limiter.{user:<id>}.tokens': 30,
    'rack::attack:<id>:req/ip:<ip>': 30,
    'rlflx:<ip>': 20,
    '@upstash/ratelimit:<email>:<id>': 20,
    'quota:{user-<id>}:minute': 20,
  },
};

const flags = ['new-checkout', 'dark_mode', 'beta.search', 'v2-api'];

/** flippercloud/flipper: adapters/cache_base.rb (`flipper/v1/feature/…`); launchdarkly: store prefix; flags by user as applications write them. */
const featureFlags: FrameworkKeyspace = {
  keys: [
    'flipper/v1/features',
    ...times(40, (index) => `flipper/v1/feature/${slug(index)}`),
    ...['launchdarkly:features', 'launchdarkly:segments', 'launchdarkly:$inited'],
    ...flags.map((name) => `flag:${name}`),
    ...flags.flatMap((name) => times(10, (index) => `flag:${name}:user:${index}`)),
  ],
  rows: {
    'flipper/v1/features': 1,
    'flipper/v1/feature/<text>': 40,
    ...{ 'launchdarkly:features': 1, 'launchdarkly:segments': 1, 'launchdarkly:$inited': 1 },
    ...Object.fromEntries(
      flags.flatMap((name) => [
        [`flag:${name}`, 1],
        [`flag:${name}:user:<id>`, 10],
      ]),
    ),
  },
};

/** rails/rails: actionview/…/cache_helper.rb (`views/template:digest/model/id`), activerecord/…/collection_cache_key.rb, rack session store. */
const rails: FrameworkKeyspace = {
  keys: [
    ...times(40, (index) => `views/posts/_post:${md5()}/posts/${index + 1}`),
    ...times(
      20,
      () =>
        `myapp:views/posts/index:${md5()}/posts/query-${md5()}-${below(90) + 10}-20261129101500${below(899_999) + 100_000}`,
    ),
    ...times(30, (index) => `posts/${index + 1}-20261129101500123456`),
    ...times(20, (index) => `posts/${index + 1}/comments_count`),
    ...times(20, () => `_session_id:2::${sha256()}`),
  ],
  rows: {
    'views/posts/_post:<hash>/posts/<id>': 40,
    'myapp:views/posts/index:<hash>/posts/query-<hash>-<id>-<id>': 20,
    'posts/<id>-<id>': 30,
    'posts/<id>/comments_count': 20,
    '_session_id:<id>::<hash>': 20,
  },
};

/** spring-projects/spring-session: RedisIndexedSessionRepository.java; spring-data-redis: CacheKeyPrefix.java (`cache::key`). */
const spring: FrameworkKeyspace = {
  keys: [
    ...times(30, () => `spring:session:sessions:${uuid()}`),
    ...times(30, () => `spring:session:sessions:expires:${uuid()}`),
    ...times(10, (index) => `spring:session:expirations:${epoch * 1000 + index * 60_000}`),
    ...times(
      10,
      (index) =>
        `spring:session:index:org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME:ann${index}@example.org`,
    ),
    ...times(30, (index) => `users::${index + 1}`),
    ...times(20, (index) => `products::sku-${1000 + index}`),
    ...times(20, (index) => `books::SimpleKey [${index}, en]`),
  ],
  rows: {
    'spring:session:sessions:<uuid>': 30,
    'spring:session:sessions:expires:<uuid>': 30,
    'spring:session:expirations:<id>': 10,
    'spring:session:index:org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME:<email>': 10,
    ...{ 'users::<id>': 30, 'products::sku-<id>': 20, 'books::<text>': 20 },
  },
};

/** celery/celery: backends/base.py (celery-task-meta-), kombu: transport/redis.py (_kombu.binding, unacked, `queue\x06\x16priority`). */
const celery: FrameworkKeyspace = {
  keys: [
    ...times(80, () => `celery-task-meta-${uuid()}`),
    ...times(10, () => `celery-taskset-meta-${uuid()}`),
    ...['celery', 'unacked', 'unacked_index', 'unacked_mutex'],
    ...['celery', 'celeryev', 'celery.pidbox'].map((name) => `_kombu.binding.${name}`),
    ...times(5, () => `${uuid()}.reply.celery.pidbox`),
  ],
  rows: {
    ...{ 'celery-task-meta-<uuid>': 80, 'celery-taskset-meta-<uuid>': 10 },
    ...{ celery: 1, unacked: 1, unacked_index: 1, unacked_mutex: 1 },
    ...{ '_kombu.binding.celery': 1, '_kombu.binding.celeryev': 1, '_kombu.binding.celery.pidbox': 1 },
    '<uuid>.reply.celery.pidbox': 5,
  },
};

/** fortedigital/nextjs-cache-handler: redis-strings.ts (paths and digests of fetches); jaredwray/keyv: `namespace:key`. */
const next: FrameworkKeyspace = {
  keys: [
    ...times(50, (index) => `/blog/${slug(index)}`),
    ...times(40, (index) => `/products/${index + 1}/reviews`),
    ...['/index', '/about', '/contact'],
    ...times(30, () => sha256()),
    ...['__sharedTags__', '__sharedTagsTtl__'],
    ...times(30, () => `keyv:${md5()}`),
    ...times(20, (index) => `sess:${ofAlphabet(alphanumeric, 31)}${index % 10}`),
  ],
  rows: {
    ...{ '/blog/<text>': 50, '/products/<id>/reviews': 40, '/index': 1, '/about': 1, '/contact': 1 },
    ...{ '<hash>': 30, __sharedTags__: 1, __sharedTagsTtl__: 1, 'keyv:<hash>': 30, 'sess:<token>': 20 },
  },
};

const pools = ['-jDdEXgT3R', 'Bq7xK2mPwZ', 'f9LrT4vYsA', 'n3Hc8Wd5Gj'];

/** symfony/symfony: Cache/Traits/AbstractAdapterTrait.php (`namespace:key`, digests of pools of ten characters); Lock and sessions. */
const symfony: FrameworkKeyspace = {
  keys: [
    ...pools.flatMap((pool) => times(20, (index) => `${pool}:product.${index + 100}`)),
    ...pools.map((pool) => `${pool}:routes_list`),
    ...times(30, () => `sf_s${ofAlphabet(`${lower}0123456789`, 32)}`),
    ...times(10, () => `doctrine:${sha256()}`),
  ],
  rows: {
    ...Object.fromEntries(
      pools.flatMap((pool) => [
        [`${pool}:product.<id>`, 20],
        [`${pool}:routes_list`, 1],
      ]),
    ),
    ...{ 'sf_<token>': 30, 'doctrine:<hash>': 10 },
  },
};

/** resque/resque: lib/resque/data_store.rb, worker.rb (host:pid:queues); resque-scheduler: delaying_extensions.rb. */
const resque: FrameworkKeyspace = {
  keys: [
    ...['resque:queues', 'resque:workers', 'resque:failed', 'resque:delayed_queue_schedule'],
    ...['mailers', 'low', 'high'].map((name) => `resque:queue:${name}`),
    ...['stat:processed', 'stat:failed'].map((name) => `resque:${name}`),
    ...times(6, (index) => `resque:stat:processed:app-${index}:${2000 + index}:high,low`),
    ...times(6, (index) => `resque:worker:app-${index}:${2000 + index}:high,low:started`),
    ...times(20, (index) => `resque:delayed:${epoch + index}`),
    ...times(20, (index) => `resque:timestamps:{"class":"Mail","args":[${index}],"queue":"low"}`),
  ],
  rows: {
    ...Object.fromEntries(
      'queues workers failed delayed_queue_schedule queue:mailers queue:low queue:high stat:processed stat:failed'
        .split(' ')
        .map((name) => [`resque:${name}`, 1]),
    ),
    'resque:stat:processed:app-<id>:<id>:high,low': 6,
    'resque:worker:app-<id>:<id>:high,low:started': 6,
    'resque:delayed:<id>': 20,
    'resque:timestamps:*': 20,
  },
};

export const frameworks: Readonly<Record<string, FrameworkKeyspace>> = {
  ...{ Laravel: laravel, BullMQ: bullmq, Sidekiq: sidekiq, Django: django, WordPress: wordpress },
  'Django with a prefix': prefixed,
  ...{
    'rate limits': rateLimits,
    'feature flags': featureFlags,
    Rails: rails,
    Spring: spring,
    Celery: celery,
  },
  ...{ 'Next.js and Keyv': next, Symfony: symfony, Resque: resque },
};
