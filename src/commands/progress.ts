/**
 * Shows the progress of long work on standard error. On a terminal it rewrites one line; otherwise
 * it writes a line from time to time. Report progress with `at`, and call `end` afterwards.
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
