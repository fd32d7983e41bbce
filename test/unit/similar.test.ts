import { expect, test } from 'vitest';
import { meantText } from '../../src/support/similar.ts';

test.each([
  ['usr', ['scenario', 'user'], 'did you mean `user`? '],
  ['uesr', ['user'], 'did you mean `user`? '],
  ['User', ['user', 'users'], 'did you mean `user`? '],
  ['scenarios', ['scenario', 'user'], 'did you mean `scenario`? '],
  ['prodution', ['staging', 'production'], 'did you mean `production`? '],
  ['team', ['user', 'term of use'], ''],
  ['a', ['b'], ''],
  ['', ['user'], ''],
  ['user', [], ''],
])('`%s` among %j: %j', (word, names, text) => {
  expect(meantText(word, names)).toBe(text);
});
