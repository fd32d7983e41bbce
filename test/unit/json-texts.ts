import fc from 'fast-check';

const digits = fc.stringMatching(/^[0-9]{1,25}$/);
const escape = fc.oneof(
  fc.constantFrom(
    ...String.raw`\" \\ \/ \b \f \n \r \t \u0000 \u00e9 \u00E9 \ud83d\ude00 \u003cid\u003e`.split(' '),
  ),
  fc.constantFrom('é', '🙂', ' ', '  ', 'a', '1', '{', '[', ',', ':', '\u007f', '\u2028'),
);

/** A number as JSON may write it, also beyond any double. */
export const jsonNumbers = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(
      fc.constant('0'),
      digits.map((text) => text.replace(/^0+/, '') || '0'),
    ),
    fc.option(digits, { nil: '' }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-0'), fc.integer({ min: 0, max: 999 })), {
      nil: undefined,
    }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      sign + whole + (fraction === '' ? '' : `.${fraction}`) + (exponent?.join('') ?? ''),
  );

/** A string as JSON may write it, in quotes; half a surrogate pair only where `withHalves`. */
export const jsonStrings = (withHalves: boolean) =>
  fc
    .array(withHalves ? fc.oneof(escape, fc.constantFrom(String.raw`\ud800`, String.raw`\udfff`)) : escape, {
      maxLength: 6,
    })
    .map((parts) => `"${parts.join('')}"`);

const space = fc.constantFrom('', '', ' ', '\n', '\t ', '\r\n');

/** A JSON text with its compact form; names may come twice. */
export interface JsonText {
  readonly text: string;
  readonly compact: string;
}

const leaf = fc
  .oneof(jsonNumbers, jsonStrings(true), fc.constantFrom('true', 'false', 'null'))
  .map((text): JsonText => ({ text, compact: text }));

const spaced = (inner: fc.Arbitrary<JsonText>) =>
  fc
    .tuple(space, inner, space)
    .map(([before, { text, compact }, after]): JsonText => ({ text: before + text + after, compact }));

const joined = (open: string, parts: readonly JsonText[], close: string): JsonText => ({
  text: open + parts.map(({ text }) => text).join(',') + close,
  compact: open + parts.map(({ compact }) => compact).join(',') + close,
});

/** Any JSON, as a person or a program may have written it. */
export const jsonTexts: fc.Arbitrary<JsonText> = fc.letrec<{ any: JsonText }>((tie) => {
  const member = fc
    .tuple(space, jsonStrings(true), space, spaced(tie('any')))
    .map(([before, name, after, value]): JsonText => ({
      text: `${before}${name}${after}:${value.text}`,
      compact: `${name}:${value.compact}`,
    }));
  return {
    any: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      fc.array(spaced(tie('any')), { maxLength: 4 }).map((parts) => joined('[', parts, ']')),
      fc.array(member, { maxLength: 4 }).map((parts) => joined('{', parts, '}')),
      fc.constant<JsonText>({ text: '[ ]', compact: '[]' }),
    ),
  };
}).any;

/** An array or an object. */
export const jsonStructures = jsonTexts.filter(({ text }) => /^[[{]/.test(text));
