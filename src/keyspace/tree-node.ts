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
  /** The words were short digests, of which some have no letter. */
  hasDigests = false;
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
  readonly digests?: true;
  readonly children: readonly (readonly [segment: string, SegmentTreeState<S>])[];
}

export const stateOf = <L extends Leaf<L>>(node: TreeNode<L>): SegmentTreeState<L> => ({
  ...(node.leaf !== undefined && { leaf: node.leaf }),
  ...(node.full && { full: true }),
  ...(node.hasStems && { stems: true }),
  ...(node.hasVersions && { versions: true }),
  ...(node.hasDigests && { digests: true }),
  children: [...node.children].map(([segment, child]) => [segment, stateOf(child)] as const),
});

/** What a state says of a place, but for its leaf and its children. */
export function setFlags<L extends Leaf<L>>(node: TreeNode<L>, state: SegmentTreeState<unknown>): void {
  node.full = state.full === true;
  node.hasStems = state.stems === true;
  node.hasVersions = state.versions === true;
  node.hasDigests = state.digests === true;
  // Which numbers an earlier process has met is not kept.
  node.number = null;
}
