import { RedisError } from '../../redis/errors.ts';
import { databasesOf, productOf, readInfoIfPermitted } from '../../redis/info.ts';
import { type Block, command, fact, factsOf, note, notes } from '../../render/blocks.ts';
import { maskedText } from '../../support/masked.ts';
import { counted } from '../../render/units.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution } from '../context.ts';

interface OverviewResult {
  readonly version: string;
  readonly url: string | null;
  /** `default`, `REDIS_URL`, `profile prod`, … */
  readonly origin: string;
  readonly answers: boolean;
  /** The product with its version; null where it is not reported. */
  readonly product: string | null;
  /** Keys of the database; null where the server does not say. */
  readonly keys: number | null;
  /** Why it does not answer, and the way out. */
  readonly failure: string | null;
  readonly hint: string | null;
  /** The map's file. */
  readonly map: string | null;
}

/**
 * `cachectl` alone at a terminal: where it would connect, whether that answers, and what to begin with.
 * @param given its options, which what it suggests needs as well
 */
export function overviewExecution(version: string, given: readonly string[]): Execution<OverviewResult> {
  // A password is not repeated, and without it they lead nowhere.
  const options = given.every((word) => maskedText(word) === word) ? given : [];
  return {
    blank: blankOf<OverviewResult>()('version url origin answers product keys failure hint map'),
    run: async (context) => ({ result: { version, ...(await lookAround(context)) } }),
    view: (result) => view(result, options),
  };
}

async function lookAround(context: Context): Promise<Omit<OverviewResult, 'version'>> {
  const { value: url = null, origin = 'none' } = context.settings.find(({ name }) => name === 'url') ?? {};
  const found = { url, origin, map: context.configFile };
  try {
    const server = await context.connect();
    const infos = await Promise.all(server.nodes.map((node) => readInfoIfPermitted(node)));
    const [info = null] = infos;
    const { product, version } = productOf(info ?? {});
    const keysOf = (each: typeof info) =>
      each && (databasesOf(each)?.find(({ database }) => database === server.nodes[0].database)?.keys ?? 0);
    const keys = infos.map(keysOf);
    return {
      ...found,
      answers: true,
      product: info && `${product === 'redis' ? 'Redis' : 'Valkey'} ${version}`,
      keys: keys.includes(null) ? null : keys.reduce<number>((sum, each) => sum + (each ?? 0), 0),
      ...{ failure: null, hint: null },
    };
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    // Where nothing listens, the commands to begin with are the way out.
    const hint = error.code === 'ECONNREFUSED' ? null : (error.hint ?? null);
    return { ...found, answers: false, product: null, keys: null, failure: error.message, hint };
  }
}

function view(
  { version, url, origin, answers, product, keys, failure, hint, map }: OverviewResult,
  options: readonly string[],
): Block[] {
  const size = keys === null ? '' : `, ${counted(keys, 'key')}`;
  return [
    factsOf(
      'overview',
      `cachectl ${version}`,
      fact('url', 'server', url ?? 'none', 'text', origin),
      fact(
        'answers',
        'answers',
        answers ? 'yes' : 'no',
        'text',
        answers ? `${product ?? ''}${size}` : failure,
      ),
      fact('map', 'map', map ?? 'none', 'text', map === null ? 'namespaces are inferred from the keys' : ''),
    ),
    ...notes('warning', hint),
    ...(answers
      ? [
          command('is the cache worth its memory', 'cachectl', 'stats', ...options),
          command('which reads miss, and why', 'cachectl', 'hits', ...options),
          command('what is in it', 'cachectl', 'inspect', ...options),
        ]
      : [
          command('another server', 'cachectl', '-u', 'HOST:PORT', 'stats'),
          command('a throw-away Redis with realistic data', 'cachectl', 'sandbox', '--tour'),
        ]),
    note('dim', '`cachectl --help` lists all commands and options'),
  ];
}
