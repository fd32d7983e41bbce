import type { Execution } from '../context.ts';
import { completionScript } from './scripts.ts';
import type { Shell } from './shells.ts';

interface ScriptResult {
  readonly shell: Shell;
  readonly script: string;
}

export function completionExecution(shell: Shell): Execution<ScriptResult> {
  return {
    blank: { shell: null, script: null },
    standalone: true,
    oneTable: true,
    run: () => Promise.resolve({ result: { shell, script: completionScript(shell) } }),
    view: ({ script }) => [{ kind: 'text', name: 'script', text: script }],
  };
}
