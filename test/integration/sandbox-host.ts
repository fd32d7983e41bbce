/**
 * A program that has a sandbox server, for tests that stop or kill it: prints URL and process group, then holds on. On
 * SIGINT it first asks the server, which must not have got the signal, and then stops it in order.
 */
import { connect } from '../../src/redis/connect.ts';
import { startSandboxServer } from '../../src/sandbox/server.ts';

const server = await startSandboxServer({ variables: process.env });
const redis = await connect(server.target);
const folder = await redis.nodes[0].call('CONFIG', 'GET', 'DIR');
const say = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`);

process.on('SIGINT', () => {
  void redis.nodes[0]
    .call('PING')
    .then((answer) => say({ afterSignal: answer }))
    .finally(() => {
      redis.close();
      void server.stop().then(() => process.exit());
    });
});
const hold = setInterval(() => undefined, 1000);
void server.ended.then(() => clearInterval(hold));
say({ url: server.url, folder: Array.isArray(folder) ? folder[1] : null });
