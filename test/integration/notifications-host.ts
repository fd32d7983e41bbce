/**
 * A program that switches events on and holds on, for tests that kill it: `node notifications-host.ts URL FOLDER`. Says
 * what it got, restores at the first line on stdin, and says what became of it.
 */
import { once } from 'node:events';
import { processFacts } from '../../src/cli/process-facts.ts';
import { connect } from '../../src/redis/connect.ts';
import { parseRedisUrl } from '../../src/redis/url.ts';
import { acquireNotifications } from '../../src/traffic/notifications/switch-on.ts';

const [, , url = '', folder = ''] = process.argv;
const server = await connect({ ...parseRedisUrl(url), timeoutMillis: 5000 });
const lease = await acquireNotifications(server.nodes[0], {
  folder,
  processes: processFacts(),
  now: Date.now,
});
const say = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`);
say(lease);
await once(process.stdin, 'data');
if ('restore' in lease) say(await lease.restore());
server.close();
process.stdin.destroy();
