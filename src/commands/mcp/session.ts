import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
  ToolAnnotations,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { InputError } from '../../support/failure.ts';
import { type Progress, silentProgress } from '../../support/progress.ts';
import type { Context, Execution } from '../context.ts';
import { refusal, type Report, reportOf } from './answer.ts';

/** What a client can call. */
export interface Tool<Shape extends z.ZodRawShape> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Shape;
  /** None: it only reads. */
  readonly writes?: Pick<ToolAnnotations, 'destructiveHint' | 'idempotentHint'>;
  /** False: the profile is that of something earlier. */
  readonly hasProfile?: false;
  /** @param profile The one that the call names. @throws InputError for arguments that cannot be used */
  readonly answer: (
    call: z.output<z.ZodObject<Shape>>,
    run: RunCommand,
    profile: string | undefined,
  ) => Promise<CallToolResult>;
}

/** Runs one command for a call. @param profile in place of the one of the call; null: that of the command line */
export type RunCommand = <Result extends object>(
  command: string,
  execution: Execution<Result>,
  profile?: string | null,
) => Promise<Report>;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The calls of one client: one at a time, so that an agent puts no more load on a cache than one command does. */
export class Session {
  private last: Promise<unknown> = Promise.resolve();

  /** @param profiles Those that a call may name. @param ended Aborted when the client has gone. */
  constructor(
    private readonly context: Context,
    private readonly server: McpServer,
    private readonly profiles: readonly string[],
    private readonly ended: AbortSignal,
  ) {}

  add<Shape extends z.ZodRawShape>(tool: Tool<Shape>): void {
    const { name, title, description, input, writes, hasProfile = true } = tool;
    const profile = z.enum(this.profiles).optional().describe('profile of the map to use');
    const inputSchema: z.ZodType<object> = z.strictObject({
      ...input,
      ...(hasProfile && this.profiles.length > 0 && { profile }),
    });
    const annotations = { readOnlyHint: writes === undefined, ...writes, openWorldHint: false };
    this.server.registerTool(name, { title, description, inputSchema, annotations }, (given, extra) =>
      this.inTurn(() => this.answer(tool, given as never, extra)),
    );
  }

  /** Resolves when no call runs any more. */
  async settled(): Promise<void> {
    await this.last;
  }

  private inTurn(work: () => Promise<CallToolResult>): Promise<CallToolResult> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async answer<Shape extends z.ZodRawShape>(
    { answer }: Tool<Shape>,
    given: z.output<z.ZodObject<Shape>> & { readonly profile?: string },
    extra: Extra,
  ): Promise<CallToolResult> {
    const cancelled = new AbortController();
    const cancel = () => cancelled.abort('SIGINT');
    if (extra.signal.aborted) return refusal('the call was cancelled before it began');
    extra.signal.addEventListener('abort', cancel);
    const signal = AbortSignal.any([cancelled.signal, this.ended]);
    const progress = this.progressOf(extra);
    const { profile: named } = given;
    const run: RunCommand = async (command, execution, profile = named) => {
      const terms = { signal, progress, ...(typeof profile === 'string' && { profile }) };
      return reportOf(await this.context.runCaptured(command, execution, terms));
    };
    try {
      return await answer(given, run, named);
    } catch (error) {
      if (error instanceof InputError) return refusal(error.message, error.hint);
      throw error;
    } finally {
      extra.signal.removeEventListener('abort', cancel);
    }
  }

  /** Sent to the client where it has asked for it, and not more often than it can be read. */
  private progressOf({ _meta, sendNotification }: Extra): Progress {
    const progressToken = _meta?.progressToken;
    if (progressToken === undefined) return silentProgress;
    const { now } = this.context;
    let [message, before, last, sentAt] = ['', 0, 0, 0];
    const send = () => {
      sentAt = now();
      const params = { progressToken, progress: before + last, message };
      // A client that has gone is seen at the end of its input.
      sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
    };
    return {
      start(label, unit, total) {
        // What is sent must grow, and each part of the work counts from zero.
        [before, last] = [before + last + 1, 0];
        message = `${label}${total === null ? '' : ` (${total} ${unit})`}`;
        send();
      },
      update(done) {
        if (done <= last || now() - sentAt < leastMillis) return;
        last = done;
        send();
      },
      stop: () => undefined,
    };
  }
}

const leastMillis = 250;
