/** Looks up what a zod schema allows at a place of the data, for messages that name the right key. */
import { z } from 'zod';

/** A place in the data: keys and indexes from the top. */
export type Path = readonly (string | number)[];

/** Keys that are allowed in the object at `path`; empty where no object is expected. */
export function allowedKeys(schema: z.ZodType, data: unknown, path: Path): string[] {
  const there = schemaAt(schema, data, path);
  return there === undefined ? [] : objectsOf(there.schema, there.data).flatMap((object) => Object.keys(object.shape));
}

/** Values that a key may have which tells the variants of the object at `path` apart (`kind`). */
export function allowedKinds(schema: z.ZodType, data: unknown, path: Path, key: string): string[] {
  const there = schemaAt(schema, data, path);
  if (there === undefined) return [];
  return objectsOf(there.schema, undefined).flatMap((object) => literalsOf(object.shape[key] as z.ZodType | undefined));
}

function schemaAt(schema: z.ZodType, data: unknown, path: Path): { schema: z.ZodType; data: unknown } | undefined {
  let at: { schema: z.ZodType; data: unknown } = { schema: unwrap(schema), data };
  for (const key of path) {
    const inner: unknown =
      isRecord(at.data) || Array.isArray(at.data) ? (at.data as Record<string, unknown>)[key] : undefined;
    const found = child(at.schema, at.data, key);
    if (found === undefined) return undefined;
    at = { schema: unwrap(found), data: inner };
  }
  return at;
}

function child(schema: z.ZodType, data: unknown, key: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  for (const object of objectsOf(schema, data)) {
    if (Object.hasOwn(object.shape, key)) return object.shape[key] as z.ZodType;
  }
  return undefined;
}

/** The objects that a schema may stand for; of variants told apart by a key, the one that the data names. */
function objectsOf(schema: z.ZodType, data: unknown): z.ZodObject[] {
  const plain = unwrap(schema);
  if (plain instanceof z.ZodObject) return [plain];
  if (!(plain instanceof z.ZodUnion)) return [];
  const all = plain.options.flatMap((option) => objectsOf(option as z.ZodType, data));
  const named = all.filter((object) =>
    Object.entries(object.shape).some(([key, value]) => {
      const given = isRecord(data) && Object.hasOwn(data, key) ? data[key] : undefined;
      return typeof given === 'string' && literalsOf(value as z.ZodType).includes(given);
    }),
  );
  return named.length > 0 ? named : all;
}

function literalsOf(schema: z.ZodType | undefined): string[] {
  const plain = schema === undefined ? undefined : unwrap(schema);
  return plain instanceof z.ZodLiteral ? [...plain.values].map(String) : [];
}

/** What is inside defaults, optional marks and the like. */
function unwrap(schema: z.ZodType): z.ZodType {
  let plain = schema;
  for (;;) {
    if (plain instanceof z.ZodPipe) plain = plain.in as z.ZodType;
    else if (plain instanceof z.ZodLazy) plain = plain.def.getter() as z.ZodType;
    else if (
      plain instanceof z.ZodOptional ||
      plain instanceof z.ZodDefault ||
      plain instanceof z.ZodPrefault ||
      plain instanceof z.ZodNullable ||
      plain instanceof z.ZodReadonly
    ) {
      plain = plain.def.innerType as z.ZodType;
    } else return plain;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
