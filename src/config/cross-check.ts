import { parseDuration } from '../support/quantity.ts';
import { destinationFields } from './schema.ts';

export interface LocatedRemark {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * What a schema cannot say well: names that must exist, fields that exclude each other, placeholders that must be there,
 * and bounds in order. `map` may
 * still have other mistakes: a part is judged where all that is needed for it has its right form.
 */
export function crossCheck(map: unknown): LocatedRemark[] {
  const config = recordOf(map);
  return config === null
    ? []
    : [
        ...entityProblems(config),
        ...rangeProblems(config),
        ...guessProblems(config),
        ...profileProblems(config),
      ];
}

type Fields = Readonly<Record<string, unknown>>;

function entityProblems(config: Fields): LocatedRemark[] {
  const namespaces = namesOf(config['namespaces']);
  const known = namespaces && new Set(namespaces);
  return entriesOf(config['entities']).flatMap(([name, entity]) => [
    ...textsOf(entity['patterns']).flatMap(([index, pattern]) =>
      pattern.includes('<id>')
        ? []
        : [
            {
              path: ['entities', name, 'patterns', index],
              message: `\`${pattern}\` has no <id>: it would remove the keys of every ${name}`,
            },
          ],
    ),
    ...textsOf(entity['hashedIn']).flatMap(([index, namespace]) =>
      known === null || known.has(namespace)
        ? []
        : [
            {
              path: ['entities', name, 'hashedIn', index],
              message: `there is no namespace \`${namespace}\``,
            },
          ],
    ),
  ]);
}

function guessProblems(config: Fields): LocatedRemark[] {
  return entriesOf(config['namespaces']).flatMap(([name, { ttl, ttlGuessed }]) =>
    ttlGuessed === true && ttl === undefined
      ? [{ path: ['namespaces', name, 'ttlGuessed'], message: 'marks a `ttl`, and there is none' }]
      : [],
  );
}

function rangeProblems(config: Fields): LocatedRemark[] {
  return entriesOf(config['namespaces']).flatMap(([name, { ttl }]) => {
    const { min, max } = recordOf(ttl) ?? {};
    const [least, most] = [secondsOf(min), secondsOf(max)];
    return least === null || most === null || least <= most
      ? []
      : [
          {
            path: ['namespaces', name, 'ttl'],
            message: `min \`${String(min)}\` is longer than max \`${String(max)}\``,
          },
        ];
  });
}

function profileProblems({ defaultProfile, profiles }: Fields): LocatedRemark[] {
  return [
    ...entriesOf(profiles).flatMap(([name, profile]) => destinationProblems(name, profile)),
    ...defaultProfileProblems(defaultProfile, profiles),
  ];
}

function destinationProblems(name: string, profile: Fields): LocatedRemark[] {
  const path = ['profiles', name];
  const given = destinationFields.filter((field) => profile[field] !== undefined);
  const [first, second] = given;
  if (first === undefined)
    return [
      { path: [...path, 'url'], message: 'is missing, as are `cluster` and `sentinel`: one is needed' },
    ];
  if (second !== undefined) {
    const message = `conflicts with \`${first}\`: a profile has one of \`url\`, \`cluster\` and \`sentinel\``;
    return [{ path: [...path, second], message }];
  }
  if (first === 'sentinel' || profile['sentinelPasswordEnv'] === undefined) return [];
  return [{ path: [...path, 'sentinelPasswordEnv'], message: `has no effect with \`${first}\`` }];
}

function defaultProfileProblems(defaultProfile: unknown, profiles: unknown): LocatedRemark[] {
  const names = namesOf(profiles);
  if (typeof defaultProfile !== 'string' || names === null || names.includes(defaultProfile)) return [];
  const known = names.length > 0 ? `; profiles are: ${names.join(', ')}` : '';
  return [{ path: ['defaultProfile'], message: `there is no profile \`${defaultProfile}\`${known}` }];
}

/** Null where it is no duration, which the schema tells. */
function secondsOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  try {
    return parseDuration(value);
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** None where there is no such part; null where it has another form. */
function namesOf(value: unknown): string[] | null {
  if (value === undefined) return [];
  const record = recordOf(value);
  return record && Object.keys(record);
}

function entriesOf(value: unknown): [name: string, fields: Fields][] {
  return Object.entries(recordOf(value) ?? {}).flatMap(([name, entry]) => {
    const fields = recordOf(entry);
    return fields === null ? [] : [[name, fields] as [string, Fields]];
  });
}

/** The texts of a list with their places. */
function textsOf(value: unknown): [index: string, text: string][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown, index) =>
    typeof each === 'string' ? [[String(index), each] as [string, string]] : [],
  );
}
