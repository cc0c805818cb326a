/**
 * Shows how far long work is, on standard error: one line that is written over on a terminal, a
 * line now and then elsewhere. Call the result with how much is done, and `end` when it is over.
 */
export function showProgress(what: string, total: number | undefined) {
  const onTerminal = process.stderr.isTTY;
  const everyMs = onTerminal ? 100 : 5_000;
  let shownAt = performance.now();
  const line = (done: number) => `${what}: ${done}${total === undefined ? '' : ` of ${total}`}`;
  return {
    at(done: number): void {
      if (performance.now() - shownAt < everyMs) return;
      shownAt = performance.now();
      process.stderr.write(onTerminal ? `\r${line(done)}` : `${line(done)}\n`);
    },
    end(): void {
      if (onTerminal) process.stderr.write('\r\x1b[K');
    },
  };
}
