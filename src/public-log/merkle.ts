import { hash } from 'node:crypto';

// Merkle trees as in RFC 6962, section 2.1, with SHA-256. Sizes and indexes are integers up to 2^40.

/** The length of a hash in bytes. */
export const hashBytes = 32;
/** The largest accepted size. Up to here, Math.log2 distinguishes each number from its neighbours. */
const maxSize = 2 ** 40;

const leafPrefix = Buffer.of(0);
/** The bytes of the node that is being hashed: allocating them costs a third of a hash. */
const nodeBytes = Buffer.alloc(1 + 2 * hashBytes);
nodeBytes[0] = 1;

/** Returns the hash of a leaf: SHA-256(0x00 ‖ record). */
export function leafHash(record: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([leafPrefix, record]), 'buffer');
}

/** Returns the hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== hashBytes || right.length !== hashBytes) throw new Error('not a hash');
  nodeBytes.set(left, 1);
  nodeBytes.set(right, 1 + hashBytes);
  return hash('sha256', nodeBytes, 'buffer');
}

/** Returns the root of a tree without leaves: the hash of no bytes. */
export const emptyRoot = (): Buffer => hash('sha256', Buffer.alloc(0), 'buffer');

/** A complete subtree: its hash, and its height (0 for a leaf). */
interface Peak {
  readonly height: number;
  readonly hash: Buffer;
}

/**
 * The right edge of a growing tree: the hashes of its complete subtrees, largest first. A tree with
 * a million leaves has at most 20 of them. They suffice to append leaves and to compute the root.
 */
export class Frontier {
  readonly #peaks: Peak[];
  #size: number;

  /**
   * `size` is the number of leaves, and `bytes` are the hashes that `toBytes` returned. Throws when
   * their number does not fit the size.
   */
  constructor(size = 0, bytes: Uint8Array = new Uint8Array()) {
    const heights = peakHeights(size);
    if (bytes.length !== heights.length * hashBytes) {
      throw new Error(`a tree of ${size} leaves has ${heights.length} complete subtrees`);
    }
    this.#size = size;
    this.#peaks = heights.map((height, index) => ({ height, hash: hashAt(bytes, index) }));
  }

  /** The number of leaves. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends a leaf. Calls `onSubtree` with each subtree that the leaf completes: its height, its
   * number among the subtrees of that height, and its hash.
   */
  append(
    leaf: Buffer,
    onSubtree?: (height: number, index: number, subtreeHash: Buffer) => void,
  ): void {
    let peak: Peak = { height: 0, hash: leaf };
    this.#size++;
    while (this.#peaks.at(-1)?.height === peak.height) {
      const left = this.#peaks.pop()!;
      peak = { height: peak.height + 1, hash: nodeHash(left.hash, peak.hash) };
      onSubtree?.(peak.height, this.#size / 2 ** peak.height - 1, peak.hash);
    }
    this.#peaks.push(peak);
  }

  /** Returns the root hash of the tree. */
  root(): Buffer {
    return joinPeaks(this.#peaks.map((peak) => peak.hash));
  }

  /** Returns the hashes of the complete subtrees, largest first, for the constructor. */
  toBytes(): Buffer {
    return Buffer.concat(this.#peaks.map((peak) => peak.hash));
  }
}

/** Returns the root hash of a tree with these leaf hashes. */
export function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(Buffer.from(leaf));
  return frontier.root();
}

/** Splits concatenated hashes. Throws when the length is not a multiple of 32. */
export function splitHashes(bytes: Uint8Array): Buffer[] {
  if (bytes.length % hashBytes !== 0) throw new Error(`${bytes.length} bytes are no hashes`);
  return Array.from({ length: bytes.length / hashBytes }, (_, index) => hashAt(bytes, index));
}

/** Returns a view of one of the concatenated hashes; copying it would cost as much as hashing. */
function hashAt(bytes: Uint8Array, index: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + index * hashBytes, hashBytes);
}

/** The heights of the complete subtrees of a tree, largest first: the set bits of its size. */
function peakHeights(size: number): number[] {
  if (!isIndex(size)) throw new Error(`${size} is no size of a tree`);
  const bits = size.toString(2);
  return [...bits].flatMap((bit, index) => (bit === '1' ? [bits.length - 1 - index] : []));
}

/** Hashes complete subtrees, largest first, into the root of the tree that they form. */
export function joinPeaks(peaks: readonly Uint8Array[]): Buffer {
  const last = peaks.at(-1);
  if (last === undefined) return emptyRoot();
  return peaks
    .slice(0, -1)
    .reduceRight<Buffer>((right, left) => nodeHash(left, right), Buffer.from(last));
}

/**
 * Computes the root of a tree from a leaf hash and its inclusion proof (RFC 9162, section 2.1.3.2).
 * Returns undefined when the proof has a wrong number of hashes, or the index is not in the tree.
 */
export function rootFromInclusionProof(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Buffer | undefined {
  if (!isIndex(index) || !isIndex(size) || index >= size) return undefined;
  if ([leaf, ...proof].some((one) => one.length !== hashBytes)) return undefined;
  let node = index;
  let last = size - 1;
  let root: Buffer = Buffer.from(leaf);
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (isOdd(node) || node === last) {
      root = nodeHash(sibling, root);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : undefined;
}

/** Returns true when the proof shows that the leaf is in the tree with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  return rootFromInclusionProof(index, size, leaf, proof)?.equals(root) ?? false;
}

/** Two trees of one log: the smaller one and the larger one. */
export interface TreePair {
  readonly from: { readonly size: number; readonly root: Uint8Array };
  readonly to: { readonly size: number; readonly root: Uint8Array };
}

/**
 * Returns true when the proof shows that the larger tree continues the smaller one (RFC 9162,
 * section 2.1.4.2). For trees of the same size the roots must be equal and the proof empty. The
 * smaller tree must have at least one leaf.
 */
export function verifyConsistency({ from, to }: TreePair, proof: readonly Uint8Array[]): boolean {
  if (!isIndex(from.size) || !isIndex(to.size)) return false;
  if (from.size === 0 || from.size > to.size) return false;
  if ([from.root, to.root, ...proof].some((one) => one.length !== hashBytes)) return false;
  if (from.size === to.size) return proof.length === 0 && Buffer.from(from.root).equals(to.root);
  // A complete smaller tree is a node of the larger tree, so the proof does not repeat its root.
  const path = isPowerOfTwo(from.size) ? [from.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let node = from.size - 1;
  let last = to.size - 1;
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let fromRoot: Buffer = Buffer.from(first);
  let toRoot: Buffer = Buffer.from(first);
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      fromRoot = nodeHash(sibling, fromRoot);
      toRoot = nodeHash(sibling, toRoot);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      toRoot = nodeHash(toRoot, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && fromRoot.equals(from.root) && toRoot.equals(to.root);
}

const isIndex = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= maxSize;
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);
const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));
