import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expositionOf, expositionType } from '../../render/exposition.ts';
import { printable } from '../../render/printable.ts';
import { InputError } from '../../support/failure.ts';
import type { Context } from '../context.ts';
import type { MetricsTarget } from './target.ts';

/** Where to listen. */
export interface ListenPlace {
  readonly host: string;
  readonly port: number;
}

/** The target of this name, of null the one of the run; undefined: there is none. */
export type TargetNamed = (name: string | null) => MetricsTarget | undefined;

/** Serves `/metrics` until the run is interrupted, and prints where. @throws InputError where it cannot listen there */
export async function serve(context: Context, place: ListenPlace, targetNamed: TargetNamed): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, targetNamed, context.environment.version)
      .catch((error: unknown) => answerOf(500, `${error instanceof Error ? error.message : String(error)}\n`))
      .then(({ status, type, text }) =>
        response.writeHead(status, { 'content-type': type }).end(bodyOf(request, text)),
      )
      .catch(() => response.destroy());
  });
  await listen(server, place);
  try {
    await context.write(`${urlOf(server.address() as AddressInfo)}/metrics\n`);
    if (!context.signal.aborted) await once(context.signal, 'abort');
  } finally {
    await close(server);
  }
}

async function listen(server: Server, { host, port }: ListenPlace): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const cause = {
      EADDRINUSE: 'another program does',
      EACCES: 'this user may not',
      EADDRNOTAVAIL: 'it is no address of this machine',
    }[code];
    throw new InputError(`--listen: cannot listen on ${host}:${port}: ${cause ?? message}`);
  }
}

/** How long answers that are on their way may take at the end. */
const lastAnswersMillis = 1000;

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), lastAnswersMillis);
  await closed;
  clearTimeout(timer);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const answerOf = (status: number, text: string, type = 'text/plain; charset=utf-8'): Answer => ({
  status,
  type,
  text,
});

const bodyOf = ({ method }: IncomingMessage, text: string) => (method === 'HEAD' ? '' : text);

async function answer(request: IncomingMessage, targetNamed: TargetNamed, version: string): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return answerOf(405, 'only GET and HEAD\n');
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (pathname) {
    case '/':
      return answerOf(200, `cachectl ${version}: metrics are at /metrics\n`);
    case '/healthz':
      return answerOf(200, 'ok\n');
    case '/metrics':
      return metricsOf(searchParams.get('target'), targetNamed);
    default:
      return answerOf(404, 'metrics are at /metrics\n');
  }
}

async function metricsOf(name: string | null, targetNamed: TargetNamed): Promise<Answer> {
  const target = targetNamed(name);
  if (target === undefined)
    return answerOf(404, `there is no profile \`${printable(name ?? '')}\` in the map\n`);
  await target.readInTime();
  return answerOf(200, await expositionOf(target.families()), expositionType);
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
