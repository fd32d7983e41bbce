import type { ByteString } from '../support/bytes.ts';

/** One argument of a command. Strings are byte strings: text goes through `bytesOf` first; ASCII words may stand as they are. */
export type Argument = ByteString | Uppercase<string> | number;

/** A command with its arguments: `['MEMORY', 'USAGE', key]`. */
export type RedisCommand = readonly Argument[];
