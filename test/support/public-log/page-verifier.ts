/** A finding of the script of the page that checks receipts; `word` names its message. */
export interface PageFinding {
  look: 'good' | 'busy' | 'bad' | 'compare';
  word: string;
  values: Record<string, unknown>;
}

type ReadLog = (path: string, campaignId?: string) => Promise<Uint8Array | undefined>;

interface PageScript {
  verifyLog(texts: string[], read: ReadLog): Promise<PageFinding[]>;
  unreachable(): Error;
}

/** The part of the page's script that needs no page. It is plain JavaScript without types. */
const script = new URL('../../../src/web/assets/script/verify-log.js', import.meta.url);
export const { verifyLog, unreachable } = (await import(script.href)) as PageScript;

/** Reads a log like the page does, from the service at `url`. */
export function readFrom(url: string): ReadLog {
  return async (path, campaignId) => {
    const folder = campaignId ? `api/sambatan/campaigns/${campaignId}/log` : '.well-known';
    const answer = await fetch(`${url}/${folder}/${path}`);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw unreachable();
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/** The names of the findings that are wrong or could not be checked. */
export const faultsOf = (findings: PageFinding[]): string[] =>
  findings.filter(({ look }) => look === 'bad' || look === 'busy').map(({ word }) => word);
