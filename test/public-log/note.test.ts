import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkpointText,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpointText,
} from '../../src/public-log/checkpoint.ts';
import {
  createSigner,
  formatVerifierKey,
  NoteError,
  openNote,
  parseVerifierKey,
  signNote,
  verifierKey,
} from '../../src/public-log/note.ts';

/*
 * Published vectors: github.com/golang/mod, sumdb/note/note_test.go (PeterNeumann, EnochRoot), and
 * the example of c2sp.org/signed-note (example.com/foo).
 */
const text =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n";
const peterSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const peterLine =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enochLine =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';

test('a note is signed as in the published vector', async () => {
  const signer = createSigner('PeterNeumann', peterSeed);
  assert.equal(formatVerifierKey(signer), peterKey);
  assert.equal(await signNote(text, signer), `${text}\n${peterLine}`);
});

test('the published example of the specification verifies', () => {
  const key = parseVerifierKey(
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  );
  const note =
    'This is an example message.\n\n' +
    '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
  assert.equal(openNote(note, [key]).text, 'This is an example message.\n');
});

test('signatures of unknown keys are ignored, and one of a known key is required', () => {
  const peter = parseVerifierKey(peterKey);
  const enoch = parseVerifierKey(enochKey);
  const note = `${text}\n${peterLine}${enochLine}`;
  assert.deepEqual(openNote(note, [peter]).signedBy, [peter]);
  assert.deepEqual(openNote(note, [peter, enoch]).signedBy, [peter, enoch]);
  assert.throws(() => openNote(note, []), /no known key/);
  assert.throws(() => openNote(`${text}\n${enochLine}`, [peter]), /no known key/);
});

test('a wrong signature of a known key makes the whole note invalid', () => {
  const keys = [parseVerifierKey(peterKey), parseVerifierKey(enochKey)];
  const wrong = peterLine.replace('ZJku', 'ZJkv');
  assert.throws(() => openNote(`${text}\n${wrong}${enochLine}`, keys), /wrong signature/);
  const changed = text.replace('cryptography', 'Cryptography');
  assert.throws(() => openNote(`${changed}\n${peterLine}`, keys), /wrong signature/);
});

test('malformed notes are refused', () => {
  const keys = [parseVerifierKey(peterKey)];
  const malformed = [
    text,
    `${text}\n`,
    `${text}${peterLine}`,
    `${text}\n${peterLine.trimEnd()}`,
    `${text}\n${peterLine}\n`,
    `${text}\n${peterLine.replace('— ', '- ')}`,
    `${text}\n${peterLine.replace('— ', '—')}`,
    `${text}\n${peterLine.replace('Neumann ', 'Neumann  ')}`,
    `${text}\n${peterLine.replace('=\n', '\n')}`,
    `${text}\n${peterLine.repeat(101)}`,
    `${text.replace('think', '\u0007think')}\n${peterLine}`,
    `\n\n${peterLine.replace('PeterNeumann', 'Peter+Neumann')}`,
    '',
  ];
  for (const note of malformed) assert.throws(() => openNote(note, keys), NoteError, note);
});

test('every changed or shortened verifier key is refused', () => {
  for (let start = 0; start <= peterKey.length; start++) {
    for (let end = start + 1; end <= peterKey.length; end++) {
      if (start === 0 && end === peterKey.length) continue;
      assert.throws(() => parseVerifierKey(peterKey.slice(start, end)), NoteError);
    }
  }
  for (let at = 0; at < peterKey.length; at++) {
    const next = String.fromCharCode(peterKey.charCodeAt(at) + 1);
    const changed = peterKey.slice(0, at) + next + peterKey.slice(at + 1);
    assert.throws(() => parseVerifierKey(changed), NoteError, changed);
  }
  const longKey = 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==';
  const otherType = 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  assert.throws(() => parseVerifierKey(longKey), NoteError);
  assert.throws(() => parseVerifierKey(otherType), NoteError);
});

test('a name of a key has no space and no plus sign', () => {
  const { publicKey } = parseVerifierKey(peterKey);
  for (const name of ['', 'a b', 'a+b', 'a\tb', 'a\u00a0b', 'a\nb']) {
    assert.throws(() => verifierKey(name, publicKey), NoteError, JSON.stringify(name));
  }
});

test('a checkpoint has origin, size and root hash, and may have more lines', async () => {
  const signer = createSigner('PeterNeumann', peterSeed);
  const checkpoint = {
    origin: 'PeterNeumann/campaign',
    size: 20_852_163,
    root: Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'),
    lines: ['restored 2026-11-30T10:00:00Z'],
  };
  const signedText = checkpointText(checkpoint);
  assert.equal(
    signedText,
    'PeterNeumann/campaign\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n' +
      'restored 2026-11-30T10:00:00Z\n',
  );
  const signature = await signer.sign(signedText);
  const { name, keyId } = signer;
  const note = formatCheckpoint({ ...checkpoint, name, keyId, signature });
  assert.equal(note, await signNote(signedText, signer));
  assert.deepEqual(openCheckpoint(note, [signer]), checkpoint);
});

test('malformed checkpoints are refused', () => {
  const good = 'log/1\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
  assert.equal(parseCheckpointText(good).size, 3);
  const malformed = [
    good.trimEnd(),
    good.replace('\n3\n', '\n03\n'),
    good.replace('\n3\n', '\n-3\n'),
    good.replace('log/1', ''),
    good.replace('I=', 'I'),
    good.replace('CsUY', ''),
    `${good}\nmore\n`,
    'log/1\n3\n',
  ];
  for (const one of malformed) assert.throws(() => parseCheckpointText(one), NoteError, one);
});
