/** Options of a QR code. */
export interface QrCodeOptions {
  /** The redundancy of the code: `M` for codes on paper, `L` for long texts on a screen. */
  readonly errorCorrectionLevel: 'L' | 'M';
  /** The width of the empty margin, in modules. */
  readonly margin: number;
}

const usual: QrCodeOptions = { errorCorrectionLevel: 'M', margin: 2 };

/**
 * Returns the QR code of a text as SVG. The library is loaded for the first code, because most
 * processes start without needing one soon.
 */
export async function qrCode(text: string, options = usual): Promise<string> {
  const { toString } = await import('qrcode');
  return await toString(text, { ...options, type: 'svg' });
}
