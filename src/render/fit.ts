import { displayWidth, endOf, startOf } from './width.ts';

/** What a text is fitted to: a terminal without Unicode has other forms for some characters. */
interface CharacterStyle {
  readonly unicode: boolean;
}

/** Characters of our own sentences and figures that a terminal without Unicode has in another form. */
const plainForms: Readonly<Record<string, string>> = { '…': '...', '’': "'", µ: 'u' };

export function plainWhereNeeded(text: string, { unicode }: CharacterStyle): string {
  return unicode ? text : text.replace(/[…’µ]/g, (character) => plainForms[character] ?? character);
}

/** Cuts in the middle: the start and the end of a key tell the most. */
export function cut(text: string, width: number, style: CharacterStyle): string {
  if (displayWidth(text) <= width) return text;
  const mark = style.unicode ? '…' : '..';
  const head = Math.ceil((width - mark.length) * 0.6);
  return startOf(text, head) + mark + endOf(text, width - mark.length - head);
}
