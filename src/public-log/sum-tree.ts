import { hash as digest } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A node or leaf of a Merkle sum tree. The sum is in whole rupiah. */
export interface SumNode {
  readonly hash: Buffer;
  readonly sum: bigint;
}

/** The proof that a leaf is in a sum tree: its number, and the siblings up to the root. */
export interface SumProof {
  readonly index: number;
  readonly siblings: readonly SumNode[];
}

/** The largest sum that a node may have: it is a 64-bit number that is never negative. */
export const maxSum = 2n ** 63n - 1n;

const zeroLeaf: SumNode = { hash: Buffer.alloc(32), sum: 0n };
/** Number of hashes that are computed before other work of the process may continue. */
const hashesPerTurn = 2_000;

/** Returns the hash of the leaf of an order. The salt has 32 bytes. */
export function sumLeafHash(salt: Buffer, participationId: string): Buffer {
  const id = Buffer.from(participationId.replaceAll('-', ''), 'hex');
  const key = sha256(Buffer.concat([salt, id]));
  return sha256(Buffer.concat([Buffer.from([0x02]), key]));
}

/** Returns the parent of two nodes. Throws a `RangeError` when its sum is out of bounds. */
export function sumNode(left: SumNode, right: SumNode): SumNode {
  const sum = left.sum + right.sum;
  if (left.sum < 0n || right.sum < 0n || sum > maxSum) {
    throw new RangeError('the sum of a node is out of bounds');
  }
  const bytes = Buffer.allocUnsafe(81);
  bytes[0] = 0x03;
  bytes.writeBigInt64BE(left.sum, 1);
  left.hash.copy(bytes, 9);
  bytes.writeBigInt64BE(right.sum, 41);
  right.hash.copy(bytes, 49);
  return { hash: sha256(bytes), sum };
}

/** Returns the root that follows from a leaf and its proof. Throws a `RangeError`, see `sumNode`. */
export function rootOfSumProof(leaf: SumNode, { index, siblings }: SumProof): SumNode {
  let node = leaf;
  let position = index;
  for (const sibling of siblings) {
    node = position % 2 === 0 ? sumNode(node, sibling) : sumNode(sibling, node);
    position = Math.floor(position / 2);
  }
  if (position !== 0) throw new RangeError('the index is outside of the tree');
  return node;
}

/**
 * A Merkle sum tree over what each buyer of a campaign paid, as described in docs/public-log.md.
 * Nodes above zero leaves only are equal at each level, so they are not stored.
 */
export class SumTree {
  readonly root: SumNode;
  readonly #leaves: readonly SumNode[];
  /** The nodes of each level from 1 upwards that have a leaf of an order below them. */
  readonly #levels: readonly (readonly SumNode[])[];
  /** The node of each level that has only zero leaves below it. */
  readonly #zeros: readonly SumNode[];

  private constructor(
    leaves: readonly SumNode[],
    levels: readonly (readonly SumNode[])[],
    zeros: readonly SumNode[],
  ) {
    this.#leaves = leaves;
    this.#levels = levels;
    this.#zeros = zeros;
    this.root = levels.at(-1)?.[0] ?? zeroLeaf;
  }

  /**
   * Builds the tree over the leaves of orders, given in any order. Other work of the process
   * continues meanwhile. Throws a `RangeError` when a sum is out of bounds or two hashes are equal.
   */
  static async build(orders: readonly SumNode[]): Promise<SumTree> {
    const leaves = orders.toSorted((a, b) => Buffer.compare(a.hash, b.hash));
    if (leaves.some(({ hash }, n) => leaves[n + 1]?.hash.equals(hash))) {
      throw new RangeError('two orders have the same leaf');
    }
    const levels: SumNode[][] = [];
    const zeros = [zeroLeaf];
    // A zero leaf follows each leaf, so level 1 has one node for each leaf.
    let level = leaves.flatMap((leaf) => [leaf, zeroLeaf]);
    let hashed = 0;
    while (level.length > 1 || (levels.length === 0 && level.length > 0)) {
      const zero = zeros.at(-1)!;
      const parents: SumNode[] = [];
      for (let n = 0; n < level.length; n += 2) {
        parents.push(sumNode(level[n]!, level[n + 1] ?? zero));
        if (++hashed % hashesPerTurn === 0) await nextTurn();
      }
      levels.push(parents);
      zeros.push(sumNode(zero, zero));
      level = parents;
    }
    return new SumTree(leaves, levels, zeros);
  }

  /** Returns the proof of the leaf with this hash, or undefined when the tree has no such leaf. */
  prove(hash: Buffer): SumProof | undefined {
    const place = this.#find(hash);
    if (place === undefined) return undefined;
    const siblings = [zeroLeaf];
    let position = place;
    for (let n = 0; n < this.#levels.length - 1; n++) {
      siblings.push(this.#levels[n]![position ^ 1] ?? this.#zeros[n + 1]!);
      position >>= 1;
    }
    return { index: 2 * place, siblings };
  }

  /** Searches the sorted leaves for a hash. */
  #find(hash: Buffer): number | undefined {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#leaves[middle]!.hash, hash) < 0) low = middle + 1;
      else high = middle;
    }
    return this.#leaves[low]?.hash.equals(hash) ? low : undefined;
  }
}

function sha256(bytes: Buffer): Buffer {
  return digest('sha256', bytes, 'buffer');
}
