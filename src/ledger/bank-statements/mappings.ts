import bca from './mappings/bca.json' with { type: 'json' };
import bcaEnglish from './mappings/bca-en.json' with { type: 'json' };
import generic from './mappings/generic.json' with { type: 'json' };
import mandiri from './mappings/mandiri.json' with { type: 'json' };
import type { Mapping } from './types.ts';

/** Mappings that need no operator; each is a file of data that names its public evidence. */
export const builtInMappings: readonly Mapping[] = [
  generic,
  bca as Mapping,
  bcaEnglish as Mapping,
  mandiri as Mapping,
];
