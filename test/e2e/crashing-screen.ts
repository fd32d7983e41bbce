import { processIo } from '../../src/cli/io.ts';
import { TerminalScreen } from '../../src/cli/screen.ts';

/** A program that draws on the whole terminal and then fails unexpectedly: `throw`, or `reject`. */
const [how] = process.argv.slice(2);
const screen = new TerminalScreen(
  processIo(),
  true,
  {
    key: () => undefined,
    changed: () => undefined,
    suspending: () => Promise.resolve(),
    resumed: () => undefined,
  },
  () => undefined,
);
screen.draw([{ spans: [{ text: 'drawn on the screen' }] }]);
setTimeout(() => {
  if (how === 'throw') throw new Error('thrown by the test');
  void Promise.reject(new Error('rejected by the test'));
}, 1500);
