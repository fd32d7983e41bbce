import { isUtf8 } from 'node:buffer';
import { bufferOf, type ByteString } from '../../support/bytes.ts';
import { fieldNames, type FieldExpiries, textsOf, type Value, type ValueType } from '../values/value.ts';

/** How the texts of a value are written: as they are, in base64, or not at all, for JSON would change the value. */
export type TextForm = 'plain' | 'base64' | 'none';

/** The form in which nothing of the value is lost: JSON has only UTF-8, and may reorder or drop fields by their names. */
export function textFormOf(value: Value): TextForm {
  const plain = textsOf(value).every(isText);
  if (value.type !== 'stream') return plain ? 'plain' : 'base64';
  const keeps = (name: (field: ByteString) => string) =>
    value.entries.every(({ fields }) => keepsOrder(fieldNames(fields).map(name)));
  if (plain && keeps((field) => field)) return 'plain';
  return keeps(base64Of) ? 'base64' : 'none';
}

/** One record, as `warm` reads it, in the bytes of its UTF-8. */
export function recordText(
  key: ByteString,
  value: Value,
  ttlMillis: number | null,
  form: 'plain' | 'base64',
  nowMillis: number,
): string {
  const [open, close] = brackets[value.type];
  const expiries = value.type === 'hash' ? value.fieldExpiries : undefined;
  return (
    recordStart(key, value.type, ttlMillis, form, nowMillis, expiries) +
    open +
    membersText(value, form) +
    close +
    '}'
  );
}

/** From here on `warm` reads a number as a moment (RIOT's); the server has TTLs of 292 million years. */
const mostTtlSeconds = 1e11 - 1;

/**
 * A record up to its value. The TTL is what `warm` gives the key; the moment of its expiry shows `diff` whether
 * the key has been written since. Fields with a TTL of their own have its moment alone. @param nowMillis since the epoch, when the TTL was read
 */
export function recordStart(
  key: ByteString,
  type: ValueType,
  ttlMillis: number | null,
  form: 'plain' | 'base64',
  nowMillis: number,
  fieldExpiries?: FieldExpiries | null,
): string {
  // A key about to expire is not one without TTL.
  const life =
    ttlMillis === null
      ? '"ttl":null'
      : `"ttl":${Math.min(mostTtlSeconds, Math.max(1, ttlMillis) / 1000)},"expiresAtMillis":${nowMillis + ttlMillis}`;
  const fields = [...(fieldExpiries ?? [])].map(([name, at]) => `${quoteFor(form)(name)}:${at}`).join(',');
  const fieldLife = fields === '' ? '' : `"fieldExpiresAtMillis":{${fields}},`;
  return `{${keyText(key)},"type":"${type}",${life},${fieldLife}"value${form === 'base64' ? 'Base64' : ''}":`;
}

export const brackets: Readonly<Record<ValueType, readonly [open: string, close: string]>> = {
  string: ['', ''],
  hash: ['{', '}'],
  list: ['[', ']'],
  set: ['[', ']'],
  zset: ['[', ']'],
  stream: ['[', ']'],
};

/** The members of a value with commas between them, and no brackets around. */
export function membersText(value: Value, form: 'plain' | 'base64'): string {
  const quote = quoteFor(form);
  switch (value.type) {
    case 'string':
      return quote(value.bytes);
    case 'hash':
      return fieldsText(value.elements, quote);
    case 'list':
    case 'set':
      return value.elements.map(quote).join(',');
    case 'zset': {
      const members: string[] = [];
      for (let at = 0; at < value.elements.length; at += 2) {
        const [score, member] = value.elements.slice(at, at + 2) as [ByteString, ByteString];
        members.push(`[${quote(member)},"${score}"]`);
      }
      return members.join(',');
    }
    case 'stream':
      return value.entries
        .map(({ id, fields }) => `{"id":"${id ?? ''}","fields":{${fieldsText(fields, quote)}}}`)
        .join(',');
  }
}

function fieldsText(fields: readonly ByteString[], quote: (text: ByteString) => string): string {
  const texts: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    texts.push(`${quote(fields[at] as ByteString)}:${quote(fields[at + 1] as ByteString)}`);
  return texts.join(',');
}

/** A readable key next to the base64 of one that is no UTF-8, or empty: `warm` reads the base64. */
function keyText(key: ByteString): string {
  if (key !== '' && isText(key)) return `"key":${quoted(key)}`;
  const readable = key.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return `"key":${JSON.stringify(readable)},"keyBase64":"${base64Of(key)}"`;
}

const quoteFor = (form: 'plain' | 'base64') =>
  form === 'plain' ? quoted : (text: ByteString) => `"${base64Of(text)}"`;

/** JSON escapes quotes, backslashes and controls, and leaves the bytes above as they are: they are UTF-8 already. */
const quoted = (text: ByteString): string => JSON.stringify(text);

const base64Of = (bytes: ByteString): string => bufferOf(bytes).toString('base64');

const isText = (bytes: ByteString): boolean => !/[\x80-\xff]/.test(bytes) || isUtf8(bufferOf(bytes));

/** Whether an object with these names has them all, in this order: names that look like array indexes come first. */
function keepsOrder(names: readonly string[]): boolean {
  if (names.length < 2) return true;
  const object = Object.fromEntries(names.map((name) => [name, 0]));
  return (
    Object.keys(object).every((name, index) => name === names[index]) && new Set(names).size === names.length
  );
}

/** A longer record is not read back by `warm`. */
export const mostRecordBytes = 128 * 1024 * 1024;

export const tooLong =
  'its record is longer than the 128 MiB that can be loaded again; --form archive keeps it';

/** A field that is in an entry twice, or fields whose names JSON would sort. */
export const noForm = 'an entry has fields that no JSON object keeps as they are; --form archive keeps it';

/** `warm` has no command that makes such a stream. */
export const noEntries = 'it is a stream without entries, which no record holds; --form archive keeps it';
