import { defineBench } from './bench.ts';
import { defineCheck } from './check.ts';
import { defineInspect } from './inspect.ts';
import type { DefineCommand } from './runner.ts';
import { defineTtl } from './ttl.ts';
import { defineWarm } from './warm/command.ts';

/** The commands in the order of the help. */
export const commandDefinitions: readonly DefineCommand[] = [defineInspect, defineTtl, defineWarm, defineCheck, defineBench];
