import { printable } from './printable.ts';

/** Markup; made by `html` alone, so that no text gets into a page as markup. */
export class Html {
  constructor(readonly markup: string) {}
}

type Content = Html | string | number | null | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};

/** A text as it is safe in an element and in a quoted attribute, on one line, with characters that hide or reorder escaped. */
const escaped = (text: string): string => printable(text).replace(/[&<>"']/g, (each) => entities[each] ?? '');

const markupOf = (content: Content): string =>
  content instanceof Html
    ? content.markup
    : content === null
      ? ''
      : typeof content === 'object'
        ? content.map(markupOf).join('')
        : escaped(String(content));

/** Markup with contents put in: texts and numbers escaped, a list one after the other, null as nothing. */
export const html = (parts: TemplateStringsArray, ...contents: readonly Content[]): Html =>
  new Html(parts.map((part, index) => part + markupOf(contents[index] ?? null)).join(''));
