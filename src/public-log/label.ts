/**
 * The words of labels, one for each value of a byte: Indonesian words that are easy to say, mean
 * nothing offensive, and differ from each other in at least two letters. The order is part of the
 * format of labels, so it never changes.
 */
const words = `
  air akar alam amplop anggrek anggur angin angsa apel arang arloji arus atap awan ayunan baju
  bakau bakso balkon bambu bandeng bangau bantal baris batik bawang bayam beduk benang benih
  beras berita bintang bola boneka buah bubur buku bulan bunga burung cabai cahaya candi cangkir
  cemara cendana cengkih cermin cincin coklat cuaca dahan danau dapur daun delima dompet dongeng
  dunia durian ekor elang emas ember embun fajar foto gajah gambar gamelan gandum garam gasing
  gedung gelas gerbang gerimis gitar gula gunung gurame halaman handuk harimau hujan ikan intan
  irama jagung jahe jalan jamu jarum jati jembatan jendela jeruk jukung kabut kaca kado kain
  kaktus kalung kamboja kancil kapal kartu kayu kebun kecap kelapa kelinci kemiri kenanga kentang
  kepiting keramik kereta kertas ketupat kijang kipas kolam kompas kopi kota kuda kunci kunyit
  kursi labu ladang lampu langit lapis laut lebah lemari lentera lilin lontar lukisan madu magnet
  mahkota mangga matahari mawar meja melati melon menara mentega merpati mobil musik mutiara nada
  nanas nangka nasi nyiur obor ombak onde pabrik padi pala panah pandan pantai pasar payung
  pelangi pelita pena pensil pepaya perahu perak pesawat piano pinang pintu piring pohon pulau
  puncak purnama radio raket rambutan rebana rembulan rempah rendang rimba roda rotan roti rubah
  rumput rusa sabun sagu salak salju samudra sarung sate sawah sawo sayap sayur sekolah selat
  selimut semangka senja senyum sepatu sepeda sirup sisir sungai surat surya tahu taman tambang
  tari tebu teh telaga teluk tembaga tempe tenda tenun teratai timur tirai tomat tupai udang
  udara vanila waktu wangi warna wayang wortel zaitun zamrud
`
  .trim()
  .split(/\s+/);

/** The number of words in a label. */
const wordsInLabel = 4;

/**
 * Returns the label of a checkpoint: four words from the first four bytes of its root hash. It helps
 * people to talk about a checkpoint. It is too short to compare two checkpoints.
 */
export function labelOf(root: Uint8Array): string {
  return [...root.subarray(0, wordsInLabel)].map((byte) => words[byte]!).join(' ');
}

/** All words of labels; the word of a byte is at its index. */
export const labelWords: readonly string[] = words;
