import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPlan } from '../../changes/plan-file.ts';
import { InputError } from '../../support/failure.ts';

/** A plan that was made for this client. */
interface MadePlan {
  readonly file: string;
  readonly mode: 'unlink' | 'soft';
  /** Of the call that it was made by; null: that of the command line. */
  readonly profile: string | null;
  readonly madeAt: number;
}

/** What is older is not what the cache is any more. */
const mostMinutes = 15;

/** The plans of one client. Their files are its own, and go with it. */
export class Plans {
  private readonly made = new Map<string, MadePlan>();
  private folder: string | null = null;

  /** @param now Milliseconds since the epoch. */
  constructor(
    private readonly now: () => number,
    private readonly signal: AbortSignal,
  ) {}

  /** A file for the next plan. */
  nextFile(): string {
    // Private to this user as the system makes it.
    this.folder ??= mkdtempSync(join(tmpdir(), 'cachectl-mcp-'));
    return join(this.folder, `${crypto.randomUUID()}.plan`);
  }

  /** @returns its id, which no other plan has. @throws InputError */
  async add(plan: Omit<MadePlan, 'madeAt'>): Promise<string> {
    const { id } = await loadPlan(plan.file, plan.file, this.signal);
    this.made.set(id, { ...plan, madeAt: this.now() });
    return id;
  }

  /** @throws InputError for one that was not made here, is too old, or is not as it was made */
  async find(id: string): Promise<MadePlan> {
    const plan = this.made.get(id);
    const again = 'make one with plan_invalidation';
    if (plan === undefined) throw new InputError(`there is no plan \`${id}\` of this session`, again);
    if (this.now() - plan.madeAt > mostMinutes * 60_000)
      throw new InputError(`plan \`${id}\` is older than ${mostMinutes} minutes`, again);
    const found = await loadPlan(plan.file, id, this.signal);
    if (found.id !== id) throw new InputError(`the file of plan \`${id}\` was changed`, again);
    return plan;
  }

  remove(): void {
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true });
  }
}
