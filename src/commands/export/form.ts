import { InputError } from '../../support/failure.ts';

export const exportForms = ['ndjson', 'json', 'archive'] as const;
export type ExportForm = (typeof exportForms)[number];

const formsByEnding: Readonly<Record<string, ExportForm>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  archive: 'archive',
  cachectl: 'archive',
};

/** The form that was asked for, else that of the file's name, a .gz behind it aside. @throws InputError where neither names one */
export function exportFormOf(form: ExportForm | undefined, file: string | undefined): ExportForm {
  if (form !== undefined) return form;
  if (file === undefined) return 'ndjson';
  const [, ending = ''] = /\.([^./]+)$/.exec(file.replace(/\.gz$/i, '')) ?? [];
  const found = formsByEnding[ending.toLowerCase()];
  if (found !== undefined) return found;
  throw new InputError(
    `the name \`${file}\` does not show the form`,
    'end it in .ndjson, .json or .archive, or add --form ndjson|json|archive',
  );
}
