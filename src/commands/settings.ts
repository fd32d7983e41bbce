/** A resolved setting, as `config show` prints it. */
export interface Setting {
  readonly name: string;
  /** Masked where it is a secret. */
  readonly value: string | null;
  /** `--url`, `REDIS_URL`, `profile prod`, `default`, … */
  readonly origin: string;
}
