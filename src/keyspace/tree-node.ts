/** What the keys of one place in the tree are summed up in. */
export interface Leaf<Self> {
  /** Takes in what `other` holds; `other` is not used again. */
  merge(other: Self): void;
  /** How many keys, or how much weight, it represents. */
  readonly keys: number;
}

/** A place in the tree. */
export class TreeNode<L extends Leaf<L>> {
  /** Of the keys that end here. */
  leaf: L | undefined;
  readonly children = new Map<string, TreeNode<L>>();
  /** How many of the children are words of the keys, and not patterns. */
  words = 0;
  /** No further word gets a child of its own. */
  full = false;
  /** Numbers behind a prefix that are versions of its keys, and no ids: they are children of their own. */
  hasVersions = false;
  /** The number that all keys have right behind this first segment; null: they differ, or have something else there. */
  number: string | null | undefined;
  /** Some words have become one that begins alike, `wc_<text>`. */
  hasStems = false;

  /** @param last True where keys are not distinguished any further. */
  constructor(readonly last: boolean) {}

  get keys(): number {
    return [...this.children.values()].reduce((sum, child) => sum + child.keys, this.leaf?.keys ?? 0);
  }
}

/** Such a place, to be written as JSON. */
export interface SegmentTreeState<S> {
  readonly leaf?: S;
  readonly full?: true;
  readonly stems?: true;
  readonly versions?: true;
  readonly children: readonly (readonly [segment: string, SegmentTreeState<S>])[];
}
