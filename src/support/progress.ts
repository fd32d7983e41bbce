/** How work tells that it goes on. The terminal implements it; work itself knows no terminal. */
export interface Progress {
  /** `total` is the expected number of units (`keys`, `records`, …); null where nobody knows it. */
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
