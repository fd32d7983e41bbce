/** How work reports its progress. The terminal implements it; work itself knows no terminal. */
export interface Progress {
  /** `total` is the expected number of units (`keys`, `records`, …); null where it is not known. */
  start(label: string, unit: string, total: number | null): void;
  /** `done` counts from zero since `start`. */
  update(done: number): void;
  stop(): void;
}

export const silentProgress: Progress = {
  start: () => undefined,
  update: () => undefined,
  stop: () => undefined,
};
