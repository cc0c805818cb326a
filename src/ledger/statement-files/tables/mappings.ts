import bca from './mappings/bca.json' with { type: 'json' };
import bcaEn from './mappings/bca-en.json' with { type: 'json' };
import bniDirect from './mappings/bni-direct.json' with { type: 'json' };
import bniMobile from './mappings/bni-mobile.json' with { type: 'json' };
import bniStatement from './mappings/bni-statement.json' with { type: 'json' };
import briCms from './mappings/bri-cms.json' with { type: 'json' };
import briIb from './mappings/bri-ib.json' with { type: 'json' };
import bsi from './mappings/bsi.json' with { type: 'json' };
import cimb from './mappings/cimb.json' with { type: 'json' };
import generic from './mappings/generic.json' with { type: 'json' };
import mandiriKopra from './mappings/mandiri-kopra.json' with { type: 'json' };
import mandiriLivin from './mappings/mandiri-livin.json' with { type: 'json' };
import mandiriMcm from './mappings/mandiri-mcm.json' with { type: 'json' };
import mandiriNominal from './mappings/mandiri-nominal.json' with { type: 'json' };
import mandiriStatement from './mappings/mandiri-statement.json' with { type: 'json' };
import permata from './mappings/permata.json' with { type: 'json' };
import tableEn from './mappings/table-en.json' with { type: 'json' };
import table from './mappings/table.json' with { type: 'json' };
import type { Mapping } from '../values/types.ts';

/**
 * Built-in mappings. Each is a JSON file that names the public importer or sample file on which it
 * is based. If two mappings fit a heading row equally well, the first one is used.
 */
export const builtInMappings = [
  bca,
  bcaEn,
  mandiriKopra,
  mandiriMcm,
  mandiriStatement,
  mandiriLivin,
  mandiriNominal,
  briCms,
  briIb,
  bniDirect,
  bniStatement,
  bniMobile,
  bsi,
  cimb,
  permata,
  generic,
  table,
  tableEn,
] as readonly Mapping[];

/**
 * The formats that an import can request: `auto` recognises the format, and each other value is a
 * bank's format.
 */
export const statementFormats = [
  'auto',
  'generic',
  'bca',
  'mandiri',
  'bri',
  'bni',
  'bsi',
  'cimb',
  'permata',
] as const;
export type StatementFormat = (typeof statementFormats)[number];

/** The mappings of a format, for `readStatement`. */
export function mappingsOf(format: StatementFormat): readonly Mapping[] {
  return format === 'auto'
    ? builtInMappings
    : builtInMappings.filter(({ bank }) => bank === format);
}
