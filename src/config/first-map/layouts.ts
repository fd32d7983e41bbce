/** How a library lays out its keys, behind whatever prefix an application gives it. */
export interface Layout {
  /** What its namespace is called in the map. */
  readonly name: string;
  readonly product: string;
  readonly kind: 'cache' | 'state';
  /** What follows the prefix: a whole rest of a key, or the start of one with `*` at the end. */
  readonly signs: readonly string[];
  /** How many different signs there must be behind one prefix; 1 where each is unmistakable. */
  readonly least: number;
  /** Of them, those that no application is likely to call a field of its own; one must be there. Left out: any of them. */
  readonly decisive?: readonly string[];
  /** `prefix`: the keys of all jobs and the like follow the prefix too. `signs`: only these keys are the library's. */
  readonly takes: 'prefix' | 'signs';
  /** Characters that the prefix may end in. */
  readonly joints: string;
}

const known = (
  name: string,
  product: string,
  signs: readonly string[],
  { kind = 'state', least = 1, takes = 'signs', joints = ':', ...more }: Partial<Layout> = {},
): Layout => ({ name, product, kind, signs, least, takes, joints, ...more });

/** In doubt the one with the most signs wins, then the first. The names are those of each library's own source. */
export const layouts: readonly Layout[] = [
  known(
    'bee-queue',
    'Bee-Queue',
    ['id', 'jobs', 'waiting', 'active', 'delayed', 'succeeded', 'failed', 'stalling', 'stallBlock'],
    { least: 3, takes: 'prefix', decisive: ['waiting', 'succeeded', 'stalling', 'stallBlock'] },
  ),
  known(
    'bullmq',
    'BullMQ',
    [
      ...[
        'meta',
        'id',
        'wait',
        'active',
        'paused',
        'prioritized',
        'priority',
        'delayed',
        'completed',
        'failed',
      ],
      ...['waiting-children', 'events', 'stalled', 'stalled-check', 'marker', 'pc', 'limiter', 'repeat'],
    ],
    {
      least: 3,
      takes: 'prefix',
      decisive: [
        'wait',
        'waiting-children',
        'completed',
        'delayed',
        'stalled',
        'stalled-check',
        'marker',
        'pc',
      ],
    },
  ),
  known('resque', 'Resque', ['resque:*']),
  known(
    'sidekiq',
    'Sidekiq',
    [
      ...['queues', 'queue:*', 'retry', 'schedule', 'dead', 'processes', 'stat:processed*', 'stat:failed*'],
      ...['paused', 'cron_jobs', 'cron_job:*', 'uniquejobs:*'],
    ],
    { least: 2 },
  ),
  known(
    'resque',
    'Resque',
    [
      ...['queues', 'queue:*', 'workers', 'worker:*', 'workers:heartbeat', 'failed', 'stat:*', 'delayed:*'],
      ...[
        'timestamps:*',
        'delayed_queue_schedule',
        'resque_scheduler_leader_lock',
        'resque_scheduler_master_lock',
      ],
    ],
    { least: 3, takes: 'prefix' },
  ),
  known(
    'celery',
    'Celery',
    [
      ...['celery', 'celery\u0006\u0016*', '_kombu.binding.*', 'unacked', 'unacked_index', 'unacked_mutex*'],
      ...['celery-task-meta-*', 'celery-taskset-meta-*', 'chord-unlock-*'],
    ],
    { joints: ':_.-' },
  ),
  known('rq', 'RQ', ['rq:*']),
  known('laravel-queues', 'Laravel queues', ['queues:*'], { joints: ':_-' }),
  known('horizon', 'Laravel Horizon', ['horizon:*'], { joints: ':_-' }),
  known('django-sessions', 'Django sessions', [
    'django.contrib.sessions.cache*',
    'django.contrib.sessions.cached_db*',
  ]),
  known('django-pages', 'Django pages', ['views.decorators.cache.*', 'template.cache.*'], { kind: 'cache' }),
  known('spring-sessions', 'Spring Session', ['spring:session:*']),
  known('php-sessions', 'PHP sessions', ['PHPREDIS_SESSION:*', 'PHPREDIS_CLUSTER_SESSION:*'], {
    joints: ':_.-',
  }),
  known('rails-sessions', 'Rails sessions', ['_session_id:*']),
  // Where there is an object cache WordPress keeps them nowhere else, and plugins keep locks and limits in them.
  known(
    'wordpress-transients',
    'WordPress transients',
    ['transient:*', 'site-transient:*', 'wc_session_id:*'],
    {
      joints: ':_.',
    },
  ),
];
