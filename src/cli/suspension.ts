/**
 * Runs work during which Ctrl-Z and SIGTSTP do not stop the process, and says so at the first of them. SIGSTOP cannot be
 * caught.
 * @param warn called once, however many works there are
 */
export function suspensionGuard(warn: (text: string) => void): <T>(work: () => Promise<T>) => Promise<T> {
  let warned = false;
  const onSuspend = () => {
    if (warned) return;
    warned = true;
    warn('cannot be suspended while it observes: the server would keep its traffic for it; Ctrl-C ends it');
  };
  return async (work) => {
    process.on('SIGTSTP', onSuspend);
    try {
      return await work();
    } finally {
      process.off('SIGTSTP', onSuspend);
    }
  };
}
