/** Characters that JSON leaves as they are and a terminal would act on, or not show: C1 controls, and format characters. */
const unsafe = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu;

/** The value as JSON in which no terminal finds anything to act on; a reader gets the same value. */
export function jsonText(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, null, indent));
}

/** The same for a text that is JSON already. */
export function escapeJson(text: string): string {
  return text.replace(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => unitEscape(character.charCodeAt(at))).join(''),
  );
}

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
