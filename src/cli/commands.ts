import { defineAcl } from '../commands/acl/command.ts';
import { defineApply } from '../commands/apply/command.ts';
import { defineBench } from '../commands/bench/command.ts';
import { defineCheck } from '../commands/check/command.ts';
import { defineCompletion } from '../commands/completion/command.ts';
import { defineConfig } from '../commands/config/command.ts';
import { defineDiff } from '../commands/diff/command.ts';
import { defineDoctor } from '../commands/doctor/command.ts';
import { defineExport } from '../commands/export/command.ts';
import { defineGet } from '../commands/get/command.ts';
import { defineHits } from '../commands/hits/command.ts';
import { defineInspect } from '../commands/inspect/command.ts';
import { defineInvalidate } from '../commands/invalidate/command.ts';
import { defineKeys } from '../commands/keys/command.ts';
import { defineMetrics } from '../commands/metrics/command.ts';
import { defineMcp } from '../commands/mcp/command.ts';
import { definePrune } from '../commands/prune/command.ts';
import type { DefineCommand } from '../commands/runner.ts';
import { defineReport } from '../commands/report/command.ts';
import { defineSandbox } from '../commands/sandbox/command.ts';
import { defineStats } from '../commands/stats/command.ts';
import { defineTtl } from '../commands/ttl/command.ts';
import { defineUndo } from '../commands/undo/command.ts';
import { defineWarm } from '../commands/warm/command.ts';
import { defineWatch } from '../commands/watch/command.ts';
import { defineWhatif } from '../commands/whatif/command.ts';

/** The commands in the order of the help. */
export const commandDefinitions: readonly DefineCommand[] = [
  defineStats,
  defineWatch,
  defineHits,
  defineWhatif,
  defineInspect,
  defineKeys,
  defineGet,
  defineTtl,
  defineInvalidate,
  defineApply,
  defineUndo,
  definePrune,
  defineWarm,
  defineExport,
  defineDiff,
  defineSandbox,
  defineBench,
  defineCheck,
  defineDoctor,
  defineMetrics,
  defineMcp,
  defineReport,
  defineAcl,
  defineConfig,
  defineCompletion,
];
