import { type Client, findClients } from './contenders.ts';

/** A client as the beginning of shell pipes. */
export interface PipePeer {
  /** `valkey-cli` */
  readonly program: string;
  /** `valkey-cli --count 1000` */
  readonly name: string;
  /** The client on the server's port; a command follows. */
  call(port: number): string;
  /** The keys of the pattern, a line each. */
  scan(port: number, pattern: string): string;
}

interface PipePeers {
  readonly list: readonly PipePeer[];
  /** Which versions take part, with the size of their pages, and what does not and why; a line each. */
  readonly remarks: readonly string[];
}

const pageKeys = 1000;

/** @param skipSlow leaves out those whose pages are of ten keys */
export function findPipePeers(skipSlow: boolean): PipePeers {
  const { clients, remarks } = findClients();
  const list: PipePeer[] = [];
  for (const client of clients) {
    if (skipSlow && !client.takesCount) {
      remarks.push(`left out by --skip-slow: ${client.version}, whose pages are of ten keys`);
      continue;
    }
    list.push(pipePeerOf(client));
    remarks.push(`${client.version}: SCAN COUNT ${client.takesCount ? pageKeys : '10 (fixed)'}`);
  }
  return { list, remarks };
}

function pipePeerOf({ program, command, takesCount }: Client): PipePeer {
  const count = takesCount ? ` --count ${pageKeys}` : '';
  const call = (port: number) => `${shellWord(command)} -p ${port}`;
  return {
    program,
    name: `${program}${count}`,
    call,
    scan: (port, pattern) => `${call(port)} --scan --pattern ${shellWord(pattern)}${count}`,
  };
}

export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
