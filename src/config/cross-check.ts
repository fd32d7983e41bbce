import { parseDuration } from '../support/quantity.ts';
import { type LocatedRemark, recordOf } from './places.ts';
import { destinationFields } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Takes a remark about the part at a path. */
export type Remark = (message: string, ...path: readonly string[]) => void;

/** What `examine` remarks on, in its order. */
export function remarksOf(examine: (remark: Remark) => void): LocatedRemark[] {
  const found: LocatedRemark[] = [];
  examine((message, ...path) => found.push({ path, message }));
  return found;
}

/**
 * What a schema cannot say well: names that must exist, fields that exclude each other, placeholders that must be there,
 * and bounds in order. `map` may still have other mistakes: a part is judged where all that is needed for it has its right form.
 */
export function crossCheck(map: unknown): LocatedRemark[] {
  return remarksOf((remark) => {
    const { namespaces, entities, profiles, defaultProfile } = recordOf(map) ?? {};
    const known = namesOf(namespaces);
    for (const [name, entity] of entriesOf(entities)) checkEntity(name, entity, known, remark);
    for (const [name, namespace] of entriesOf(namespaces)) checkNamespace(name, namespace, remark);
    for (const [name, profile] of entriesOf(profiles)) checkProfile(name, profile, remark);
    const names = namesOf(profiles);
    if (typeof defaultProfile !== 'string' || names === null || names.has(defaultProfile)) return;
    const others = names.size > 0 ? `; profiles are: ${[...names].join(', ')}` : '';
    remark(`there is no profile \`${defaultProfile}\`${others}`, 'defaultProfile');
  });
}

function checkEntity(name: string, entity: Fields, known: ReadonlySet<string> | null, remark: Remark): void {
  for (const [index, pattern] of textsOf(entity['patterns']))
    if (!pattern.includes('<id>')) {
      const message = `\`${pattern}\` has no <id>: it would remove the keys of every ${name}`;
      remark(message, 'entities', name, 'patterns', index);
    }
  for (const [index, namespace] of textsOf(entity['hashedIn']))
    if (known?.has(namespace) === false)
      remark(`there is no namespace \`${namespace}\``, 'entities', name, 'hashedIn', index);
}

function checkNamespace(name: string, { ttl, ttlGuessed }: Fields, remark: Remark): void {
  const { min, max } = recordOf(ttl) ?? {};
  const [least, most] = [secondsOf(min), secondsOf(max)];
  if (least !== null && most !== null && least > most)
    remark(`min \`${String(min)}\` is longer than max \`${String(max)}\``, 'namespaces', name, 'ttl');
  if (ttlGuessed === true && ttl === undefined)
    remark('marks a `ttl`, and there is none', 'namespaces', name, 'ttlGuessed');
}

function checkProfile(name: string, profile: Fields, remark: Remark): void {
  const [first, second] = destinationFields.filter((field) => profile[field] !== undefined);
  if (first === undefined)
    remark('is missing, as are `cluster` and `sentinel`: one is needed', 'profiles', name, 'url');
  else if (second !== undefined) {
    const message = `conflicts with \`${first}\`: a profile has one of \`url\`, \`cluster\` and \`sentinel\``;
    remark(message, 'profiles', name, second);
  } else if (first !== 'sentinel' && profile['sentinelPasswordEnv'] !== undefined)
    remark(`has no effect with \`${first}\``, 'profiles', name, 'sentinelPasswordEnv');
}

/** Null where it is no duration, which the schema reports. */
function secondsOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  try {
    return parseDuration(value);
  } catch {
    return null;
  }
}

/** None where there is no such part; null where it has another form. */
function namesOf(value: unknown): ReadonlySet<string> | null {
  const record = value === undefined ? {} : recordOf(value);
  return record && new Set(Object.keys(record));
}

function* entriesOf(value: unknown): Generator<[name: string, fields: Fields]> {
  for (const [name, entry] of Object.entries(recordOf(value) ?? {})) {
    const fields = recordOf(entry);
    if (fields !== null) yield [name, fields];
  }
}

/** The texts of a list with their places. */
function* textsOf(value: unknown): Generator<[index: string, text: string]> {
  if (!Array.isArray(value)) return;
  for (const [index, each] of (value as readonly unknown[]).entries())
    if (typeof each === 'string') yield [String(index), each];
}
