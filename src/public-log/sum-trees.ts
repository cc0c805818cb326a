import type { Queryable } from '../database/query.ts';
import * as sql from './sum-queries.ts';
import { SumTree, type SumNode } from './sum-tree.ts';

/** The largest number of leaves of all trees that are kept in memory; each needs about 400 bytes. */
const maxLeaves = 50_000;

interface CachedTree {
  readonly tree: Promise<SumTree>;
  leaves: number;
}

/**
 * The sum trees of campaigns. Building a tree needs two hashes for each order, so the trees that
 * were used last are kept in memory.
 */
export class SumTrees {
  readonly #db: Queryable;
  /** The trees by campaign and version; the one that was used last is at the end. */
  readonly #cached = new Map<string, CachedTree>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Returns the tree of a version of a campaign's sums. */
  async find(campaignId: string, version: number): Promise<SumTree> {
    const key = `${campaignId}/${version}`;
    const entry = this.#cached.get(key) ?? {
      tree: this.#build(key, campaignId, version),
      leaves: 0,
    };
    this.#cached.delete(key);
    this.#cached.set(key, entry);
    try {
      return await entry.tree;
    } catch (error) {
      this.#cached.delete(key);
      throw error;
    }
  }

  async #build(key: string, campaignId: string, version: number): Promise<SumTree> {
    const leaves = leavesOf(await this.#db.one(sql.sumLeaves, campaignId, version));
    const entry = this.#cached.get(key);
    if (entry !== undefined) entry.leaves = leaves.length;
    this.#evict();
    return await SumTree.build(leaves);
  }

  /** Removes the trees that were not used for the longest time. The newest one always stays. */
  #evict(): void {
    let total = [...this.#cached.values()].reduce((sum, { leaves }) => sum + leaves, 0);
    for (const [key, { leaves }] of this.#cached) {
      if (total <= maxLeaves || this.#cached.size === 1) return;
      this.#cached.delete(key);
      total -= leaves;
    }
  }
}

/** Returns the nodes of a tree's leaves. */
export function leavesOf(leaves: Pick<sql.SumSnapshot, 'hashes' | 'amounts'>): SumNode[] {
  return leaves.hashes.map((hash, n) => ({
    hash: Buffer.from(hash, 'hex'),
    sum: leaves.amounts[n]!,
  }));
}
