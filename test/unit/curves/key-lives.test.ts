import { describe, expect, it } from 'vitest';
import { AccessSample, type AccessKind, accessKinds } from '../../../src/curves/access-sample.ts';
import { keyLives } from '../../../src/curves/key-lives.ts';
import { usualSample } from '../../../src/curves/sample-limits.ts';
import { avalanche } from '../../../src/support/hash.ts';

const { read, write, remove } = accessKinds;

/** What is done to each of some keys of one row, `miss` being a read that misses. */
function livesOf(keys: readonly (readonly (AccessKind | 'miss')[])[], row = 0) {
  const sample = new AccessSample({ ...usualSample, rate: 1 });
  let now = 0;
  for (const [index, steps] of keys.entries()) {
    const key = { high: avalanche(index), low: avalanche(index + 1e6), row };
    for (const step of steps) {
      now += 10;
      sample.pass(step === 'miss' ? read : step, key, now);
      if (step === 'miss') sample.missed(key, now);
    }
  }
  return keyLives(sample.trace(), row + 1);
}

const times = (count: number, ...steps: (AccessKind | 'miss')[]) =>
  Array.from({ length: count }, () => steps);

describe('what a window shows of the lives of keys', () => {
  it('is which of them were there', () => {
    const { wasThere } = livesOf([['miss', 'miss'], [read, read], ['miss', write], [write], [remove]]);
    expect(Array.from(wasThere)).toEqual([0, 1, 1, 1, 0]);
  });

  it('is whether a miss is followed by a write, where enough of them show it', () => {
    expect(livesOf(times(100, 'miss', write, read)).isRefilled).toEqual([true]);
    expect(livesOf(times(100, read, remove, read, write)).isRefilled).toEqual([true]);
    expect(livesOf(times(100, 'miss', 'miss')).isRefilled).toEqual([false]);
    expect(livesOf(times(100, read, remove, read)).isRefilled).toEqual([false]);
    expect(livesOf([...times(900, read), ...times(19, 'miss')]).isRefilled).toEqual([null]);
    // Ids that never were, beside keys that are stored when they are missed.
    expect(livesOf([...times(90, 'miss'), ...times(10, 'miss', write)]).isRefilled).toEqual([true]);
    expect(livesOf(times(100, 'miss'), 1).isRefilled).toEqual([null, false]);
  });
});
