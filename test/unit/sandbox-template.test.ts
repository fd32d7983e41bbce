import { describe, expect, test } from 'vitest';
import { Clock } from '../../src/sandbox/clock.ts';
import { compile, type Scope } from '../../src/sandbox/template.ts';
import { SeededRandom } from '../../src/support/random.ts';

const scope: Scope = {
  language: 'english',
  lists: {
    verbs: [
      ['ser', 'sea'],
      ['ir', 'vaya'],
      ['dar', 'dé'],
    ],
    levels: ['A1', 'B1'],
    ids: [7, '*'],
  },
  words: { user: 'user-${nth ids}', size: 30 },
  combine: ['verbs', 'levels'],
};

function made(template: unknown, index = 0): unknown {
  const clock = new Clock(Date.parse('2026-03-05T10:20:30Z'));
  return compile(template, scope)({ index, draw: new SeededRandom(1, 'template', index), clock });
}

describe('a template', () => {
  test('keeps what a call gives where it is the whole text, and joins it to other text', () => {
    expect(made({ id: '${index}', name: 'n${index}', tags: ['${cycle a|b}', null, 3] }, 5)).toEqual({
      ...{ id: 5, name: 'n5', tags: ['b', null, 3] },
    });
  });

  test('takes words, and ids that come first', () => {
    expect([0, 1, 2, 3].map((index) => made('${user}', index))).toEqual([
      'user-7',
      'user-*',
      'user-1',
      'user-2',
    ]);
  });

  test('has another combination for each record, until all have been', () => {
    const all = Array.from({ length: 6 }, (_, index) =>
      made('${of verbs 0}/${of verbs 1}/${of levels}', index),
    );
    expect(new Set(all).size).toBe(6);
    for (const each of all) expect(each).toMatch(/^(ser\/sea|ir\/vaya|dar\/dé)\/[AB]1$/);
  });

  test('takes a number from a word', () => {
    expect(String(made('${prose size}')).length).toBeLessThanOrEqual(30);
  });

  test('leaves braces of the text alone', () => {
    expect(made("{'verb': '${of verbs 0}'}")).toMatch(/^\{'verb': '\w+'\}$/);
  });

  test('with a word that nothing gives is refused', () => {
    expect(() => made('${nothing}')).toThrow('no generator and no word `nothing`');
  });
});
