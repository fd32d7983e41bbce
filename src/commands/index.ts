import { defineApply } from './apply/command.ts';
import { defineBench } from './bench/command.ts';
import { defineCheck } from './check/command.ts';
import { defineCompletion } from './completion/command.ts';
import { defineConfig } from './config/command.ts';
import { defineDiff } from './diff/command.ts';
import { defineExport } from './export/command.ts';
import { defineGet } from './get/command.ts';
import { defineHits } from './hits/command.ts';
import { defineInspect } from './inspect/command.ts';
import { defineInvalidate } from './invalidate/command.ts';
import { defineKeys } from './keys/command.ts';
import { definePrune } from './prune/command.ts';
import type { DefineCommand } from './runner.ts';
import { defineSandbox } from './sandbox/command.ts';
import { defineStats } from './stats/command.ts';
import { defineTtl } from './ttl/command.ts';
import { defineUndo } from './undo/command.ts';
import { defineWarm } from './warm/command.ts';
import { defineWatch } from './watch/command.ts';

/** The commands in the order of the help. */
export const commandDefinitions: readonly DefineCommand[] = [
  defineStats,
  defineWatch,
  defineHits,
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
  defineConfig,
  defineCompletion,
];
