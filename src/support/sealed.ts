import { createHash } from 'node:crypto';

/** The fields with a digest of them, by which a file that was damaged or edited differs from one that is as it was written. */
export function sealed<T extends object>(fields: T): T & { readonly sha256: string } {
  return { ...fields, sha256: digestOf(fields) };
}

/**
 * The fields without their digest; null where they are not as they were written, or no object. One without a digest was
 * written before there were any, and is taken as it is: a damaged byte spoils either the digest's name or what it is of.
 */
export function unsealed(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { sha256, ...fields } = value as Readonly<Record<string, unknown>>;
  return sha256 === undefined || sha256 === digestOf(fields) ? fields : null;
}

/** @param lines that follow the fields */
export function digestOf(fields: object, lines: readonly string[] = []): string {
  const hash = createHash('sha256').update(jsonOf(fields));
  for (const line of lines) if (line !== '') hash.update('\n').update(line);
  return hash.digest('hex');
}

/** Empty where the fields are nested too deep to be written: nothing that was written is. */
function jsonOf(fields: object): string {
  try {
    return JSON.stringify(fields);
  } catch (error) {
    if (error instanceof RangeError) return '';
    throw error;
  }
}
