declare module 'mailparser' {
  /** The fields of an e-mail that the tests read. */
  export interface ParsedMail {
    readonly to?: { readonly text: string } | readonly { readonly text: string }[];
    readonly subject: string;
    readonly text: string;
    readonly html: string;
    readonly messageId: string;
    readonly headers: ReadonlyMap<string, unknown>;
    readonly to: { readonly text: string } | readonly { readonly text: string }[];
  }
  export function simpleParser(source: Buffer): Promise<ParsedMail>;
}
