/** A brand of the demo market. Its name is invented and contains a mark of the demo. */
export interface DemoBrand {
  readonly name: string;
  readonly products: readonly DemoProduct[];
}

export interface DemoProduct {
  readonly name: string;
  readonly description: string;
  /** The normal price of one bottle in whole rupiah. */
  readonly basePrice: bigint;
  /** False when campaigns cannot use this product. */
  readonly enabled?: false;
}

/** Eight small perfume brands, like those of an Indonesian marketplace. */
export const demoBrands: readonly DemoBrand[] = [
  {
    name: 'Aroma Nusantara (demo)',
    products: [
      {
        name: 'Melati Senja EDP 50 ml',
        description:
          'Melati putih yang baru mekar selepas magrib, dibalut teh hijau dan sedikit vanila. ' +
          'Lembut di awal, manis tipis di akhir. Tahan sekitar enam jam di kulit.',
        basePrice: 245_000n,
      },
      {
        name: 'Cengkih Maluku EDP 50 ml',
        description:
          'Cengkih kering, pala, dan kayu manis di atas kayu cendana. Hangat dan berani, ' +
          'paling enak dipakai malam hari atau di ruangan ber-AC.',
        basePrice: 275_000n,
      },
      {
        name: 'Pandan Pagi EDT 30 ml',
        description:
          'Wangi pandan yang baru disobek, santan, dan beras hangat. Ringan dan akrab, ' +
          'seperti dapur rumah di hari Minggu.',
        basePrice: 149_000n,
      },
    ],
  },
  {
    name: 'Teras Kenanga (demo)',
    products: [
      {
        name: 'Kenanga Kebaya EDP 50 ml',
        description:
          'Kenanga dan mawar dengan dasar kayu cendana, terinspirasi lemari kebaya nenek. ' +
          'Klasik tanpa terasa tua.',
        basePrice: 289_000n,
      },
      {
        name: 'Sedap Malam EDP 35 ml',
        description:
          'Sedap malam yang pekat dan krimi, ditarik ke atas oleh jeruk purut. ' +
          'Satu semprot cukup untuk semalam.',
        basePrice: 219_000n,
      },
      {
        name: 'Kamboja Basah EDT 50 ml',
        description:
          'Bunga kamboja selepas hujan: segar, sedikit hijau, dengan jejak musk bersih. ' +
          'Cocok untuk kantor.',
        basePrice: 185_000n,
      },
    ],
  },
  {
    name: 'Lereng Cendana (demo)',
    products: [
      {
        name: 'Cendana Timur Ekstrak 30 ml',
        description:
          'Ekstrak kayu cendana dengan kadar tinggi, dilunakkan susu dan daun ara. ' +
          'Dibuat per batch kecil dan dimaserasi delapan minggu.',
        basePrice: 525_000n,
      },
      {
        name: 'Gaharu Asap Ekstrak 30 ml',
        description:
          'Gaharu, tembakau, dan sedikit madu hutan. Gelap dan berasap di awal, ' +
          'lalu manis di kerah baju keesokan harinya.',
        basePrice: 640_000n,
      },
    ],
  },
  {
    name: 'Pesisir Wangi (demo)',
    products: [
      {
        name: 'Garam Laut EDT 50 ml',
        description:
          'Angin laut, garam, dan jeruk nipis di atas kayu apung. Segar tanpa menusuk, ' +
          'enak untuk siang yang panas.',
        basePrice: 179_000n,
      },
      {
        name: 'Kelapa Muda EDT 30 ml',
        description:
          'Air kelapa, daun pisang, dan sedikit gula aren. Manisnya tipis, ' +
          'tidak membuat pusing di angkutan umum.',
        basePrice: 135_000n,
      },
      {
        name: 'Bakau Sore EDP 50 ml',
        description:
          'Vetiver, lumut, dan tanah basah dari tepi hutan bakau. Kering dan maskulin, ' +
          'tapi banyak juga perempuan yang suka.',
        basePrice: 259_000n,
      },
    ],
  },
  {
    name: 'Kedai Kopi Wangi (demo)',
    products: [
      {
        name: 'Kopi Tubruk EDP 50 ml',
        description:
          'Kopi sangrai gelap, kardamom, dan gula merah. Wangi kedai kopi pukul tujuh pagi, ' +
          'tanpa harus begadang.',
        basePrice: 235_000n,
      },
      {
        name: 'Susu Gula Aren EDP 35 ml',
        description:
          'Gula aren, susu hangat, dan kacang tanah panggang. Gourmand yang ramah, ' +
          'favorit pembeli pertama.',
        basePrice: 199_000n,
      },
    ],
  },
  {
    name: 'Langit Hujan (demo)',
    products: [
      {
        name: 'Petrikor Kota EDP 50 ml',
        description:
          'Aspal basah, daun ketapang, dan udara sejuk sesudah hujan pertama. ' +
          'Tidak manis sama sekali.',
        basePrice: 265_000n,
      },
      {
        name: 'Teh Kebun EDT 50 ml',
        description:
          'Pucuk teh, bergamot, dan kabut pegunungan. Bersih dan tenang, ' +
          'cocok untuk yang tidak suka parfum kuat.',
        basePrice: 189_000n,
      },
      {
        name: 'Kabut Pinus EDP 35 ml',
        description:
          'Pinus, kayu putih, dan sedikit dupa. Dingin di semprotan pertama, ' +
          'hangat setelah satu jam.',
        basePrice: 225_000n,
      },
    ],
  },
  {
    name: 'Rumah Rempah (demo)',
    products: [
      {
        name: 'Jahe Merah EDP 50 ml',
        description:
          'Jahe merah, serai, dan kulit jeruk dengan dasar ambar. Hangat dan bersemangat, ' +
          'seperti wedang di malam dingin.',
        basePrice: 229_000n,
      },
      {
        name: 'Nilam Tua EDP 50 ml',
        description:
          'Nilam yang disimpan dua tahun, kakao, dan mawar kering. Untuk yang sudah ' +
          'berteman dengan nilam.',
        basePrice: 315_000n,
      },
    ],
  },
  {
    name: 'Kulit & Benang (demo)',
    products: [
      {
        name: 'Batik Tulis EDP 50 ml',
        description:
          'Malam batik yang hangat, kain katun, dan indigo. Unik, agak berlilin, ' +
          'dan selalu ditanya orang.',
        basePrice: 299_000n,
      },
      {
        name: 'Kulit Jahit EDP 50 ml',
        description:
          'Kulit samak, safron, dan iris. Rapi seperti sepatu baru; masih disempurnakan, ' +
          'belum dibuka untuk Sambatan.',
        basePrice: 339_000n,
        enabled: false,
      },
    ],
  },
];
