import { databasesOf, infoNumber } from '../../redis/info.ts';
import type { RedisError } from '../../redis/errors.ts';
import { type Check, type Finding, finding, obstacle } from '../check.ts';
import { type Facts, isLoading, type Refusal, grantRemedy } from '../facts.ts';
import { count, millis, ratio, say, seconds } from '../../support/phrase.ts';

/** From the socket to a server that is ready: each step is only tried when the one before it succeeded. */
export const wayIn: readonly Check[] = [
  {
    id: 'connect',
    durationMillis: ({ connectMillis }) => connectMillis,
    assess: ({ stop, connectMillis, waitedMillis }) => {
      const evidence = { connectMillis, waitedMillis };
      if (stop?.at === 'connect' || stop?.at === 'work') return failure(stop.error, evidence);
      const message =
        waitedMillis === 0
          ? say`open after ${millis(connectMillis)}`
          : say`open after ${millis(connectMillis)}, and a wait of ${seconds(waitedMillis / 1000)} before`;
      return finding('pass', message, { value: connectMillis, unit: 'millis', evidence });
    },
  },
  {
    id: 'login',
    durationMillis: ({ loginMillis }) => loginMillis,
    assess: (facts) => {
      const { stop, username } = facts;
      if (stop?.at === 'login') return failure(stop.error, { username });
      // Without nodes, no server has answered yet.
      if (stop?.at === 'connect' || (stop?.at === 'work' && facts.nodes.length === 0)) {
        return finding('skip', obstacle(facts) ?? []);
      }
      return finding('pass', username === null ? say`as the default user` : say`as \`${username}\``, {
        evidence: { username },
      });
    },
  },
  {
    id: 'database',
    assess: (facts) => {
      const { stop, database, nodes } = facts;
      if (stop?.at === 'database') {
        return {
          ...failure(stop.error, { database }),
          remedy:
            stop.error.code === 'NOPERM'
              ? grantRemedy(facts.username, [{ command: 'SELECT', error: stop.error }])
              : 'name another database with --db, or raise `databases` in the configuration of the server',
        };
      }
      if (nodes.length === 0) return finding('skip', obstacle(facts) ?? []);
      const name = `database ${database}`;
      const infos = nodes.flatMap(({ info }) => (info === null ? [] : [info]));
      if (infos.length < nodes.length || isLoading(facts)) {
        return finding('pass', say`${name} is selected`, { evidence: { database } });
      }
      const databases = infos.map(databasesOf);
      if (databases.includes(null)) {
        const text = say`${name} is selected; its keys are not reported`;
        return finding('pass', text, { evidence: { database, keys: null } });
      }
      const keys = databases
        .flatMap((each) => each?.filter((one) => one.database === database) ?? [])
        .reduce((sum, each) => sum + each.keys, 0);
      return finding('pass', keys === 0 ? say`${name} is empty` : say`${name} holds ${count(keys, 'key')}`, {
        value: keys,
        unit: 'count',
        evidence: { database, keys },
      });
    },
  },
  {
    id: 'loading',
    durationMillis: ({ nodes }) => Math.max(0, ...nodes.map(({ infoMillis }) => infoMillis)),
    assess: (facts) => {
      if (facts.nodes.length === 0) return finding('skip', obstacle(facts) ?? []);
      return isLoading(facts) ? loadingFailure(facts) : finding('pass', say`ready`);
    },
  },
  {
    id: 'permissions',
    assess: (facts) => {
      if (facts.nodes.length === 0) return finding('skip', obstacle(facts) ?? []);
      const refused = permissionRefusals(facts);
      const names = [...new Set(refused.map(({ command }) => command))];
      if (names.length === 0) return finding('pass', say`no command was refused`);
      const [first] = refused;
      return finding('warn', say`refused: ${names.map((name) => `\`${name}\``).join(', ')}`, {
        value: names.length,
        unit: 'count',
        evidence: { refusedCommands: names.join(' '), answer: first?.error.refused?.answer ?? null },
        remedy: grantRemedy(facts.username, refused),
      });
    },
  },
];

/** In the server's own words where it said some. */
function failure(error: RedisError, evidence: Finding['evidence']) {
  const message = error.refused?.answer ?? error.message;
  return finding('fail', [message], {
    evidence: { ...evidence, code: error.code },
    remedy: error.hint ?? null,
  });
}

function loadingFailure({ nodes }: Facts) {
  const info = nodes.find((node) => node.info?.['loading'] === '1')?.info ?? {};
  const percent = infoNumber(info, 'loading_loaded_perc');
  const leftSeconds = infoNumber(info, 'loading_eta_seconds');
  const message =
    percent === null || leftSeconds === null
      ? say`the server is reading its dataset from disk`
      : say`${ratio(percent / 100)} of the dataset is read, about ${seconds(leftSeconds)} to go`;
  return finding('fail', message, {
    value: percent === null ? null : percent / 100,
    unit: percent === null ? null : 'ratio',
    evidence: { loadedRatio: percent === null ? null : percent / 100, leftSeconds },
    remedy: 'try again shortly, or let the check wait for it with --wait 60s',
  });
}

function permissionRefusals({ nodes, canary }: Facts): Refusal[] {
  const refusals = nodes.flatMap((node) => node.refusals);
  if (canary?.outcome === 'refused') refusals.push({ command: canary.command, error: canary.error });
  if (canary?.outcome === 'returned' && canary.notRemoved !== null) {
    refusals.push({ command: 'UNLINK', error: canary.notRemoved });
  }
  return refusals.filter(({ error }) => error.code === 'NOPERM');
}
