import { decodeValue } from '../../records/decode/decode.ts';
import type { Encoding } from '../../keyspace/map.ts';
import type { ByteString } from '../../support/bytes.ts';

/** The start of a value. */
export interface ValueSample {
  readonly bytes: ByteString;
  readonly truncated: boolean;
}

export interface ObservedEncoding {
  readonly encoding: Encoding;
  /** Of an envelope that does not call it `data`. */
  readonly envelopeField?: string;
}

/** An envelope holds its payload under one of these names, and beside it the time when it was stored. */
const payloadFields = ['data', 'payload', 'value', 'result', 'response', 'content', 'body'];
const storedAt = /^(timestamp|(cached|stored)_?at)$/i;

/** What all samples look like, or null where they differ, or there are none. */
export function observedEncoding(samples: readonly ValueSample[]): ObservedEncoding | null {
  const [first, ...more] = samples.map(encodingOf);
  if (first === undefined) return null;
  return more.every((each) => JSON.stringify(each) === JSON.stringify(first)) ? first : null;
}

function encodingOf({ bytes, truncated }: ValueSample): ObservedEncoding {
  const { format, json } = decodeValue(bytes, { encoding: null, envelopeField: 'data', truncated });
  if (format === 'text' && truncated && /^\s*[[{]/.test(bytes)) return { encoding: 'json' };
  if (format !== 'json' || typeof json !== 'object' || json === null || Array.isArray(json))
    return { encoding: format };
  const fields = Object.keys(json);
  const payload = payloadFields.find((field) => fields.includes(field));
  if (payload === undefined || !fields.some((field) => storedAt.test(field))) return { encoding: 'json' };
  return { encoding: 'json-envelope', ...(payload !== 'data' && { envelopeField: payload }) };
}
