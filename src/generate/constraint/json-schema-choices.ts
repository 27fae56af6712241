export type Schema = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Resolve = (reference: unknown) => readonly [name: string, schema: unknown];

/** References within references that are followed. */
const MAX_STEPS = 20;

/** Whether no value can fit two of the schemas: they differ in type, in constants, or in the constant of a key. */
export function areApart(options: readonly unknown[], resolve: Resolve): boolean {
  const schemas = options.map((option) => followed(option, resolve));
  return schemas.every((a, i) => schemas.slice(0, i).every((b) => twoAreApart(a, b, resolve)));
}

function twoAreApart(a: Schema | undefined, b: Schema | undefined, resolve: Resolve): boolean {
  if (a === undefined || b === undefined) return false;
  const [typesA, typesB] = [kinds(a), kinds(b)];
  if (typesA === undefined || typesB === undefined) return false;
  if (!typesA.some((type) => typesB.includes(type))) return true;
  const [valuesA, valuesB] = [constants(a), constants(b)];
  if (valuesA !== undefined && valuesB !== undefined) return !valuesA.some((value) => valuesB.includes(value));
  const both = typesA.length === 1 && typesB.length === 1 && typesA[0] === 'object' && typesB[0] === 'object';
  if (!both || !isObject(a['properties']) || !isObject(b['properties'])) return false;
  const [propertiesA, propertiesB] = [a['properties'], b['properties']];
  return keysThatMustBe(a).some((key) => {
    if (!keysThatMustBe(b).includes(key)) return false;
    const [one, other] = [followed(propertiesA[key], resolve), followed(propertiesB[key], resolve)];
    const [values, others] = [one && constants(one), other && constants(other)];
    return values !== undefined && others !== undefined && !values.some((value) => others.includes(value));
  });
}

function followed(schema: unknown, resolve: Resolve): Schema | undefined {
  let result = schema;
  for (let i = 0; i < MAX_STEPS; i++) {
    if (!isObject(result)) return undefined;
    if (result['$ref'] === undefined) return result;
    [, result] = resolve(result['$ref']);
  }
  return undefined;
}

function keysThatMustBe({ required }: Schema): readonly string[] {
  return Array.isArray(required) ? required.filter((key) => typeof key === 'string') : [];
}

/** Constants in a form that can be compared, which objects and lists have not. */
function constants(schema: Schema): readonly string[] | undefined {
  const values = Object.hasOwn(schema, 'const') ? [schema['const']] : schema['enum'];
  if (!Array.isArray(values) || values.some((value) => typeof value === 'object' && value !== null)) return undefined;
  return values.map((value) => JSON.stringify(value));
}

function kinds(schema: Schema): readonly string[] | undefined {
  const values = constants(schema);
  if (values !== undefined)
    return values.map((value) => {
      const parsed: unknown = JSON.parse(value);
      return parsed === null ? 'null' : typeof parsed;
    });
  const { type } = schema;
  const types: unknown = typeof type === 'string' ? [type] : type;
  return Array.isArray(types) ? types.map((name) => (name === 'integer' ? 'number' : String(name))) : undefined;
}
