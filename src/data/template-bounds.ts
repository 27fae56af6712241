/** A chat template is a program from outside: this keeps what it may take of time and memory within bounds. */
import { Interpreter } from '@huggingface/jinja';

/** Long conversations need about 200 steps a message. */
const MAX_STEPS = 500_000;
/** Letters of a value, those of everything within it included; an item of a list counts as {@link ITEM} of them. */
const MAX_SIZE = 8_000_000;
/** Letters that all steps together may look at or make. */
const MAX_WORK = 128_000_000;
const ITEM = 16;
/** Steps that one turn of a loop counts as, empty or not: the library makes a scope for each. */
const ITERATION = 20;
const MAX_INDENT = 16;
export const MAX_ITEMS = 100_000;

/** A value of the interpreter. */
interface Value {
  readonly type: string;
  readonly value: unknown;
}

/** A node of the syntax tree, as far as it is looked at here. */
interface TreeNode {
  readonly type: string;
  readonly body?: readonly TreeNode[];
  readonly alternate?: readonly TreeNode[];
  readonly defaultBlock?: readonly TreeNode[];
  readonly args?: readonly TreeNode[];
  readonly left?: TreeNode;
  readonly right?: TreeNode;
  readonly lhs?: TreeNode;
  readonly operand?: TreeNode;
  readonly iterable?: TreeNode;
  readonly object?: TreeNode | Known;
  readonly property?: TreeNode | Known;
  readonly callee?: TreeNode;
  readonly operator?: { readonly value: string };
  readonly computed?: boolean;
  /** Of an identifier its name, of a named argument its node. */
  readonly value?: unknown;
}

type Callable = (args: Value[], environment: unknown) => Value;
type Arguments = readonly [positional: Value[], named: Map<string, Value>];

interface Evaluator {
  run(program: unknown): Value;
  evaluate(node: unknown, environment: unknown): Value | undefined;
  applyFilter(operand: Value, filter: TreeNode, environment: unknown): Value;
  evaluateMemberExpression(node: TreeNode, environment: unknown): Value;
  evaluateArguments(args: unknown, environment: unknown): Arguments;
}

// The package's declarations leave out the file extensions that Node's module rules ask for, so its types are lost here.
const Evaluating = Interpreter as unknown as new (environment: unknown) => Evaluator;

/** Stands in the tree for a value that is known already. */
class Known {
  readonly type = 'Known';
  readonly result: Value | undefined;
  constructor(result: Value | undefined) {
    this.result = result;
  }
}

/**
 * Stops a template that does too much. Every node of its syntax tree goes through `evaluate`, so that three things are
 * enough: no value may be too large, everything that a node takes apart or puts together is counted, and what a single
 * node may multiply (a replacement, a separator, an indent) is reckoned before it is done.
 */
export class BoundedInterpreter extends Evaluating {
  #steps = 0;
  #work = 0;
  readonly #sourceLength: number;
  /** Sizes of lists and dictionaries, which never change. */
  readonly #sizes = new WeakMap<Value, number>();
  /** Nodes whose results are looked through by the node above: on their surface, or all of what is in them. */
  readonly #read = new WeakMap<object, 'surface' | 'all'>();
  readonly #iterated = new WeakSet<object>();

  /** @param sourceLength letters of the template */
  constructor(environment: unknown, sourceLength: number) {
    super(environment);
    this.#sourceLength = sourceLength;
  }

  override evaluate(node: TreeNode | Known | undefined, environment: unknown): Value | undefined {
    if (node instanceof Known) return node.result;
    if (node !== undefined) this.#mark(node);
    this.#step(1);
    const result = super.evaluate(node, environment);
    if (result === undefined || node === undefined) return result;
    const size = this.#size(result);
    const read = this.#read.get(node);
    if (read === 'all') this.#count(size);
    else if (read === 'surface' || !isReference(node)) this.#count(surface(result));
    if (this.#iterated.has(node)) this.#step(itemsOf(result) * ITERATION);
    return result;
  }

  override applyFilter(operand: Value, filter: TreeNode, environment: unknown): Value {
    const name = String(filter.value ?? filter.callee?.value);
    if (['length', 'first', 'last', 'default', 'list'].includes(name))
      return super.applyFilter(operand, filter, environment);
    const size = this.#size(operand);
    // A sort compares each item about log2 n times.
    this.#count(name === 'sort' ? size * 20 : size);
    if (filter.type === 'CallExpression') {
      const [positional, named] = this.evaluateArguments(filter.args, environment);
      const longest = Math.max(0, ...[...positional, ...named.values()].map(reach));
      if (name === 'replace') checkReplacement(operand, positional);
      else if (name === 'join') checkSize(size + itemsOf(operand) * longest);
      else if (name === 'indent') checkSize(size + occurrences(operand.value as string, '\n') * longest + longest);
      else if (name === 'tojson') {
        const indent = named.get('indent')?.value;
        if (typeof indent === 'number' && indent > MAX_INDENT) throw new Error(`an indent of ${indent}`);
        checkSize(size + (size / ITEM) * longest);
      }
    }
    return super.applyFilter(operand, filter, environment);
  }

  override evaluateMemberExpression(node: TreeNode, environment: unknown): Value {
    const object = this.evaluate(node.object, environment)!;
    const isSlice = node.property?.type === 'SliceExpression';
    const property =
      node.computed === true && !isSlice ? new Known(this.evaluate(node.property, environment)) : node.property!;
    const result = super.evaluateMemberExpression({ ...node, object: new Known(object), property }, environment);
    if (typeof object.value !== 'string' || result.type !== 'FunctionValue') return result;
    // A method of a text: `replace` and `split` make more of it than it is.
    const name = String(property instanceof Known ? property.result?.value : property.value);
    const method: Callable = (args, scope) => {
      const text = object.value as string;
      this.#count(text.length);
      if (name === 'replace') checkReplacement(object, args);
      if (name === 'split') checkSize(parts(text, args[0]?.value) * ITEM + text.length);
      return (result.value as Callable)(args, scope);
    };
    return new (result.constructor as new (call: Callable) => Value)(method);
  }

  /** Notes what the node will do with the results of those below it. */
  #mark(node: TreeNode): void {
    switch (node.type) {
      case 'BinaryExpression': {
        // Lists are compared with texts, and joined to them, as text.
        const deep = ['==', '!=', '~'].includes(node.operator?.value ?? '') ? 'all' : 'surface';
        return this.#willRead(deep, [node.left, node.right]);
      }
      case 'TestExpression':
        return this.#willRead('surface', [node.operand]);
      case 'FilterExpression':
        // `applyFilter` counts.
        return;
      case 'CallExpression':
        return this.#willRead(
          'all',
          node.args?.map((argument) =>
            argument.type.startsWith('Keyword') ? (argument.value as TreeNode) : argument,
          ) ?? [],
        );
      case 'MemberExpression':
        if (node.property?.type === 'SliceExpression') this.#willRead('surface', [node.object]);
        return;
      case 'For': {
        const { iterable } = node;
        const list = iterable?.type === 'SelectExpression' ? iterable.lhs : iterable;
        if (list !== undefined) this.#iterated.add(list);
        return this.#willRead('all', [...(node.body ?? []), ...(node.defaultBlock ?? [])]);
      }
      case 'Macro':
      case 'CallStatement':
        // Its body is looked through for the variables that it takes.
        this.#count(this.#sourceLength);
        return this.#willRead('all', node.body ?? []);
      case 'Program':
      case 'If':
      case 'Set':
      case 'FilterStatement':
        return this.#willRead('all', [...(node.body ?? []), ...(node.alternate ?? [])]);
    }
  }

  #willRead(how: 'surface' | 'all', nodes: readonly (TreeNode | Known | undefined)[]): void {
    for (const node of nodes) if (node !== undefined) this.#read.set(node, how);
  }

  /** Letters of a value with all that is in it. @throws Error when they are too many, or a namespace is within a value */
  #size(value: Value): number {
    if (typeof value.value === 'string') return checkSize(value.value.length);
    if (!isComposite(value)) return 0;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const items = childrenOf(value);
    this.#count(items.length * ITEM);
    let size = items.length * ITEM;
    for (const item of items) {
      if (item.type === 'NamespaceValue') throw new Error('a namespace within another value');
      size += this.#size(item);
    }
    if (value.value instanceof Map) for (const key of value.value.keys()) size += String(key).length;
    // What a namespace holds may change.
    if (value.type !== 'NamespaceValue') this.#sizes.set(value, size);
    return checkSize(size);
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS) throw new Error(`more than ${MAX_STEPS} steps`);
  }

  #count(letters: number): void {
    this.#work += letters;
    if (this.#work > MAX_WORK) throw new Error(`more than ${MAX_WORK} letters gone through`);
  }
}

/** Whether a node only names a value that is there already. */
function isReference(node: TreeNode): boolean {
  return node.type === 'Identifier' || (node.type === 'MemberExpression' && node.property?.type !== 'SliceExpression');
}

function isComposite({ value }: Value): boolean {
  return Array.isArray(value) || value instanceof Map;
}

function childrenOf({ value }: Value): readonly Value[] {
  return value instanceof Map ? [...(value as Map<unknown, Value>).values()] : (value as Value[]);
}

function itemsOf({ value }: Value): number {
  if (Array.isArray(value) || typeof value === 'string') return value.length;
  return value instanceof Map ? value.size : 0;
}

/** What it costs to go over a value without going into its items. */
function surface(value: Value): number {
  return itemsOf(value) * (typeof value.value === 'string' ? 1 : ITEM);
}

/** The number that an argument is, or the length of a text: what each place may grow by. Of a list, its longest item's. */
function reach({ value }: Value): number {
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value === 'string') return value.length;
  return Array.isArray(value) ? Math.max(0, ...(value as Value[]).slice(0, 10).map(reach)) : 0;
}

function checkSize(letters: number): number {
  if (letters > MAX_SIZE) throw new Error(`a value of more than ${MAX_SIZE} letters`);
  return letters;
}

function checkReplacement({ value: text }: Value, [old, now]: readonly Value[]): void {
  if (typeof text !== 'string' || typeof old?.value !== 'string' || typeof now?.value !== 'string') return;
  checkSize(text.length + occurrences(text, old.value) * now.value.length);
}

/** How many parts a text is split into; at white space where no separator is given. */
function parts(text: string, separator: unknown): number {
  if (typeof separator === 'string') return occurrences(text, separator) + 1;
  let count = 1;
  for (const _ of text.matchAll(/\s+/g)) count++;
  return count;
}

function occurrences(text: string, part: string): number {
  if (part === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) count++;
  return count;
}
