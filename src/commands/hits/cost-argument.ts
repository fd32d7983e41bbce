import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { CostLimit } from '../../traffic/observe.ts';

/** `80%` of a core, or `50000` operations per second. commander puts the option's name in front of what it says. */
export function costArgument(text: string): CostLimit {
  const [, amount, percent] = /^(\d[\d_,]*(?:\.\d+)?)\s*(%|\/s)?$/.exec(text.trim()) ?? [];
  const value = Number((amount ?? '').replaceAll(/[_,]/g, ''));
  if (amount === undefined || !(value > 0)) {
    throw new InvalidArgumentError(
      `\`${text}\` is no cost; write 80% (of a core), or 50000 (operations per second)`,
    );
  }
  return percent === '%' ? { kind: 'cpu', share: value / 100 } : { kind: 'operations', perSecond: value };
}
