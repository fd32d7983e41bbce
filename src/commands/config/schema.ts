import { jsonSchemaOf } from '../../config/schema.ts';
import type { Execution } from '../context.ts';

interface SchemaResult {
  readonly schema: object;
}

export function schemaExecution(): Execution<SchemaResult> {
  return {
    blank: { schema: null },
    standalone: true,
    oneTable: true,
    run: () => Promise.resolve({ result: { schema: jsonSchemaOf() } }),
    view: ({ schema }) => [{ kind: 'text', name: 'schema', text: JSON.stringify(schema, null, 2) }],
  };
}
