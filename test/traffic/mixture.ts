import {
  countExisting,
  exchangeValue,
  type Keyspace,
  readByScript,
  readInTransaction,
  readMissingField,
  readSeveral,
  readTtl,
  readValue,
  removeKeys,
  renameKey,
  storeBriefly,
  storeValue,
} from './application.ts';
import { type EvictionPhase, KeyStates } from './key-states.ts';
import type { Operation } from './load-connection.ts';
import { digestOf } from './random.ts';
import type { Tally } from './truth.ts';

/** Questions that are asked before any of them is asked again. */
const fewestAsked = 100;

/** What distinguishes the keys of one connection from those of another. */
export interface Share {
  readonly connection: number;
  readonly connections: number;
}

export interface MixtureOptions {
  readonly share: Share;
  readonly tally: Tally;
  readonly phase: EvictionPhase;
  readonly random: () => number;
  /** Of a script that is loaded: it reads its key with GET. */
  readonly scriptDigest: string;
  /** Keys of each namespace on this connection. */
  readonly keys: number;
  readonly seed: number;
}

/**
 * What one connection of an application does: a cache in five namespaces, each used as such data is. Which operations
 * come, and on which keys, follows from the random numbers; what they find follows from what was done before.
 */
export class Mixture {
  private readonly session: Keyspace;
  private readonly profile: Keyspace;
  private readonly answer: Keyspace;
  private readonly list: Keyspace;
  private readonly flag: Keyspace;
  /** The next question that was not asked before, and the next list to be renamed. */
  private nextQuestion = 0;
  private nextRename = 0;

  constructor(private readonly options: MixtureOptions) {
    const { keys, share, seed } = options;
    const number = (key: number) => key * share.connections + share.connection;
    this.session = this.keyspace('session:<id>', 'string', keys, (key) => `session:${number(key)}`);
    this.profile = this.keyspace('profile:<id>', 'hash', keys, (key) => `profile:${number(key)}`);
    this.list = this.keyspace('list:<id>', 'list', 2 * keys, (key) => `list:${number(key)}`);
    this.flag = this.keyspace('flag:<id>', 'string', keys, (key) => `flag:${number(key)}`);
    const questions = 200 * keys;
    this.answer = this.keyspace(
      'ai:<hash>',
      'string',
      questions,
      (key) => `ai:${digestOf(seed + number(key))}`,
    );
  }

  /** Stores what the cache holds before anybody reads it. */
  *fill(): Generator<Operation> {
    const { keys } = this.options;
    for (const keyspace of [this.session, this.profile, this.list, this.flag])
      for (let key = 0; key < keys; key++) yield storeValue(keyspace, key);
  }

  /** The next operations, about as many as are asked for. Without `refills` what is missed stays away. */
  next(count: number): Operation[] {
    const operations: Operation[] = [];
    for (const keyspace of [this.session, this.profile, this.list, this.flag, this.answer])
      for (const key of keyspace.states.takeMissed(count / 20))
        if (this.options.random() < 0.7 && !keyspace.states.isQuiet(key))
          operations.push(storeValue(keyspace, key));
    while (operations.length < count) operations.push(this.pick());
    return operations;
  }

  /** Reads each key once that is at the end of its TTL. To be called when that is sure. */
  *readExpired(): Generator<Operation> {
    for (const keyspace of [this.session, this.flag, this.answer])
      for (const key of keyspace.states.unreadExpired()) yield readValue(keyspace, key);
  }

  private pick(): Operation {
    const choice = this.options.random();
    if (choice < 0.45) return this.useSession();
    if (choice < 0.65) return this.useProfile();
    if (choice < 0.8) return this.askModel();
    if (choice < 0.88) return this.useList();
    return this.useFlag();
  }

  /** Found nearly always. */
  private useSession(): Operation {
    const { session } = this;
    const choice = this.options.random();
    const key = this.keyOf(session);
    if (choice < 0.003 && this.mayExpire()) return storeBriefly(session, key, this.ttlMillis());
    if (choice < 0.05) return countExisting(session, this.keysOf(session, 4));
    if (choice < 0.1) return readTtl(session, key);
    if (choice < 0.2) return readSeveral(session, this.keysOf(session, 6));
    return readValue(session, key);
  }

  /** Invalidated whenever the user changes something. */
  private useProfile(): Operation {
    const { profile } = this;
    const choice = this.options.random();
    if (choice < 0.05) return removeKeys(profile, 'DEL', [this.keyOf(profile)]);
    if (choice < 0.08) {
      // How many went is known, but not which.
      const keys = [...new Set(this.keysOf(profile, this.options.phase.evicting ? 1 : 3))];
      return removeKeys(profile, 'UNLINK', keys);
    }
    if (choice < 0.12) return readMissingField(profile, this.keyOf(profile));
    return readValue(profile, this.keyOf(profile));
  }

  /** Missed mostly, for hardly any question comes twice. */
  private askModel(): Operation {
    const { answer } = this;
    const choice = this.options.random();
    const asked = this.nextQuestion;
    if (asked + 4 < answer.states.keys && (choice < 0.6 || asked < fewestAsked)) {
      this.nextQuestion++;
      return readValue(answer, asked);
    }
    if (asked + 4 < answer.states.keys && choice < 0.65) {
      this.nextQuestion += 4;
      return readSeveral(answer, [asked, asked + 1, asked + 2, asked + 3]);
    }
    const key = this.keyOf(answer, asked);
    if (choice < 0.72 && this.mayExpire()) return storeBriefly(answer, key, this.ttlMillis());
    return readValue(answer, key);
  }

  /** Renamed one after the other, and read under both names. */
  private useList(): Operation {
    const { list } = this;
    const { keys, random, phase } = this.options;
    if (random() < 0.1 && !phase.evicting && this.nextRename < keys) {
      const from = this.nextRename++;
      if (list.states.isStored(from)) return renameKey(list, from, keys + from);
    }
    // Near the renamed ones, so that they are read.
    const near = Math.max(0, this.nextRename - 50) + Math.floor(random() * 60);
    return readValue(list, Math.min(keys - 1, near) + (random() < 0.4 ? keys : 0));
  }

  private useFlag(): Operation {
    const { flag } = this;
    const choice = this.options.random();
    if (choice < 0.05 && this.mayExpire()) return storeBriefly(flag, this.keyOf(flag), this.ttlMillis());
    if (choice < 0.1) return removeKeys(flag, 'DEL', [this.keyOf(flag)]);
    if (choice < 0.4) return readByScript(flag, this.keyOf(flag), this.options.scriptDigest);
    if (choice < 0.6) return readInTransaction(flag, this.keysOf(flag, 3));
    if (choice < 0.8) return exchangeValue(flag, this.keyOf(flag));
    return readValue(flag, this.keyOf(flag));
  }

  /** While the server evicts, a key with a TTL may go either way. */
  private mayExpire(): boolean {
    return !this.options.phase.evicting;
  }

  private ttlMillis(): number {
    return 1 + Math.floor(this.options.random() * 60);
  }

  /** A key at random that a command may name now; one of the first so many. */
  private keyOf({ states }: Keyspace, first = states.keys): number {
    const { random } = this.options;
    let key = Math.floor(random() * first);
    while (states.isQuiet(key)) key = (key + 1) % first;
    return key;
  }

  private keysOf(keyspace: Keyspace, count: number): number[] {
    return Array.from({ length: count }, () => this.keyOf(keyspace));
  }

  private keyspace(
    namespace: string,
    type: Keyspace['type'],
    keys: number,
    nameOf: (key: number) => string,
  ): Keyspace {
    const { tally, phase } = this.options;
    const value = valueOf[type];
    return { type, value, nameOf, states: new KeyStates(keys, tally.of(namespace), phase) };
  }
}

const valueOf = { string: 's'.repeat(200), hash: 'h'.repeat(300), list: 'l'.repeat(100) };
