import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { binary, cleanEnvironment, requireBundle } from '../server/binary.ts';
import { atEnd, temporaryFolder } from '../server/own.ts';

/** What a client gets of a call. */
export interface Answer {
  readonly isError: boolean;
  readonly text: string;
  /** What the program says itself. */
  readonly content: Readonly<Record<string, unknown>>;
  /** What was read from the cache. */
  readonly untrusted: Readonly<Record<string, unknown>>;
}

export interface Agent {
  readonly client: Client;
  readonly transport: StdioClientTransport;
  readonly call: (
    name: string,
    input?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ) => Promise<Answer>;
  /** What the server has printed on stderr. */
  readonly stderr: () => string;
}

/** Starts the built `cachectl mcp` as a client of the protocol does. */
export async function startAgent(
  args: readonly string[],
  { home = temporaryFolder(), env = {} }: { home?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Agent> {
  requireBundle();
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [binary, 'mcp', ...args],
    cwd: home,
    env: cleanEnvironment(home, env),
    stderr: 'pipe',
  });
  const client = new Client({ name: 'test', version: '1' });
  const errors: Buffer[] = [];
  transport.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  await client.connect(transport);
  atEnd(() => client.close());
  return {
    ...{ client, transport, stderr: () => Buffer.concat(errors).toString() },
    async call(name, input = {}, options = {}) {
      const result = await client.callTool({ name, arguments: { ...input } }, undefined, {
        timeout: 120_000,
        ...options,
      });
      const [first] = result.content as { text: string }[];
      const content = (result.structuredContent ?? {}) as Record<string, unknown>;
      return {
        ...{ isError: result.isError === true, text: first?.text ?? '', content },
        untrusted: (content['untrusted'] ?? {}) as Record<string, unknown>,
      };
    },
  };
}
