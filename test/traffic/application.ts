import type { KeyStates } from './key-states.ts';
import { encode, type Operation, refused } from './load-connection.ts';
import { nil } from './reply-reader.ts';

/** Keys of one namespace and one type, and the commands that applications use on them. */
export interface Keyspace {
  readonly type: 'string' | 'hash' | 'list';
  readonly states: KeyStates;
  readonly nameOf: (key: number) => string;
  readonly value: string;
}

/** Reads the whole value of a key. */
export function readValue({ type, states, nameOf }: Keyspace, key: number): Operation {
  const name = nameOf(key);
  switch (type) {
    case 'string':
      return one(encode('GET', name), ([value]) => states.read(key, value !== nil));
    case 'hash':
      return one(encode('HGETALL', name), ({ length }) => states.read(key, length > 0));
    case 'list':
      return one(encode('LRANGE', name, 0, -1), ({ length }) => states.read(key, length > 0));
  }
}

export function readSeveral({ states, nameOf }: Keyspace, keys: readonly number[]): Operation {
  return one(encode('MGET', ...keys.map(nameOf)), (members) =>
    keys.forEach((key, index) => states.read(key, members[index] !== nil)),
  );
}

export function countExisting({ states, nameOf }: Keyspace, keys: readonly number[]): Operation {
  return one(encode('EXISTS', ...keys.map(nameOf)), ([found = 0]) => states.readSeveral(keys, found));
}

/** The answer is -2 for a key that is not there. */
export function readTtl({ states, nameOf }: Keyspace, key: number): Operation {
  return one(encode('TTL', nameOf(key)), ([seconds = 0]) => states.read(key, seconds !== -2));
}

/** A field that is in no hash: the lookup counts as a hit where the hash is there, so its number is asked for as well. */
export function readMissingField({ states, nameOf }: Keyspace, key: number): Operation {
  const name = nameOf(key);
  return several(
    [encode('MULTI'), encode('HGET', name, 'absent'), encode('HLEN', name)],
    ([field, length = 0]) => {
      if (field !== nil) throw new Error('a field was found that nobody stored');
      states.read(key, length > 0);
      states.read(key, length > 0);
    },
  );
}

/** @param digest of a script that reads its key with GET */
export function readByScript({ states, nameOf }: Keyspace, key: number, digest: string): Operation {
  return one(encode('EVALSHA', digest, 1, nameOf(key)), ([value]) => states.read(key, value !== nil));
}

export function readInTransaction({ states, nameOf }: Keyspace, keys: readonly number[]): Operation {
  return several([encode('MULTI'), ...keys.map((key) => encode('GET', nameOf(key)))], (members) =>
    keys.forEach((key, index) => states.read(key, members[index] !== nil)),
  );
}

/** Stores a string and reads what was there before. */
export function exchangeValue({ states, nameOf, value }: Keyspace, key: number): Operation {
  return one(encode('SET', nameOf(key), value, 'GET'), ([before]) => {
    states.read(key, before !== nil);
    states.write();
    states.store(key);
  });
}

/** Stores a key that is not there. */
export function storeValue({ type, states, nameOf, value }: Keyspace, key: number): Operation {
  const name = nameOf(key);
  const words = {
    string: ['SET', name, value],
    hash: ['HSET', name, 'value', value, 'version', '1'],
    list: ['RPUSH', name, 'first', 'second', value],
  }[type];
  return one(encode(...words), () => {
    states.write();
    states.store(key);
  });
}

/** Stores a string for a short while, in which nothing else is done with it. */
export function storeBriefly({ states, nameOf, value }: Keyspace, key: number, ttlMillis: number): Operation {
  states.beQuiet(key);
  return one(encode('SET', nameOf(key), value, 'PX', ttlMillis), () => {
    states.write();
    states.expire(key, ttlMillis);
  });
}

export function removeKeys(
  { states, nameOf }: Keyspace,
  command: 'DEL' | 'UNLINK',
  keys: readonly number[],
): Operation {
  return one(encode(command, ...keys.map(nameOf)), ([removed = 0]) => {
    states.remove(keys, removed);
  });
}

export function renameKey({ states, nameOf }: Keyspace, from: number, to: number): Operation {
  return one(encode('RENAME', nameOf(from), nameOf(to)), () => {
    states.write();
    states.rename(from, to);
  });
}

function one(payload: string, settle: Operation['settle']): Operation {
  return { payload, replies: 1, settle: (members) => members !== refused && settle(members) };
}

/** MULTI and commands, and the EXEC that answers for them. */
function several(commands: readonly string[], settle: Operation['settle']): Operation {
  return { payload: commands.join('') + encode('EXEC'), replies: commands.length + 1, settle };
}
