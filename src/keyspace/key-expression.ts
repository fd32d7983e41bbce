import { createContext, Script } from 'node:vm';
import type { ByteString } from '../support/bytes.ts';
import { InputError } from '../support/failure.ts';
import { keyText } from './key-text.ts';

/** An expression that takes so long on one key would take as long on the next. */
const mostMillis = 2000;

/** With more of them a name of a few hundred characters takes a while. */
const mostRepetitions = 3;
const longNameBytes = 512;

/**
 * A test of key names by a regular expression of JavaScript with the flag `u`, on the text of the key. One whose repetitions are in
 * each other may take longer on a single key than anyone waits, and cannot be interrupted from outside: it runs with a time limit,
 * at about 0.2 ms a key. @throws InputError for one that is none; the test where it takes too long
 */
export function keyExpression(source: string): (key: ByteString) => boolean {
  const expression = compiled(source);
  const limited = new LimitedTest(source, expression);
  const isSimple = repetitionsIn(source) <= mostRepetitions;
  return (key) =>
    isSimple && key.length <= longNameBytes ? expression.test(keyText(key)) : limited.test(keyText(key));
}

function compiled(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch (error) {
    const [cause = ''] = /[^:]*$/.exec((error as Error).message) ?? [];
    throw new InputError(
      `--regex \`${source}\` is no regular expression:${cause === '' ? '' : cause}`,
      'it is one of JavaScript, with the flag u: https://developer.mozilla.org/docs/Web/JavaScript/Guide/Regular_expressions',
    );
  }
}

/** Infinite where one may be inside another, or a part of the name is to come again. */
function repetitionsIn(source: string): number {
  const nested = /\)(?:[*+]|\{\d+,)|\\[1-9k]/.test(source);
  return nested ? Number.POSITIVE_INFINITY : (source.match(/[*+]|\{\d+,\}/g) ?? []).length;
}

/** What a script runs can be ended, wherever its code is from. */
class LimitedTest {
  private static readonly script = new Script('test()');
  private readonly context: { test: () => boolean };

  constructor(
    private readonly source: string,
    private readonly expression: RegExp,
  ) {
    this.context = createContext({ test: () => false }) as LimitedTest['context'];
  }

  test(text: string): boolean {
    this.context.test = () => this.expression.test(text);
    try {
      return LimitedTest.script.runInContext(this.context, { timeout: mostMillis }) as boolean;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new InputError(
        `--regex \`${this.source}\` takes more than ${mostMillis / 1000} s on the key \`${text.slice(0, 100)}\``,
        'write it without a repetition inside another, such as (a+)+; patterns with * and <id> take no time',
      );
    }
  }
}
