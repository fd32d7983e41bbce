import { InvalidArgumentError } from '@commander-js/extra-typings';

/** The parser of an option's value, for values that would leave nothing to observe where they are zero. */
export const aboveZero =
  (parse: (text: string) => number) =>
  (text: string): number => {
    const value = parse(text);
    if (value > 0) return value;
    throw new InvalidArgumentError(`\`${text}\` is nothing; write more than zero`);
  };
