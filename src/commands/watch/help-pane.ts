import type { StyledLine } from '../../render/styled-line.ts';
import type { FrameSize } from './frame.ts';

const keys: readonly (readonly [key: string, purpose: string])[] = [
  ['q', 'quit'],
  ['p, space', 'pause or resume'],
  ['+  -', 'a longer, a shorter interval'],
  ['b  n', 'sort by bytes, by name'],
  ['r  m  h', 'sort by reads, misses, hit rate (with --hits)'],
  ['arrows', 'choose a namespace; also j and k'],
  ['Enter', 'look into it; Esc leads back'],
  ['Ctrl-L', 'draw everything again'],
  ['Ctrl-Z', 'suspend; fg comes back'],
];

/** The keys; those that matter most on top, for a small screen. */
export function helpLines({ columns }: FrameSize): StyledLine[] {
  return [
    {
      spans: [
        { text: 'Keys', tone: 'title' },
        { text: '   (any key leads back)', tone: 'dim' },
      ],
    },
    ...keys.map(([key, purpose]): StyledLine => ({
      spans: [
        { text: `  ${key.padEnd(10)}`, tone: 'accent' },
        { text: purpose.slice(0, Math.max(0, columns - 12)) },
      ],
    })),
  ];
}
