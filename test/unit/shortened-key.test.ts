import { expect, test } from 'vitest';
import { shortenedKey } from '../../src/keyspace/shortened-key.ts';

test.each([
  ['session:2ekr1fQz9vXw3LmT7bYc', 'session:<token>', 'session:2ekr…'],
  ['session:2ekr1fQz9vXw3LmT7bYc:cart', '', 'session:2ekr…:cart'],
  ['spring:session:6f1c9a52-5b1d-4a0e-9c6e-2f0f5d1f7a3b', '', 'spring:session:6f1c…'],
  ['feed_0a1b2c3d4e5f60718293a4b5c6d7e8f9', '', 'feed_0a1b…'],
  // Alone it reads as a word; among others it is one of many.
  ['session:abcdefghij', 'session:<token>', 'session:abcd…'],
  ['user:123:profile', 'user:<id>:profile', 'user:123:profile'],
  ['caf\u00e9:2ekr1fQz9vXw3LmT7bYc', '', 'caf\u00e9:2ekr…'],
])('%s, of %s, is shown as %s', (key, namespace, shown) => {
  expect(shortenedKey(key, namespace, [':'])).toBe(shown);
});
