import { describe, expect, test } from 'vitest';
import { bufferOf } from '../../src/support/bytes.ts';
import { audio, embedding, pickledObject, type Language, prose } from '../../src/sandbox/formats.ts';
import { SeededRandom } from '../../src/support/random.ts';

describe('a pickled object', () => {
  test('has the very bytes that Python 3 gives for it', () => {
    // pickle.dumps(user, 4), where user is an app_models_user.User with these attributes.
    const expected =
      '80049559000000000000008c0f6170705f6d6f64656c735f75736572948c04557365729493942981947d94288c026964944b0c8c05656d61696c' +
      '948c12757365723132406578616d706c652e636f6d948c0573636f726594473fe000000000000075622e';
    const pickled = pickledObject({
      module: 'app_models_user',
      name: 'User',
      fields: { id: 12, email: 'user12@example.com', score: 0.5 },
    });
    expect(bufferOf(pickled).toString('hex')).toBe(expected);
  });

  test('has a text beyond 255 bytes with its length in four bytes', () => {
    const pickled = pickledObject({ module: 'm', name: 'C', fields: { bio: 'é'.repeat(200) } });
    expect(pickled).toContain(`X\x90\x01\x00\x00${'\xc3\xa9'.repeat(200)}\x94`);
  });
});

describe('other values', () => {
  test('audio is whole frames, each with its header', () => {
    const sound = audio(new SeededRandom(1, 'audio'), 3000);
    expect(sound.length % 288).toBe(0);
    for (let at = 0; at < sound.length; at += 288) expect(sound.slice(at, at + 2)).toBe('\xff\xf3');
  });

  test('an embedding has as many numbers as the model gives', () => {
    const numbers = embedding(new SeededRandom(1, 'embedding'), 1536);
    expect(numbers).toHaveLength(1536);
    expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(0.1);
  });

  test.each(['english', 'spanish', 'czech'] as const)(
    '%s prose is cut between words',
    (language: Language) => {
      for (let index = 0; index < 200; index++) {
        const text = prose(new SeededRandom(index, 'prose'), language, 80);
        expect(text.length).toBeLessThanOrEqual(80);
        expect(text.length).toBeGreaterThan(50);
        expect(text).toBe(text.trim());
      }
    },
  );
});
