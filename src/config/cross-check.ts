import { parseDuration } from './quantity.ts';
import type { ConfigFile } from './schema.ts';

export interface LocatedRemark {
  readonly path: readonly string[];
  readonly message: string;
}

/** What a schema cannot say: names that must exist, placeholders that must be there, and bounds in order. */
export function crossCheck(config: ConfigFile): LocatedRemark[] {
  return [...entityProblems(config), ...rangeProblems(config), ...profileProblems(config)];
}

function entityProblems(config: ConfigFile): LocatedRemark[] {
  const known = Object.keys(config.namespaces ?? {});
  return Object.entries(config.entities ?? {}).flatMap(([name, entity]) => [
    ...entity.patterns.flatMap((pattern, index) =>
      pattern.includes('<id>')
        ? []
        : [
            {
              path: ['entities', name, 'patterns', String(index)],
              message: `\`${pattern}\` has no <id>: it would remove the keys of every ${name}`,
            },
          ],
    ),
    ...(entity.hashedIn ?? []).flatMap((namespace, index) =>
      known.includes(namespace)
        ? []
        : [
            {
              path: ['entities', name, 'hashedIn', String(index)],
              message: `there is no namespace \`${namespace}\``,
            },
          ],
    ),
  ]);
}

function rangeProblems(config: ConfigFile): LocatedRemark[] {
  const seconds = (value: number | string) => (typeof value === 'number' ? value : parseDuration(value));
  return Object.entries(config.namespaces ?? {}).flatMap(([name, { ttl }]) =>
    typeof ttl === 'object' && 'min' in ttl && seconds(ttl.min) > seconds(ttl.max)
      ? [
          {
            path: ['namespaces', name, 'ttl'],
            message: `min \`${ttl.min}\` is longer than max \`${ttl.max}\``,
          },
        ]
      : [],
  );
}

function profileProblems({ defaultProfile, profiles }: ConfigFile): LocatedRemark[] {
  const names = Object.keys(profiles ?? {});
  if (defaultProfile === undefined || names.includes(defaultProfile)) return [];
  const known = names.length > 0 ? `; profiles are: ${names.join(', ')}` : '';
  return [{ path: ['defaultProfile'], message: `there is no profile \`${defaultProfile}\`${known}` }];
}
